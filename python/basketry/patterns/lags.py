"""Time to next: how long after one purchase another one follows, and in which weeks it peaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from basketry import _core
from basketry.arguments import seed, whole
from basketry.control import Budget, reins
from basketry.exceptions import SchemaError
from basketry.ledger.zones import Moment
from basketry.patterns._histories import before, codes_of, places_of, tree_of, weeks_of

if TYPE_CHECKING:
    import numpy as np

Item = str | int
Side = Item | Sequence[Item]
SINCE = "since purchase"
"""The kind of a peak that the time since the purchase makes, and not the calendar."""


@dataclass(frozen=True, eq=False)
class TimeToNext:
    """The life table of the time from antecedent to consequent, and its peaks.

    Parameters
    ----------
    table
        One row a week after the antecedent, week k being the days 7 k - 6 to 7 k: ``week``; ``at_risk``
        (customers who were still followed and had not bought); ``events`` (customers who bought in it);
        ``expected`` (events that the calendar lets expect at the level of these customers); ``hazard``
        (events over at risk); ``cumulative`` (probability to have bought by the end of the week); ``low``,
        ``high`` (its 95 % interval).
    peaks
        One row a peak, by week: ``week``; ``low``, ``high`` (95 % interval of the week); ``first``, ``last``
        (the weeks that hold the middle 80 % of the excess); ``excess`` (customers beyond expectation) and
        ``rate_ratio`` (events over expected events), both over the week and two to each side; ``p_value``
        (of such a peak anywhere on the horizon, by chance); ``stability`` (share of resamples of the
        customers that find it within two weeks); ``kind``: ``since purchase``, ``calendar``, or ``not enough
        data`` for weeks ``low`` to ``high`` that cannot be judged, all else being null there.
    """

    table: pl.DataFrame
    peaks: pl.DataFrame

    def __repr__(self) -> str:
        weeks, last = self.table.height, self.table.row(-1, named=True)
        found = self.peaks.filter(pl.col("kind") == SINCE)["week"].to_list()
        peaks = f"peaks in weeks {', '.join(map(str, found))}" if found else "no peak since purchase"
        return f"TimeToNext({last['cumulative']:.1%} within {weeks} weeks, {peaks})"


def time_to_next(
    ledger: object,
    *,
    antecedent: Side,
    consequent: Side,
    horizon: str | int = "60w",
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    rng: int | np.random.Generator = 0,
    n_threads: int | None = None,
) -> TimeToNext:
    """Tell how long after the antecedent customers buy the consequent, week by week, and when most do.

    The clock starts on a customer's first day with all items of the antecedent bought, and stops on the first
    strictly later day by which he has bought all items of the consequent since. Items of both in one basket
    are no outcome. Who has not bought leaves at the end of the data (censored); in a week the events come
    before the censorings.

    Parameters
    ----------
    ledger
        A `Ledger`, or any table with one row per customer, item and time.
    antecedent, consequent
        The items, by id. The same items on both sides ask for the next purchase of the same.
    horizon
        Weeks to look at: ``"60w"``, or days that make whole weeks. Longer than anybody was followed is
        refused.
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items, such as a category; the others must be left out.
    rng
        Seed of the replicates and resamples, or a generator that gives one.
    n_threads
        How many threads to use; None for all. The answer does not depend on it.

    Returns
    -------
    TimeToNext
        ``.table`` and ``.peaks``.

    Raises
    ------
    ParameterError
        If an item is not known, or nobody was followed as long as the horizon.

    Notes
    -----
    The life table is the product-limit estimate in weeks; its interval is Greenwood's, symmetric in log(-log
    S). Expected events come from the purchases of the consequent per customer-day in each calendar week,
    counted from the day after each customer's first day, among people who do not have the antecedent (yet);
    with under 100 such purchases, or hardly any such people in some weeks, among everybody. They are laid
    on the calendar days on which the customers were at risk, and scaled by a smooth level that can fall
    or rise over the lag, as it does under churn.

    A peak since purchase is a local maximum of the smoothed difference of events and expected events that
    passes the 95 % quantile of the largest such maximum in 199 Poisson replicates without a law, so that
    there is one chance in twenty of a false one anywhere on the horizon, and that at least 80 % of 200
    resamples of the customers find again. Its p-value is that of the Gumbel distribution fitted to half the
    squares of the replicates' maxima (Abrams, Kulldorff and Kleinman 2010, for scan statistics). The same
    test without the calendar, with 99 replicates, finds calendar peaks. A week is judged if about one event
    is expected in it and the history is at least twice as long as the lag.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob", "eve", "eve"], "item": ["hat", "cup", "hat", "hat", "cup"],
    ...     "time": [date(2024, 1, day) for day in (1, 10, 1, 1, 25)]})
    >>> answer = bk.time_to_next(lines, antecedent=["hat"], consequent=["cup"], horizon="3w")
    >>> answer.table.select("week", "at_risk", "events", "hazard").rows()[1]
    (2, 3, 1, 0.3333333333333333)
    >>> answer.peaks["kind"].to_list()
    ['not enough data']
    """
    found = lag_tables(
        ledger, [(antecedent, consequent)], horizon=horizon, customer=customer, item=item, time=time, rng=rng,
        n_threads=n_threads,
    )  # fmt: skip
    return found[0]


@dataclass(frozen=True, eq=False)
class LagTables:
    """The life tables of many rules and their peaks; `tables[3]` is the answer for rule 3 alone.

    Parameters
    ----------
    rules
        One row a rule: ``rule`` (its number); ``antecedent``, ``consequent`` (lists of items);
        ``customers`` (who have the antecedent); ``weeks`` (of the table); ``events`` (customers who bought
        in them); ``cumulative``, ``low``, ``high`` (probability to have bought by the end of the table, with
        its 95 % interval); ``p_value`` (of the highest rise since the purchase anywhere on the horizon);
        ``q_value`` (the same, corrected by Benjamini and Hochberg for all rules); ``peaks`` (how many are
        found since the purchase).
    table
        The weeks of all rules: ``rule`` and the columns of `TimeToNext.table`. The weeks of a rule end where
        nobody was followed any longer.
    peaks
        The peaks of all rules: ``rule``, the columns of `TimeToNext.peaks` and the rule's ``q_value``.
    """

    rules: pl.DataFrame
    table: pl.DataFrame
    peaks: pl.DataFrame

    def __len__(self) -> int:
        return self.rules.height

    def __getitem__(self, rule: int) -> TimeToNext:
        if not 0 <= rule < len(self):
            raise IndexError(f"rule {rule} of {len(self)}")
        (week, weeks), (peak, peaks) = self._places["table"][rule], self._places["peaks"][rule]
        return TimeToNext(
            self.table.slice(week, weeks).drop("rule"), self.peaks.slice(peak, peaks).drop("rule", "q_value")
        )

    def __iter__(self) -> Iterator[TimeToNext]:
        return (self[rule] for rule in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"LagTables({len(self):,} rules, {(self.rules['peaks'] > 0).sum():,} with a peak since purchase)"
        )

    @cached_property
    def _places(self) -> dict[str, list[tuple[int, int]]]:
        """Where the rows of each rule begin, and how many they are."""
        places = {}
        for name, frame in (("table", self.table), ("peaks", self.peaks)):
            heights = self.rules.select("rule").join(
                frame.group_by("rule").len(), on="rule", how="left", maintain_order="left"
            )["len"].fill_null(0)  # fmt: skip
            starts = (heights.cum_sum() - heights).to_list()
            places[name] = list(zip(starts, heights.to_list(), strict=True))
        return places


def lag_tables(
    ledger: object,
    rules: pl.DataFrame | Iterable[tuple[Side, Side]] | None = None,
    *,
    horizon: str | int = "60w",
    min_events: int = 100,
    as_of: Moment | None = None,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    rng: int | np.random.Generator = 0,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> LagTables:
    """Ask `time_to_next` of many rules at once, or of all ordered pairs of items.

    Parameters
    ----------
    ledger
        A `Ledger`, or any table with one row per customer, item and time.
    rules
        A frame with the columns ``antecedent`` and ``consequent``, such as `sequence_rules` gives, or pairs
        of the two. None asks for all ordered pairs of items, an item with itself among them.
    horizon
        Weeks to look at, as in `time_to_next`. A rule whose antecedent nobody bought so long ago gets as
        many weeks as there are; a horizon beyond all of them is refused.
    min_events
        Without ``rules``: the fewest customers who buy the second item within the horizon.
    as_of
        Orders at or after it are left out; None takes all.
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items, such as a category; the others must be left out.
    rng
        Seed of the replicates and resamples, or a generator that gives one.
    budget
        The most that the call may cost; a result is a rule.
    n_threads
        How many threads to use; None for all. The answer does not depend on it.

    Returns
    -------
    LagTables
        ``.rules``, ``.table`` and ``.peaks``. Each rule's answer is that of `time_to_next` for it alone.

    Raises
    ------
    ParameterError
        If an item is not known, or nobody was followed as long as the horizon.
    CapacityError
        If the call would pass its budget.

    Notes
    -----
    With many rules some have a peak by chance: one in twenty of those without any law. Keep the peaks with
    ``q_value <= 0.05``, of which one in twenty is false. The histories are read once; customers are drawn
    anew in 128 groups, the same for all rules, so that the bootstrap reads nothing again. The replicates of
    a rule end when they leave no doubt that it has no peak (after Besag and Clifford 1991), so a large
    p-value is a rough one.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob", "eve", "eve"], "item": ["hat", "cup", "hat", "hat", "cup"],
    ...     "time": [date(2024, 1, day) for day in (1, 10, 1, 1, 25)]})
    >>> found = bk.lag_tables(lines, [("hat", "cup")], horizon="3w")
    >>> found.rules.select("antecedent", "consequent", "customers", "events").row(0)
    (['hat'], ['cup'], 3, 1)
    >>> bk.lag_tables(lines, horizon="3w", min_events=1).rules["antecedent"].to_list()
    [['hat']]
    """
    parcel = reins(n_threads, budget)
    tree, axis = tree_of(ledger, customer, item, time)
    weeks = weeks_of("horizon", horizon)
    options: _core.LagOptions = {
        "rules": None if rules is None else rule_codes(rules, places_of(tree, axis)),
        "min_events": whole("min_events", min_events, 1),
        "horizon": weeks,
        "before": before(tree, as_of),
        "seed": seed(rng),
    }  # fmt: skip
    found, table, peaks = map(pl.DataFrame, _core.lag_tables(tree, axis, options, parcel))
    known = table.group_by("rule", maintain_order=True).agg(
        pl.len().alias("weeks"), pl.col("events").sum(), pl.col("cumulative", "low", "high").last()
    )
    tested = peaks.filter(pl.col("kind") == SINCE).group_by("rule").agg(pl.len().alias("peaks"))
    listed = (
        found.join(known, on="rule", how="left", maintain_order="left")
        .join(tested, on="rule", how="left", maintain_order="left")
        .with_columns(pl.col("weeks", "events", "peaks").fill_null(0))
    )
    return LagTables(
        listed.select(
            "rule", "antecedent", "consequent", "customers", "weeks", "events", "cumulative", "low", "high",
            "p_value", "q_value", "peaks",
        ),
        table,
        peaks.join(found.select("rule", "q_value"), on="rule", how="left", maintain_order="left"),
    )  # fmt: skip


def rule_codes(
    rules: pl.DataFrame | Iterable[tuple[Side, Side]], places: Mapping[Item, int]
) -> list[tuple[list[int], list[int]]]:
    """Turn the sides of rules into codes of items.

    Parameters
    ----------
    rules
        A frame with the columns ``antecedent`` and ``consequent``, or pairs of the two.
    places
        Each id's code.
    """
    if isinstance(rules, pl.DataFrame):
        for role in ("antecedent", "consequent"):
            if role not in rules.columns:
                raise SchemaError.unknown_column(role, role, rules.columns)
        rules = rules.select("antecedent", "consequent").iter_rows()
    return [
        (codes_of("antecedent", antecedent, places), codes_of("consequent", consequent, places))
        for antecedent, consequent in rules
    ]
