"""Recency, frequency and money, quadrants and segments against slow, obvious answers."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.customers.scoring import SEGMENTS

START = datetime(2024, 1, 1)  # noqa: DTZ001 - local time, as dumps have it
ROW = st.tuples(
    st.sampled_from(["ann", "bob", "cid", None]),
    st.integers(0, 5),  # order
    st.integers(0, 60),  # hour, in steps of six
    st.sampled_from([-2, -1, 1, 2, 3]),
    st.integers(1, 500),  # cents apiece
)
SCHEMA = {
    "customer": pl.String,
    "order": pl.Int64,
    "time": pl.Datetime("us"),
    "quantity": pl.Int64,
    "amount": pl.Float64,
}


def frame(rows):
    filled = [
        (customer, order, START + timedelta(hours=6 * step), quantity, quantity * cents / 100)
        for customer, order, step, quantity, cents in rows
    ]
    return pl.DataFrame(filled, schema=SCHEMA, orient="row")


def oracle(rows, as_of, net):
    """Per customer: orders are keyed by id, begin with their earliest line, and are purchases if anything was bought."""
    orders = defaultdict(list)
    for customer, order, step, quantity, cents in rows:
        if customer is not None:
            orders[customer, order].append((START + timedelta(hours=6 * step), quantity, quantity * cents))
    figures = {}
    for customer in sorted({customer for customer, _ in orders}):
        mine = [lines for (who, _), lines in sorted(orders.items()) if who == customer]
        mine = sorted((min(line[0] for line in lines), lines) for lines in mine)
        mine = [(time, lines) for time, lines in mine if time < as_of]
        bought = [time for time, lines in mine if any(quantity > 0 for _, quantity, _ in lines)]
        if not bought:
            continue
        value = [sum(cents for _, quantity, cents in lines if net or quantity > 0) for _, lines in mine]
        days = sorted({time.date() for time in bought})
        total, repeat, last = 0, 0, days[0]
        for (time, _), cents in zip(mine, value, strict=True):
            # Money belongs to the last purchase day at or before it.
            last = max((day for day in days if day <= time.date() and time >= bought[0]), default=days[0])
            total += cents
            repeat += cents if last != days[0] else 0
        figures[customer] = (
            (as_of.date() - days[-1]).days,
            len(days) - 1,
            repeat / 100 / (len(days) - 1) if len(days) > 1 else 0.0,
            (as_of.date() - days[0]).days,
            len(bought),
            total / 100,
        )
    return figures


@settings(deadline=None, max_examples=150)
@given(st.lists(ROW, max_size=40), st.integers(0, 16), st.booleans())
def test_rfm_equals_the_oracle(rows, day, net):
    as_of = START + timedelta(days=day)
    shop = bk.read_ledger(frame(rows), timezone="UTC", returns="net" if net else "keep")
    found = bk.rfm(shop, as_of=as_of)
    columns = ("recency_days", "frequency", "monetary", "tenure_days", "orders", "spend_total")
    got = {row["customer"]: tuple(row[name] for name in columns) for row in found.iter_rows(named=True)}
    wanted = oracle(rows, as_of, net)
    assert got.keys() == wanted.keys()
    for customer, figures in wanted.items():
        assert got[customer] == pytest.approx(figures, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=40), st.lists(ROW, max_size=20), st.integers(1, 10))
def test_nothing_at_or_after_as_of_is_seen(rows, later, day):
    as_of = START + timedelta(days=day)
    before = [row for row in rows if START + timedelta(hours=6 * row[2]) < as_of]
    # Orders of their own, so that no earlier order gets another line.
    after = [
        (who, 100 + order, 4 * day + step, quantity, cents) for who, order, step, quantity, cents in later
    ]
    one = bk.rfm(bk.read_ledger(frame(before), timezone="UTC"), as_of=as_of)
    other = bk.rfm(bk.read_ledger(frame(before + after), timezone="UTC"), as_of=as_of)
    assert one.rows() == other.rows()


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(customers=3000, rng=5).ledger


def test_scores_segments_and_quadrants_add_up(shop):
    table = bk.rfm(shop, ties="apart")
    for score in "rfm":
        sizes = table.group_by(score).len()["len"]
        assert sizes.max() - sizes.min() <= 1
    for row in table.sample(200, seed=1).iter_rows(named=True):
        fits = [name for name, r, f in SEGMENTS if r[0] <= row["r"] <= r[1] and f[0] <= row["f"] <= f[1]]
        assert row["segment"] == (fits[0] if fits else "need attention")
    spend = table["spend_total"].sum()
    for summed in (bk.rfm_segments(table), bk.quadrants(table)):
        assert summed["customers"].sum() == table.height
        assert summed["spend_total"].sum() == pytest.approx(spend)
        assert summed["spend_share"].sum() == pytest.approx(1.0)
    assert bk.rfm_map(table)["customers"].sum() == table.height
    best = table.filter(pl.col("quadrant") == "big fish")
    others = table.filter(pl.col("quadrant").is_in(["one-time", "regular"]))
    average = pl.col("spend_total") / pl.col("orders")
    assert best.select(average.min()).item() > others.select(average.max()).item()
    assert (
        table.filter(pl.col("quadrant") == "one-time")["orders"].to_list()
        == [1] * (table["quadrant"] == "one-time").sum()
    )


def test_equal_values_score_alike_unless_told_apart():
    rows = pl.DataFrame({"customer": range(10), "order": range(10), "amount": [5.0] * 10}).with_columns(
        time=pl.lit(date(2024, 1, 1))
    )
    shop = bk.read_ledger(rows, timezone="UTC")
    assert bk.rfm(shop)["m"].to_list() == [3] * 10
    assert sorted(bk.rfm(shop, ties="apart")["m"].to_list()) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_segments_cover_everybody_and_tell_the_truth(shop):
    found = bk.segment_customers(shop, k=8, rng=3)
    table = bk.rfm(shop)
    assert found.labels["customer"].equals(table["customer"])
    assert found.segments["segment"].to_list() == list(range(1, 9))
    assert found.segments["spend_total"].is_sorted(descending=True)
    lines = shop.lines().filter(pl.col("customer").is_not_null()).join(found.labels, on="customer")
    for row in found.segments.iter_rows(named=True):
        mine = table.join(found.labels.filter(pl.col("segment") == row["segment"]), on="customer")
        assert mine.height == row["customers"]
        assert mine["spend_total"].sum() == pytest.approx(row["spend_total"])
        margin = lines.filter(pl.col("segment") == row["segment"])["margin"].sum()
        assert margin == pytest.approx(row["margin_total"])
        profile = found.profile.filter(
            pl.col("segment") == row["segment"], pl.col("feature") == "recency_days"
        )
        assert mine["recency_days"].mean() == pytest.approx(profile["mean"].item())
        below = (table["recency_days"] < mine["recency_days"].median()).mean()
        upto = (table["recency_days"] <= mine["recency_days"].median()).mean()
        assert 100 * (below + upto) / 2 == pytest.approx(profile["percentile"].item())
    again = bk.segment_customers(shop, k=8, rng=3)
    assert again.labels.equals(found.labels)


def test_fewer_customers_than_segments():
    rows = pl.DataFrame({"customer": [1, 2], "order": [1, 2], "amount": [5.0, 9.0]})
    shop = bk.read_ledger(rows.with_columns(time=pl.lit(date(2024, 1, 1))), timezone="UTC")
    assert bk.segment_customers(shop).segments.height == 2
    empty = bk.rfm(shop, as_of=date(2020, 1, 1))
    assert empty.is_empty()
    assert bk.quadrants(empty)["customers"].to_list() == [0, 0, 0, 0]


def test_a_ledger_is_needed():
    with pytest.raises(bk.ParameterError, match="ledger='DataFrame': a ledger is needed: read_ledger"):
        bk.rfm(pl.DataFrame({"customer": [1]}))


def test_money_is_needed():
    rows = pl.DataFrame({"customer": [1], "order": [1], "time": [date(2024, 1, 1)]})
    with pytest.raises(bk.SchemaError, match="needs the column 'amount'"):
        bk.rfm(bk.read_ledger(rows, timezone="UTC"))
