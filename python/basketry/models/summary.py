"""What a lifetime model sees of a customer: repeat purchases, when the last one was, his age, his money."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from basketry.customers import rfm
from basketry.customers.cohorts import PERIODS, period_number
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger, PartitionedLedger
from basketry.ledger.zones import Moment, local, zone_info

UNITS = {"days": 1, "weeks": 7}
"""Days of a unit of time."""


def lifetime_summary(
    ledger: Ledger | PartitionedLedger,
    *,
    as_of: Moment | None = None,
    unit: str = "weeks",
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Sum up each customer as buy-till-you-die models take him.

    Parameters
    ----------
    ledger
        The shop, whole or in partitions.
    as_of
        The end of what is seen: orders at or after it are left out. None is the end of the data.
    unit
        ``"weeks"``, which are days / 7 and not rounded, or ``"days"``.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        One row per customer who bought before ``as_of``, sorted by id: ``customer``; ``frequency`` (days with a purchase
        less the first); ``recency`` (from the first purchase to the last) and ``T`` (from the first purchase to the last
        day that is seen), in units; ``monetary`` (mean money of the repeat days, 0 without one).

    Raises
    ------
    SchemaError
        If the ledger has no money.
    ParameterError
        If an argument is out of range.

    Notes
    -----
    Purchases of one day are one purchase (Fader, Hardie and Lee, 2005). The figures are those of `rfm`; there recency
    counts back from ``as_of``, here on from the first purchase.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({"customer": ["ann", "bob", "ann"], "order": [1, 2, 3], "amount": [2.0, 5.0, 1.0],
    ...     "time": [date(2024, 1, 1), date(2024, 1, 3), date(2024, 1, 8)]})
    >>> shop = bk.read_ledger(lines, timezone="UTC")
    >>> bk.lifetime_summary(shop, as_of=date(2024, 1, 16)).rows()
    [('ann', 1, 1.0, 2.0, 1.0), ('bob', 0, 0.0, 1.7142857142857142, 0.0)]
    """
    days = days_of(unit)
    table = rfm(ledger, as_of=as_of, n_threads=n_threads)
    zone, end = zone_info(ledger.timezone), ledger.instant(as_of)
    # Of a day that is seen to its end the midnight after it is not counted.
    beyond = (local(end, zone).date() - local(end - 1, zone).date()) // timedelta(days=1)
    return table.select(
        "customer",
        "frequency",
        recency=(pl.col("tenure_days") - pl.col("recency_days")) / days,
        T=(pl.col("tenure_days") - beyond) / days,
        monetary="monetary",
    )


def days_of(unit: str) -> int:
    """Check a unit of time and give its days.

    Parameters
    ----------
    unit
        Its name.
    """
    if unit not in UNITS:
        raise ParameterError.unknown("unit", unit, UNITS)
    return UNITS[unit]


def figures_of(
    data: Any, columns: list[str], *, as_of: Moment | None, unit: str, n_threads: int | None
) -> pl.DataFrame:
    """Read a ledger, or a frame that has the columns.

    Parameters
    ----------
    data
        A ledger, or any Arrow table.
    columns
        What is needed beside an optional ``customer``.
    as_of
        The instant before which a ledger is read.
    unit
        The unit of time of a ledger's figures.
    n_threads
        How many threads to use; None for all.
    """
    if isinstance(data, Ledger | PartitionedLedger):
        frame = lifetime_summary(data, as_of=as_of, unit=unit, n_threads=n_threads)
        more = [name for name in columns if name not in frame.columns]
        if more:
            raise ParameterError.out_of_range(
                "covariates",
                more,
                "a ledger has no such numbers: join them to lifetime_summary(ledger) and give that",
            )
    else:
        if as_of is not None:
            raise ParameterError.out_of_range(
                "as_of", as_of, "only a ledger knows times; a frame is taken as it is"
            )
        frame = data if isinstance(data, pl.DataFrame) else pl.DataFrame(data)
    for name in columns:
        if name not in frame.columns:
            raise SchemaError.unknown_column(name, name, frame.columns)
        kind = frame.schema[name]
        if not (kind.is_numeric() or kind == pl.Boolean):
            raise SchemaError(
                f"column {name!r} holds {kind}, numbers are needed: recode it, one column a label."
            )
    return frame


def opportunity_summary(
    ledger: Ledger, *, as_of: Moment | None = None, period: str = "month"
) -> pl.DataFrame:
    """Sum up each customer by the calendar periods in which he bought, as the BG/BB model takes him.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        The end of what is seen; the period that it cuts is left out. None is the end of the data.
    period
        ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``.

    Returns
    -------
    DataFrame
        One row per customer who bought before the last full period ended, sorted by id: ``customer``; ``frequency``
        (periods with a purchase after that of the first one); ``recency`` (number of the last of them, 0 without one);
        ``T`` (periods after the first).
    """
    if period not in PERIODS:
        raise ParameterError.unknown("period", period, PERIODS)
    end = pl.lit(local(ledger.instant(as_of), zone_info(ledger.timezone)).date())
    orders = ledger.orders().filter("purchase", pl.col("customer").is_not_null())
    return (
        orders.select("customer", period=period_number(pl.col("day"), period))
        .filter(pl.col("period") < period_number(end, period))
        .group_by("customer")
        .agg(
            frequency=pl.col("period").n_unique() - 1,
            recency=pl.col("period").max() - pl.col("period").min(),
            T=period_number(end, period) - 1 - pl.col("period").min(),
        )
        .sort("customer")
    )
