"""Frames out: csv, parquet or json in a file; a table, csv or json on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError
from basketry.files import whole_file

_ENDINGS = (".csv", ".parquet", ".json")
_FORMULA = r"\A[=+\-@\t\r\n]"
_GROUP = 1 << 16
"""Rows of one group of a parquet file."""

_ROWS = 30
"""Rows that a terminal shows; a file or a pipe gets all."""


def check_ending(path: Path) -> None:
    """Refuse a file whose ending tells no format.

    Parameters
    ----------
    path
        The file that is to be written.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise ParameterError.out_of_range(
            "--output", str(path), f"one of the endings {', '.join(_ENDINGS)} is needed"
        )


def write_table(frame: pl.DataFrame | pl.LazyFrame, path: Path, *, raw_csv: bool = False) -> None:
    """Write a frame in the format that the ending tells. The file appears whole or not at all.

    Parameters
    ----------
    frame
        What to write; a lazy one is written as it comes, except as json.
    path
        Where to.
    raw_csv
        Leave text cells that a spreadsheet would take for formulas as they are.
    """
    check_ending(path)
    with whole_file(path) as unfinished:
        match path.suffix.lower():
            case ".parquet":
                # Groups of one size make the same bytes of the same rows, whichever way they came.
                frame.lazy().sink_parquet(unfinished, row_group_size=_GROUP)
            case ".json":
                unfinished.write_text(json_text(frame.lazy().collect()), encoding="utf-8")
            case _:
                for_csv(frame.lazy(), raw=raw_csv).sink_csv(unfinished)


def for_csv(frame: pl.LazyFrame, *, raw: bool = False) -> pl.LazyFrame:
    """Make every cell one that csv can hold: lists as JSON, and no text that a spreadsheet would run.

    Parameters
    ----------
    frame
        What to write.
    raw
        Leave text as it is.
    """
    schema = frame.collect_schema()
    lists = [name for name, dtype in schema.items() if isinstance(dtype, pl.List)]
    flat = frame.with_columns(
        pl.col(name).map_batches(_json_lists, return_dtype=pl.String, is_elementwise=True) for name in lists
    ).with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String))
    texts = [] if raw else [name for name, dtype in flat.collect_schema().items() if dtype == pl.String]
    return flat.with_columns(
        pl.when(pl.col(name).str.contains(_FORMULA)).then("'" + pl.col(name)).otherwise(name).alias(name)
        for name in texts
    )


def _json_lists(rows: pl.Series) -> pl.Series:
    texts = [None if row is None else json.dumps(row, ensure_ascii=False) for row in rows.to_list()]
    return pl.Series(rows.name, texts, dtype=pl.String)


def json_text(frame: pl.DataFrame) -> str:
    """Write a frame as a list of objects; what is not a finite number is null.

    Parameters
    ----------
    frame
        What to write.
    """
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    finite = [pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in floats]
    return frame.with_columns(finite).write_json() + "\n"


def show(
    frame: pl.DataFrame, *, as_json: bool, raw_csv: bool = False, names: Mapping[Any, str] | None = None
) -> None:
    """Put a frame on stdout: json if asked for, a table on a terminal, csv in a pipe.

    Parameters
    ----------
    frame
        What was asked for.
    as_json, raw_csv
        How it is written.
    names
        Item -> the name that a person knows, for the terminal.
    """
    if as_json:
        sys.stdout.write(json_text(frame))
    elif sys.stdout.isatty():
        _table(frame, names or {})
    else:
        sys.stdout.write(for_csv(frame.lazy(), raw=raw_csv).collect().write_csv())


def _table(frame: pl.DataFrame, names: Mapping[Any, str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in frame.schema.items():
        table.add_column(Text(name), justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.head(_ROWS).iter_rows():
        table.add_row(*(Text(_cell(value, names)) for value in row))
    console = Console()
    console.print(table)
    if frame.height > _ROWS:
        console.print(Text(f"{frame.height - _ROWS:,} more rows: -o FILE writes all."))


def _cell(value: Any, names: Mapping[Any, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        joint = " → " if value and isinstance(value[0], list) else " + "
        return joint.join(_cell(inner, names) for inner in value)
    # What a name could do to a terminal is left out.
    return "".join(c if c.isprintable() else " " for c in str(names.get(value, value)))
