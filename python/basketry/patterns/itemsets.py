"""Frequent itemsets: sets of items that many baskets hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl

from basketry import _core
from basketry.arguments import whole
from basketry.control import Budget, reins
from basketry.exceptions import ParameterError
from basketry.ledger.zones import Moment
from basketry.patterns._baskets import baskets_of, codes_of, least_count

Kind = Literal["all", "closed", "maximal"]

ITEMSETS = Budget(results=30_000_000)
"""What a call may cost that sets no budget: some gigabytes of itemsets, where a threshold too low would take all memory."""


def frequent_itemsets(
    data: Any,
    *,
    basket: str | None = None,
    item: str | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    top: int | None = None,
    contains: Iterable[str | int] | None = None,
    excludes: Iterable[str | int] | None = None,
    kind: Kind = "all",
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find the sets of items that many baskets hold.

    A basket is a set: an item that is in it twice counts once. Baskets without an item count among all
    baskets. The result is exact, and the same for any order of rows and any number of threads.

    Parameters
    ----------
    data
        A ledger, or a table with a row for each item of a basket or for each basket with a list of items.
    basket
        The column of basket ids; left out if `item` is a column of lists. Of a ledger: ``order`` (or None),
        ``day`` or ``customer``, what a basket is the set of items of.
    item
        The column of item ids: texts or whole numbers. Of a ledger: None for its items, or one of
        their attributes.
    as_of
        Orders of a ledger at or after this instant are left out; None takes all.
    min_support
        The least share of baskets. It is taken as typed: at 0.07 of 100 baskets, 7 are enough.
    min_count
        The least number of baskets, in place of `min_support`.
    min_length
        The least number of items of a set.
    max_length
        The most items of a set.
    top
        Keeps the sets of highest count; ties go to the shorter set, then to the one that stands first.
    contains
        Items that every set must have.
    excludes
        Items that no set may have.
    kind
        ``closed`` keeps the sets that no larger set equals in count, ``maximal`` those that no larger set is
        frequent with.
    budget
        The most itemsets, bytes or seconds that the call may cost; None allows 30 million itemsets.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        ``itemset`` (item ids, most frequent first), ``length``, ``count`` (baskets), ``support`` (share of
        all baskets); by falling count, then rising length, then by the ranks of the items. A result of more than
        2^18 sets comes in the order of the search, which depends on nothing but the baskets: sorting it
        would take longer than finding it.

    Raises
    ------
    ParameterError
        If an argument is out of range or contradicts another.
    SchemaError
        If a column is missing or holds no ids.
    CapacityError
        If the budget is met; the text tells what would fit.

    Examples
    --------
    >>> import polars as pl
    >>> shop = pl.DataFrame({"items": [["bread", "milk"], ["bread", "jam"], ["bread", "milk", "jam"], []]})
    >>> for row in frequent_itemsets(shop, item="items", min_count=2).iter_rows():
    ...     print(row)
    (['bread'], 1, 3, 0.75)
    (['jam'], 1, 2, 0.5)
    (['milk'], 1, 2, 0.5)
    (['bread', 'jam'], 2, 2, 0.5)
    (['bread', 'milk'], 2, 2, 0.5)
    >>> frequent_itemsets(shop, item="items", min_support=0.5, kind="maximal")["itemset"].to_list()
    [['bread', 'jam'], ['bread', 'milk']]
    >>> milk = frequent_itemsets(shop, item="items", min_count=1, contains=["milk"], excludes=["bread"])
    >>> milk["itemset"].to_list()
    [['milk'], ['jam', 'milk']]
    """
    parcel = reins(n_threads, budget or ITEMSETS)
    sets = baskets_of(data, basket=basket, item=item, as_of=as_of, reins=parcel)
    options = itemset_options(
        sets,
        min_support=min_support,
        min_count=min_count,
        min_length=min_length,
        max_length=max_length,
        top=top,
        contains=contains,
        excludes=excludes,
        kind=kind,
    )
    return pl.DataFrame(_core.frequent_itemsets(sets, options, parcel))


def count_itemsets(
    data: Any,
    *,
    basket: str | None = None,
    item: str | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    contains: Iterable[str | int] | None = None,
    excludes: Iterable[str | int] | None = None,
    kind: Kind = "all",
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Count the frequent itemsets of each length.

    With ``kind="all"`` no itemset is built, so billions can be counted: a good first look at a new threshold.

    Parameters
    ----------
    data, basket, item, as_of, min_support, min_count, min_length, max_length, contains, excludes
        As in :func:`frequent_itemsets`.
    kind, budget, n_threads
        As in :func:`frequent_itemsets`.

    Returns
    -------
    DataFrame
        ``length``, ``count`` (itemsets of this length); lengths without a set are left out.

    Raises
    ------
    ParameterError, SchemaError, CapacityError
        As in :func:`frequent_itemsets`.

    Examples
    --------
    >>> import polars as pl
    >>> shop = pl.DataFrame({"items": [["bread", "milk"], ["bread", "jam"], ["bread", "milk", "jam"], []]})
    >>> count_itemsets(shop, item="items", min_count=2).rows()
    [(1, 3), (2, 2)]
    """
    parcel = reins(n_threads, budget)
    sets = baskets_of(data, basket=basket, item=item, as_of=as_of, reins=parcel)
    options = itemset_options(
        sets,
        min_support=min_support,
        min_count=min_count,
        min_length=min_length,
        max_length=max_length,
        top=None,
        contains=contains,
        excludes=excludes,
        kind=kind,
    )
    return pl.DataFrame(_core.count_itemsets(sets, options, parcel))


def itemset_options(
    baskets: _core.Baskets,
    *,
    min_support: float | None,
    min_count: int | None,
    min_length: int = 1,
    max_length: int | None,
    top: int | None = None,
    contains: Iterable[str | int] | None = None,
    excludes: Iterable[str | int] | None = None,
    kind: str = "all",
) -> _core.ItemsetOptions:
    """Check what is looked for and put it in one parcel.

    Parameters
    ----------
    baskets
        Where it is looked for.
    min_support, min_count, min_length, max_length, top, contains, excludes, kind
        As in :func:`frequent_itemsets`.
    """
    shortest = whole("min_length", min_length, 1)
    if kind not in ("all", "closed", "maximal"):
        raise ParameterError.unknown("kind", kind, ["all", "closed", "maximal"])
    return {
        "min_count": least_count(min_support, min_count, len(baskets)),
        "min_length": shortest,
        "max_length": None if max_length is None else whole("max_length", max_length, shortest),
        "top": None if top is None else whole("top", top, 1),
        "contains": codes_of(baskets, "contains", contains or [], known=True),
        "excludes": codes_of(baskets, "excludes", excludes or [], known=False),
        "kind": kind,
    }
