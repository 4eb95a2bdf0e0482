"""Association rules: what baskets that hold some items also hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from basketry import _core
from basketry.arguments import share, whole
from basketry.control import Budget, reins
from basketry.ledger.zones import Moment
from basketry.patterns._baskets import baskets_of, codes_of
from basketry.patterns.itemsets import ITEMSETS, itemset_options


def association_rules(
    data: Any,
    *,
    basket: str | None = None,
    item: str | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    min_confidence: float,
    max_length: int | None = None,
    consequents: Iterable[str | int] | None = None,
    max_antecedent: int | None = None,
    max_consequent: int | None = None,
    excludes: Iterable[str | int] | None = None,
    redundant: bool = False,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find rules "baskets with these items also hold those" and tell how far they can be trusted.

    Thresholds are compared in whole numbers: a rule that lies exactly on one is in the table.

    Parameters
    ----------
    data, basket, item, as_of, min_support, min_count, excludes, n_threads
        As in :func:`basketry.patterns.itemsets.frequent_itemsets`; support is that of both sides together.
    min_confidence
        The least share of the antecedent's baskets that hold the consequent, from 0 to 1; taken as typed.
    max_length
        The most items of both sides together.
    consequents
        The only items that a consequent may have.
    max_antecedent
        The most items of an antecedent.
    max_consequent
        The most items of a consequent.
    redundant
        Whether rules are kept for which less of the antecedent tells the same consequent with at least the
        confidence.
    budget
        The most itemsets and rules, bytes or seconds that the call may cost; None allows 30 million together.

    Returns
    -------
    DataFrame
        ``antecedent`` and ``consequent`` (item ids, most frequent first), ``count`` (baskets with both),
        ``support``, ``confidence``, ``lift`` (confidence over the consequent's support), ``leverage``
        (support less that of chance), ``conviction`` (infinite if the rule never fails), ``jaccard``,
        ``p_value`` (Fisher's exact test of more than chance) and ``q_value`` (Benjamini-Hochberg over the rules of this
        table); by falling confidence, then falling count.

    Raises
    ------
    ParameterError, SchemaError, CapacityError
        As in :func:`basketry.patterns.itemsets.frequent_itemsets`.

    Notes
    -----
    The q-value takes the rules of the table for the tests that were made. Rules of low support or confidence
    were looked at as well, so it says less than a confirmation on later data.

    References
    ----------
    R. Agrawal, R. Srikant: Fast algorithms for mining association rules. VLDB 1994.
    Y. Benjamini, Y. Hochberg: Controlling the false discovery rate. J. R. Stat. Soc. B 57 (1995).

    Examples
    --------
    >>> import polars as pl
    >>> shop = pl.DataFrame({"items": [["bread", "milk"], ["bread", "jam"], ["bread", "milk", "jam"], []]})
    >>> rules = association_rules(shop, item="items", min_count=2, min_confidence=0.6)
    >>> for row in rules.select("antecedent", "consequent", "count", "confidence").iter_rows():
    ...     print(row)
    (['jam'], ['bread'], 2, 1.0)
    (['milk'], ['bread'], 2, 1.0)
    (['bread'], ['jam'], 2, 0.6666666666666666)
    (['bread'], ['milk'], 2, 0.6666666666666666)
    >>> jam = association_rules(shop, item="items", min_count=2, min_confidence=0.6, consequents=["jam"])
    >>> jam["antecedent"].to_list()
    [['bread']]
    """
    # Beyond 18 digits a share cannot be told from its neighbours by counts of baskets.
    confidence = share("min_confidence", min_confidence, zero=True).limit_denominator(10**18)
    parcel = reins(n_threads, budget or ITEMSETS)
    sets = baskets_of(data, basket=basket, item=item, as_of=as_of, reins=parcel)
    options = itemset_options(
        sets, min_support=min_support, min_count=min_count, max_length=max_length, excludes=excludes
    )
    wanted: _core.RuleOptions = {
        "min_confidence": (confidence.numerator, confidence.denominator),
        "consequents": None
        if consequents is None
        else codes_of(sets, "consequents", consequents, known=True),
        "max_antecedent": None if max_antecedent is None else whole("max_antecedent", max_antecedent, 1),
        "max_consequent": None if max_consequent is None else whole("max_consequent", max_consequent, 1),
        "redundant": bool(redundant),
    }
    return pl.DataFrame(_core.association_rules(sets, options, wanted, parcel))
