"""Association rules: what baskets that hold some items also hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from numbers import Rational, Real
from typing import Any

import polars as pl

from basketry import _core
from basketry.arguments import share, whole
from basketry.control import Budget, reins
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.patterns._baskets import Level, baskets_of, codes_of, framed, least_count
from basketry.patterns._within import segments_of_baskets, with_segments
from basketry.patterns.itemsets import allowance, itemset_options


def association_rules(
    data: Any,
    *,
    basket: str | None = None,
    item: Level | None = None,
    levels: Sequence[Level] | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    min_confidence: float,
    min_lift: float | None = None,
    min_improvement: float | None = None,
    max_length: int | None = None,
    consequents: Iterable[str | int] | None = None,
    max_antecedent: int | None = None,
    max_consequent: int | None = None,
    excludes: Iterable[str | int] | None = None,
    redundant: bool = False,
    top: int | None = None,
    within: Any = None,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find rules "baskets with these items also hold those" and tell how far they can be trusted.

    Thresholds are compared in whole numbers: a rule that lies exactly on one is in the table.

    Parameters
    ----------
    data, basket, item, levels, as_of, min_support, min_count, excludes, n_threads
        As in :func:`basketry.patterns.itemsets.frequent_itemsets`; support is that of both sides together.
    min_confidence
        The least share of the antecedent's baskets that hold the consequent, from 0 to 1; taken as typed.
    min_lift
        The least lift, taken as typed up to denominators of 2^30.
    min_improvement
        The least gain in confidence over every simpler rule: one with the same consequent and less of the
        antecedent, but not none of it. Taken as typed.
    max_length
        The most items of both sides together.
    consequents
        The only items that a consequent may have. Items that meet none of them often enough are not even searched.
    max_antecedent
        The most items of an antecedent.
    max_consequent
        The most items of a consequent.
    redundant
        Whether rules are kept that have no gain over a simpler one.
    top
        Keeps so many rules, the first ones of the table; memory grows with `top`, not with the rules there are.
    within
        Looks for rules inside segments of customers as well: a table of ``customer`` and ``segment``, or an
        attribute of the ledger's customers; of a table the column of each basket's segment. All thresholds
        then have to be met in the whole or in one segment, `min_support` as a share of its baskets.
    budget
        The most itemsets and rules, bytes or seconds that the call may cost; None allows 30 million together.

    Returns
    -------
    DataFrame
        ``antecedent`` and ``consequent`` (item ids, most frequent first), ``count`` (baskets with both),
        ``support``, ``confidence``, ``lift`` (confidence over the consequent's support), ``leverage``
        (support less that of chance), ``conviction`` (infinite if the rule never fails), ``jaccard``,
        ``certainty`` (how far confidence goes from the consequent's support towards 1, or, negative, towards
        0), ``kulczynski`` (mean of the confidences of the rule and of its reverse), ``odds_ratio``,
        ``odds_ratio_low``, ``odds_ratio_high`` (interval of 95 % by Woolf; if a cell of the table of four is
        empty, half a basket is added to all of them, after Haldane and Anscombe), ``p_value`` (Fisher's exact
        test of more than chance) and ``q_value`` (Benjamini-Hochberg over all rules that passed the limits; with
        `top` those that were cut off count as tests, but their p-values are not kept, so that it is an upper bound);
        by falling confidence, then falling count.

        With `within`, also ``scope``, ``heterogeneity_p``, ``heterogeneity_q`` (Benjamini-Hochberg over the
        table), ``holds_in`` and ``segments``: for each segment ``segment``, ``baskets``, ``antecedent_count``,
        ``count``, ``confidence``, ``lift``, ``lift_low``, ``lift_high`` (95 %). A rule holds in a segment where the interval of
        lift lies above 1 and, if its odds ratio differs between segments (q at most 0.05), lift or confidence is at least half
        of the strongest segment's. It is ``local`` if it differs and holds in some segments but not in all, else
        ``global``. Its other columns tell of all baskets.

    Raises
    ------
    ParameterError, SchemaError, CapacityError
        As in :func:`basketry.patterns.itemsets.frequent_itemsets`.

    Notes
    -----
    The q-value takes the rules that passed all limits for the tests that were made. Rules of low support or
    confidence were looked at as well, and taste and season tie things together without a rule:
    :func:`basketry.patterns.validation.validate_rules` says more.

    Segments are compared by the test of Breslow and Day with Tarone's correction. It fits the common odds ratio
    of Mantel and Haenszel to the margins of each segment and so needs no correction of empty cells, as Woolf's
    test of logarithms does; segments are often small, and a local rule is often absent from some.

    References
    ----------
    R. Agrawal, R. Srikant: Fast algorithms for mining association rules. VLDB 1994.
    R. J. Bayardo, R. Agrawal, D. Gunopulos: Constraint-based rule mining in large, dense databases. Data Mining
    and Knowledge Discovery 4 (2000), for the improvement.
    N. E. Breslow, N. E. Day: Statistical methods in cancer research I. IARC 1980; R. E. Tarone: On heterogeneity
    tests based on efficient scores. Biometrika 72 (1985).
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
    least_lift = None if min_lift is None else _ratio("min_lift", min_lift)
    gain = None if min_improvement is None else share("min_improvement", min_improvement, zero=True)
    ends = {"max_antecedent": max_antecedent, "max_consequent": max_consequent, "top": top}
    limits = {name: None if most is None else whole(name, most, 1) for name, most in ends.items()}
    parcel = reins(n_threads, allowance(budget))
    if not isinstance(data, Ledger | str | os.PathLike):
        # A stream can be read once only.
        data = framed("data", data)
    sets = baskets_of(data, basket=basket, item=item, levels=levels, as_of=as_of, reins=parcel)
    options = itemset_options(
        sets, min_support=min_support, min_count=min_count, max_length=max_length, excludes=excludes
    )
    wanted = None if consequents is None else codes_of(sets, "consequents", consequents, known=True)
    most_consequent = min(limits["max_consequent"] or 64, 64 if wanted is None else len(wanted))
    if limits["max_antecedent"] and (limits["max_consequent"] or wanted is not None):
        # Longer sets cannot be split within the limits.
        longest = limits["max_antecedent"] + max(most_consequent, 1)
        options["max_length"] = min(options["max_length"] or longest, longest)
    asked: _core.RuleOptions = {
        "min_confidence": (confidence.numerator, confidence.denominator),
        "min_lift": least_lift,
        "min_improvement": None if gain is None else gain.limit_denominator(10**15).as_integer_ratio(),
        "consequents": wanted,
        "max_antecedent": limits["max_antecedent"],
        "max_consequent": limits["max_consequent"],
        "redundant": bool(redundant),
        "top": limits["top"],
    }
    if within is None:
        return pl.DataFrame(_core.association_rules(sets, options, asked, parcel))
    if isinstance(data, str | os.PathLike):
        raise ParameterError.out_of_range("within", within, "a text file tells no segments, leave it out")
    codes, names = segments_of_baskets(data, sets, basket, within)
    sizes = dict(codes.value_counts().iter_rows())
    least = [options["min_count"]]
    least += [least_count(min_support, min_count, sizes.get(code, 0)) for code in range(len(names))]
    rules, counts = _core.local_rules(sets, codes.to_frame(), least, options, asked, parcel)
    return with_segments(pl.DataFrame(rules), pl.DataFrame(counts), names)


def _ratio(name: str, value: object) -> tuple[int, int]:
    """Take a ratio as it was typed."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
    if not 0 <= number < 2**32:
        raise ParameterError.out_of_range(name, value, "a number from 0 up, below 2^32")
    typed = Fraction(value) if isinstance(value, Rational) else Fraction(repr(number))
    return typed.limit_denominator(2**30).as_integer_ratio()
