"""Where rows come from: files, globs, folders of tables, frames, any Arrow stream."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import polars as pl

from basketry import _core
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.mapping import Layout

CHUNK_ROWS = 200_000
"""Rows of one batch: large enough that a batch costs nothing, small enough that it stays near the cache."""

_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Part:
    """One file or frame of a source.

    Parameters
    ----------
    name
        What errors call it.
    rows
        A lazy frame, or batches that can be read once.
    schema
        Its columns.
    notes
        What was seen of it that is worth a word: reason and count.
    tables
        The tables that were joined, if any: what they say of an item or a customer is said once there.
    """

    name: str
    rows: pl.LazyFrame | Iterator[pl.DataFrame]
    schema: pl.Schema
    notes: Mapping[str, int] = field(default_factory=dict)
    tables: Sequence[pl.LazyFrame] = ()

    def holding(self, *columns: str) -> pl.LazyFrame | None:
        """Find rows that hold some columns together, in the smallest table; None where rows cannot be read twice.

        Parameters
        ----------
        columns
            The columns.
        """
        for table in self.tables:
            if set(columns) <= set(table.collect_schema().names()):
                return table
        return self.rows if isinstance(self.rows, pl.LazyFrame) else None

    def batches(self, columns: Sequence[pl.Expr]) -> Iterator[pl.DataFrame]:
        """Compute columns batch by batch.

        Parameters
        ----------
        columns
            What to compute.
        """
        with reading(self.name):
            if isinstance(self.rows, pl.LazyFrame):
                # One function holds the call that polars calls unstable.
                yield from self.rows.select(columns).collect_batches(
                    chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
                )
            else:
                for batch in self.rows:
                    yield batch.select(columns)

    def value(self, column: str, row: int) -> str | None:
        """Look up one value for an error text; None where the rows cannot be read twice.

        Parameters
        ----------
        column
            The column.
        row
            The row of this part, counted from 0.
        """
        if not isinstance(self.rows, pl.LazyFrame):
            return None
        found = self.rows.select(pl.col(column).slice(row, 1)).collect()[column].to_list()
        return str(found[0]) if found else None


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
    if isinstance(source, Mapping):
        return [
            _join({str(k): _table(v, separator, encoding) for k, v in source.items()}, keys or layout.keys)
        ]
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


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what polars says of a broken file into an error that names the file.

    Parameters
    ----------
    name
        The file.
    """
    try:
        yield
    except pl.exceptions.PolarsError as error:
        text = str(error).split("\n", 1)[0]
        hint = "; pass encoding='utf8-lossy' or 'latin-1'" if "utf" in text.lower() else ""
        raise SchemaError(f"{name} cannot be read: {text}{hint}.") from error
    except OSError as error:
        raise SchemaError(f"{name} cannot be read: {error.strerror or error}.") from error


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
        tables = _tables_of(inside, layout)
        if tables is not None:
            opened = {role: _table(p, separator, encoding) for role, p in tables.items()}
            return [_join(opened, keys or layout.keys)]
        files = [str(p) for p in inside]
    else:
        files = [str(path)]
    return _same_columns([_table(Path(file), separator, encoding) for file in files])


def _tables_of(files: Sequence[Path], layout: Layout) -> dict[str, Path] | None:
    """Tell which file is which table; None if the files are not tables of one shop."""
    tables: dict[str, Path] = {}
    free = list(files)
    for role, names in layout.tables.items():
        for name in names:
            hits = [p for p in free if name in p.stem.lower()]
            # The shortest name is the table itself: 'orders' before 'orders_archive'.
            hits.sort(key=lambda p: (len(p.stem), p.name))
            if hits and role not in tables:
                tables[role] = hits[0]
                free.remove(hits[0])
    return tables if "lines" in tables and "orders" in tables else None


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
    if isinstance(source, pl.DataFrame):
        return Part("the frame", source.lazy(), source.schema)
    if hasattr(source, "__arrow_c_stream__"):
        batches = _core.Batches(source)
        schema = pl.DataFrame(batches.empty()).schema
        return Part(f"the {type(source).__name__}", (pl.DataFrame(batch) for batch in batches), schema)
    raise ParameterError.out_of_range(
        "source", type(source).__name__, "a path, a frame, a mapping of tables or an Arrow stream is needed"
    )


def _parquet(path: Path, _separator: str | None, _encoding: str) -> Part:
    frame = pl.scan_parquet(path, glob=False)
    return Part(str(path), frame, frame.collect_schema())


def _csv(path: Path, separator: str | None, encoding: str) -> Part:
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if not head.strip():
        raise SchemaError(f"{path} is empty: a header line is needed.")
    plain = encoding in ("utf8", "utf8-lossy")
    try:
        first = head.decode("utf-8-sig" if plain else encoding, errors="replace").splitlines()[0]
    except LookupError as error:
        raise ParameterError.out_of_range(
            "encoding", encoding, "a name that Python knows is needed"
        ) from error
    sep = separator or max(_SEPARATORS, key=first.count)
    names = next(csv.reader([first], delimiter=sep))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        places = [at + 1 for at, name in enumerate(names) if name == twice[0]]
        raise SchemaError(
            f"{path}: the header names {twice[0]!r} twice, as columns {places}: rename one of them."
        )
    notes = {"byte-order mark": 1} if head.startswith(b"\xef\xbb\xbf") else {}
    # Everything is read as text: ids such as 00123 stay what they are, numbers and dates are parsed with their row known.
    if plain:
        utf8: Any = encoding
        frame = pl.scan_csv(path, separator=sep, encoding=utf8, infer_schema=False, glob=False)
    else:
        frame = pl.read_csv(path, separator=sep, encoding=encoding, infer_schema=False).lazy()
    return Part(str(path), frame, frame.collect_schema(), notes)


_READERS = {".parquet": _parquet, ".csv": _csv, ".tsv": _csv, ".txt": _csv}


def _same_columns(parts: list[Part]) -> list[Part]:
    first = parts[0]
    for part in parts[1:]:
        missing = [name for name in first.schema if name not in part.schema]
        if missing:
            raise SchemaError(
                f"{part.name} lacks the column {missing[0]!r} that {first.name} has: read the files apart, or rename it."
            )
    return parts


JOINED = {"orders": "_order_found", "customers": "_customer_found", "products": "_product_found"}
"""Columns that tell after a join whether the key was there."""


def _join(tables: Mapping[str, Part], keys: Mapping[str, tuple[str, str]]) -> Part:
    """Join related tables to one row a line."""
    for role in tables:
        if role not in ("lines", "orders", "customers", "products"):
            raise ParameterError.unknown("source", role, ("lines", "orders", "customers", "products"))
    if "lines" not in tables:
        raise ParameterError.out_of_range("source", sorted(tables), "the table 'lines' is needed")
    joined, name = _lazy(tables["lines"]), tables["lines"].name
    small = []
    notes = sum((Counter(part.notes) for part in tables.values()), Counter[str]())
    for role in ("orders", "customers", "products"):
        if role not in tables:
            continue
        table = _lazy(tables[role])
        left, right = keys.get(role) or _common_key(role, joined, table, tables[role].name)
        with reading(tables[role].name):
            if left not in joined.collect_schema():
                raise SchemaError.unknown_column(left, f"key of {role}", joined.collect_schema())
            if right not in table.collect_schema():
                raise SchemaError.unknown_column(right, f"key of {role}", table.collect_schema())
            table = _one_row_a_key(table, right, role, tables[role].name)
        if role != "orders":
            # Under the name that the key has in the joined rows.
            small.append(table if left in table.collect_schema() else table.rename({right: left}))
        found = (
            table.with_columns(pl.lit(True).alias(JOINED[role]))
            .with_columns(pl.col(right).alias("_key"))
            .drop(right)
        )
        joined = joined.join(
            found, left_on=left, right_on="_key", how="left", suffix=f"_{role}", maintain_order="left"
        )
    return Part(name, joined, joined.collect_schema(), notes, small)


def _one_row_a_key(table: pl.LazyFrame, key: str, role: str, name: str) -> pl.LazyFrame:
    """Refuse a table with different rows of one key; equal rows are one."""
    repeats = pl.col("len") > 1, pl.col(key).is_not_null()

    def most(rows: pl.LazyFrame) -> pl.DataFrame:
        return rows.group_by(key).len().filter(*repeats).sort(key).head(1).collect(engine="streaming")

    if most(table).is_empty():
        return table
    table = table.unique(maintain_order=True)
    twice = most(table)
    if twice.height:
        raise SchemaError(
            f"{name}: {key!r} is the key of {role}, and {twice[key][0]!r} has {twice['len'][0]} different rows: "
            f"keep one of them."
        )
    return table


def _lazy(part: Part) -> pl.LazyFrame:
    return part.rows if isinstance(part.rows, pl.LazyFrame) else pl.concat(list(part.rows)).lazy()


def _common_key(role: str, joined: pl.LazyFrame, table: pl.LazyFrame, name: str) -> tuple[str, str]:
    """Find the key by name: a column of both that is named for the table, or the table's ``id``."""
    single = role.removesuffix("s")
    left, right = joined.collect_schema().names(), table.collect_schema().names()
    for candidate in (f"{single}_id", single, "item" if role == "products" else single):
        for other in (candidate, "id"):
            if candidate in left and other in right:
                return candidate, other
    raise SchemaError(
        f"{name}: no common key of lines and {role} was found. Pass keys={{{role!r}: (column of lines, column of {role})}}. "
        f"Lines have {left}, {role} have {right}."
    )
