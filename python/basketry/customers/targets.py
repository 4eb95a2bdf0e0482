"""What a label asks of the orders in its window: whether he bought, bought this or in a sale, brought back, stayed away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.money import exact_sum

NAMED = ("purchase", "churn", "sale", "return")
"""The targets that have a name; the purchase of a product segment is a mapping of attributes of items."""


@dataclass(frozen=True)
class Target:
    """What counts as yes.

    Parameters
    ----------
    name
        ``purchase``: any purchase; ``churn``: none; ``sale``: a purchase at a discount; ``return``: something is brought
        back; ``segment``: the purchase of an item that is ``where``.
    where
        Attribute of items -> the labels that count.
    discount
        The measure of lines that is above 0 for a sale.
    """

    name: str
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    discount: str | None = None

    def events(self, ledger: Ledger) -> pl.DataFrame:
        """List what counts: ``customer``, ``time``, ``value`` (money, 0 where none is known)."""
        money = "amount" in ledger.core.measures
        if self.name in ("purchase", "churn"):
            orders = ledger.orders().filter(pl.col("customer").is_not_null(), pl.col("purchase"))
            value = pl.col("gross") if money else pl.lit(0.0)
            return orders.select("customer", "time", value=value.cast(pl.Float64))
        lines = ledger.lines().filter(pl.col("customer").is_not_null())
        value = pl.col("amount") if money else pl.lit(0.0)
        if self.name == "return":
            if not {"quantity", "amount"} & set(lines.columns):
                raise SchemaError(
                    "the ledger holds neither quantities nor money, so no return can be seen in it."
                )
            sign = "quantity" if "quantity" in lines.columns else "amount"
            return lines.filter(pl.col(sign) < 0).select("customer", "time", value=-value.cast(pl.Float64))
        bought = lines.filter(pl.col("quantity") > 0) if "quantity" in lines.columns else lines
        if self.name == "sale":
            if self.discount not in ledger.core.measures:
                raise SchemaError.unknown_column(str(self.discount), "discount", sorted(ledger.core.measures))
            hit = bought.filter(pl.col(str(self.discount)) > 0)
        else:
            hit = bought.join(self._items(ledger), on="item", how="semi")
        return hit.select("customer", "time", value=value.cast(pl.Float64))

    def label(self) -> pl.Expr:
        """Turn the number of events in a window into yes or no."""
        return (pl.col("_events") == 0) if self.name == "churn" else (pl.col("_events") > 0)

    def _items(self, ledger: Ledger) -> pl.DataFrame:
        items = ledger.items() if ledger.n_items else pl.DataFrame({"item": []})
        for attribute, labels in self.where:
            if attribute not in items.columns:
                raise SchemaError.unknown_column(attribute, "target", items.columns)
            known = items[attribute].cast(pl.String)
            missing = [label for label in labels if label not in set(known.drop_nulls())]
            if missing:
                raise ParameterError.unknown(
                    f"target[{attribute!r}]", missing[0], sorted(set(known.drop_nulls()))[:20]
                )
            items = items.filter(known.is_in(labels))
        return items.select("item")

    def __str__(self) -> str:
        if self.where:
            return "bought " + " and ".join(f"{name} {' or '.join(labels)}" for name, labels in self.where)
        words = {"purchase": "bought", "churn": "bought nothing", "sale": "bought in a sale"}
        return words.get(self.name, "brought something back")


def target_of(value: object, discount: str | None) -> Target:
    """Check a target.

    Parameters
    ----------
    value
        One of the names, or a mapping of attributes of items to a label or several.
    discount
        The measure that holds discounts; needed by ``sale``.
    """
    if isinstance(value, Mapping) and value:
        where = tuple(sorted((str(name), _labels(labels)) for name, labels in value.items()))
        return Target("segment", where)
    if value not in NAMED:
        raise ParameterError.unknown("target", value, [*NAMED, "a mapping such as {'category': 'tea'}"])
    if value == "sale" and discount is None:
        raise ParameterError.out_of_range(
            "target", value, "pass discount= with the measure of lines that holds discounts"
        )
    return Target(str(value), discount=discount if value == "sale" else None)


def _labels(value: Any) -> tuple[str, ...]:
    return (str(value),) if isinstance(value, str | int) else tuple(str(one) for one in value)


def counted(events: pl.DataFrame, start: int, end: int) -> pl.DataFrame:
    """Sum up the events of a window: ``customer``, ``_events``, ``label_value``, ``_label_min_ts``.

    Parameters
    ----------
    events
        What `Target.events` gives.
    start, end
        Microseconds; half-open.
    """
    time = pl.col("time").dt.epoch("us")
    inside = events.filter(time >= start, time < end)
    return inside.group_by("customer").agg(
        _events=pl.len(), label_value=exact_sum("value"), _label_min_ts=pl.col("time").min()
    )
