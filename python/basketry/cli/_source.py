"""From what was typed to a ledger."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


def open_source(
    source: list[str],
    *,
    config: Path | None = None,
    preset: str | None = None,
    timezone: str | None = None,
    threads: int | None = None,
) -> Ledger:
    """Read a dump, or open a saved ledger.

    Parameters
    ----------
    source
        Paths or globs, or one saved ledger.
    config, preset, timezone
        How a dump is read.
    threads
        How many threads to use.
    """
    from basketry.exceptions import ParameterError
    from basketry.ledger import Ledger, read_ledger

    saved = [name for name in source if name.endswith(".ledger")]
    if not saved:
        return read_ledger(
            unpacked(source), config=config, preset=preset, timezone=timezone, n_threads=threads
        )
    if len(source) > 1:
        raise ParameterError.out_of_range("SOURCE", saved[0], "a saved ledger is opened alone")
    for name, value in (("--config", config), ("--preset", preset), ("--timezone", timezone)):
        if value is not None:
            raise ParameterError.out_of_range(
                name, str(value), "a saved ledger has been read already, leave it out"
            )
    return Ledger.open(saved[0])


def is_text(source: list[str]) -> bool:
    """Tell whether a source is a text with a basket a line.

    Parameters
    ----------
    source
        Paths or globs.
    """
    return len(source) == 1 and source[0].removesuffix(".gz").endswith((".dat", ".baskets"))


def frame_in(path: Path) -> pl.DataFrame:
    """Read one table of people.

    Parameters
    ----------
    path
        A csv or parquet file.
    """
    import polars as pl

    from basketry.exceptions import ParameterError

    match path.suffix.lower():
        case ".csv":
            return pl.read_csv(path, infer_schema_length=None)
        case ".parquet":
            return pl.read_parquet(path)
        case _:
            raise ParameterError.out_of_range(
                "FILE", str(path), "a file that ends in .csv or .parquet is needed"
            )


def ids_in(path: Path, *columns: str) -> pl.Series:
    """Read a list of ids.

    Parameters
    ----------
    path
        A csv or parquet file.
    columns
        What the column of ids may be called; a file of one column may call it anything.
    """
    from basketry.exceptions import SchemaError

    frame = frame_in(path)
    for name in columns:
        if name in frame.columns:
            return frame[name]
    if frame.width == 1:
        return frame.to_series()
    raise SchemaError.unknown_column(columns[0], "ids", frame.columns)


def unpacked(source: list[str]) -> str | list[str]:
    """Give one path as itself: a folder of related tables is read as one."""
    return source[0] if len(source) == 1 else source


def named(source: list[str]) -> str:
    """Name a shop after its files."""
    stems = [Path(name).stem.strip("*?[]_-. ") for name in source]
    words = " and ".join(dict.fromkeys(stem for stem in stems if stem)).replace("_", " ").replace("-", " ")
    words = re.sub(r"\b[ivx]+\b", lambda roman: roman[0].upper(), words)
    return words[:1].upper() + words[1:] or "The shop"
