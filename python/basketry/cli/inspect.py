"""`basketry inspect`: what a dump is taken for, and how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Force, Preset, Source, Threads, Timezone

if TYPE_CHECKING:
    from basketry.ledger import Ledger

_CLEAN = (
    *("returns", "guests", "cancelled", "cancelled_prefix", "cancelled_status", "zero_prices"),
    *("negative_prices", "duplicates", "overlap", "on_bad_rows"),
)


def inspect(
    source: Source,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the mapping is written.")
    ] = Path("basketry.toml"),
    preset: Preset = None,
    timezone: Timezone = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    threads: Threads = None,
    force: Force = False,
) -> None:
    """Guess the columns, show where every row goes, and write basketry.toml."""
    from basketry.cli._progress import Steps
    from basketry.cli._source import open_source, unpacked
    from basketry.cli._toml import config_text
    from basketry.exceptions import ParameterError
    from basketry.files import whole_file
    from basketry.ledger.read import inspect_source

    if output.exists() and not force:
        raise ParameterError.out_of_range(
            "--output", str(output), "this file is there; pass --force to replace it"
        )
    steps = Steps()
    if any(name.endswith(".ledger") for name in source):
        _show(open_source(source, preset=preset, timezone=timezone), {}, as_json=json)
        return
    resolved, options, _ = inspect_source(unpacked(source), preset=preset)
    tables: dict[str, dict[str, Any]] = {
        "input": {
            "preset": resolved.preset or preset,
            "columns": dict(resolved.columns),
            "measures": dict(resolved.measures),
            "item_attributes": dict(resolved.item_attributes),
            "customer_attributes": dict(resolved.customer_attributes),
            "timezone": timezone or options.timezone,
            "currency": options.currency,
        },
        "clean": {name: getattr(options, name) for name in _CLEAN},
    }
    text = config_text(tables)
    if not json:
        typer.echo(text)
    with steps("read"):
        ledger = open_source(source, preset=preset, timezone=timezone, threads=threads)
    _show(ledger, tables, as_json=json)
    with whole_file(output) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    typer.echo(f"The mapping is in {output}: change it there and pass --config {output}.", err=True)


def _show(ledger: Ledger, tables: dict[str, Any], *, as_json: bool) -> None:
    import json

    if as_json:
        sheet = json.loads(ledger.quality.to_json())
        typer.echo(json.dumps(tables | {"quality": sheet}, ensure_ascii=False, default=str))
    else:
        typer.echo(str(ledger.quality))
