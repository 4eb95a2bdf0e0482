"""From what was typed to a ledger."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger, PartitionedLedger


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


@contextmanager
def partitioned(
    source: list[str],
    memory: str | None,
    folder: Path | None,
    beside: Path,
    *,
    config: Path | None = None,
    preset: str | None = None,
    timezone: str | None = None,
    threads: int | None = None,
) -> Iterator[PartitionedLedger]:
    """Read a dump into partitions. A run that was killed finds them again; one that ended well removes them.

    Parameters
    ----------
    source
        Paths or globs.
    memory
        The most memory to take.
    folder
        Where the partitions stay; None makes a hidden folder that goes when all is done.
    beside
        Where the hidden folder is made.
    config, preset, timezone
        How a dump is read.
    threads
        How many threads to use.
    """
    from basketry.exceptions import ParameterError
    from basketry.ledger import partition_ledger

    if memory is None:
        raise ParameterError.out_of_range("--folder", str(folder), "--memory is needed with it, such as 2GiB")
    saved = [name for name in source if name.endswith(".ledger")]
    if saved:
        raise ParameterError.out_of_range("--memory", memory, f"{saved[0]} is mapped as it is, leave it out")
    told = "\n".join(
        [*(str(Path(name).resolve()) for name in source), str(config), str(preset), str(timezone)]
    )
    kept = folder or beside / f".basketry-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    yield partition_ledger(
        unpacked(source),
        kept,
        memory=memory,
        config=config,
        preset=preset,
        timezone=timezone,
        n_threads=threads,
    )
    if folder is None:
        shutil.rmtree(kept)


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
