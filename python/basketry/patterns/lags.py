"""Time to next: how long after one purchase another one follows, and in which weeks it peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from basketry import _core
from basketry.arguments import seed
from basketry.control import reins
from basketry.exceptions import ParameterError
from basketry.patterns._histories import codes_of, days, tree_of

if TYPE_CHECKING:
    import numpy as np


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
        One row a peak, by week: ``week``; ``low``, ``high`` (95 % interval of the week); ``excess``
        (customers beyond expectation) and ``rate_ratio`` (events over expected events), both over the week
        and two to each side; ``p_value`` (of such a peak anywhere on the horizon, by chance); ``stability``
        (share of resamples of the customers that find it within two weeks); ``kind``: ``since purchase``,
        ``calendar``, or ``not enough data`` for weeks ``low`` to ``high`` that cannot be judged, all else
        being null there.
    """

    table: pl.DataFrame
    peaks: pl.DataFrame

    def __repr__(self) -> str:
        weeks, last = self.table.height, self.table.row(-1, named=True)
        found = self.peaks.filter(pl.col("kind") == "since purchase")["week"].to_list()
        peaks = f"peaks in weeks {', '.join(map(str, found))}" if found else "no peak since purchase"
        return f"TimeToNext({last['cumulative']:.1%} within {weeks} weeks, {peaks})"


def time_to_next(
    ledger: object,
    *,
    antecedent: str | int | Sequence[str | int],
    consequent: str | int | Sequence[str | int],
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
    passes the 95 % quantile of the largest such maximum in 999 Poisson replicates without a law, so that
    there is one chance in twenty of a false one anywhere on the horizon, and that at least 80 % of 200
    resamples of the customers find again. The same test without the calendar finds calendar peaks. A week is
    judged if about one event is expected in it and the history is at least twice as long as the lag.

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
    tree, axis = tree_of(ledger, customer, item, time)
    weeks, rest = divmod(days("horizon", horizon) or 0, 7)
    if weeks == 0 or rest:
        raise ParameterError.out_of_range(
            "horizon", horizon, "whole weeks from 1 up are needed, such as '60w'"
        )
    labels = pl.DataFrame(_core.axis_labels(tree, axis)).to_series()
    table, peaks = _core.time_to_next(
        tree,
        axis,
        codes_of("antecedent", antecedent, labels),
        codes_of("consequent", consequent, labels),
        weeks,
        seed(rng),
        reins(n_threads),
    )
    return TimeToNext(pl.DataFrame(table), pl.DataFrame(peaks))
