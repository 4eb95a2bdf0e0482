"""Recency, frequency and money of customers, their scores, named segments and quadrants."""

from __future__ import annotations

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger, PartitionedLedger
from basketry.ledger.answers import Answers
from basketry.ledger.zones import Moment
from basketry.money import exact_sum, units

SEGMENTS = (
    ("champions", (5, 5), (4, 5)),
    ("loyal", (3, 4), (4, 5)),
    ("potential loyalists", (4, 5), (2, 3)),
    ("new", (5, 5), (1, 1)),
    ("promising", (4, 4), (1, 1)),
    ("need attention", (3, 3), (3, 3)),
    ("about to sleep", (3, 3), (1, 2)),
    ("cannot lose them", (1, 1), (4, 5)),
    ("at risk", (1, 2), (3, 5)),
    ("hibernating", (2, 2), (1, 2)),
    ("lost", (1, 1), (1, 2)),
)
"""Named segments: the ranges of the r and the f score. The first that fits counts."""

QUADRANTS = ("regular", "loyal", "one-time", "big fish")
"""Value x frequency: few and small orders, many orders, one small order, few but large orders."""


_WIDE = 256
"""Bytes that a customer takes while the table is made."""


def rfm(
    ledger: Ledger | PartitionedLedger,
    *,
    as_of: Moment | None = None,
    ties: str = "together",
    big_fish: float = 0.9,
    loyal_orders: int | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Tell for each customer how long ago, how often and for how much he bought.

    Parameters
    ----------
    ledger
        The shop; one in partitions is answered partition by partition, and scored as a whole.
    as_of
        The instant from which recency counts. Orders at or after it are left out. A date is its local midnight; None is the
        end of the data.
    ties
        How scores treat equal values: ``together`` gives them one score, that of the middle of their ranks, so that
        quintiles may differ in size; ``apart`` makes quintiles of equal size, equal values going by customer.
    big_fish
        The share of customers whose average order is too small for a big fish.
    loyal_orders
        From how many orders on a customer is loyal; None finds the smallest number that at most a quarter of the
        repeat customers reach, three at the least.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        One row per customer who bought before ``as_of``, sorted by id: ``customer``; ``recency_days`` and ``tenure_days``
        (local days from the last and from the first purchase to ``as_of``); ``frequency`` (days with a purchase less the
        first); ``monetary`` (mean money of these repeat days, 0 without one); ``first_order``, ``last_order`` (UTC);
        ``orders`` and ``spend_total`` (all orders, the first included); scores ``r``, ``f``, ``m`` from 1 (worst) to 5 of
        ``recency_days``, ``orders``, ``spend_total``; ``segment``; ``quadrant``.

    Raises
    ------
    SchemaError
        If the ledger has no money.
    ParameterError
        If an argument is out of range.

    Notes
    -----
    ``frequency``, ``monetary`` and the two differences of days are those of Fader, Hardie and Lee (2005), as
    buy-till-you-die models take them. Scores are quintiles (Hughes, 1994).

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "ann"], "order": [1, 2, 3],
    ...     "time": [date(2024, 1, 1), date(2024, 1, 3), date(2024, 1, 2)], "amount": [2.0, 5.0, 1.0]})
    >>> shop = bk.read_ledger(lines, timezone="UTC")
    >>> bk.rfm(shop, as_of=date(2024, 1, 5)).select("customer", "recency_days", "orders", "spend_total").row(0)
    ('ann', 3, 2, 3.0)
    """
    if not isinstance(ledger, Ledger | PartitionedLedger):
        kind = type(ledger).__name__
        raise ParameterError.out_of_range(
            "ledger", kind, "a ledger is needed: read_ledger(frame, ...) makes one"
        )
    if ties not in ("together", "apart"):
        raise ParameterError.unknown("ties", ties, ("together", "apart"))
    if isinstance(big_fish, bool) or not isinstance(big_fish, int | float) or not 0 < big_fish < 1:
        raise ParameterError.out_of_range("big_fish", big_fish, "a share above 0 and below 1 is needed")
    if loyal_orders is not None and (not isinstance(loyal_orders, int) or loyal_orders < 2):
        raise ParameterError.out_of_range(
            "loyal_orders", loyal_orders, "two orders at the least make a loyal customer"
        )
    cut, held_reins = ledger.instant(as_of), reins(n_threads)

    def partial(shop: Ledger) -> pl.DataFrame:
        return pl.DataFrame(_core.rfm(shop.core, cut, shop.money_is_net, held_reins))

    if isinstance(ledger, Ledger):
        frame = partial(ledger)
    else:
        frame = Answers(ledger, {"table": "rfm", "cut": cut}, partial, customer_bytes=_WIDE).frame("customer")
    values = frame.select(
        r=-pl.col("recency_days").cast(pl.Int64),
        f=pl.col("orders").cast(pl.Int64),
        m=units("spend_total"),
    )
    frame = frame.hstack(pl.DataFrame(_core.quintiles(values, ties == "apart", held_reins)))
    return frame.with_columns(segment=_segment(), quadrant=_quadrant(frame, big_fish, loyal_orders))


def rfm_segments(table: pl.DataFrame) -> pl.DataFrame:
    """Sum up the named segments of an RFM table.

    Parameters
    ----------
    table
        A frame of `rfm`.

    Returns
    -------
    DataFrame
        One row a segment, the most valuable first: ``segment``, ``customers``, ``share``, ``spend_total``,
        ``spend_share``, ``recency_days_mean``, ``orders_mean``.
    """
    return (
        table.group_by("segment", maintain_order=True)
        .agg(
            customers=pl.len().cast(pl.Int64),
            spend_total=exact_sum("spend_total"),
            recency_days_mean=pl.col("recency_days").mean(),
            orders_mean=pl.col("orders").mean(),
        )
        .with_columns(share=_share("customers"), spend_share=_share("spend_total"))
        .select(
            "segment", "customers", "share", "spend_total", "spend_share", "recency_days_mean", "orders_mean"
        )
        .sort("spend_total", "segment", descending=[True, False])
    )


def rfm_map(table: pl.DataFrame) -> pl.DataFrame:
    """Count customers and average their money over the r and f scores.

    Parameters
    ----------
    table
        A frame of `rfm`.

    Returns
    -------
    DataFrame
        ``r``, ``f``, ``customers``, ``monetary_mean`` (mean ``spend_total``), one row a cell that holds somebody.
    """
    cells = table.group_by("r", "f", maintain_order=True).agg(
        customers=pl.len().cast(pl.Int64), monetary_mean=pl.col("spend_total").mean()
    )
    return cells.sort("r", "f")


def quadrants(table: pl.DataFrame) -> pl.DataFrame:
    """Sum up the quadrants of an RFM table.

    Parameters
    ----------
    table
        A frame of `rfm`.

    Returns
    -------
    DataFrame
        One row for each of ``regular``, ``loyal``, ``one-time``, ``big fish``: ``quadrant``, ``customers``,
        ``customers_share``, ``orders``, ``orders_share``, ``spend_total``, ``spend_share``.
    """
    sums = table.group_by("quadrant", maintain_order=True).agg(
        customers=pl.len().cast(pl.Int64),
        orders=pl.col("orders").cast(pl.Int64).sum(),
        spend_total=exact_sum("spend_total"),
    )
    every = pl.DataFrame({"quadrant": QUADRANTS}).join(sums, on="quadrant", how="left", maintain_order="left")
    return every.with_columns(pl.col("customers", "orders", "spend_total").fill_null(0)).select(
        "quadrant",
        "customers",
        _share("customers").alias("customers_share"),
        "orders",
        _share("orders").alias("orders_share"),
        "spend_total",
        _share("spend_total").alias("spend_share"),
    )


def _share(column: str) -> pl.Expr:
    return pl.when(pl.col(column).sum() != 0).then(pl.col(column) / pl.col(column).sum()).otherwise(0.0)


def _segment() -> pl.Expr:
    # One number a pair of scores, and the name by table: 25 pairs need no chain of comparisons.
    pairs = {10 * r + f: _name_of(r, f) for r in range(1, 6) for f in range(1, 6)}
    pair = pl.col("r") * 10 + pl.col("f")
    return pair.replace_strict(pairs, return_dtype=pl.String)


def _name_of(r: int, f: int) -> str:
    fits = (name for name, (r1, r2), (f1, f2) in SEGMENTS if r1 <= r <= r2 and f1 <= f <= f2)
    return next(fits, "need attention")


def _quadrant(table: pl.DataFrame, big_fish: float, loyal_orders: int | None) -> pl.Expr:
    if loyal_orders is None:
        upper = table.filter(pl.col("orders") > 1)["orders"].quantile(0.75, "higher")
        loyal_orders = max(3, int(upper or 0))
    average = pl.col("spend_total") / pl.col("orders")
    large = average > average.quantile(big_fish, "higher")
    return (
        pl.when(pl.col("orders") >= loyal_orders)
        .then(pl.lit("loyal"))
        .when(large)
        .then(pl.lit("big fish"))
        .when(pl.col("orders") == 1)
        .then(pl.lit("one-time"))
        .otherwise(pl.lit("regular"))
    )
