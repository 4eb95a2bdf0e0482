"""Retention: what share of customers orders again, and after how many days."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

_ORDERS = {"every": True, "first": False}
SHARES = tuple(round(share / 20, 2) for share in range(1, 20))
"""The shares whose days are told."""
_NONE = 2**32 - 1


@dataclass(frozen=True, eq=False)
class RetentionTables:
    """How long customers take to order again.

    Parameters
    ----------
    curve
        One row a segment and day on which something happens: ``segment`` (null without segments); ``days``
        (since the order); ``at_risk`` (orders that were followed so long and had no next one); ``events``
        (next orders); ``censored`` (orders that were followed no longer); ``returned`` (share that has come
        by then); ``low``, ``high`` (its 95 % interval).
    percentiles
        One row a segment and share: ``segment``; ``share``; ``days`` (by which that share has come; null if
        it never does), ``low``, ``high`` (95 % interval, null where the data do not tell).
    """

    curve: pl.DataFrame
    percentiles: pl.DataFrame

    def __repr__(self) -> str:
        half = self.percentiles.filter(pl.col("share") == 0.5)
        told = [
            f"{'' if segment is None else f'{segment}: '}"
            + ("fewer than half return" if days is None else f"half return within {days} days")
            for segment, days in half.select("segment", "days").head(3).iter_rows()
        ]
        return f"RetentionTables({', '.join(told)}{', ...' if half.height > 3 else ''})"


def retention(
    ledger: Ledger,
    *,
    since: str = "every",
    within: pl.DataFrame | None = None,
    as_of: Moment | None = None,
    n_threads: int | None = None,
) -> RetentionTables:
    """Tell what share of customers orders again within how many days.

    Parameters
    ----------
    ledger
        The shop.
    since
        ``"every"`` order starts a clock, or each customer's ``"first"`` alone: what brings in the second.
    within
        A frame with the columns ``customer`` and ``segment``: each segment gets a curve of its own, and
        customers without one are left out.
    as_of
        Orders at or after it are left out; None takes all.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    RetentionTables
        ``.curve`` and ``.percentiles``, by segment.

    Raises
    ------
    ParameterError
        If an argument is out of range, or ``within`` names a customer twice.
    SchemaError
        If ``within`` lacks a column.

    Notes
    -----
    The product-limit estimate of Kaplan and Meier (1958) with Greenwood's interval, symmetric in log(-log S).
    An order after which none came is censored at the last day of the data; on one day the orders come before
    the censorings, and orders of one local day are one. With every order a clock, a customer counts as
    often as he orders, and the interval takes his orders as independent, so it is somewhat too narrow.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({"customer": ["ann", "ann", "bob", "bob", "eve"],
    ...     "time": [date(2024, 1, day) for day in (1, 11, 2, 30, 31)]})
    >>> shop = bk.read_ledger(lines, columns={"customer": "customer", "time": "time"}, timezone="UTC")
    >>> answer = bk.retention(shop, since="first")
    >>> answer
    RetentionTables(half return within 10 days)
    >>> answer.curve.select("days", "at_risk", "events", "returned").rows()
    [(10, 2, 1, 0.5), (28, 1, 1, 1.0)]
    """
    if not isinstance(ledger, Ledger):
        raise ParameterError.out_of_range(
            "ledger", type(ledger).__name__, "a Ledger is needed: see read_ledger"
        )
    if since not in _ORDERS:
        raise ParameterError.unknown("since", since, _ORDERS)
    groups, names = _groups(ledger, within)
    found = pl.DataFrame(
        _core.retention(
            ledger.core, groups, len(names), ledger.instant(as_of), _ORDERS[since], reins(n_threads)
        )
    )
    segments = pl.DataFrame({"group": pl.Series(range(len(names)), dtype=pl.UInt32), "segment": names})
    curve = found.join(segments, on="group", how="left", maintain_order="left")
    return RetentionTables(
        curve.select("segment", "days", "at_risk", "events", "censored", "returned", "low", "high"),
        _percentiles(curve, segments),
    )


def _groups(ledger: Ledger, within: pl.DataFrame | None) -> tuple[list[int], pl.Series]:
    """Number the segment of each customer."""
    if within is None:
        return [0] * ledger.n_customers, pl.Series([None], dtype=pl.String)
    for name in ("customer", "segment"):
        if name not in within.columns:
            raise SchemaError.unknown_column(name, name, within.columns)
    within = within.select("customer", "segment").drop_nulls()
    if within["customer"].is_duplicated().any():
        twice = within.filter(pl.col("customer").is_duplicated())["customer"][0]
        raise ParameterError.out_of_range("within", twice, "this customer stands there more than once")
    names = within["segment"].unique().sort()
    numbers = within.with_columns(
        group=pl.col("segment").replace_strict(names, range(len(names)), return_dtype=pl.UInt32)
    )
    ids = ledger.customers().select("customer")
    if ids.schema["customer"] != numbers.schema["customer"]:
        numbers = numbers.with_columns(pl.col("customer").cast(ids.schema["customer"]))
    joined = ids.join(numbers, on="customer", how="left", maintain_order="left")
    return joined["group"].fill_null(_NONE).to_list(), names


def _percentiles(curve: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Find by when each share has come; the curve's ends cross a share later and earlier than it does."""
    rows = segments.join(pl.DataFrame({"share": SHARES}), how="cross", maintain_order="left_right")
    for name, column in (("days", "returned"), ("low", "high"), ("high", "low")):
        crossed = (
            curve.select("group", "days", at=column)
            .join(rows.select("group", "share"), on="group")
            # A share that is reached exactly is not lost to rounding.
            .filter(pl.col("at") >= pl.col("share") - 1e-12)
            .group_by("group", "share")
            .agg(pl.col("days").min().alias(name))
        )
        rows = rows.join(crossed, on=["group", "share"], how="left", maintain_order="left")
    return rows.select("segment", "share", "days", "low", "high")
