"""Where revenue comes from, and where a change of it: a tree of factors, and price, volume and mix, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

import polars as pl

from basketry.customers.cohorts import PERIODS
from basketry.customers.purchases import bought_lines, item_groups, needed
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import UNIT

PIECES = ("customers_effect", "frequency_effect", "order_value_effect", "guests_effect", "returns_effect")
"""What a change of revenue is made of."""


def revenue_tree(
    ledger: Ledger, *, period: str = "month", against: str = "previous", as_of: Moment | None = None
) -> pl.DataFrame:
    """Split the revenue of every period, and its change, into customers, frequency and order value.

    Parameters
    ----------
    ledger
        The shop.
    period
        ``day``, ``week``, ``month``, ``quarter``, ``half-year`` or ``year``, in local time.
    against
        What a period is held against: the ``previous`` one, or the same one of the ``year`` before (52 weeks for weeks,
        364 days for days, so that weekdays stay).
    as_of
        Orders at or after it are left out; None is the end of the data. The period that it cuts is told as far as it goes.

    Returns
    -------
    DataFrame
        One row a period from the first order to the last, those without an order too: ``period`` (its first day),
        ``revenue`` = ``customers`` x ``frequency`` (orders a customer) x ``order_value`` + ``guests`` (bought without a
        customer) + ``returned`` (0 or below), ``orders`` (of customers), ``change`` of the revenue and its pieces:
        ``customers_effect``, ``frequency_effect``, ``order_value_effect``, ``guests_effect``, ``returns_effect``; null
        where there is nothing to hold it against.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    SchemaError
        If the ledger has no money.

    Notes
    -----
    A factor's effect is the mean over all orders in which the factors can change one after the other (Shapley 1953), which
    favours none. Whole ten-thousandths inside; what rounding leaves goes to the largest remainders, so the pieces sum to the
    change to the last digit.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob"], "order": [1, 2, 3],
    ...     "time": [date(2024, 1, 1), date(2024, 2, 1), date(2024, 2, 2)], "amount": [10.0, 10.0, 30.0]})
    >>> tree = bk.revenue_tree(bk.read_ledger(lines, timezone="UTC"))
    >>> tree.select("change", "customers_effect", "frequency_effect", "order_value_effect").row(1)
    (30.0, 15.0, 0.0, 15.0)
    """
    ledger = needed(ledger)
    if period not in PERIODS:
        raise ParameterError.unknown("period", period, PERIODS)
    if against not in ("previous", "year"):
        raise ParameterError.unknown("against", against, ("previous", "year"))
    if "amount" not in ledger.core.measures:
        raise SchemaError("the ledger holds no money: map a column to 'amount' when it is read.")
    cut = pl.lit(ledger.instant(as_of)).cast(pl.Datetime("us", "UTC"))
    known, bought = pl.col("customer").is_not_null(), pl.col("purchase")
    gross, net = ((pl.col(name) * UNIT).round().cast(pl.Int64) for name in ("gross", "net"))
    returned = (net - gross).sum() if ledger.money_is_net else pl.lit(0, pl.Int64)
    orders = ledger.orders().filter(pl.col("time") < cut)
    sums = orders.group_by(period=pl.col("day").dt.truncate(PERIODS[period])).agg(
        customers=pl.col("customer").filter(bought & known).n_unique().cast(pl.Int64),
        orders=(bought & known).sum().cast(pl.Int64),
        bought=gross.filter(known).sum(),
        guests=gross.filter(~known).sum(),
        returned=returned,
    )
    if not sums.height:
        return _tree(sums, [])
    first, last = sums["period"].min(), sums["period"].max()
    every = pl.DataFrame({"period": pl.date_range(first, last, PERIODS[period], eager=True)})  # type: ignore[arg-type]
    table = every.join(sums, on="period", how="left", maintain_order="left").fill_null(0)
    lag = {"day": 364, "week": 52, "month": 12, "quarter": 4, "half-year": 2, "year": 1}[period]
    lag = lag if against == "year" else 1
    rows = table.rows(named=True)
    return _tree(table, [None if at < lag else _pieces(rows[at - lag], row) for at, row in enumerate(rows)])


def _tree(table: pl.DataFrame, pieces: Sequence[list[int] | None]) -> pl.DataFrame:
    told = pl.DataFrame(
        [piece or [None] * len(PIECES) for piece in pieces],
        schema=dict.fromkeys(PIECES, pl.Int64),
        orient="row",
    )
    table = pl.concat([table, told], how="horizontal").with_columns(
        revenue=pl.col("bought") + pl.col("guests") + pl.col("returned"),
        change=pl.sum_horizontal(PIECES, ignore_nulls=False),
    )
    money = ("revenue", "guests", "returned", "change", *PIECES)
    average = pl.when(pl.col("orders") > 0).then(pl.col("bought") / (pl.col("orders") * UNIT))
    return table.with_columns(
        frequency=pl.when(pl.col("customers") > 0).then(pl.col("orders") / pl.col("customers")),
        order_value=average,
    ).select(
        "period",
        pl.col("revenue") / UNIT,
        "customers",
        "orders",
        "frequency",
        "order_value",
        *(pl.col(name) / UNIT for name in money[1:]),
    )


def _pieces(before: dict[str, int], after: dict[str, int]) -> list[int]:
    """Split the change between two periods into whole ten-thousandths."""

    def factors(row: dict[str, int]) -> tuple[Fraction, Fraction, Fraction]:
        customers, orders = row["customers"], row["orders"]
        return (
            Fraction(customers),
            Fraction(orders, customers) if customers else Fraction(0),
            Fraction(row["bought"], orders) if orders else Fraction(0),
        )

    effects = shapley(factors(before), factors(after))
    whole = rounded(effects, after["bought"] - before["bought"])
    return [*whole, after["guests"] - before["guests"], after["returned"] - before["returned"]]


def shapley(before: Sequence[Fraction], after: Sequence[Fraction]) -> list[Fraction]:
    """Split the change of a product among its factors: the mean over all orders in which they change.

    Parameters
    ----------
    before, after
        The factors.
    """
    effects = [Fraction(0)] * len(before)
    orders = list(permutations(range(len(before))))
    for order in orders:
        now = list(before)
        for factor in order:
            rest = Fraction(1)
            for other, value in enumerate(now):
                rest *= value if other != factor else 1
            effects[factor] += rest * (after[factor] - before[factor])
            now[factor] = after[factor]
    return [effect / len(orders) for effect in effects]


def rounded(pieces: Sequence[Fraction], total: int) -> list[int]:
    """Round pieces to whole numbers that sum to their whole sum; what is left goes to the largest remainders.

    Parameters
    ----------
    pieces
        They sum to ``total``.
    total
        A whole number.
    """
    down = [piece.numerator // piece.denominator for piece in pieces]
    order = sorted(range(len(pieces)), key=lambda at: (down[at] - pieces[at], at))
    for at in order[: total - sum(down)]:
        down[at] += 1
    return down


@dataclass(frozen=True, eq=False)
class PriceVolumeMix:
    """Why revenue changed between two spans of time.

    Parameters
    ----------
    pieces
        One row a piece, in money: ``piece`` (``price``, ``volume``, ``mix``, ``new``, ``gone``, ``returns``), ``amount``.
        They sum to ``change``.
    table
        One row a product: ``item``, ``quantity_before``, ``quantity_after``, ``revenue_before``, ``revenue_after``, and its
        own ``price``, ``volume``, ``mix``, ``new`` and ``gone``; these sum to the pieces.
    before, after
        The revenue of either span.
    """

    pieces: pl.DataFrame
    table: pl.DataFrame
    before: float
    after: float

    @property
    def change(self) -> float:
        """How much more the later span brought."""
        return float(self.pieces.select((pl.col("amount") * UNIT).round().cast(pl.Int64).sum()).item()) / UNIT


def price_volume_mix(
    ledger: Ledger, *, before: tuple[Moment, Moment], after: tuple[Moment, Moment], item: str | None = None
) -> PriceVolumeMix:
    """Split a change of revenue into prices, how much was sold, and of what.

    Parameters
    ----------
    ledger
        The shop; orders without a customer count.
    before, after
        Two spans: from the first moment to before the second.
    item
        An attribute of items whose labels are the products; then mix inside a label counts as price.

    Returns
    -------
    PriceVolumeMix
        For products sold in both spans. ``volume``: all quantities had grown alike, at old prices; ``mix``: the rest of
        the change of quantities, at old prices; ``price``: the change of the mean price paid, on the later quantities. What
        only the later span sold is ``new``, what only the earlier one did is ``gone``. Returns are apart.

    Raises
    ------
    ParameterError
        If a span has no length.
    SchemaError
        If the ledger lacks money, quantities or items.

    Notes
    -----
    Exact fractions of whole ten-thousandths; what rounding leaves goes to the largest remainders, so products sum to pieces
    and pieces to the change, to the last digit.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann"] * 4, "order": [1, 1, 2, 2], "item": ["tea", "cup", "tea", "cup"],
    ...     "time": [date(2024, 1, 1)] * 2 + [date(2024, 2, 1)] * 2,
    ...     "quantity": [10, 10, 30, 10], "amount": [10.0, 40.0, 36.0, 40.0]})
    >>> shop = bk.read_ledger(lines, timezone="UTC")
    >>> january, february = (date(2024, 1, 1), date(2024, 2, 1)), (date(2024, 2, 1), date(2024, 3, 1))
    >>> bk.price_volume_mix(shop, before=january, after=february).pieces.rows()
    [('price', 6.0), ('volume', 50.0), ('mix', -30.0), ('new', 0.0), ('gone', 0.0), ('returns', 0.0)]
    """
    ledger = needed(ledger)
    for measure in ("amount", "quantity"):
        if measure not in ledger.core.measures:
            raise SchemaError(f"the ledger holds no {measure}: map a column to '{measure}' when it is read.")
    sides = [_sold(ledger, span, item, name) for name, span in (("before", before), ("after", after))]
    (one, back_one), (two, back_two) = sides
    both = one.join(two, on="item", how="full", coalesce=True, suffix="_after", nulls_equal=True)
    both = both.with_columns(pl.exclude("item").fill_null(0)).sort("item")
    rows = both.rows(named=True)
    common = [row for row in rows if row["quantity"] and row["quantity_after"]]
    volume_before, volume_after = (
        sum(row[name] for row in common) for name in ("quantity", "quantity_after")
    )
    grown = Fraction(volume_after, volume_before) if volume_before else Fraction(0)
    told, kinds = [], ("price", "volume", "mix", "new", "gone")
    for row in rows:
        q0, q1, r0, r1 = (row[name] for name in ("quantity", "quantity_after", "revenue", "revenue_after"))
        if q0 and q1:
            paid = Fraction(r0, q0)
            volume = r0 * (grown - 1)
            mix = paid * (q1 - q0 * grown)
            told.append([*rounded([r1 - paid * q1, volume, mix], r1 - r0), 0, 0])
        else:
            told.append([0, 0, 0, r1, -r0])
    parts = pl.DataFrame(told, schema=dict.fromkeys(kinds, pl.Int64), orient="row")
    table = pl.concat([both, parts], how="horizontal")
    sums = [int(table[kind].sum()) for kind in kinds] + [back_two - back_one]
    totals = [(int(side["revenue"].sum()) + back) / UNIT for side, back in sides]
    return PriceVolumeMix(
        pl.DataFrame({"piece": [*kinds, "returns"], "amount": [value / UNIT for value in sums]}),
        table.select(
            "item",
            *(
                (pl.col(name) / UNIT).alias(alias)
                for name, alias in (
                    ("quantity", "quantity_before"), ("quantity_after", "quantity_after"),
                    ("revenue", "revenue_before"), ("revenue_after", "revenue_after"),
                )
            ),
            *(pl.col(kind) / UNIT for kind in kinds),
        ),
        totals[0],
        totals[1],
    )  # fmt: skip


def _sold(
    ledger: Ledger, span: tuple[Moment, Moment], item: str | None, name: str
) -> tuple[pl.DataFrame, int]:
    """Sum quantities and money of a span by product, in whole ten-thousandths; and what came back in it."""
    if not isinstance(span, tuple) or len(span) != 2:
        raise ParameterError.out_of_range(
            name, span, "two moments are needed: the first, and the one after the last"
        )
    start, end = (ledger.instant(moment, name) for moment in span)
    if start >= end:
        raise ParameterError.out_of_range(name, span, "the span must end after it starts")
    first, last = (pl.lit(at).cast(pl.Datetime("us", "UTC")) for at in (start, end))
    inside = (pl.col("time") >= first) & (pl.col("time") < last)
    lines = bought_lines(ledger).filter(inside)
    if "item" not in lines.columns:
        raise SchemaError("the ledger holds no items: map a column to 'item' when it is read.")
    if item is not None:
        lines = (
            lines.join(item_groups(ledger, item), on="item", how="left")
            .drop("item")
            .rename({"group": "item"})
        )
    money, quantity = (
        (pl.col(column) * UNIT).round().cast(pl.Int64).sum() for column in ("amount", "quantity")
    )
    sums = lines.group_by("item").agg(quantity=quantity, revenue=money)
    back = 0
    if ledger.money_is_net:
        returned = ledger.orders().filter(inside)
        whole = ((pl.col(column) * UNIT).round().cast(pl.Int64).sum() for column in ("net", "gross"))
        net, gross = returned.select(
            *(expr.alias(alias) for expr, alias in zip(whole, ("n", "g"), strict=True))
        ).row(0)
        back = int(net - gross)
    return sums, back
