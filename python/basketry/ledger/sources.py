"""Where rows come from: files, globs, folders of tables, frames, any Arrow stream."""

from __future__ import annotations

from collections.abc import Mapping
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.mapping import Layout
from basketry.ledger.part import Part, reading
from basketry.ledger.tables import join_tables, tables_of
from basketry.ledger.text import check_format, open_text


def open_parts(
    source: Any,
    *,
    layout: Layout,
    keys: Mapping[str, tuple[str, str]] | None = None,
    separator: str | None = None,
    encoding: str = "utf8",
) -> list[Part]:
    """Open a source without reading it.

    Parameters
    ----------
    source
        A path, a glob, a folder, a list of those, a mapping of tables, a frame, or any object with ``__arrow_c_stream__``.
    layout
        Tells the tables of a folder.
    keys
        Columns that join the tables: ``{"orders": (column of lines, column of orders), ...}``.
    separator, encoding
        How text files are written.
    """
    check_format(separator, encoding)
    if isinstance(source, Mapping):
        tables = {str(role): _table(table, separator, encoding) for role, table in source.items()}
        return [join_tables(tables, keys or layout.keys)]
    if isinstance(source, str | Path):
        return _open_path(Path(source), layout, keys, separator, encoding)
    if isinstance(source, list | tuple):
        if not source:
            raise ParameterError.out_of_range(
                "source", source, "a list of at least one file or frame is needed"
            )
        parts = [open_parts(s, layout=layout, separator=separator, encoding=encoding) for s in source]
        return _same_columns([part for some in parts for part in some])
    return [_table(source, separator, encoding)]


def _open_path(
    path: Path,
    layout: Layout,
    keys: Mapping[str, tuple[str, str]] | None,
    separator: str | None,
    encoding: str,
) -> list[Part]:
    if has_magic(str(path)):
        files = sorted(glob(str(path)))  # noqa: PTH207 - the pattern may begin in any folder
        if not files:
            raise SchemaError(f"no file matches {str(path)!r}: check the folder and the pattern.")
    elif path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _READERS)
        if not inside:
            raise SchemaError(
                f"{path} holds no csv or parquet file: name the file or the folder of the dump."
            )
        tables = tables_of(inside, layout)
        if tables is not None:
            opened = {role: _table(p, separator, encoding) for role, p in tables.items()}
            return [join_tables(opened, keys or layout.keys)]
        files = [str(p) for p in inside]
    else:
        files = [str(path)]
    return _same_columns([_table(Path(file), separator, encoding) for file in files])


def _table(source: Any, separator: str | None, encoding: str) -> Part:
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.exists():
            raise SchemaError(f"{path} does not exist: check the path.")
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            raise SchemaError(f"{path} has an unknown ending: {', '.join(_READERS)} are read.")
        with reading(str(path)):
            return reader(path, separator, encoding)
    if type(source).__module__.startswith("pyspark."):
        raise ParameterError.out_of_range(
            "source",
            type(source).__name__,
            "a Spark frame would be pulled to one machine; write it as parquet and read that",
        )
    if isinstance(source, pl.LazyFrame):
        with reading("the lazy frame"):
            return Part("the lazy frame", source, source.collect_schema())
    if hasattr(source, "__arrow_c_stream__"):
        # Some streams can be read only once, and a ledger looks at its rows more than once.
        name = "the frame" if isinstance(source, pl.DataFrame) else f"the {type(source).__name__}"
        with reading(name):
            frame = pl.DataFrame(source)
        return Part(name, frame.lazy(), frame.schema)
    raise ParameterError.out_of_range(
        "source", type(source).__name__, "a path, a frame, a mapping of tables or an Arrow stream is needed"
    )


def _parquet(path: Path, _separator: str | None, _encoding: str) -> Part:
    frame = pl.scan_parquet(path, glob=False)
    return Part(str(path), frame, frame.collect_schema())


_READERS = {".parquet": _parquet, ".csv": open_text, ".tsv": open_text, ".txt": open_text}


def _same_columns(parts: list[Part]) -> list[Part]:
    first = parts[0]
    for part in parts[1:]:
        missing = [name for name in first.schema if name not in part.schema]
        if missing:
            raise SchemaError(
                f"{part.name} lacks the column {missing[0]!r} that {first.name} has: read the files apart, or rename it."
            )
    return parts
