"""Frequent sequences, and sequential rules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import polars as pl

from basketry import _core
from basketry.arguments import share
from basketry.control import Budget, reins
from basketry.exceptions import CapacityWarning, ParameterError
from basketry.ledger.zones import Moment
from basketry.patterns._baskets import least_count
from basketry.patterns._histories import (
    constraints,
    days_or_events,
    histories_of,
    items_of,
    limit,
)

KINDS = ("all", "closed", "maximal")

SEQUENCES = Budget(results=10_000_000)
"""What a call may cost that sets no budget: a threshold too low would take all memory."""
RULES = Budget(results=SEQUENCES.results, bytes=4_000_000_000)
"""The same for rules: those that are tested and not kept take a few bytes each, too."""


def frequent_sequences(
    data: object,
    *,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    kind: str = "all",
    max_length: int | None = None,
    max_items: int | None = None,
    min_gap: str | int | None = None,
    max_gap: str | int | None = None,
    max_span: str | int | None = None,
    top: int | None = None,
    contains: str | int | Sequence[str | int] | None = None,
    excludes: str | int | Sequence[str | int] | None = None,
    partial: bool = False,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find what many customers buy one after the other.

    An event is the set of items that a customer bought on one local day. A sequence is a list of item sets; a
    customer supports it when its sets are parts of strictly later and later events of his. Other events may
    lie between unless ``max_gap`` says no. Support counts customers, never matches. Without the limits below
    nothing is limited.

    Parameters
    ----------
    data
        A `Ledger`; any table with one row per customer, item and time; or the path of a text in the format of
        SPMF (``3 7 -1 5 -1 -2``: a customer a line, his events one day apart or each with its day, ``<12> 3 7 -1``).
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items, such as a category; the others must be left out.
    as_of
        Orders of a ledger at or after this instant are left out, and customers who have no other; None takes all.
    min_support
        The smallest share of all customers, as typed: 7 of 100 customers reach 0.07.
    min_count
        The smallest number of customers. Exactly one of the two is needed.
    kind
        ``all`` sequences; only ``closed`` ones: no longer sequence has the same count; or only ``maximal``
        ones: no longer sequence is frequent. A longer sequence has this one as a part: more items, its sets parts of
        sets of the other in the same order. It counts only if it was found under the same limits, with the
        count that it has under them.
    max_length
        The most events of a sequence.
    max_items
        The most items of a sequence, over all its events.
    min_gap, max_gap
        How near and how far two consecutive matched events may be, both inclusive: days as a number or a text,
        ``"7d"``, ``"8w"``; calendar months, ``"2mo"``, from the 31st to the last day of a shorter month; or
        positions among the customer's events, ``"1 event"`` for directly following, ``"3 events"`` for three on.
    max_span
        How far the last matched event may be from the first, in the same units.
    top
        Keep so many sequences, those of the largest count; equal counts in the order of the result. Of all
        sequences they are found without the others, by a threshold that rises during the search.
    contains
        Items that a sequence must have; only customers who have them all are looked at.
    excludes
        Items that no sequence has; closed and maximal then mean: among the sequences without them.
    partial
        When the budget is passed, give all sequences up to the greatest number of items for which the whole
        result fits, with a `CapacityWarning`, instead of an error. With a budget of results or bytes the
        answer is the same each time.
    budget
        The most that the search may cost; None allows 10 million sequences.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        ``sequence`` (list of lists of items), ``length`` (events), ``items``, ``count`` (customers),
        ``support`` (share of all customers), by falling count; equal counts in the order of the sequences.
        The same for any order of the rows and any number of threads.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    CapacityError
        If the search would pass its budget; the text tells which count would fit.

    Notes
    -----
    Without limits on time the events of an item after a prefix are bits, and what goes on from two extensions of a
    prefix follows from their bits alone (Zaki, 2001; Ayres et al., 2002). With limits all ends of a prefix are kept
    with the latest start of each, which keeps them exact. With a maximal gap a sequence can be frequent though it is
    not without one of its middle events.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "ann", "bob", "bob", "bob"],
    ...     "item": ["hat", "tie", "cup", "tie", "hat", "cup"],
    ...     "time": [date(2024, 1, day) for day in (1, 1, 9, 2, 2, 30)]})
    >>> bk.frequent_sequences(lines, min_count=2, kind="maximal").row(0)
    ([['hat', 'tie'], ['cup']], 2, 3, 2, 1.0)
    >>> bk.frequent_sequences(lines, min_count=2, max_gap="2w")["sequence"].to_list()
    [[['cup']], [['hat']], [['hat', 'tie']], [['tie']]]
    >>> bk.frequent_sequences(lines, min_count=2, contains="cup", excludes="tie")["sequence"].to_list()
    [[['cup']], [['hat'], ['cup']]]
    """
    if kind not in KINDS:
        raise ParameterError.unknown("kind", kind, KINDS)
    limits = constraints(
        min_gap=min_gap, max_gap=max_gap, max_span=max_span, max_length=max_length, max_items=max_items
    )
    most = limit("top", top)
    parcel = reins(n_threads, budget or SEQUENCES)
    histories = histories_of(data, customer, item, time, as_of, parcel)
    selection: _core.Selection = {
        "top": most,
        "contains": items_of(histories, "contains", contains),
        "excludes": items_of(histories, "excludes", excludes),
    }
    count = least_count(min_support, min_count, histories.n_customers)
    found, cut_at = _core.frequent_sequences(histories, count, kind, limits, selection, bool(partial), parcel)
    if cut_at is not None:
        items, reason = cut_at
        warnings.warn(
            f"sequences of at most {items} items: with {items + 1} the budget would be passed. {reason}",
            CapacityWarning,
            stacklevel=2,
        )
    frame = pl.DataFrame(found)
    return frame.with_columns(support=frame["count"] / max(histories.n_customers, 1))


def sequence_rules(
    data: object,
    *,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    min_confidence: float = 0.0,
    max_antecedent: int | None = None,
    max_consequent: int | None = None,
    window: str | int | None = None,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find the rules X ==> Y: customers who bought all of X go on to buy all of Y.

    The items of X, in any order, all come on earlier days than all items of Y; X and Y share no item. The
    count of a rule is the number of customers with such a match in their history, so its confidence says what
    share of the buyers of X went on to Y *as long as they were followed*. For the share within so many weeks,
    with the short histories put right, ask `time_to_next`.

    Parameters
    ----------
    data
        A `Ledger`, a table or a text, as in `frequent_sequences`.
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items, such as a category; the others must be left out.
    as_of
        Orders of a ledger at or after this instant are left out, and customers who have no other; None takes all.
    min_support
        The smallest share of all customers, as typed.
    min_count
        The smallest number of customers. Exactly one of the two is needed.
    min_confidence
        The smallest confidence, as typed; it is compared in whole numbers.
    max_antecedent, max_consequent
        The most items of X and of Y; None for any number, 1 and 1 for rules of one item to one.
    window
        How far apart a whole match may be: ``"8w"`` or a number of days from its first to its last day, or
        ``"3 events"`` for three consecutive events of the customer, those of other items counted. The customers
        with X are then those with all of X inside one window. None for the whole history.
    budget
        The most that the search may cost; None for ten million rules and four gigabytes.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        ``antecedent``, ``consequent`` (lists of items), ``count`` (customers), ``support``, ``confidence``,
        ``lift`` (confidence over the share of all customers who have Y at any time), ``leverage``,
        ``p_value``, ``q_value``, ``median_gap_days`` (from the day that completes X to the day that completes
        Y, at each customer's first match), by falling confidence, then falling count, then by the items.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    CapacityError
        If the search would pass its budget; the text tells which count would fit.

    Notes
    -----
    ``p_value`` is Fisher's exact test, one-sided, that so many customers have both X and Y by chance. Chance
    gets credit for the customers who have Y first, too, so it is too large rather than too small. ``q_value``
    is corrected by Benjamini and Hochberg (1995) for all rules that are tested: those that reach the minimal
    count within the limits on sides and window, whatever their confidence. ``min_confidence`` only chooses
    which of them are returned and moves no q-value. Neither knows that some customers buy more of everything.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob", "bob", "eve"], "item": ["hat", "cup", "hat", "cup", "hat"],
    ...     "time": [date(2024, 1, day) for day in (1, 9, 2, 30, 4)]})
    >>> rules = bk.sequence_rules(lines, min_count=2)
    >>> rules.select("antecedent", "consequent", "count", "median_gap_days").row(0)
    (['hat'], ['cup'], 2, 18.0)
    """
    confident = share("min_confidence", min_confidence, zero=True).limit_denominator(10**18)
    window_days, window_events = days_or_events("window", window)
    if window_days == 0 or window_events in (0, 1):
        raise ParameterError.out_of_range(
            "window", window, "X and Y are on different days: at least 1 day or 2 events"
        )
    parcel = reins(n_threads, budget or RULES)
    histories = histories_of(data, customer, item, time, as_of, parcel)
    n = histories.n_customers
    limits: _core.RuleLimits = {
        "min_count": least_count(min_support, min_count, n),
        "min_confidence": (confident.numerator, confident.denominator),
        "max_antecedent": limit("max_antecedent", max_antecedent),
        "max_consequent": limit("max_consequent", max_consequent),
        "window_days": window_days,
        "window_events": window_events,
    }
    found = pl.DataFrame(_core.sequence_rules(histories, limits, parcel))
    count = pl.col("count")
    confidence = count / pl.col("antecedent_count")
    return found.select(
        "antecedent",
        "consequent",
        "count",
        support=count / n,
        confidence=confidence,
        lift=confidence / (pl.col("consequent_count") / n),
        leverage=count / n - pl.col("antecedent_count") / n * (pl.col("consequent_count") / n),
        p_value="p_value",
        q_value="q_value",
        median_gap_days="median_gap_days",
    )
