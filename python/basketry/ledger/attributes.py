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
    items = _labels("item", pl.DataFrame(core.items()), resolved.item_attributes, parts, resolved)
    customers = _labels(
        "customer", pl.DataFrame(core.customers()), resolved.customer_attributes, parts, resolved
    )
    return core.with_attributes(items, customers) if items.width or customers.width else core


def _labels(
    role: str, ids: pl.DataFrame, wanted: Mapping[str, str], parts: Sequence[Part], resolved: Resolved
) -> pl.DataFrame:
    """Find the most frequent label of every id, in the order of the ids; the smallest of equally frequent ones."""
    key = resolved.columns.get(role)
    if key is None or ids.is_empty():
        return pl.DataFrame()
    found = []
    for name, column in wanted.items():
        frames = [part.holding(key, column) for part in parts]
        pairs = [
            frame.select(
                pl.col(key).cast(ids.schema[role]).alias(role), pl.col(column).cast(pl.String).alias(name)
            )
            for frame in frames
        ]
        counts = pl.concat(pairs).drop_nulls().group_by(role, name).len().collect(engine="streaming")
        best = counts.sort([role, "len", name], descending=[False, True, False]).unique(role, keep="first")
        found.append(ids.select(role).join(best, on=role, how="left", maintain_order="left").select(name))
    return pl.concat(found, how="horizontal") if found else pl.DataFrame()
