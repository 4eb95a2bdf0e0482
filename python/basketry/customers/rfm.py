"""Recency, frequency and money of customers, their scores, named segments and quadrants."""

from __future__ import annotations

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.customers.scoring import BIG_FISH, QUADRANTS, RfmCuts, quadrant, scores, segment, thresholds
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger, PartitionedLedger
from basketry.ledger.answers import Answers
from basketry.ledger.zones import Moment
from basketry.money import exact_sum, units

MONEY = ("gross", "net", "margin")
"""What money can mean: what was bought, the same less returns, what was earned."""


_WIDE = 256
"""Bytes that a customer takes while the table is made."""


def rfm(
    ledger: Ledger | PartitionedLedger,
    *,
    as_of: Moment | None = None,
    money: str | None = None,
    ties: str = "together",
    cuts: RfmCuts | None = None,
    segments: pl.DataFrame | None = None,
    big_fish: float = BIG_FISH,
    big_fish_value: float | None = None,
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
    money
        Which money counts: ``gross`` (bought), ``net`` (less returns) or ``margin``; None is what the ledger was read with.
    ties
        How scores treat equal values: ``together`` gives them one score, that of the middle of their ranks, so that
        quintiles may differ in size; ``apart`` makes quintiles of equal size, equal values going by customer.
    cuts
        Cut points of scores and quadrants, of `rfm_cuts` or your own; None finds them among these customers at this date.
    segments
        The table of named segments; None is that of `rfm_segment_table`.
    big_fish
        The share of customers whose average order is too small for a big fish.
    big_fish_value
        An average order above it is large; None finds it by ``big_fish``.
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
        ``orders`` and ``spend_total`` (the ``money`` of all orders, the first included); scores ``r``, ``f``, ``m`` from 1
        (worst) to 5 of ``recency_days``, ``orders``, ``spend_total``; ``spend_gross``, ``spend_net`` and, if the ledger has
        margins, ``margin_total``, whichever money counts; ``segment``; ``quadrant``.

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
    if money is not None and money not in MONEY:
        raise ParameterError.unknown("money", money, MONEY)
    if cuts is not None and (
        ties != "together" or big_fish_value is not None or loyal_orders is not None or big_fish != BIG_FISH
    ):
        raise ParameterError.out_of_range(
            "cuts", "given", "they hold the thresholds already: leave ties, big_fish and loyal_orders out"
        )
    money = money or ("net" if ledger.money_is_net else "gross")
    cut, held_reins = ledger.instant(as_of), reins(n_threads)

    def partial(shop: Ledger) -> pl.DataFrame:
        return pl.DataFrame(_core.rfm(shop.core, cut, money, held_reins))

    if isinstance(ledger, Ledger):
        table = partial(ledger)
    else:
        asked = {"table": "rfm", "cut": cut, "money": money}
        table = Answers(ledger, asked, partial, customer_bytes=_WIDE).frame("customer")
    found = thresholds(table, big_fish, big_fish_value, loyal_orders)
    if cuts is None:
        values = table.select(
            r=-pl.col("recency_days").cast(pl.Int64),
            f=pl.col("orders").cast(pl.Int64),
            m=units("spend_total"),
        )
        table = table.hstack(pl.DataFrame(_core.quintiles(values, ties == "apart", held_reins)))
    else:
        table, found = table.with_columns(scores(cuts)), (cuts.big_fish_value, cuts.loyal_orders)
    return table.with_columns(segment(segments), quadrant(*found))


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
        ``spend_share``, ``recency_days_mean``, ``orders_mean``, ``orders``, ``orders_share``.
    """
    return (
        table.group_by("segment", maintain_order=True)
        .agg(
            customers=pl.len().cast(pl.Int64),
            orders=pl.col("orders").cast(pl.Int64).sum(),
            spend_total=exact_sum("spend_total"),
            recency_days_mean=pl.col("recency_days").mean(),
            orders_mean=pl.col("orders").mean(),
        )
        .with_columns(
            share=_share("customers"), spend_share=_share("spend_total"), orders_share=_share("orders")
        )
        .select(
            *("segment", "customers", "share", "spend_total", "spend_share", "recency_days_mean"),
            *("orders_mean", "orders", "orders_share"),
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
        ``r``, ``f``, ``customers``, ``monetary_mean`` (mean ``spend_total``), and the cell's shares of everything:
        ``customers_share``, ``orders_share``, ``spend_share``; one row a cell that holds somebody.
    """
    cells = table.group_by("r", "f", maintain_order=True).agg(
        customers=pl.len().cast(pl.Int64),
        monetary_mean=pl.col("spend_total").mean(),
        orders=pl.col("orders").cast(pl.Int64).sum(),
        spend=exact_sum("spend_total"),
    )
    shares = [_share(name).alias(f"{name}_share") for name in ("customers", "orders", "spend")]
    return cells.select("r", "f", "customers", "monetary_mean", *shares).sort("r", "f")


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
