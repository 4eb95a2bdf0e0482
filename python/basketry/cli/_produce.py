"""A ledger into a folder: the report, every table, the ledger itself and how it was made."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from basketry.cli._analysis import Analysis, Parameters, analyse
from basketry.cli._folder import whole_folder
from basketry.cli._output import write_table
from basketry.cli._progress import Steps
from basketry.exceptions import SchemaError
from basketry.ledger import Ledger
from basketry.report import build_report

MARK = "run.json"
OURS = ("report.html", "tables", "shop.ledger", MARK)


def own_version() -> str:
    """Tell the version of basketry."""
    try:
        return version("basketry")
    except PackageNotFoundError:
        return "unknown (not installed)"


def produce(
    ledger: Ledger,
    folder: Path,
    *,
    steps: Steps,
    parameters: Parameters,
    title: str,
    source: list[str],
    interactive: bool,
    raw_csv: bool,
) -> None:
    """Ask everything of a ledger and write the answers into a folder.

    Parameters
    ----------
    ledger
        The shop.
    folder
        An empty folder.
    steps
        Shows the steps and takes their time.
    parameters
        What may be asked otherwise.
    title
        The report's headline.
    source
        What the ledger was made from, for the record.
    interactive
        Embed the charts live.
    raw_csv
        Leave text cells that a spreadsheet would take for formulas as they are.
    """
    if not ledger.n_orders:
        raise SchemaError("no row of the data could be used: `basketry inspect` tells where they went.")
    result = analyse(ledger, parameters, steps)
    with steps("tables"):
        (folder / "tables").mkdir()
        for name, table in result.tables.items():
            write_table(table, folder / "tables" / f"{name}.parquet")
            write_table(table, folder / "tables" / f"{name}.csv", raw_csv=raw_csv)
    with steps("ledger"):
        ledger.save(folder / "shop.ledger")
    record = _record(ledger, result, source)
    with steps("report"):
        page = build_report(result.findings(title, record), interactive=interactive)
        (folder / "report.html").write_text(page, encoding="utf-8")
    totals = ledger.quality.totals
    rows = {name: totals[name] for name in ("rows_in", "rows_used", "rows_set_aside")}
    reasons = ledger.quality.frame.select("reason", "status", "rows").to_dicts()
    full = record | {"rows": rows | {"reasons": reasons}, "absent": result.absent, "seconds": steps.seconds}
    (folder / MARK).write_text(json.dumps(full, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _record(ledger: Ledger, result: Analysis, source: list[str]) -> dict[str, Any]:
    """Say how a result was made: nothing of the day, the place or the speed, so that equal runs say the same."""
    asked = result.parameters
    return {
        "made_by": "basketry",
        "source": source,
        "versions": {"basketry": own_version(), "python": platform.python_version()}
        | {name: version(name) for name in ("polars", "numpy", "scikit-learn")},
        "as_of": (ledger.end if asked.as_of is None else asked.as_of).__str__(),
        "seed": asked.seed,
        "parameters": {
            "timezone": ledger.timezone,
            "returns": ledger.returns,
            "axis": asked.axis,
            "k": asked.k,
            **result.thresholds,
        },
        "fingerprint": ledger.fingerprint,
    }


def output_folder(folder: Path, force: bool) -> Any:
    """Open the folder of a run; see `whole_folder`."""
    return whole_folder(folder, mark=MARK, ours=OURS, force=force)


def say_where(folder: Path) -> None:
    """Print where the report lies."""
    typer.echo(folder / "report.html")
