"""Simulated worlds: planted weeks are found, and no season, sale, churn or taste is taken for a law.

Hundreds of each stand in benches/bench_lags.py; these few show that nothing is broken.
"""

import pytest

import basketry as bk

from .worlds import PEAKS, WORLDS, share_within, shop, weeks_since


def answer_of(seed, **world):
    return bk.time_to_next(shop(seed, **world), antecedent="A", consequent="B")


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_without_a_law_shows_hardly_a_peak(world):
    found = [weeks_since(answer_of(seed, **WORLDS[world])) for seed in range(6)]
    # The level of the test allows one log in twenty.
    assert sum(map(bool, found)) <= 1, found


@pytest.mark.parametrize("world", WORLDS)
def test_planted_weeks_are_found(world):
    found = [weeks_since(answer_of(seed, law=1.0, **WORLDS[world])) for seed in range(2)]
    near = [[week for week in weeks if any(abs(week - peak) <= 2 for peak, _ in PEAKS)] for weeks in found]
    assert near == found
    # Where customers leave soon, too few are left to see the last peak each time.
    assert sum(map(len, found)) >= (4 if world == "churn" else 5), found


def test_the_interval_holds_the_true_share():
    truth, covered = share_within(52, law=1.0), 0
    for seed in range(25):
        log = shop(seed, law=1.0, customers=2000, weeks=104)
        year = bk.time_to_next(log, antecedent="A", consequent="B", horizon="52w").table.row(51, named=True)
        covered += year["low"] <= truth <= year["high"]
    assert covered >= 21


def test_the_true_share_is_that_of_customers_who_stay():
    log = shop(3, law=1.0, customers=60_000)
    year = bk.time_to_next(log, antecedent="A", consequent="B", horizon="52w").table.row(51, named=True)
    assert year["low"] < share_within(52, law=1.0) < year["high"]
    assert year["high"] - year["low"] < 0.02
