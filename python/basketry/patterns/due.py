"""The due list: what each customer is likely to buy in the next weeks, because of what he bought before."""

from __future__ import annotations

from numbers import Real

import polars as pl

from basketry import _core
from basketry.arguments import whole
from basketry.control import Budget, reins
from basketry.exceptions import ParameterError
from basketry.ledger.zones import Moment
from basketry.patterns._histories import before, end_of, limit, places_of, tree_of
from basketry.patterns.lags import SINCE, LagTables, rule_codes


def due_list(
    ledger: object,
    lags: LagTables,
    *,
    as_of: Moment | None = None,
    within_weeks: int = 4,
    min_lift: float = 0.0,
    peaks_only: bool = False,
    top: int | None = None,
    max_q: float = 1.0,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """List for every customer the rules that are open, and how likely he buys in the next weeks.

    A rule is open for a customer who has bought the antecedent and not the consequent since. When he buys it
    the rule is dropped, until he has bought the antecedent anew.

    Parameters
    ----------
    ledger
        A `Ledger`, or any table with one row per customer, item and time.
    lags
        What `lag_tables` found, of the orders before ``as_of`` if it is to be put to the test.
    as_of
        The day of the list; orders at or after it are not seen. None is the day after the last order.
    within_weeks
        The weeks ahead.
    min_lift
        Leave out rules that the weeks ahead lift less than so many times over the calendar.
    peaks_only
        Only rules with a peak since the purchase in the weeks ahead.
    top
        At most so many rows a customer, those of the highest value (without money, of the highest
        probability).
    max_q
        Take peaks only from rules with at most this ``q_value``.
    customer, item, time
        As in `lag_tables`; ``item`` must be what it was there.
    budget
        The most that the call may cost; a result is a row.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        By customer, then falling value: ``customer``; ``rule`` (its number in ``lags``); ``antecedent``,
        ``consequent``; ``since`` (the day that opened it); ``weeks_since``; ``probability`` (to buy in the
        weeks ahead, given that he has not yet); ``expected`` (the same by level and calendar alone);
        ``lift`` (the one over the other); ``peak_from``, ``peak_to`` (first and last day of the next peak,
        or of the one that is on; null if none is left); ``due`` (whether it touches the weeks ahead);
        ``value`` (probability times the mean amount of a purchase line of the consequent; null without
        money).

    Raises
    ------
    ParameterError
        If an argument is out of range.
    CapacityError
        If the list would pass its budget.

    Notes
    -----
    With S(k) the share that has not bought by the end of week k of the rule's life table, the probability is
    (S(k) - S(k + h)) / S(k). Within a week the hazard is taken as even. Weeks that the table does not reach
    count as none, and rules older than their table are left out. The list takes one traversal of the ledger.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob", "eve", "eve"], "item": ["hat", "cup", "hat", "hat", "cup"],
    ...     "time": [date(2024, 1, day) for day in (1, 10, 18, 1, 25)]})
    >>> lags = bk.lag_tables(lines, [("hat", "cup")], horizon="3w")
    >>> bk.due_list(lines, lags, within_weeks=1).select("customer", "weeks_since", "probability").rows()
    [('bob', 1.1428571428571428, 0.5)]
    """
    if not isinstance(lags, LagTables):
        raise ParameterError.out_of_range("lags", type(lags).__name__, "the result of lag_tables is needed")
    for name, value, most in (("min_lift", min_lift, float("inf")), ("max_q", max_q, 1.0)):
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value <= most:
            raise ParameterError.out_of_range(
                name, value, f"a number from 0 {f'to {most}' if most == 1 else 'up'}"
            )
    parcel = reins(n_threads, budget)
    tree, axis = tree_of(ledger, customer, item, time)
    now = before(tree, as_of)
    limits: _core.DueLimits = {
        "before": end_of(tree) if now is None else now,
        "within_weeks": whole("within_weeks", within_weeks, 1, 5000),
        "min_lift": float(min_lift),
        "peaks_only": bool(peaks_only),
        "top": limit("top", top),
    }
    clocks = _clocks(lags, places_of(tree, axis), max_q)
    found = pl.DataFrame(_core.due_list(tree, axis, clocks, limits, parcel))
    rules = lags.rules.select("rule", "antecedent", "consequent").with_row_index("place")
    return found.join(rules, on="place", how="left", maintain_order="left").select(
        "customer", "rule", "antecedent", "consequent", "since", "weeks_since", "probability", "expected",
        pl.when(pl.col("expected") > 0).then(pl.col("probability") / pl.col("expected")).alias("lift"),
        "peak_from", "peak_to", "due", "value",
    )  # fmt: skip


def _clocks(lags: LagTables, places: dict[str | int, int], max_q: float) -> list[_core.Clock]:
    chance = pl.when(pl.col("at_risk") > 0).then(pl.col("expected") / pl.col("at_risk")).otherwise(0.0)
    weeks = lags.table.group_by("rule", maintain_order=True).agg("cumulative", chance.alias("chance"))
    curves = {rule: (cumulative, weekly) for rule, cumulative, weekly in weeks.iter_rows()}
    solid = lags.peaks.filter((pl.col("kind") == SINCE) & (pl.col("q_value") <= max_q))
    windows: dict[int, list[tuple[int, int]]] = {}
    for rule, first, last in solid.select("rule", "first", "last").iter_rows():
        windows.setdefault(rule, []).append((first, last))
    clocks: list[_core.Clock] = []
    for rule, (antecedent, consequent) in zip(
        lags.rules["rule"], rule_codes(lags.rules, places), strict=True
    ):
        cumulative, weekly = curves.get(rule, ([], []))
        clocks.append(
            {
                "antecedent": antecedent,
                "consequent": consequent,
                "cumulative": cumulative,
                "chance": weekly,
                "peaks": windows.get(rule, []),
            }
        )
    return clocks
