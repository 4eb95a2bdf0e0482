"""Retention against the textbook, by segment, and wrong calls."""

import math
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk

from .logs import EPOCH
from .worlds import shop as shop_with_a_law

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), min_size=1, max_size=40)


def shop_of(rows):
    table = pl.DataFrame(rows, schema=["customer", "day"], orient="row").select(
        "customer", time=pl.lit(EPOCH) + pl.duration(days="day")
    )
    return bk.read_ledger(table, columns={"customer": "customer", "time": "time"}, timezone="UTC")


def durations(rows, *, every):
    """Days to the next order, or to the end of the data, and whether one came."""
    end, waits = max(day for _, day in rows), []
    for customer in {who for who, _ in rows}:
        days = sorted({day for who, day in rows if who == customer})
        gaps = [(b - a, True) for a, b in pairwise(days)] + [(end - days[-1], False)]
        waits += gaps if every else gaps[:1]
    return waits


def textbook(waits):
    """Kaplan and Meier (1958) with Greenwood's interval in log(-log S): day, at risk, events, returned, low, high."""
    survival, variance, told = 1.0, 0.0, []
    for day in sorted({wait for wait, _ in waits if wait > 0}):
        n, d = sum(wait >= day for wait, _ in waits), sum(wait == day and came for wait, came in waits)
        survival *= 1 - d / n
        variance += d / (n * (n - d)) if n > d else 0.0
        low = high = 1 - survival
        if 0 < survival < 1:
            reach = math.exp(1.959963984540054 * math.sqrt(variance) / abs(math.log(survival)))
            low, high = 1 - survival ** (1 / reach), 1 - survival**reach
        told.append((day, n, d, 1 - survival, low, high))
    return told


@settings(deadline=None)
@given(rows=ROWS, every=st.booleans())
def test_curve_equals_the_textbook(rows, every):
    curve = bk.retention(shop_of(rows), since="every" if every else "first").curve
    expected = textbook(durations(rows, every=every))
    found = curve.select("days", "at_risk", "events", "returned", "low", "high").rows()
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    for row, right in zip(found, expected, strict=True):
        assert row[3:] == pytest.approx(right[3:], abs=1e-12)


def test_percentiles_by_segment_are_those_of_each_alone():
    shop = bk.simulate(customers=3000, rng=1)
    within = shop.truth["segments"].select("customer", segment=pl.col("segment").cast(pl.String))
    whole = bk.retention(shop.ledger, within=within)
    assert whole.percentiles["segment"].n_unique() == within["segment"].n_unique()
    for segment in ("loyal_frequent", "one_timer"):
        own = within.filter(pl.col("segment") == segment)
        alone = bk.retention(shop.ledger, within=own)
        assert whole.curve.filter(pl.col("segment") == segment).equals(alone.curve)
        for share, days in alone.percentiles.select("share", "days").iter_rows():
            reached = alone.curve.filter(pl.col("returned") >= share - 1e-12)["days"]
            assert days == (reached.min() if len(reached) else None)
    half = dict(whole.percentiles.filter(pl.col("share") == 0.5).select("segment", "days").iter_rows())
    assert half["loyal_frequent"] < 60
    assert half["one_timer"] is None
    assert "..." in repr(whole)
    low = whole.percentiles.drop_nulls()
    assert (low["low"] <= low["days"]).all()
    assert (low["high"] >= low["days"]).all()


def test_the_same_for_any_threads_and_before_a_date():
    shop = bk.simulate(customers=9000, rng=2).ledger
    first = bk.retention(shop, n_threads=1)
    assert first.curve.equals(bk.retention(shop, n_threads=8).curve)
    assert first.percentiles.equals(bk.retention(shop, n_threads=3).percentiles)
    early = bk.retention(shop, as_of="2023-07-01").curve
    assert early["days"].max() <= 180
    assert early["at_risk"].max() < first.curve["at_risk"].max()


def test_equal_to_lifelines():
    lifelines = pytest.importorskip("lifelines")
    shop = bk.simulate(customers=2000, rng=4).ledger
    orders = shop.orders().filter(pl.col("purchase")).select("customer", "day").unique()
    waits = durations([(who, (day - EPOCH).days) for who, day in orders.drop_nulls().iter_rows()], every=True)
    fitted = lifelines.KaplanMeierFitter().fit([wait for wait, _ in waits], [came for _, came in waits])
    answer = bk.retention(shop)
    curve = answer.curve
    right = fitted.survival_function_at_times(curve["days"].to_list()).to_list()
    assert (1 - curve["returned"]).to_list() == pytest.approx(right, abs=1e-12)
    for share in (0.25, 0.5):
        day = answer.percentiles.filter(pl.col("share") == share)["days"].item()
        assert day == lifelines.utils.qth_survival_time(1 - share, fitted)


def test_life_table_of_a_rule_equals_lifelines():
    lifelines = pytest.importorskip("lifelines")
    log = shop_with_a_law(7, law=1.0, customers=3000, weeks=104, churn=0.006)
    table = bk.time_to_next(log, antecedent="A", consequent="B", horizon="60w").table
    days = log.lines().select("customer", "item", day=pl.col("time").dt.date())
    index = days.filter(pl.col("item") == "A").group_by("customer").agg(start=pl.col("day").min())
    bought = (
        index.join(days.filter(pl.col("item") == "B"), on="customer")
        .filter(pl.col("day") > pl.col("start"))
        .group_by("customer")
        .agg(end=pl.col("day").min())
    )
    waits = index.join(bought, on="customer", how="left").select(
        weeks=((pl.col("end").fill_null(log.last_day) - pl.col("start")).dt.total_days() / 7).ceil(),
        came=pl.col("end").is_not_null(),
    )
    # Who is not followed for a single day is never at risk.
    waits = waits.filter(pl.col("weeks") > 0)
    fitted = lifelines.KaplanMeierFitter().fit(waits["weeks"].to_numpy(), waits["came"].to_numpy())
    right = fitted.survival_function_at_times(table["week"].to_list()).to_list()
    assert (1 - table["cumulative"]).to_list() == pytest.approx(right, abs=1e-12)
    ends = fitted.event_table["at_risk"]
    assert table["at_risk"].to_list() == [int(ends.loc[ends.index >= week].iloc[0]) for week in table["week"]]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"since": "last"}, "since='last' is not known"),
        ({"within": pl.DataFrame({"customer": [1]})}, "no such column"),
        ({"within": pl.DataFrame({"customer": [1, 1], "segment": ["a", "b"]})}, "more than once"),
        ({"as_of": "soon"}, "as_of"),
    ],
)
def test_wrong_calls_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        bk.retention(shop_of([(1, 0), (1, 5)]), **options)
    with pytest.raises(bk.ParameterError, match="read_ledger"):
        bk.retention(pl.DataFrame())
