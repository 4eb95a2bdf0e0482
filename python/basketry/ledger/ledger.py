"""The ledger as Python sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.files import whole_file
from basketry.ledger.calendar import Dated
from basketry.ledger.quality import Quality
from basketry.ledger.zones import local, zone_info


@dataclass(frozen=True, eq=False)
class Ledger(Dated):
    """A shop's transactions, encoded once: customers, their orders in time, the lines of an order.

    Made by `read_ledger`, `Ledger.open` or `merge`; every analysis takes it. Orders without a customer are kept behind all
    others: they count as baskets and never as customers. A return is a line of negative quantity and never a purchase.

    Parameters
    ----------
    core
        The compiled tree.
    quality
        Where every row of the dump went.
    currency
        The currency of all money, if it is known.
    returns
        ``net``: money is purchases less returns; ``keep``: purchases alone, returns stay visible; ``drop``: there are none.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "ann"], "order": [1, 2, 3], "item": ["tea", "tea", "cup"],
    ...     "time": [date(2024, 1, 2), date(2024, 1, 3), date(2024, 2, 1)], "amount": [3.0, 3.0, 8.5]})
    >>> shop = bk.read_ledger(lines, timezone="UTC")
    >>> shop
    Ledger(2 customers, 3 orders, 3 lines, 2 items, 2024-01-02 to 2024-02-01, UTC)
    """

    core: _core.Ledger
    quality: Quality
    currency: str | None = None
    returns: str = "net"

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return self.core.n_customers

    @property
    def n_orders(self) -> int:
        """How many orders there are, those without a customer included."""
        return self.core.n_orders

    @property
    def n_lines(self) -> int:
        """How many lines there are, those without a customer included."""
        return self.core.n_lines

    @property
    def n_items(self) -> int:
        """How many distinct items there are."""
        return self.core.n_items

    @property
    def timezone(self) -> str:
        """The shop's time zone; calendar days are days of this zone."""
        return self.core.zone

    @property
    def span(self) -> tuple[int, int] | None:
        """The instants of the first and the last order, in microseconds UTC; None if there is no order."""
        return self.core.span

    def customers(self) -> pl.DataFrame:
        """List all customers with their attributes: ``customer`` and one column an attribute, sorted by id."""
        return pl.DataFrame(self.core.customers())

    def items(self) -> pl.DataFrame:
        """List all items with their attributes: ``item`` and one column an attribute, sorted by id."""
        return pl.DataFrame(self.core.items())

    def orders(self) -> pl.DataFrame:
        """List all orders by customer and time; orders without a customer come last.

        Returns
        -------
        DataFrame
            ``customer`` (null without one), ``order`` (if orders have ids), ``time`` (UTC), ``day`` (local), ``lines``,
            ``quantity`` (bought), ``gross`` (bought), ``net`` (less returns), ``purchase`` (false for returns alone).
        """
        return pl.DataFrame(self.core.orders())

    def lines(self) -> pl.DataFrame:
        """List all lines by customer, time, order and item.

        Returns
        -------
        DataFrame
            ``customer``, ``order`` (if orders have ids), ``time`` (UTC, of the order), ``item`` (if lines have items) and
            the measures: ``quantity``, ``amount`` and those that were mapped.
        """
        return pl.DataFrame(self.core.lines())

    def slice(self, start: int, end: int) -> Ledger:
        """Take a range of customers, in the order of `customers`, as a ledger of its own. Nothing is copied.

        Parameters
        ----------
        start, end
            The first customer and the one after the last.
        """
        for name, value in (("start", start), ("end", end)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ParameterError.out_of_range(name, value, "a whole number from 0 up is needed")
        return Ledger(self.core.slice(start, end), self.quality, self.currency, self.returns)

    def merge(self, other: Ledger, *, n_threads: int | None = None) -> Ledger:
        """Join two ledgers: the result is that of reading the rows of both. An order that both hold is one order.

        Parameters
        ----------
        other
            A ledger of the same columns and time zone; its attributes win where both know one.
        n_threads
            How many threads to use; None for all.
        """
        if self.currency != other.currency:
            raise SchemaError(
                f"a ledger in {self.currency} cannot be merged with one in {other.currency}: convert one of them first."
            )
        core = self.core.merge(other.core, reins(n_threads))
        frame = (
            pl.concat([self.quality.frame, other.quality.frame])
            .group_by("reason", "status", maintain_order=True)
            .agg(
                pl.col("rows").sum(),
                pl.col("share").first(),
                pl.col("amount").sum(),
                pl.col("first_row", "example", "mend").first(),
            )
        )
        totals = self.quality.totals | {
            name: self.quality.totals[name] + other.quality.totals[name]
            for name in ("rows_in", "rows_used", "rows_set_aside", "amount")
        }
        frame = frame.with_columns(share=pl.col("rows") / max(totals["rows_in"], 1))
        return Ledger(core, Quality(frame, totals | tree_totals(core)), self.currency, self.returns)

    def save(self, path: str | Path) -> None:
        """Write the ledger to one file that `open` maps. The file appears whole or not at all.

        Parameters
        ----------
        path
            The file; by habit it ends in ``.ledger``. It is an Arrow IPC file.
        """
        note = {"quality": self.quality.to_json(), "currency": self.currency, "returns": self.returns}
        with whole_file(Path(path)) as unfinished:
            self.core.save(str(unfinished), json.dumps(note))

    @classmethod
    def open(cls, path: str | Path) -> Ledger:
        """Open a saved ledger. It is mapped, not read: memory is used for what is looked at.

        Parameters
        ----------
        path
            A file that `save` wrote.
        """
        core, note = _core.Ledger.open(str(path))
        try:
            held: dict[str, Any] = json.loads(note)
            return cls(core, Quality.from_json(held["quality"]), held["currency"], held["returns"])
        except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise SchemaError(
                f"{path}: its quality sheet cannot be read: build and save the ledger again."
            ) from error

    def to_bytes(self) -> bytes:
        """Give the ledger as the bytes of a saved file, whose layout has a version; ledgers merge, on any machine."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "bytes.ledger"
            self.save(path)
            return path.read_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Ledger:
        """Take a ledger from the bytes that `to_bytes` gave.

        Parameters
        ----------
        data
            The bytes.
        """
        with TemporaryDirectory() as folder:
            path = Path(folder) / "bytes.ledger"
            path.write_bytes(data)
            # A map of the file stays when its name goes.
            return cls.open(path)

    @property
    def fingerprint(self) -> str:
        """A SHA-256 of the data: equal for equal ledgers, however they were read."""
        return self.core.fingerprint()

    def __repr__(self) -> str:
        return (
            f"Ledger({self.n_customers:,} customers, {self.n_orders:,} orders, {self.n_lines:,} lines, "
            f"{self.n_items:,} items, {self.first_day} to {self.last_day}, {self.timezone})"
        )


class Counts(Protocol):
    """What a tree, or all partitions of one, can be asked at once."""

    @property
    def n_customers(self) -> int: ...  # noqa: D102
    @property
    def n_orders(self) -> int: ...  # noqa: D102
    @property
    def n_guest_orders(self) -> int: ...  # noqa: D102
    @property
    def n_lines(self) -> int: ...  # noqa: D102
    @property
    def n_items(self) -> int: ...  # noqa: D102
    @property
    def span(self) -> tuple[int, int] | None: ...  # noqa: D102
    @property
    def zone(self) -> str: ...  # noqa: D102


def tree_totals(core: Counts) -> dict[str, Any]:
    """Count what is in a tree, for the quality sheet.

    Parameters
    ----------
    core
        The compiled tree, or the counts of all partitions.
    """
    zone = zone_info(core.zone)
    first, last = (None, None) if core.span is None else (local(at, zone).isoformat() for at in core.span)
    return {
        "customers": core.n_customers,
        "orders": core.n_orders,
        "guest_orders": core.n_guest_orders,
        "lines": core.n_lines,
        "items": core.n_items,
        "first_order": first,
        "last_order": last,
    }
