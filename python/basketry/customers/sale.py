"""Why customers buy: discount seekers against those who want the new at list price."""

from __future__ import annotations

import polars as pl

from basketry.arguments import whole
from basketry.customers.purchases import bought_lines, depth, needed
from basketry.exceptions import SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

NEW_DAYS = 91
"""An item is new for so many days after it was first sold."""
GROUPS = ("discount seeker", "novelty at list price", "list price", "mixed", "too few orders")
_SURE = 1.6448536269514722


def sale_motivation(
    ledger: Ledger,
    *,
    discount: str,
    as_of: Moment | None = None,
    min_orders: int = 3,
    new_days: int = NEW_DAYS,
) -> pl.DataFrame:
    """Place every customer between buying on discount and buying the new at list price.

    Parameters
    ----------
    ledger
        The shop.
    discount
        The measure of lines that holds discounts: shares of the list price if it never passes 1, else money.
    as_of
        Orders at or after it are left out; None is the end of the data.
    min_orders
        Customers with fewer orders are placed, but not put into a group.
    new_days
        An item is new for so many days after it was first sold. What was there at the beginning may be of any age, so lines
        of the first so many days do not tell.

    Returns
    -------
    DataFrame
        One row a customer, sorted: ``customer``, ``orders``, ``discount_share`` (of orders with a discounted line),
        ``discount_depth`` (mean of the discounted lines; null without one), ``full_price_share`` (of lines),
        ``novelty_days`` (mean days since the items of his lines were first sold; null if never known),
        ``new_full_price_share`` (of lines, bought new and at list price; null if never known), ``axis`` (1 buys on discount
        only, -1 buys nothing but the new at list price) and ``group``: ``discount seeker`` if the share on discount is
        surely (95 %) above the shop's, ``novelty at list price`` if that of new items at list price is, ``list price`` if the
        share on discount is surely below, else ``mixed``; or ``too few orders``.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    SchemaError
        If there is no such measure, or the ledger has no items.

    Notes
    -----
    The axis is the share of orders on discount less the share of lines bought new at list price, each drawn towards the
    shop's as by two orders or lines of the usual kind. Sureness by the interval of Wilson (1927).

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob", "bob"], "order": [1, 2, 3, 4], "item": ["tea", "cup", "tea", "pot"],
    ...     "time": [date(2024, 1, 1), date(2024, 5, 1), date(2024, 5, 2), date(2024, 6, 2)],
    ...     "amount": [2.0, 5.0, 2.0, 9.0], "off": [0.3, 0.2, 0.0, 0.0]})
    >>> columns = {name: name for name in ("customer", "order", "item", "time", "amount")}
    >>> shop = bk.read_ledger(lines, columns=columns, measures={"off": "off"}, timezone="UTC")
    >>> table = bk.sale_motivation(shop, discount="off")
    >>> table.select("customer", "discount_share", "new_full_price_share").rows()
    [('ann', 1.0, 0.0), ('bob', 0.0, 0.5)]
    """
    ledger = needed(ledger)
    least, days = whole("min_orders", min_orders, 1), whole("new_days", new_days, 1, 3650)
    off = depth(ledger, discount)
    lines = bought_lines(ledger, as_of=as_of).drop_nulls("customer")
    if "item" not in lines.columns:
        raise SchemaError(
            "the ledger holds no items, so it cannot be told what is new: map a column to 'item'."
        )
    since = (pl.col("day") - pl.col("day").min()).dt.total_days()
    age = (pl.col("day") - pl.col("day").min().over("item")).dt.total_days()
    lines = lines.with_columns(depth=off, known=since >= days, age=age)
    lines = lines.with_columns(fresh=pl.col("known") & (pl.col("age") < days) & (pl.col("depth") == 0))
    # Whole millionths, so that no order of rows shows in the last digit of a mean.
    millionths = (pl.col("depth") * 1e6).round().cast(pl.Int64)
    on_sale = pl.col("depth") > 0
    table = (
        lines.group_by("customer")
        .agg(
            orders=pl.col("order").n_unique().cast(pl.Int64),
            off_orders=pl.col("order").filter(on_sale).n_unique().cast(pl.Int64),
            deep=millionths.filter(on_sale).sum() / 1e6,
            off_lines=on_sale.sum(),
            lines=pl.len(),
            ages=pl.col("age").filter("known").sum(),
            known=pl.col("known").sum(),
            fresh=pl.col("fresh").sum(),
        )
        .sort("customer")
    )
    hits_off, n_off, hits_new, n_new = table.select("off_orders", "orders", "fresh", "known").sum().row(0)
    shop_off, shop_new = hits_off / max(n_off, 1), hits_new / max(n_new, 1)
    steady_off = (pl.col("off_orders") + 2 * shop_off) / (pl.col("orders") + 2)
    steady_new = (pl.col("fresh") + 2 * shop_new) / (pl.col("known") + 2)
    low_off, high_off = _wilson(pl.col("off_orders"), pl.col("orders"))
    low_new, _ = _wilson(pl.col("fresh"), pl.col("known"))
    group = (
        pl.when(pl.col("orders") < least)
        .then(pl.lit("too few orders"))
        .when(low_off > shop_off)
        .then(pl.lit("discount seeker"))
        .when((low_new > shop_new) & (pl.col("known") > 0))
        .then(pl.lit("novelty at list price"))
        .when(high_off < shop_off)
        .then(pl.lit("list price"))
        .otherwise(pl.lit("mixed"))
    )
    return table.select(
        "customer",
        "orders",
        discount_share=pl.col("off_orders") / pl.col("orders"),
        discount_depth=pl.when(pl.col("off_lines") > 0).then(pl.col("deep") / pl.col("off_lines")),
        full_price_share=1 - pl.col("off_lines") / pl.col("lines"),
        novelty_days=pl.when(pl.col("known") > 0).then(pl.col("ages") / pl.col("known")),
        new_full_price_share=pl.when(pl.col("known") > 0).then(pl.col("fresh") / pl.col("known")),
        axis=steady_off - steady_new,
        group=group,
    )


def _wilson(hits: pl.Expr, of: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    n = pl.max_horizontal(of.cast(pl.Float64), pl.lit(1e-9))
    z2 = _SURE**2
    share = hits / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _SURE * (share * (1 - share) / n + z2 / (4 * n * n)).sqrt() / (1 + z2 / n)
    return middle - half, middle + half
