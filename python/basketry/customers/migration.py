"""Who moved from which segment to which between two dates."""

from __future__ import annotations

import polars as pl

from basketry.customers.rfm import rfm
from basketry.customers.scoring import RfmCuts, rfm_cuts
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger, PartitionedLedger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

CELLS = ("segment", "quadrant", "r", "f", "m")
"""Between what customers can be seen to move."""


def rfm_migration(
    ledger: Ledger | PartitionedLedger,
    *,
    before: Moment,
    after: Moment | None = None,
    by: str = "segment",
    money: str | None = None,
    cuts: RfmCuts | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Count the customers that moved from one segment to another between two dates.

    Both dates are scored by the same cut points, so that a customer moves because he changed and not because others did.

    Parameters
    ----------
    ledger
        The shop.
    before, after
        The two instants; None is the end of the data.
    by
        What customers move between: ``segment``, ``quadrant`` or a score ``r``, ``f``, ``m``.
    money
        As for `rfm`.
    cuts
        The cut points; None learns them at the first date.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        One row a pair of cells that holds somebody, sorted by both: ``before`` (null for those whose first purchase lies
        between the dates, which come last), ``after``, ``customers``, ``share`` (of the customers of ``before``),
        ``spend_between`` (their money between the dates).

    Raises
    ------
    ParameterError
        If the dates are not in order, or an argument is unknown.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=500, rng=1).ledger
    >>> moves = bk.rfm_migration(shop, before="2024-01-01", by="quadrant")
    >>> moves["customers"].sum() == bk.rfm(shop).height
    True
    """
    if by not in CELLS:
        raise ParameterError.unknown("by", by, CELLS)
    if not isinstance(ledger, Ledger | PartitionedLedger):
        raise ParameterError.out_of_range("ledger", type(ledger).__name__, "a ledger is needed")
    if ledger.instant(before, "before") >= ledger.instant(after, "after"):
        raise ParameterError.out_of_range("before", before, "a date before 'after' is needed")
    old = rfm(ledger, as_of=before, money=money, cuts=cuts, n_threads=n_threads)
    held = rfm_cuts(old) if cuts is None else cuts
    new = rfm(ledger, as_of=after, money=money, cuts=held, n_threads=n_threads)
    moved = new.select("customer", "spend_total", after=by).join(
        old.select("customer", before=by, spent="spend_total"), on="customer", how="left"
    )
    moved = moved.with_columns(spend=pl.col("spend_total") - pl.col("spent").fill_null(0.0))
    pairs = moved.group_by("before", "after").agg(
        customers=pl.len().cast(pl.Int64), spend_between=exact_sum("spend")
    )
    share = pl.col("customers") / pl.col("customers").sum().over("before")
    return pairs.select("before", "after", "customers", share.alias("share"), "spend_between").sort(
        "before", "after", nulls_last=True
    )
