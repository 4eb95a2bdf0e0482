"""Price bands: an attribute of items, from what was paid for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from numbers import Real

import polars as pl

from basketry.arguments import share, whole
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.ledger import Ledger


def price_bands(
    ledger: Ledger,
    *,
    cuts: Sequence[float] | None = None,
    quantiles: int | Sequence[float] | None = None,
    labels: Sequence[str] | None = None,
    name: str = "price_band",
) -> Ledger:
    """Sort items into bands by their unit price.

    The price of an item is the median of what was paid for one of it, amount by quantity, over all purchased
    lines; so every line of an item has the same band. An item that was never purchased has none.

    Parameters
    ----------
    ledger
        A shop whose lines have items and amounts; without quantities an amount is taken for a unit price.
    cuts
        Rising prices at which a new band begins.
    quantiles
        In place of `cuts`: how many bands of equally many items, or rising shares of items at which a new band
        begins. Items of the same price have the same band, so that bands may differ in size.
    labels
        What the bands are called, one more than there are cuts; None calls them by their prices.
    name
        What the attribute is called.

    Returns
    -------
    Ledger
        The ledger with one more attribute of its items.

    Raises
    ------
    ParameterError
        If not exactly one of `cuts` and `quantiles` is given, if they do not rise, if `labels` do not fit them, or if
        there is an attribute of this name.
    SchemaError
        If lines have no items or no amounts.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "ann"], "order": [1, 2, 3], "item": ["tea", "tea", "cup"], "quantity": [1, 2, 1],
    ...     "time": [date(2024, 1, 2), date(2024, 1, 3), date(2024, 2, 1)], "amount": [3.0, 6.0, 8.5]})
    >>> shop = price_bands(bk.read_ledger(lines, timezone="UTC"), cuts=[5])
    >>> shop.items().rows()
    [('cup', '5 and up'), ('tea', 'under 5')]
    >>> bk.frequent_itemsets(shop, item="price_band", min_count=1).select("itemset", "count").rows()
    [(['under 5'], 2), (['5 and up'], 1)]
    """
    if (cuts is None) == (quantiles is None):
        given = "both" if cuts is not None else "neither"
        raise ParameterError(f"cuts and quantiles: {given} given, exactly one is needed.")
    if not ledger.core.has_items or "amount" not in ledger.core.measures:
        raise SchemaError("price bands need the columns 'item' and 'amount': map them in columns=.")
    items = ledger.items()
    if name in items.columns:
        raise ParameterError.out_of_range(
            "name", name, "items have an attribute of this name, choose another"
        )
    prices = items.select("item").join(_prices(ledger), on="item", how="left", maintain_order="left")["price"]
    edges = _rising("cuts", cuts) if quantiles is None else _edges(prices.drop_nulls(), quantiles)
    called = _labels(edges) if labels is None else list(labels)
    if len(set(called)) != len(edges) + 1 or not all(isinstance(label, str) for label in called):
        raise ParameterError.out_of_range(
            "labels", labels, f"{len(edges) + 1} different texts, as many as there are bands between {edges}"
        )
    # The place of a price among the cuts is the number of cuts that it reaches.
    reached = pl.sum_horizontal([pl.lit(0), *(pl.col("price") >= edge for edge in edges)])
    band = pl.when(pl.col("price").is_not_null()).then(reached)
    bands = prices.to_frame().select(
        band.replace_strict(range(len(called)), called, return_dtype=pl.String).alias(name)
    )
    customers = ledger.customers().drop("customer")
    core = ledger.core.with_attributes(items.drop("item").hstack(bands), customers)
    return replace(ledger, core=core)


def _prices(ledger: Ledger) -> pl.DataFrame:
    lines = ledger.lines()
    price = pl.col("amount")
    if "quantity" in lines.columns:
        lines = lines.filter(pl.col("quantity") > 0)
        price = price / pl.col("quantity")
    paid = lines.filter(pl.col("amount") >= 0, pl.col("item").is_not_null())
    return paid.group_by("item").agg(price=price.median())


def _rising(argument: str, given: Sequence[float] | None) -> list[float]:
    edges = [] if given is None else list(given)
    good = all(isinstance(edge, Real) and not isinstance(edge, bool) and edge == edge for edge in edges)
    if not edges or not good or any(one >= other for one, other in pairwise(edges)):
        raise ParameterError.out_of_range(argument, given, "a list of rising numbers")
    return [float(edge) for edge in edges]


def _edges(prices: pl.Series, quantiles: int | Sequence[float]) -> list[float]:
    """Find the prices at which a new band begins; bands that would be empty are left out."""
    if isinstance(quantiles, Sequence):
        shares = _rising("quantiles", quantiles)
        for one in shares:
            share("quantiles", one)
    else:
        bands = whole("quantiles", quantiles, 2, 1000)
        shares = [band / bands for band in range(1, bands)]
    found = {prices.quantile(one, "higher") for one in shares} - {None, prices.min()}
    return sorted(float(edge) for edge in found if edge is not None)


def _labels(edges: list[float]) -> list[str]:
    prices = [f"{edge:.4f}".rstrip("0").rstrip(".") for edge in edges]
    if not prices:
        return ["all prices"]
    between = [f"{low} to {high}" for low, high in pairwise(prices)]
    return [f"under {prices[0]}", *between, f"{prices[-1]} and up"]
