"""Cohorts: customers by the period of their first purchase, and what they do in the periods after it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger, PartitionedLedger
from basketry.ledger.answers import Answers
from basketry.ledger.zones import Moment, local, zone_info
from basketry.money import UNIT, units

PERIODS = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "half-year": "6mo", "year": "1y"}
"""Calendar periods in local time; weeks begin on Monday."""

_ORDER = 200
"""Bytes that an order takes while cohorts are counted."""


@dataclass(frozen=True)
class Cohorts:
    """What cohorts did, period by period.

    Parameters
    ----------
    table
        One row per cohort and period that had begun by the end of the data: ``cohort`` (first day of the period of the
        first purchase), ``age`` (periods since then, from 0), ``size`` (customers of the cohort), ``customers`` (those with
        a purchase in the period), ``retention`` (their share), ``orders`` and, if the ledger holds money, ``revenue``.
    """

    table: pl.DataFrame

    @property
    def retention(self) -> pl.DataFrame:
        """The share of each cohort that bought: one row a cohort, one column an age; null where it is not there yet."""
        return self._matrix("retention")

    @property
    def orders(self) -> pl.DataFrame:
        """The orders of each cohort, likewise."""
        return self._matrix("orders")

    @property
    def revenue(self) -> pl.DataFrame:
        """The money of each cohort, likewise."""
        if "revenue" not in self.table.columns:
            raise SchemaError("the ledger holds no money: map a column to 'amount' when it is read.")
        return self._matrix("revenue")

    @property
    def worth(self) -> pl.DataFrame:
        """The money that a cohort has brought by each age, for one of its customers, likewise."""
        if "revenue" not in self.table.columns:
            raise SchemaError("the ledger holds no money: map a column to 'amount' when it is read.")
        brought = (pl.col("revenue") * UNIT).round().cast(pl.Int64).cum_sum().over("cohort", order_by="age")
        return self._matrix("worth", self.table.with_columns(worth=brought / UNIT / pl.col("size")))

    def _matrix(self, value: str, table: pl.DataFrame | None = None) -> pl.DataFrame:
        table = self.table if table is None else table
        ages = [str(age) for age in sorted(table["age"].unique())]
        wide = table.select("cohort", "size", pl.col("age").cast(pl.String), value)
        return wide.pivot("age", index=["cohort", "size"], values=value, on_columns=ages)

    def __repr__(self) -> str:
        return f"Cohorts({self.table['cohort'].n_unique():,} cohorts)"


def cohorts(
    ledger: Ledger | PartitionedLedger, *, period: str = "month", as_of: Moment | None = None
) -> Cohorts:
    """Follow customers from the period of their first purchase on.

    Parameters
    ----------
    ledger
        The shop; one in partitions is answered partition by partition.
    period
        ``day``, ``week``, ``month``, ``quarter``, ``half-year`` or ``year``, in local time.
    as_of
        Orders at or after it are left out; None is the end of the data. The period that it cuts is told as far as it goes.

    Returns
    -------
    Cohorts
        The `table` and the matrices `retention`, `orders`, `revenue`. The sum of all orders is that of the customers
        with a purchase, and so is that of all money, to the last digit: a return before the first purchase counts at age 0.

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "ann"], "order": [1, 2, 3],
    ...     "time": [date(2024, 1, 1), date(2024, 1, 30), date(2024, 3, 21)], "amount": [2.0, 5.0, 1.0]})
    >>> answer = bk.cohorts(bk.read_ledger(lines, timezone="UTC"))
    >>> answer.retention.rows()
    [(datetime.date(2024, 1, 1), 2, 1.0, 0.0, 0.5)]
    >>> answer.revenue.rows()
    [(datetime.date(2024, 1, 1), 2, 7.0, 0.0, 1.0)]
    """
    if not isinstance(ledger, Ledger | PartitionedLedger):
        raise ParameterError.out_of_range(
            "ledger", type(ledger).__name__, "a Ledger is needed: see read_ledger"
        )
    if period not in PERIODS:
        raise ParameterError.unknown("period", period, PERIODS)
    cut = ledger.instant(as_of)

    def partial(shop: Ledger) -> pl.DataFrame:
        return _cells(shop, period, cut)

    if isinstance(ledger, Ledger):
        cells = partial(ledger)
    else:
        wide = _ORDER * (1 + ledger.n_orders // max(ledger.n_customers, 1))
        asked = {"table": "cohorts", "period": period, "cut": cut}
        answers = Answers(ledger, asked, partial, customer_bytes=wide)
        cells = pl.concat(answers.tables()).group_by("cohort", "age").sum().collect()
        answers.forget()
    if "revenue" in cells.columns:
        cells = cells.with_columns(pl.col("revenue") / UNIT)
    sums = [name for name in ("orders", "revenue") if name in cells.columns]
    # Whoever is in a cohort bought at age 0.
    sizes = cells.filter(pl.col("age") == 0).select("cohort", size="customers")
    # Every period that has begun has a row, also one in which nobody bought.
    last = min(
        local(ledger.instant(as_of) - 1, zone_info(ledger.timezone)).date(), ledger.last_day or ledger.end
    )
    many = period_number(pl.lit(last), period) - period_number(pl.col("cohort"), period) + 1
    begun = sizes.with_columns(age=pl.int_ranges(0, many)).explode("age")
    table = begun.join(cells, on=["cohort", "age"], how="left")
    table = table.with_columns(pl.col("customers", *sums).fill_null(0)).sort("cohort", "age")
    retention = pl.col("customers") / pl.col("size")
    return Cohorts(table.select("cohort", "age", "size", "customers", retention.alias("retention"), *sums))


def _cells(ledger: Ledger, period: str, cut: int) -> pl.DataFrame:
    """Count customers and orders by cohort and age; money in ten-thousandths, so that parts add up."""
    until = pl.lit(cut).cast(pl.Datetime("us", "UTC"))
    seen = ledger.orders().filter(pl.col("customer").is_not_null(), pl.col("time") < until)
    bought = pl.col("purchase")
    first = pl.col("day").filter(bought).min().over("customer").dt.truncate(PERIODS[period])
    seen = seen.with_columns(cohort=first).drop_nulls("cohort")
    age = period_number(pl.col("day"), period) - period_number(pl.col("cohort"), period)
    seen = seen.with_columns(age=pl.max_horizontal(age, pl.lit(0)))
    sums = {"orders": bought.sum().cast(pl.Int64)}
    if "amount" in ledger.core.measures:
        sums["revenue"] = units("net" if ledger.money_is_net else "gross").sum()
    return seen.group_by("cohort", "age").agg(
        customers=pl.col("customer").filter(bought).n_unique().cast(pl.Int64), **sums
    )


def period_number(day: pl.Expr, period: str) -> pl.Expr:
    """Number the calendar periods.

    Parameters
    ----------
    day
        Days.
    period
        One of `PERIODS`.
    """
    if period == "day":
        return day.cast(pl.Int32).cast(pl.Int64)
    if period == "week":
        # 1970-01-01 was a Thursday.
        return (day.cast(pl.Int32).cast(pl.Int64) + 3).floordiv(7)
    year, month = day.dt.year().cast(pl.Int64), day.dt.month().cast(pl.Int64) - 1
    months = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}[period]
    return (year * 12 + month).floordiv(months)
