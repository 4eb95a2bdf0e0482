"""What all one-question commands share: a ledger comes in, one table goes out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli import _options

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What any question takes beside the ledger and its own options."""

    as_of: str | None
    seed: int
    threads: int | None
    top: int | None


_Top = Annotated[int | None, typer.Option("--top", min=1, help="Only so many rows, the first ones.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
_Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write csv to this file.")]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to this file: .csv, .parquet or .json."),
]


def question(
    answer: Callable[..., pl.DataFrame | pl.LazyFrame], *, texts: bool = False, partitions: bool = False
) -> Callable[..., None]:
    """Make a command of a function that answers one question about a ledger.

    Parameters
    ----------
    answer
        Takes the ledger, what was `Asked` and its own options, which stand before the shared ones.
    texts
        Whether in place of the ledger it takes the path of a text with a basket a line.
    partitions
        Whether it takes a ledger in partitions, so that a dump may be larger than memory.
    """

    def command(
        source: _options.Source,
        top: _Top = None,
        as_of: _options.AsOf = None,
        json: _Json = False,
        csv: _Csv = None,
        output: _Output = None,
        raw_csv: _options.RawCsv = False,
        config: _options.Config = None,
        preset: _options.Preset = None,
        timezone: _options.Timezone = None,
        seed: _options.Seed = 0,
        threads: _options.Threads = None,
        memory: _options.Memory = None,
        folder: _options.Partitions = None,
        **own: Any,
    ) -> None:
        from basketry.cli._ledgers import item_names
        from basketry.cli._output import check_ending, show, write_table
        from basketry.cli._progress import Steps
        from basketry.cli._source import is_text, open_source, partitioned

        files = [path for path in (csv, output) if path is not None]
        for path in files:
            check_ending(path)
        steps = Steps()
        asked = Asked(as_of=as_of, seed=seed, threads=threads, top=top)
        reading: dict[str, Any] = {
            "config": config,
            "preset": preset,
            "timezone": timezone,
            "threads": threads,
        }
        ledger: Any = source[0]
        with ExitStack() as held:
            if not (texts and is_text(source)):
                with steps("read"):
                    beside = files[0].parent if files else Path()
                    ledger = (
                        held.enter_context(partitioned(source, memory, folder, beside, **reading))
                        if partitions and (memory or folder)
                        else open_source(source, **reading)
                    )
            with steps(answer.__name__):
                frame = answer(ledger, asked, **own)
            frame = frame if top is None else frame.head(top)
            for path in files:
                write_table(frame, path, raw_csv=raw_csv)
            if json or not files:
                by_item = ledger is not source[0] and "item" in own and not own["item"]
                names = item_names(ledger) if by_item else None
                show(frame.lazy().collect(), as_json=json, raw_csv=raw_csv, names=names)

    shared = inspect.signature(command, eval_str=True).parameters
    own = list(inspect.signature(answer).parameters.values())[2:]
    hidden = {"source", "own"} | (set() if partitions else {"memory", "folder"})
    parameters = [shared["source"], *own, *(p for name, p in shared.items() if name not in hidden)]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    )
    command.__name__, command.__doc__ = answer.__name__, answer.__doc__
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command
