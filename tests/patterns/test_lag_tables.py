"""Lag tables of many rules: each is the answer for it alone; all pairs; the rate of false discoveries."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk

from .logs import EPOCH, ledger, log_of

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 40), st.sampled_from("abcd")), min_size=1, max_size=60
)
RULES = [("a", "b"), ("b", "a"), (["a", "b"], "c"), ("c", ["a", "d"]), ("a", "a"), (["b", "a"], ["c", "d"])]


def frame(rows):
    return pl.DataFrame(rows, schema=["customer", "day", "item"], orient="row")


def side(items):
    return [items] if isinstance(items, str) else list(items)


def first_day(days, items, since):
    """Find the first day after `since` by which all items have been bought since."""
    firsts = [min((day for day, item in days if item == one and day > since), default=None) for one in items]
    return None if None in firsts else max(firsts)


def obvious(rows, antecedent, consequent, weeks):
    """Count those at risk and those who buy, customer by customer and week by week."""
    end = max(day for _, day, _ in rows) + 1
    at_risk, events, entered = [0] * weeks, [0] * weeks, 0
    for customer in {row[0] for row in rows}:
        days = [(day, item) for who, day, item in rows if who == customer]
        start = first_day(days, antecedent, -1)
        if start is None:
            continue
        entered += 1
        bought = first_day(days, consequent, start)
        for week in range(weeks):
            first = start + 7 * week + 1
            if first < end and (bought is None or bought >= first):
                at_risk[week] += 1
                events[week] += bought is not None and bought < first + 7
    return entered, at_risk, events


@settings(deadline=None)
@given(rows=ROWS)
def test_life_tables_equal_brute_force(rows):
    known = {item for _, _, item in rows}
    rules = [rule for rule in RULES if {*side(rule[0]), *side(rule[1])} <= known]
    try:
        found = bk.lag_tables(ledger(frame(rows)), rules, horizon="2w")
    except bk.ParameterError as error:
        assert "follow" in str(error)  # noqa: PT017
        return
    for number, (antecedent, consequent) in enumerate(rules):
        entered, at_risk, events = obvious(rows, side(antecedent), side(consequent), 2)
        rule, answer = found.rules.row(number, named=True), found[number]
        assert rule["customers"] == entered
        assert answer.table["at_risk"].to_list() == at_risk[: rule["weeks"]]
        assert answer.table["events"].to_list() == events[: rule["weeks"]]
        assert rule["events"] == sum(events[: rule["weeks"]])
        assert not any(at_risk[rule["weeks"] + 1 :])


@settings(deadline=None)
@given(rows=ROWS, least=st.integers(1, 3))
def test_all_pairs_are_those_with_so_many_events(rows, least):
    shop, items = ledger(frame(rows)), sorted({item for _, _, item in rows})
    pairs = {(a, b): sum(obvious(rows, [a], [b], 2)[2]) for a in items for b in items}
    expected = sorted(pair for pair, events in pairs.items() if events >= least)
    try:
        found = bk.lag_tables(shop, horizon="2w", min_events=least)
    except bk.ParameterError:
        return
    sides = [(a, b) for (a,), (b,) in found.rules.select("antecedent", "consequent").iter_rows()]
    assert sides == expected


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(customers=4000, rng=3).ledger


def test_each_answer_is_the_one_for_it_alone(shop):
    rules = bk.sequence_rules(
        shop, item="product_segment", min_count=60, max_antecedent=1, max_consequent=1
    ).head(25)
    found = bk.lag_tables(shop, rules, item="product_segment")
    assert len(found) == rules.height == len(list(found))
    for number in (0, 7, 24):
        antecedent, consequent = rules.select("antecedent", "consequent").row(number)
        alone = bk.time_to_next(shop, antecedent=antecedent, consequent=consequent, item="product_segment")
        assert alone.table.equals(found[number].table)
        assert alone.peaks.equals(found[number].peaks)
    p, q = found.rules["p_value"].drop_nulls().to_list(), found.rules["q_value"].drop_nulls().to_list()
    order = sorted(range(len(p)), key=p.__getitem__)
    corrected = [min(p[at] * len(p) / (place + 1) for place, at in list(enumerate(order))[n:])
                 for n in range(len(p))]  # fmt: skip
    assert [q[at] for at in order] == pytest.approx(corrected)


def test_the_same_for_any_threads_order_of_rows_chunks_and_whole_weeks(shop):
    lines = shop.lines().join(shop.items(), on="item").select("customer", "product_segment", "time")
    columns = {"customer": "customer", "item": "product_segment", "time": "time"}
    ask = lambda table, **options: bk.lag_tables(table, min_events=150, **columns, **options)  # noqa: E731
    first = ask(lines, n_threads=1)
    assert len(first) > 20
    moved = lines.with_columns(pl.col("time") + pl.duration(weeks=30))
    for other in (
        ask(lines.sample(fraction=1.0, shuffle=True, seed=1), n_threads=8),
        ask(moved, n_threads=2),
        ask(pl.concat(lines.iter_slices(997), rechunk=False)),
    ):
        for name in ("rules", "table", "peaks"):
            assert getattr(first, name).equals(getattr(other, name)), name
    before = bk.lag_tables(shop, min_events=150, item="product_segment", as_of="2024-07-01", horizon="40w")
    cut = bk.lag_tables(lines.filter(pl.col("time") < pl.datetime(2024, 7, 1, time_zone="UTC")),
                        min_events=150, horizon="40w", **columns)  # fmt: skip
    assert before.rules.equals(cut.rules)
    assert before.table.equals(cut.table)


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_laws_are_found_among_all_pairs(seed):
    world = bk.simulate(customers=20_000, rng=seed)
    found = bk.lag_tables(world.ledger, item="product_segment", min_events=50)
    planted = {
        (a, b): peaks
        for a, b, peaks in world.truth["sequences"]
        .select("antecedent", "consequent", "peak_weeks")
        .iter_rows()
    }
    sure = found.peaks.filter((pl.col("kind") == "since purchase") & (pl.col("q_value") <= 0.05))
    named = sure.join(found.rules.select("rule", "antecedent", "consequent"), on="rule")
    hits = {(a[0], b[0], week) for a, b, week in named.select("antecedent", "consequent", "week").iter_rows()}
    missed = [
        (pair, peak)
        for pair, peaks in planted.items()
        for peak in peaks
        if not any((*pair, week) in hits for week in range(peak - 1, peak + 2))
    ]
    assert len(missed) <= 1, missed


def test_a_rule_of_late_buyers_has_a_shorter_table():
    rows = [(1, 0, "a"), (1, 60, "b"), (2, 50, "late"), (3, 70, "b")]
    found = bk.lag_tables(ledger(frame(rows)), [("a", "b"), ("late", "b")], horizon="10w")
    assert found.rules["weeks"].to_list() == [10, 2]
    assert found[1].table["week"].to_list() == [1, 2]
    assert found[1].peaks.row(0, named=True)["high"] == 10
    with pytest.raises(bk.ParameterError, match="follow-up 70 days"):
        bk.lag_tables(ledger(frame(rows)), [("a", "b"), ("late", "b")], horizon="11w")
    with pytest.raises(IndexError):
        found[2]
    assert repr(found) == "LagTables(2 rules, 0 with a peak since purchase)"


@pytest.mark.parametrize(
    ("rules", "options", "text"),
    [
        ([("a", "nil")], {}, "consequent='nil' is not known"),
        ([([], "a")], {}, "at least one item"),
        (pl.DataFrame({"antecedent": [["a"]]}), {}, "no such column"),
        (None, {"min_events": 0}, "min_events=0"),
        (None, {"horizon": 10}, "whole weeks"),
    ],
)
def test_wrong_calls_are_refused(rules, options, text):
    table = pl.DataFrame({"customer": [1, 1], "item": ["a", "b"], "time": [EPOCH, EPOCH.replace(day=30)]})
    with pytest.raises(ValueError, match=text):
        bk.lag_tables(table, rules, **({"horizon": "4w"} | options))


def test_no_rule_is_an_empty_answer():
    table = pl.DataFrame({"customer": [1, 1], "item": ["a", "b"], "time": [EPOCH, EPOCH.replace(day=30)]})
    for found in (bk.lag_tables(table, [], horizon="4w"), bk.lag_tables(table, horizon="4w")):
        assert len(found) == found.table.height == found.peaks.height == 0


def test_real_log(data_file):
    found = bk.lag_tables(log_of("or2day", data_file), horizon="60w", min_events=200)
    assert found.rules["events"].min() >= 200
    assert found.table.height == found.rules["weeks"].sum() > 50 * len(found)
    sure = found.peaks.filter((pl.col("kind") == "since purchase") & (pl.col("q_value") <= 0.05))
    assert sure.filter(pl.col("week").is_between(51, 53)).is_empty()
