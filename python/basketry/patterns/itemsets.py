"""Frequent itemsets: sets of items that many baskets hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import nextafter
from typing import Any, Literal

import polars as pl

from basketry import _core
from basketry.arguments import whole
from basketry.control import Budget, reins
from basketry.exceptions import CapacityError, CapacityWarning, ParameterError
from basketry.ledger.zones import Moment
from basketry.patterns._baskets import Level, baskets_of, codes_of, least_count

Kind = Literal["all", "closed", "maximal"]

ITEMSETS = 30_000_000
"""What a call may cost that sets no budget: some gigabytes of itemsets, where a threshold too low would take all memory."""


def allowance(budget: Budget | None) -> Budget:
    """Limit what a call may hold, if its budget does not: time alone would let it take all memory.

    Parameters
    ----------
    budget
        What the caller set.
    """
    if budget is None or (budget.results is None and budget.bytes is None):
        return Budget(results=ITEMSETS, seconds=None if budget is None else budget.seconds)
    return budget


def frequent_itemsets(
    data: Any,
    *,
    basket: str | None = None,
    item: Level | None = None,
    levels: Sequence[Level] | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    top: int | None = None,
    contains: Iterable[str | int] | None = None,
    excludes: Iterable[str | int] | None = None,
    kind: Kind = "all",
    values: Iterable[str] = (),
    partial: bool = False,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find the sets of items that many baskets hold.

    A basket is a set: an item that is in it twice counts once. Baskets without an item count among all
    baskets. The result is exact, and the same for any order of rows and any number of threads.

    Parameters
    ----------
    data
        A ledger, a table with a row for each item of a basket or for each basket with a list of items, or the
        path of a text file (plain or ``.gz``) with a line for each basket and blanks between items. Items of a
        text are whole numbers if all of them are written as such.
    basket
        The column of basket ids; left out if `item` is a column of lists. Of a ledger: ``order`` (or None),
        ``day`` or ``customer``, what a basket is the set of items of; orders without a customer are in no basket of
        customers.
    item
        The column of item ids: texts or whole numbers; or a list of columns for their combinations, called
        ``shoes | high``. Of a ledger: None for its items, one of their attributes, or a list of them. A line whose item
        lacks an attribute has no place on its axis. What belongs to a line and not to its item, such as a level of
        discount, is a column of ``ledger.lines()``, as in the last example.
    levels
        Of a ledger, in place of `item`: several axes at once, such as ``["item", "category"]``. Items are called by
        their ids, all else with its axis: ``category: shoes``. No set holds an item and what the item implies.
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
    values
        Measures of a ledger, such as ``amount`` and ``quantity``, or columns of a table with a row for each item: for
        each set their sum over the lines of its items in the baskets that hold it. Of a ledger only purchases
        count: lines of negative quantity are in no basket and in no sum. Rows of a table are summed as
        they are, one without a value as nothing.
    partial
        Whether to answer, when the budget is met, with all sets up to the greatest length that fits and a
        `CapacityWarning`, in place of an error; only with ``kind="all"``. A budget of results or bytes always gives the
        same answer; with one of seconds, the length depends on the machine.
    budget
        The most itemsets, bytes or seconds that the call may cost; None allows 30 million itemsets.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        ``itemset`` (item ids, most frequent first; with `contains` its items first, the others by how many baskets
        hold them beside those), ``length``, ``count`` (baskets), ``support`` (share of
        all baskets) and a column for each of `values` (exact to four decimals); by falling count, then rising length,
        then by the ranks of the items. A result of more than 2^18 sets comes in the order of the search, which
        depends on nothing but the baskets: sorting it would take longer than finding it.

    Raises
    ------
    ParameterError
        If an argument is out of range or contradicts another.
    SchemaError
        If a column or file is missing or holds no ids.
    CapacityError
        If the budget is met; the text tells which support and which length would fit.

    Warns
    -----
    CapacityWarning
        If `partial` is true and the budget is met; the text tells what is missing.

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
    [['milk'], ['milk', 'jam']]

    What the sets are worth, from a table with a row for each item:

    >>> lines = pl.DataFrame({"order": [1, 1, 2], "item": ["tea", "cup", "tea"], "paid": [3.0, 8.5, 3.0]})
    >>> worth = frequent_itemsets(lines, basket="order", item="item", min_count=1, values=["paid"])
    >>> for row in worth.select("itemset", "count", pl.col("paid").cast(float)).iter_rows():
    ...     print(row)
    (['tea'], 2, 6.0)
    (['cup'], 1, 8.5)
    (['tea', 'cup'], 1, 11.5)

    What is bought under which discount, by an axis of lines:

    >>> shop = pl.DataFrame({"order": [1, 1, 2, 2], "kind": ["tea", "cup", "tea", "pot"], "off": [0.0, 0.3, 0.0, 0.25]})
    >>> level = pl.when(pl.col("off") == 0).then(pl.lit("full price")).otherwise(pl.lit("reduced"))
    >>> bands = shop.with_columns(discount=level)
    >>> frequent_itemsets(bands, basket="order", item=["kind", "discount"], min_count=2)["itemset"].to_list()
    [['tea | full price']]
    >>> frequent_itemsets(bands, basket="order", item="discount", min_count=2)["itemset"].to_list()
    [['full price'], ['reduced'], ['full price', 'reduced']]
    """
    parcel = reins(n_threads, allowance(budget))
    sets = baskets_of(data, basket=basket, item=item, levels=levels, as_of=as_of, values=values, reins=parcel)
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
    columns, missing = _core.frequent_itemsets(sets, options, bool(partial), parcel)
    if missing is not None:
        warnings.warn(missing, CapacityWarning, stacklevel=2)
    return pl.DataFrame(columns)


def count_itemsets(
    data: Any,
    *,
    basket: str | None = None,
    item: Level | None = None,
    levels: Sequence[Level] | None = None,
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
    data, basket, item, levels, as_of, min_support, min_count, min_length, max_length, contains, excludes
        As in :func:`frequent_itemsets`.
    kind, n_threads
        As in :func:`frequent_itemsets`.
    budget
        As in :func:`frequent_itemsets`; with ``kind="all"`` its seconds alone count, for nothing is kept.

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
    parcel = reins(n_threads, budget if kind == "all" else allowance(budget))
    sets = baskets_of(data, basket=basket, item=item, levels=levels, as_of=as_of, reins=parcel)
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


@dataclass(frozen=True)
class FittingSupport:
    """A support, and how many itemsets it gives.

    Parameters
    ----------
    min_count
        The least number of baskets.
    min_support
        The same as a share of all baskets: typed as it stands, it asks for `min_count` baskets.
    itemsets
        How many itemsets there are.
    """

    min_count: int
    min_support: float
    itemsets: int


def support_for(
    data: Any,
    n: int,
    *,
    basket: str | None = None,
    item: Level | None = None,
    levels: Sequence[Level] | None = None,
    as_of: Moment | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    contains: Iterable[str | int] | None = None,
    excludes: Iterable[str | int] | None = None,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> FittingSupport:
    """Find the least support at which at most `n` itemsets exist.

    Sets are only counted, by halving the range of supports, so the answer is exact and no itemset is built.

    Parameters
    ----------
    data, basket, item, levels, as_of, min_length, max_length, contains, excludes
        As in :func:`frequent_itemsets`.
    n
        The most itemsets.
    budget
        Its seconds alone count; None sets no limit.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    FittingSupport
        ``min_count``, ``min_support`` and the number of ``itemsets`` there.

    Raises
    ------
    ParameterError, SchemaError
        As in :func:`frequent_itemsets`.
    CapacityError
        If there are more sets than `n` that all baskets hold, or the seconds are used up.

    Examples
    --------
    >>> import polars as pl
    >>> shop = pl.DataFrame({"items": [["bread", "milk"], ["bread", "jam"], ["bread", "milk", "jam"], []]})
    >>> support_for(shop, 5, item="items")
    FittingSupport(min_count=2, min_support=0.5, itemsets=5)
    """
    most = whole("n", n, 0)
    parcel = reins(n_threads, budget)
    sets = baskets_of(data, basket=basket, item=item, levels=levels, as_of=as_of, reins=parcel)
    options = itemset_options(
        sets,
        min_support=None,
        min_count=1,
        min_length=min_length,
        max_length=max_length,
        contains=contains,
        excludes=excludes,
    )
    found = _core.support_for(sets, most, options, parcel)
    if found is None:
        raise CapacityError(
            f"n={most}: more itemsets than that are in every one of the {len(sets)} baskets, "
            "so that no support fits: limit max_length, or exclude items."
        )
    least, itemsets = found
    share = least / max(len(sets), 1)
    if Fraction(repr(share)) * len(sets) > least:
        share = nextafter(share, 0)
    return FittingSupport(least, share, itemsets)


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
        "contains": codes_of(baskets, "contains", [] if contains is None else contains, known=True),
        "excludes": codes_of(baskets, "excludes", [] if excludes is None else excludes, known=False),
        "kind": kind,
    }
