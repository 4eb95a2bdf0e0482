"""From what the caller has to baskets that the miners take."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from numbers import Integral
from typing import Any

import polars as pl

from basketry import _core
from basketry.arguments import share, whole
from basketry.control import Reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

GRAINS = ("order", "day", "customer")
"""What a basket of a ledger is the set of items of."""


def baskets_of(
    data: Any,
    *,
    basket: str | None,
    item: str | None,
    as_of: Moment | None,
    reins: Reins,
) -> _core.Baskets:
    """Read a ledger, a table of basket and item ids, or a column of lists into baskets.

    Parameters
    ----------
    data
        A ledger or any Arrow table.
    basket
        The column of basket ids; None if `item` holds lists, one basket a row.
        Of a ledger: order, day or customer.
    item
        The column of item ids. Of a ledger: None for the items, or one of their attributes.
    as_of
        The instant before which a ledger is read.
    reins
        Threads, budget and progress.
    """
    if isinstance(data, Ledger):
        grain = basket or "order"
        if grain not in GRAINS:
            raise ParameterError.unknown("basket", grain, GRAINS)
        before = None if as_of is None else data.instant(as_of)
        return _core.Baskets.from_ledger(data.core, grain, item or "item", before, reins)
    if as_of is not None:
        raise ParameterError.out_of_range("as_of", as_of, "only a ledger knows times; filter a table before")
    if item is None:
        raise ParameterError.out_of_range("item", item, "a table needs the name of its column of items")
    frame = data if isinstance(data, pl.DataFrame) else pl.DataFrame(data)
    for name, role in ((basket, "basket"), (item, "item")):
        if name is not None and name not in frame.columns:
            raise SchemaError.unknown_column(name, role, frame.columns)
    if isinstance(frame.schema[item], pl.List | pl.Array):
        if basket is not None:
            raise ParameterError.out_of_range(
                "basket", basket, f"each list of the column {item!r} is a basket, so leave it out"
            )
        numbered = frame.select(pl.int_range(pl.len()).alias("basket"), item=pl.col(item))
        return _core.Baskets.from_rows(numbered.explode("item", empty_as_null=True, keep_nulls=True), reins)
    if basket is None:
        raise ParameterError.out_of_range(
            "basket", basket, "a table of one item a row needs its column of baskets"
        )
    return _core.Baskets.from_rows(frame.select(basket=pl.col(basket), item=pl.col(item)), reins)


def least_count(min_support: float | None, min_count: int | None, n_baskets: int) -> int:
    """Tell in how many baskets a set must be.

    A share is taken as it was typed, not as the nearest double: at 0.07 of 100 baskets a set in 7 is found.

    Parameters
    ----------
    min_support
        A share of all baskets.
    min_count
        A number of baskets.
    n_baskets
        How many baskets there are.
    """
    if (min_support is None) == (min_count is None):
        given = "both" if min_support is not None else "neither"
        raise ParameterError(f"min_support and min_count: {given} given, exactly one is needed.")
    if min_support is not None:
        return max(1, ceil(share("min_support", min_support) * n_baskets))
    return whole("min_count", min_count, 1)


def codes_of(baskets: _core.Baskets, name: str, items: object, *, known: bool) -> list[int]:
    """Give the codes of items.

    Parameters
    ----------
    baskets
        The baskets that have them.
    name
        The argument.
    items
        The ids that were given.
    known
        Whether an item that no basket has is a mistake; else it is left out.
    """
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise ParameterError.out_of_range(name, items, "a list of item ids")
    ids = list(items)
    wrong = [one for one in ids if isinstance(one, bool) or not isinstance(one, str | Integral)]
    if wrong:
        raise ParameterError.out_of_range(name, wrong[0], "item ids are texts or whole numbers")
    codes = baskets.codes([one if isinstance(one, str) else int(one) for one in ids])
    if known and None in codes:
        raise ParameterError.out_of_range(name, ids[codes.index(None)], "no basket has this item")
    return [code for code in codes if code is not None]
