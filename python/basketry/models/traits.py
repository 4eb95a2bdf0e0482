"""What a shop knows of its customers, as traits to compare groups by; and who bought what."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

MOST_LABELS = 30
"""So many labels of an attribute of items become traits, those with the most customers."""
HELD_EQUAL = ("orders", "tenure_days")
"""What `personas` is to hold equal: who buys much, and for long, has bought everything more often."""


def persona_traits(
    ledger: Ledger, *, as_of: Moment | None = None, category: str | None = None
) -> pl.DataFrame:
    """Make a table of traits for `personas`.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        Orders at or after it are not seen; None is the end of the data.
    category
        The attribute of items whose labels become ``bought <label>``. None makes no such traits.

    Returns
    -------
    DataFrame
        One row per customer with a purchase before ``as_of``: ``customer``; the attributes of customers; ``bought <label>``
        (yes or no) for the 30 most common labels; ``order_value`` (mean, if the shop has money), ``weekend_share`` and
        ``recency_days``, which `personas` cuts at their median; ``orders`` and ``tenure_days`` (from the first purchase to
        ``as_of``), to be held equal.
    """
    at = ledger.instant(as_of)
    seen = ledger.orders().filter(
        pl.col("customer").is_not_null(), "purchase", pl.col("time").dt.epoch("us") < at
    )
    age = (at - pl.col("time").dt.epoch("us")) / 86_400e6
    measures = [pl.col("gross").mean().alias("order_value")] if "amount" in ledger.core.measures else []
    table = seen.group_by("customer").agg(
        *measures,
        weekend_share=(pl.col("day").dt.weekday() > 5).mean(),
        recency_days=age.min(),
        orders=pl.len().cast(pl.Int64),
        tenure_days=age.max(),
    )
    attributes = ledger.customers()
    if attributes.width > 1:
        table = attributes.join(table, on="customer", how="inner")
    if category is not None:
        table = table.join(_bought(ledger, category, at), on="customer", how="left")
        table = table.with_columns(pl.col("^bought .*$").fill_null(value=False))
    return table.sort("customer")


def first_order_traits(
    ledger: Ledger, *, as_of: Moment | None = None, category: str | None = None
) -> pl.DataFrame:
    """Tell of every customer what could be known right after the first order, for `lookalike`.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        Orders at or after it are not seen; None is the end of the data.
    category
        The attribute of items whose labels in the first order become ``bought <label>``.

    Returns
    -------
    DataFrame
        One row per customer with a purchase: ``customer``, the attributes of customers, ``order_value`` (if the shop has
        money), ``lines``, ``weekday`` and ``hour`` (UTC) as texts, ``bought <label>``, and, which are no traits, ``orders``
        (until ``as_of``) and ``spend_total``.
    """
    at = ledger.instant(as_of)
    money = "amount" in ledger.core.measures
    seen = ledger.orders().filter(
        pl.col("customer").is_not_null(), "purchase", pl.col("time").dt.epoch("us") < at
    )
    spend = exact_sum("gross") if money else pl.lit(None, pl.Float64)
    table = seen.sort("customer", "time", maintain_order=True).group_by("customer").agg(
        *([pl.col("gross").first().alias("order_value")] if money else []),
        lines=pl.col("lines").first().cast(pl.Int64),
        weekday=pl.col("day").first().dt.strftime("%A"),
        hour=pl.col("time").first().dt.strftime("%H"),
        orders=pl.len().cast(pl.Int64),
        spend_total=spend,
        _first=pl.col("time").first().dt.epoch("us"),
    )  # fmt: skip
    attributes = ledger.customers()
    if attributes.width > 1:
        table = attributes.join(table, on="customer", how="inner")
    if category is not None:
        table = table.join(_bought(ledger, category, at, table), on="customer", how="left")
        table = table.with_columns(pl.col("^bought .*$").fill_null(value=False))
    return table.drop("_first").sort("customer")


def buyers(
    ledger: Ledger, what: Mapping[str, str], *, since: Moment | None = None, until: Moment | None = None
) -> pl.Series:
    """List the customers who bought an item of these attributes.

    Parameters
    ----------
    ledger
        The shop.
    what
        Attribute of items -> label; all must hold.
    since, until
        Only purchases from the first and before the second. None does not limit.

    Returns
    -------
    Series
        Their ids, sorted.
    """
    if not what:
        raise ParameterError.out_of_range("what", dict(what), "name an attribute of items and its label")
    items = _items(ledger, what)
    for name, label in what.items():
        known = items[name].cast(pl.String)
        if label not in known:
            raise ParameterError.unknown(f"what[{name!r}]", label, sorted(set(known.drop_nulls()))[:20])
        items = items.filter(pl.col(name).cast(pl.String) == label)
    lines = _bought_lines(ledger).join(items.select("item"), on="item", how="semi")
    time = pl.col("time").dt.epoch("us")
    if since is not None:
        lines = lines.filter(time >= ledger.instant(since, "since"))
    if until is not None:
        lines = lines.filter(time < ledger.instant(until, "until"))
    return lines["customer"].unique().sort()


def _items(ledger: Ledger, attributes: Mapping[str, str]) -> pl.DataFrame:
    items = ledger.items() if ledger.n_items else pl.DataFrame({"item": []})
    for name in attributes:
        if name not in items.columns[1:]:
            raise SchemaError.unknown_column(name, "attribute of items", items.columns[1:])
    return items


def _bought_lines(ledger: Ledger) -> pl.DataFrame:
    lines = ledger.lines().filter(pl.col("customer").is_not_null())
    sign = next((name for name in ("quantity", "amount") if name in lines.columns), None)
    return lines if sign is None else lines.filter(pl.col(sign) > 0)


def _bought(ledger: Ledger, category: str, at: int, first: pl.DataFrame | None = None) -> pl.DataFrame:
    """Tell what each customer bought before an instant, or in the first order only."""
    items = _items(ledger, {category: ""}).select("item", pl.col(category).cast(pl.String).alias("_label"))
    lines, time = _bought_lines(ledger), pl.col("time").dt.epoch("us")
    if first is not None:
        lines = lines.join(first.select("customer", "_first"), on="customer").filter(time == pl.col("_first"))
    pairs = (
        lines.filter(time < at)
        .join(items, on="item")
        .drop_nulls("_label")
        .select("customer", "_label")
        .unique()
    )
    common = pairs.group_by("_label").len().sort("len", "_label", descending=[True, False]).head(MOST_LABELS)
    wide = pairs.select("customer").unique()
    for label in common["_label"].sort():
        those = pairs.filter(pl.col("_label") == label)["customer"]
        wide = wide.with_columns(pl.col("customer").is_in(those.implode()).alias(f"bought {label}"))
    return wide
