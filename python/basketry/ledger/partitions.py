"""A dump larger than memory: partitions by customer in a folder, each a ledger, one in memory at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.exceptions import ParameterError
from basketry.ledger.calendar import Dated
from basketry.ledger.ledger import Ledger
from basketry.ledger.manifest import Manifest, fingerprint, memory_bytes, read_manifest
from basketry.ledger.quality import Quality
from basketry.ledger.read import prepare
from basketry.ledger.reading import Reading
from basketry.ledger.spreading import grow, ledger_file, line_bytes

SHARE = 4
"""A partition's ledger takes this part of the memory; the rest is for reading, for answers and for Python itself."""


@dataclass(frozen=True, eq=False)
class PartitionedLedger(Dated):
    """A shop whose lines do not fit in memory: its customers in partitions, each a saved ledger.

    Made by `partition_ledger`, opened by `PartitionedLedger.open`. `rfm`, `customer_features` and `cohorts` take it and give
    the same as for the whole ledger, to the byte.

    Parameters
    ----------
    folder
        Where the partitions are.
    manifest
        What is in them.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Path) -> PartitionedLedger:
        """Open a folder that `partition_ledger` has finished.

        Parameters
        ----------
        folder
            The folder.
        """
        manifest = read_manifest(Path(folder))
        if manifest is None or not manifest.generation:
            raise ParameterError.out_of_range(
                "folder", str(folder), "it holds no finished partitions: partition_ledger makes them"
            )
        return cls(Path(folder), manifest)

    def add(self, source: Any, *, n_threads: int | None = None) -> PartitionedLedger:
        """Add a file of later or forgotten rows, read as the others were. What was read before is not read again.

        The result is that of reading all files at once. Each partition is merged with the new rows of its customers; a
        call that was killed goes on where it was.

        Parameters
        ----------
        source
            The new file or files; see `read_ledger`.
        n_threads
            How many threads to use; None for all.
        """
        for option, value in (("overlap", "later"), ("duplicates", "drop")):
            if self.manifest.reading["options"][option] == value:
                raise ParameterError.out_of_range(
                    option, value, "all files have to be looked at for that, partition them together"
                )
        reading = prepare(source, **self.manifest.asked)
        manifest = grow(self.folder, self.manifest, reading, fingerprint(reading), reins(n_threads))
        return PartitionedLedger(self.folder, manifest)

    @property
    def n_partitions(self) -> int:
        """How many partitions there are."""
        return self.manifest.partitions

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return self.manifest.counts.n_customers

    @property
    def n_orders(self) -> int:
        """How many orders there are, those without a customer included."""
        return self.manifest.counts.n_orders

    @property
    def n_lines(self) -> int:
        """How many lines there are, those without a customer included."""
        return self.manifest.counts.n_lines

    @property
    def n_items(self) -> int:
        """How many distinct items there are."""
        return self.manifest.counts.n_items

    @property
    def timezone(self) -> str:
        """The shop's time zone; calendar days are days of this zone."""
        return self.manifest.counts.zone

    @property
    def span(self) -> tuple[int, int] | None:
        """The instants of the first and the last order, in microseconds UTC; None if there is no order."""
        return self.manifest.counts.span

    @property
    def returns(self) -> str:  # type: ignore[override]
        """What money means; see `Ledger`."""
        return str(self.manifest.reading["options"]["returns"])

    @property
    def currency(self) -> str | None:
        """The currency of all money, if it is known."""
        currency: str | None = self.manifest.reading["options"]["currency"]
        return currency

    @property
    def quality(self) -> Quality:
        """Where every row of the dump went."""
        return Quality.from_json(self.manifest.quality)

    def partition(self, number: int) -> Ledger:
        """Open a partition: a ledger of some of the customers. It is mapped, not read.

        Parameters
        ----------
        number
            Which one, from 0.
        """
        core, _ = _core.Ledger.open(str(ledger_file(self.folder, number, self.manifest.generation)))
        return Ledger(core, self.quality, self.currency, self.returns)

    def pieces(self, number: int, customer_bytes: int) -> Iterator[Ledger]:
        """Cut a partition into ranges of customers whose answers take little memory.

        Parameters
        ----------
        number
            Which partition.
        customer_bytes
            What the answer for one customer takes.
        """
        ledger = self.partition(number)
        step = max(self.manifest.memory // 16 // customer_bytes, 1)
        for start in range(0, max(ledger.n_customers, 1), step):
            yield ledger.slice(start, start + step)

    def __repr__(self) -> str:
        return (
            f"PartitionedLedger({self.n_partitions} partitions, {self.n_customers:,} customers, "
            f"{self.n_orders:,} orders, {self.n_lines:,} lines, {self.n_items:,} items, {self.first_day} to "
            f"{self.last_day}, {self.timezone})"
        )


def partition_ledger(
    source: Any, folder: str | Path, *, memory: int | str, n_threads: int | None = None, **reading: Any
) -> PartitionedLedger:
    """Read a dump that is larger than memory into partitions by customer, each a ledger of its own.

    The rows are spread over partitions in a folder, and each partition is built, saved and left before the next. A call
    that was killed goes on at its partition when it is made again; a finished folder is opened at once.

    Parameters
    ----------
    source
        Files, as for `read_ledger`; frames are in memory already.
    folder
        Where partitions and unfinished answers are kept; about the size of the dump. It is made if it is not there.
    memory
        The most memory that the process may take, in bytes or as ``"2GiB"``. Tables that are joined to the lines, and the
        lines of the largest single customer, must fit.
    n_threads
        How many threads to use; None for all.
    reading
        How the dump is read: columns, timezone and all else that `read_ledger` takes.

    Returns
    -------
    PartitionedLedger
        The same shop as `read_ledger` would give.

    Raises
    ------
    SchemaError, ParameterError
        As `read_ledger`; and if the folder holds another dump.
    CapacityError
        If one customer's lines are too many for the memory.

    Examples
    --------
    >>> import basketry as bk, polars as pl, tempfile
    >>> from datetime import date
    >>> from pathlib import Path
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "ann"], "order": [1, 2, 3],
    ...     "time": [date(2024, 1, 1), date(2024, 1, 3), date(2024, 1, 2)], "amount": [2.0, 5.0, 1.0]})
    >>> with tempfile.TemporaryDirectory() as work:
    ...     lines.write_parquet(Path(work) / "lines.parquet")
    ...     shop = bk.partition_ledger(
    ...         Path(work) / "lines.parquet", Path(work) / "parts", memory="1GiB", timezone="UTC")
    ...     bk.rfm(shop, as_of=date(2024, 1, 5)).select("customer", "orders", "spend_total").row(0)
    ('ann', 2, 3.0)
    """
    limit, held_reins, folder = memory_bytes(memory), reins(n_threads), Path(folder)
    asked = _storable(reading)
    found = prepare(source, **reading)
    mark = fingerprint(found)
    manifest = read_manifest(folder)
    if manifest is None and folder.exists() and any(folder.iterdir()):
        raise ParameterError.out_of_range(
            "folder", str(folder), "it holds other files; name a folder of its own"
        )
    if manifest is not None and manifest.generation:
        if manifest.source != mark:
            raise ParameterError.out_of_range(
                "folder", str(folder), "it holds the partitions of another dump or of another reading of it"
            )
        return PartitionedLedger(folder, manifest)
    if (
        manifest is None
        or manifest.source != mark
        or manifest.memory != limit
        or manifest.polars != pl.__version__
    ):
        shutil.rmtree(folder, ignore_errors=True)
        manifest = Manifest(source=mark, partitions=_many(found, limit), memory=limit, asked=asked)
    return PartitionedLedger(folder, grow(folder, manifest, found, mark, held_reins))


def _many(reading: Reading, memory: int) -> int:
    """Find the number of partitions: the ledger of each is to take a part of the memory."""
    rows = sum(int(part.collect(part.rows.select(pl.len())).item()) for part in reading.parts)
    return max(1, -(-rows * line_bytes(reading) * SHARE // memory))


def _storable(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Check that the arguments can be kept beside the partitions, to read later files alike."""
    kept = dict[str, Any]()
    for name, value in reading.items():
        if value is None:
            continue
        kept[name] = str(value) if name in ("config", "until") else value
    return kept
