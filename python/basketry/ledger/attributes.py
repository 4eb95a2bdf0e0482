"""Attributes of items and customers, as the dump says them most often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from basketry import _core
from basketry.ledger.mapping import Resolved
from basketry.ledger.part import Part


def attributed(core: _core.Ledger, parts: Sequence[Part], resolved: Resolved) -> _core.Ledger:
    """Give a ledger what the dump says of its items and customers.

    Parameters
    ----------
    core
        The ledger.
    parts
        Where the rows came from.
    resolved
        Which column is what.
    """
    ids = {"item": pl.DataFrame(core.items()), "customer": pl.DataFrame(core.customers())}
    counts = {
        role: {
            name: label_counts(said(role, name, column, ids[role].schema[role], parts, resolved)).collect(
                engine="streaming"
            )
            for name, column in wanted(role, resolved).items()
        }
        for role in ids
        if ids[role].height
    }
    return labelled(core, counts.get("item", {}), counts.get("customer", {}))


def wanted(role: str, resolved: Resolved) -> Mapping[str, str]:
    """Name the attributes that are asked for, and their columns; none where there are no ids to give them to.

    Parameters
    ----------
    role
        ``item`` or ``customer``.
    resolved
        Which column is what.
    """
    asked = resolved.item_attributes if role == "item" else resolved.customer_attributes
    return asked if role in resolved.columns else {}


def said(
    role: str, name: str, column: str, kind: pl.DataType, parts: Sequence[Part], resolved: Resolved
) -> pl.LazyFrame:
    """Pair every id with a label, as often as the dump does.

    Parameters
    ----------
    role
        ``item`` or ``customer``.
    name, column
        The attribute and its column.
    kind
        The type of the ids.
    parts, resolved
        Where the rows came from, and which column is what.
    """
    key = resolved.columns[role]
    found = [part.schema[column] for part in parts]
    # Whole numbers become texts when they have been counted, which is cheaper; different floats may be one text.
    alike = all(held.is_integer() and held == found[0] for held in found)
    label = pl.col(column) if alike else pl.col(column).cast(pl.String)
    pairs = [
        part.holding(key, column).select(pl.col(key).cast(kind).alias(role), label.alias(name))
        for part in parts
    ]
    return pl.concat(pairs).drop_nulls()


def label_counts(pairs: pl.LazyFrame) -> pl.LazyFrame:
    """Count how often each id has each label, as a text. Counts of two halves of a dump add up to those of the whole.

    Parameters
    ----------
    pairs
        Ids and labels, and ``len`` where they have been counted.
    """
    names = pairs.collect_schema().names()
    counts = pairs.group_by(names[:2]).agg(pl.col("len").sum() if "len" in names else pl.len())
    return counts.with_columns(pl.col(names[1]).cast(pl.String))


def labelled(
    core: _core.Ledger, items: Mapping[str, pl.DataFrame], customers: Mapping[str, pl.DataFrame]
) -> _core.Ledger:
    """Give a ledger the most frequent label of every id; the smallest of equally frequent ones.

    Parameters
    ----------
    core
        The ledger.
    items, customers
        For each attribute how often each id has each label.
    """
    if not items and not customers:
        return core
    return core.with_attributes(
        _labels("item", pl.DataFrame(core.items()), items),
        _labels("customer", pl.DataFrame(core.customers()), customers),
    )


def _labels(role: str, ids: pl.DataFrame, counts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Find the labels in the order of the ids."""
    found = []
    for name, frame in counts.items():
        order = frame.sort([role, "len", name], descending=[False, True, False])
        best = order.unique(role, keep="first")
        found.append(ids.select(role).join(best, on=role, how="left", maintain_order="left").select(name))
    return pl.concat(found, how="horizontal") if found else pl.DataFrame()
