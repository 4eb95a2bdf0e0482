"""Shops whose law from one purchase to another is known, or that have none: quick enough for hundreds of them."""

import math

import numpy as np
import polars as pl

from .logs import ledger

PEAKS = ((16, 0.012), (26, 0.012), (52, 0.02))
"""Week and share of the buyers of A who buy B around it because of A."""
SPREAD_DAYS = 10.5
_A, _B = 0.02 / 7, 0.002 / 7
"""Purchases a day of a customer."""
WORLDS = {
    "nothing": {"season": False, "churn": 0.006},
    "seasons": {"season": True, "churn": 0.006},
    "sale every 26 weeks": {"season": False, "sale": True, "churn": 0.006},
    "seasons and a sale": {"season": True, "sale": True, "churn": 0.006},
    "churn": {"season": True, "churn": 0.02},
    "uneven customers": {"season": True, "churn": 0.006, "uneven": True},
}
"""Worlds that differ in what has no law; a law may be added to each."""


def shop(
    seed,
    *,
    law=0.0,
    customers=12_000,
    weeks=156,
    season=False,
    sale=False,
    churn=0.0,
    uneven=False,
    quiet=0.7,
):
    """Make a ledger of visits ("-"), A and B; `law` is the share of the planted peaks that is there.

    Customers enter in the first part of the data and leave at a rate a week. A and B have two seasons a year each;
    on a sale both sell eight times as much for a week. Uneven customers buy at gamma distributed rates, the same
    for A and B.
    """
    rng, days = np.random.default_rng(seed), 7 * weeks
    entry = rng.integers(0, int(days * quiet), customers)
    life = rng.exponential(7 / churn, customers) if churn else np.full(customers, np.inf)
    end = np.minimum(days, entry + life).astype(int)
    taste = rng.gamma(1.5, 1 / 1.5, customers) if uneven else np.ones(customers)

    def bought(rate, summits, width, height):
        week = np.arange(days) / 7
        of_day = np.ones(days)
        if season:
            for summit in summits:
                of_day += height * np.exp(-0.5 * ((((week - summit + 26) % 52) - 26) / width) ** 2)
        if sale:
            of_day = np.where(week.astype(int) % 26 == 12, 8 * of_day, of_day)
        chance = np.cumsum(of_day / of_day.mean())
        many = rng.poisson(rate * taste * chance[-1])
        who = np.repeat(np.arange(customers), many)
        day = np.searchsorted(chance, rng.random(who.size) * chance[-1])
        there = (day >= entry[who]) & (day < end[who])
        return pl.DataFrame({"customer": who[there], "day": day[there]})

    first = bought(_A, (10, 36), 2.0, 3).group_by("customer").agg(pl.col("day").min()).sort("customer")
    after = [bought(_B, (4, 30), 1.5, 4)]
    who, day = first["customer"].to_numpy(), first["day"].to_numpy()
    for week, share in PEAKS:
        due = day + np.rint(rng.normal(7 * week, SPREAD_DAYS, who.size)).astype(int)
        comes = (rng.random(who.size) < law * share) & (due > day) & (due < end[who])
        after.append(pl.DataFrame({"customer": who[comes], "day": due[comes]}))
    visits = pl.DataFrame({"customer": np.arange(customers), "day": entry})
    rows = [(visits, "-"), (first, "A"), (pl.concat(after), "B")]
    return ledger(pl.concat(frame.with_columns(item=pl.lit(item)) for frame, item in rows).unique())


def share_within(weeks, law=0.0):
    """Tell which share buys B within so many weeks after A, where nobody leaves and no season is."""
    stay = math.exp(-_B * 7 * weeks)
    for week, share in PEAKS:
        before = [(day + 0.5 - 7 * week) / SPREAD_DAYS / math.sqrt(2) for day in (0, 7 * weeks)]
        stay *= 1 - law * share * (math.erf(before[1]) - math.erf(before[0])) / 2
    return 1 - stay


def weeks_since(answer):
    """Give the weeks of the peaks since the purchase."""
    return answer.peaks.filter(pl.col("kind") == "since purchase")["week"].to_list()
