"""One file or frame of a source, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from basketry.exceptions import SchemaError

CHUNK_ROWS = 200_000
"""Rows of one batch: large enough that a batch costs nothing, small enough that it stays near the cache."""


ROW = "_row"
"""The number of a row in its part."""

SPREAD_ROWS = 1 << 16
"""Rows of one group of a partition's file: all partitions are open at once."""


@dataclass(frozen=True)
class Part:
    """One file or frame of a source.

    Parameters
    ----------
    name
        What errors call it.
    rows
        Its rows.
    schema
        Its columns.
    notes
        What was seen of it that is worth a word: reason and count.
    tables
        The tables that were joined, if any: what they say of an item or a customer is said once there.
    joined
        The parts that were joined, if any: the file at fault is one of them.
    diagnose
        Finds in words what is wrong with a text file, where polars has refused it.
    """

    name: str
    rows: pl.LazyFrame
    schema: pl.Schema
    notes: Mapping[str, int] = field(default_factory=dict)
    tables: Sequence[pl.LazyFrame] = ()
    joined: Sequence[Part] = ()
    diagnose: Callable[[], str | None] | None = None

    def holding(self, *columns: str) -> pl.LazyFrame:
        """Find rows that hold some columns together, in the smallest table.

        Parameters
        ----------
        columns
            The columns.
        """
        for table in self.tables:
            if set(columns) <= set(table.collect_schema().names()):
                return table
        return self.rows

    def batches(self, columns: Sequence[pl.Expr]) -> Iterator[pl.DataFrame]:
        """Compute columns batch by batch.

        Parameters
        ----------
        columns
            What to compute.
        """
        with self._reading():
            # One function holds the call that polars calls unstable.
            yield from self.rows.select(columns).collect_batches(
                chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
            )

    def spread(self, columns: Sequence[pl.Expr], key: pl.Expr, many: int, folder: Path) -> None:
        """Compute columns and write the rows into partitions: those of one key together, in their order.

        A partition is a folder ``part=K`` of parquet files, and one that has no row is not there. Which partition a key falls
        into is the same within one version of polars.

        Parameters
        ----------
        columns
            What to compute.
        key
            What is hashed, made of the columns.
        many
            The number of partitions.
        folder
            Where they are written.
        """
        number = (key % many).cast(pl.UInt32).alias("part")
        with self._reading():
            # One function holds the call that polars calls unstable.
            rows = self.rows.with_row_index(ROW).select(*columns, pl.col(ROW))
            rows = rows.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
            rows.with_columns(number).sink_parquet(
                pl.PartitionBy(folder, key="part", include_key=False),
                mkdir=True,
                compression="lz4",
                statistics=False,
                row_group_size=SPREAD_ROWS,
            )

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """Answer a question about the rows; what goes wrong names the file.

        Parameters
        ----------
        rows
            The question, made from `rows`.
        """
        with self._reading():
            return rows.collect(engine="streaming")

    def value(self, column: str, row: int) -> object:
        """Look up one value for an error text.

        Parameters
        ----------
        column
            The column.
        row
            The row of this part, counted from 0.
        """
        return self.collect(self.rows.select(pl.col(column).slice(row, 1)))[column].item()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with reading(self.name, self.diagnose):
                yield
        except SchemaError:
            # The table that cannot be read alone is the one at fault.
            for part in self.joined:
                for _ in part.batches([pl.all()]):
                    pass
            raise


@contextmanager
def reading(name: str, diagnose: Callable[[], str | None] | None = None) -> Iterator[None]:
    """Turn what polars says of a broken file into an error that names the file and the mend.

    Parameters
    ----------
    name
        The file.
    diagnose
        Finds in words what is wrong with it.
    """
    try:
        yield
    except pl.exceptions.PolarsError as error:
        said = str(error).split("\n", 1)[0].rstrip(".")
        if said.startswith("parquet"):
            said += ": the file is damaged or was not written to its end, export it again"
        found = diagnose() if diagnose else None
        raise SchemaError(f"{name} cannot be read: {found or said}.") from error
    except OSError as error:
        raise SchemaError(f"{name} cannot be read: {error.strerror or error}.") from error
