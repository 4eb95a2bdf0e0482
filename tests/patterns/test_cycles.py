"""Purchase cycles: gaps by hand, medians under censoring, consumables and durables told apart."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk

from .logs import EPOCH, ledger


def frame(rows):
    return pl.DataFrame(rows, schema=["customer", "day", "item"], orient="row")


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 30), st.sampled_from("ab")), min_size=1, max_size=40
    )
)
def test_cycles_equal_brute_force(rows):
    found = bk.purchase_cycles(ledger(frame(rows)), horizon=20)
    end = max(day for _, day, _ in rows)
    shopping = {(customer, day) for customer, day, _ in rows}
    for row in found.iter_rows(named=True):
        own = {(who, day) for who, day, item in rows if item == row["item"]}
        firsts = {who: min(day for other, day in own if other == who) for who, _ in own}
        later = sum(day > firsts.get(who, end) for who, day in shopping)
        assert row["customers"] == len(firsts)
        assert row["repeats"] == len(own) - len(firsts)
        assert row["expected"] == pytest.approx(len(firsts) / max(1, len(shopping) - later) * later)
        ends = []
        for who, day in own:
            nexts = [other for customer, other in own if customer == who and other > day]
            gap = (min(nexts) if nexts else end) - day
            ends.append((min(gap, 20), bool(nexts) and gap <= 20))
        survival, curve = 1.0, []
        for day in range(1, 21):
            at_risk = sum(gap >= day for gap, _ in ends)
            survival *= 1 - sum(gap == day and came for gap, came in ends) / max(1, at_risk)
            curve.append(1 - survival)
        assert row["again"] == pytest.approx(curve[-1])
        for name, share in (("early_days", 0.25), ("median_days", 0.5)):
            reached = [day + 1 for day, at in enumerate(curve) if at >= share * curve[-1] - 1e-12]
            assert row[name] == (reached[0] if curve[-1] > 0 else None)


def shop_of_cycles(seed, items=20, customers=1500):
    """Half of the items are used up in some weeks, of the others nobody needs a second; tastes and activity differ."""
    rng = np.random.default_rng(seed)
    rows, cycles = [], rng.integers(20, 70, items)
    durable = np.arange(items) % 2 == 1
    for customer in range(customers):
        liked = rng.random(items) * 0.12
        days = np.unique(rng.integers(0, 720, rng.poisson(4 + 16 * rng.random())))
        due = np.full(items, -1.0)
        for day in days:
            rows.append((customer, int(day), items))
            wants = (rng.random(items) < liked) & (due < 0)
            returns = (due >= 0) & (due <= day) & ~durable
            for item in np.nonzero(wants | returns)[0]:
                rows.append((customer, int(day), int(item)))
                due[item] = 1e9 if durable[item] else day + rng.gamma(16, cycles[item] / 16)
    return frame(rows), durable, cycles


def test_consumables_and_durables_are_told_apart():
    rows, durable, _ = shop_of_cycles(1)
    found = bk.purchase_cycles(ledger(rows)).head(len(durable))
    labels = found["label"].to_list()
    right = sum(
        label == ("durable" if lasts else "consumable") for label, lasts in zip(labels, durable, strict=True)
    )
    assert right >= 0.95 * len(durable)
    assert found.filter(pl.col("label") == "durable")["ratio_high"].max() < 1


def test_a_short_history_does_not_shorten_the_cycle():
    rng = np.random.default_rng(3)
    rows = []
    for customer in range(3000):
        day = float(rng.integers(0, 150))
        while day < 150:
            rows.append((customer, int(day), "tea"))
            day += 60 + 10 * rng.standard_normal()
    row = bk.purchase_cycles(ledger(frame(rows))).row(0, named=True)
    assert row["median_low"] <= row["median_days"] <= row["median_high"]
    assert abs(row["median_days"] - 60) <= 1
    raw = np.concatenate(
        [np.diff(sorted(d)) for d in frame(rows).group_by("customer").agg("day")["day"].to_list()]
    )
    assert np.median(raw) < 59


def test_who_should_not_be_offered_what_he_just_bought():
    rows = [(1, 0, "tea"), (1, 9, "tea"), (1, 3, "pot"), (2, 0, "tea"), (2, 1, "ink"), (3, 10, "pot")]
    cycles = pl.DataFrame(
        {
            "item": ["tea", "pot", "ink", "nil"],
            "label": ["consumable", "durable", "not clear", "durable"],
            "early_days": [5, None, 9, None],
        }
    )
    shop = ledger(frame(rows))
    ask = lambda day, **options: bk.just_bought(shop, cycles, as_of=EPOCH + timedelta(days=day), **options)  # noqa: E731
    day = lambda n: EPOCH + timedelta(days=n)  # noqa: E731
    assert ask(11).drop("label").rows() == [
        (1, "pot", day(3), day(368)),
        (1, "tea", day(9), day(14)),
        (3, "pot", day(10), day(375)),
    ]
    assert ask(14, durable_days=7).select("customer", "item").rows() == [(3, "pot")]
    assert ask(4).select("customer", "item").rows() == [(1, "pot"), (1, "tea"), (2, "tea")]
    for wrong, text in (({"durable_days": 0}, "durable_days=0"),):
        with pytest.raises(bk.ParameterError, match=text):
            ask(11, **wrong)
    with pytest.raises(bk.SchemaError, match="early_days"):
        bk.just_bought(shop, cycles.drop("early_days"))
    with pytest.raises(bk.ParameterError, match="horizon"):
        bk.purchase_cycles(shop, horizon=0)
