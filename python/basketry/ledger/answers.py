"""Answers about all partitions: asked one by one, kept until all are there, put in the order of the customers."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from basketry.exceptions import CapacityError
from basketry.ledger.ledger import Ledger
from basketry.ledger.partitions import PartitionedLedger

_GROUP = 1 << 13
"""Rows of one group of a file of answers: what is read at once of each partition when they are merged."""


class Answers:
    """The answers of all partitions to one question; each is a table sorted by customer, in a folder of its own.

    A question that was killed goes on at its partition when it is asked again.

    Parameters
    ----------
    shop
        The partitions.
    asked
        The question and its arguments, for the folder's name.
    partial
        Answers it for some customers.
    customer_bytes
        About what the answer for one customer takes.
    """

    def __init__(
        self,
        shop: PartitionedLedger,
        asked: Mapping[str, Any],
        partial: Callable[[Ledger], pl.DataFrame],
        *,
        customer_bytes: int,
    ) -> None:
        told = json.dumps(
            [shop.manifest.generation, pl.__version__, dict(asked)], sort_keys=True, default=str
        )
        self.folder = shop.folder / "answers" / hashlib.sha256(told.encode()).hexdigest()[:16]
        self.done = [self.folder / f"{number:04}" for number in range(shop.n_partitions)]
        self.rows = max(shop.manifest.memory // 16 // customer_bytes, 1)
        for number, done in enumerate(self.done):
            if done.is_dir():
                continue
            unfinished = done.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            for at, piece in enumerate(shop.pieces(number, customer_bytes)):
                path = unfinished / f"{at:05}.parquet"
                partial(piece).write_parquet(path, compression="lz4", row_group_size=_GROUP)
            unfinished.rename(done)

    def tables(self) -> list[pl.LazyFrame]:
        """Give the answer of each partition."""
        return [pl.scan_parquet(sorted(done.glob("*.parquet"))) for done in self.done]

    def merged(self, key: str) -> Iterator[pl.DataFrame]:
        """Give all rows in the order of a key, some at a time.

        Parameters
        ----------
        key
            The column by which the answer of each partition is sorted.
        """
        tables = self.tables()
        keys = [table.select(key).collect()[key] for table in tables]
        # Every so many rows a table begins anew; what lies between two such keys is one range of each partition.
        cuts = pl.concat(keys).sort().gather_every(self.rows).unique(maintain_order=True).slice(1)
        places = [[0, *one.search_sorted(cuts, "left").to_list(), len(one)] for one in keys]
        del keys
        for at in range(len(cuts) + 1):
            ranges = [
                table.slice(here[at], here[at + 1] - here[at])
                for table, here in zip(tables, places, strict=True)
            ]
            yield pl.concat(pl.collect_all(ranges)).sort(key, maintain_order=True)

    def frame(self, key: str) -> pl.DataFrame:
        """Give all rows in the order of a key as one frame, and forget the answers of the partitions.

        Parameters
        ----------
        key
            As for `merged`.
        """
        rows = sum(int(table.select(pl.len()).collect().item()) for table in self.tables())
        if rows > 16 * self.rows:
            raise CapacityError(
                f"the answer has {rows:,} rows, and {16 * self.rows:,} fit into the memory: "
                f"{rows // (16 * self.rows) + 1} times of it would do."
            )
        frame = pl.concat(self.merged(key))
        self.forget()
        return frame

    def lazy(self, key: str) -> pl.LazyFrame:
        """Give all rows in the order of a key as a lazy frame, for answers that are larger than memory.

        Parameters
        ----------
        key
            As for `merged`.
        """

        def source(
            columns: Sequence[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch: int | None
        ) -> Iterator[pl.DataFrame]:
            for frame in self.merged(key):
                rows = frame if n_rows is None else frame.head(n_rows)
                n_rows = None if n_rows is None else n_rows - rows.height
                rows = rows if predicate is None else rows.filter(predicate)
                yield rows if columns is None else rows.select(columns)
                if n_rows == 0:
                    return

        # One function holds the call that polars calls unstable.
        return register_io_source(source, schema=self.tables()[0].collect_schema(), is_pure=True)

    def forget(self) -> None:
        """Remove the answers of the partitions."""
        shutil.rmtree(self.folder, ignore_errors=True)
