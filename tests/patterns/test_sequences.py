"""Sequences and sequential rules against slow and obvious ones, and wrong calls."""

from collections import Counter
from datetime import date, timedelta
from itertools import combinations
from time import perf_counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk

from .logs import EPOCH, ledger

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 12), st.sampled_from("abcd")), min_size=1, max_size=30
)


def frame_of(rows):
    return pl.DataFrame(rows, schema=["customer", "day", "item"], orient="row")


def histories(rows):
    """Customer -> (day, items) in time order."""
    log = {}
    for customer, day, item in rows:
        log.setdefault(customer, {}).setdefault(day, set()).add(item)
    return {customer: sorted(days.items()) for customer, days in log.items()}


def matches(events, max_gap):
    """All patterns of one history, each set in a later event than the one before."""
    found = set()

    def extend(prefix, last, position):
        for at in range(position, len(events)):
            day, items = events[at]
            if last is not None and max_gap is not None and day - last > max_gap:
                break
            for size in range(1, len(items) + 1):
                for chosen in combinations(sorted(items), size):
                    pattern = (*prefix, chosen)
                    found.add(pattern)
                    if len(pattern) < 4:
                        extend(pattern, day, at + 1)

    extend((), None, 0)
    return found


@given(rows=ROWS, max_gap=st.none() | st.integers(1, 8), min_count=st.integers(1, 3))
def test_sequences_equal_brute_force(rows, max_gap, min_count):
    counts = Counter(pattern for events in histories(rows).values() for pattern in matches(events, max_gap))
    expected = {pattern: count for pattern, count in counts.items() if count >= min_count}
    found = bk.frequent_sequences(ledger(frame_of(rows)), min_count=min_count, max_gap=max_gap, max_length=4)
    patterns = [tuple(map(tuple, sequence)) for sequence in found["sequence"]]
    assert dict(zip(patterns, found["count"], strict=True)) == expected
    assert patterns == sorted(patterns, key=lambda pattern: (-expected[pattern], pattern))
    assert found["length"].to_list() == [len(pattern) for pattern in patterns]
    assert found["items"].to_list() == [sum(map(len, pattern)) for pattern in patterns]


@settings(deadline=None)
@given(rows=ROWS, min_count=st.integers(1, 3))
def test_rules_equal_brute_force(rows, min_count):
    log = histories(rows)
    sides = [set(side) for size in (1, 2) for side in combinations("abcd", size)]
    expected = {}
    for x in sides:
        for y in (y for y in sides if not x & y):
            having = [events for events in log.values() if x <= {i for _, items in events for i in items}]
            count = sum(
                any(
                    x <= {i for _, items in events[:at] for i in items}
                    and y <= {i for _, items in events[at:] for i in items}
                    for at in range(len(events))
                )
                for events in having
            )
            if count >= min_count:
                expected[tuple(sorted(x)), tuple(sorted(y))] = (count, count / len(having))
    rules = bk.sequence_rules(ledger(frame_of(rows)), min_count=min_count, max_antecedent=2, max_consequent=2)
    found = {
        (tuple(row["antecedent"]), tuple(row["consequent"])): (row["count"], row["confidence"])
        for row in rules.iter_rows(named=True)
    }
    assert found == expected


def test_a_share_is_taken_as_it_was_typed():
    # k customers buy 1 then 2, the others 3 then 4. In doubles k / 100 * 100 is above k for k = 7, 14, 28.
    for k in range(3, 50):
        rows = [(c, day, item + (0 if c < k else 2)) for c in range(100) for day, item in ((0, 1), (1, 2))]
        found = bk.frequent_sequences(ledger(frame_of(rows)), min_support=k / 100)
        assert [[1], [2]] in found["sequence"].to_list()


def test_events_of_several_items_and_scattered_ids():
    rows = [(c * 1000, day, item) for c in range(3) for day, item in ((0, 10**9), (0, 7), (1, 3_000_000))]
    found = bk.frequent_sequences(ledger(frame_of(rows)), min_count=3)
    assert [[7, 10**9], [3_000_000]] in found["sequence"].to_list()
    assert found.height == 7


def test_any_table_and_any_order_of_rows_and_threads():
    rows = [(f"c{c}", day, f"i{(c * day + day) % 5}") for c in range(40) for day in range(8)]
    frame = frame_of(rows).select(
        who="customer", what="item", when=pl.date(2024, 1, 1) + pl.duration(days="day")
    )
    names = {"customer": "who", "item": "what", "time": "when"}
    first = bk.frequent_sequences(frame, **names, min_support=0.3)
    assert first.height > 20
    for n_threads in (1, 2, 8):
        shuffled = frame.sample(fraction=1.0, shuffle=True, seed=n_threads)
        assert first.equals(bk.frequent_sequences(shuffled, **names, min_support=0.3, n_threads=n_threads))
    rules = bk.sequence_rules(frame, **names, min_support=0.3)
    assert rules.equals(bk.sequence_rules(frame.reverse(), **names, min_support=0.3, n_threads=1))
    assert first.head(3).equals(bk.frequent_sequences(frame.to_arrow(), **names, min_support=0.3, top=3))


def test_measures_of_a_rule_by_hand():
    # 4 of 10 have x, 5 have y, 3 x before y, after 2, 4 and 9 days.
    rows = [(c, 0, "x") for c in range(4)] + [(c, gap, "y") for c, gap in enumerate((2, 4, 9))]
    rows += [(c, 1, "y") for c in (5, 6)] + [(c, 1, "z") for c in (4, 7, 8, 9)]
    rule = bk.sequence_rules(ledger(frame_of(rows)), min_count=3).row(0, named=True)
    assert rule == {
        "antecedent": ["x"],
        "consequent": ["y"],
        "count": 3,
        "support": 0.3,
        "confidence": 0.75,
        "lift": 1.5,
        "leverage": pytest.approx(0.3 - 0.4 * 0.5),
        "p_value": pytest.approx(55 / 210),
        "q_value": pytest.approx(55 / 210),
        "median_gap_days": 4.0,
    }


def test_window_in_days_and_in_events():
    rows = [(c, day, item) for c in range(2) for day, item in ((0, "x"), (3, "o"), (9, "y"))]
    shop = ledger(frame_of(rows))
    heads = lambda **limits: {  # noqa: E731
        (row["antecedent"][0], row["consequent"][0])
        for row in bk.sequence_rules(
            shop, min_count=2, max_antecedent=1, max_consequent=1, **limits
        ).iter_rows(named=True)
    }
    assert heads() == {("x", "o"), ("x", "y"), ("o", "y")}
    assert heads(window="6d") == heads(window="2 events") == {("x", "o"), ("o", "y")}
    assert heads(window="9d") == heads(window="3 events") == heads()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({}, "exactly one"),
        ({"min_count": 1, "min_support": 0.5}, "exactly one"),
        ({"min_count": 0}, "min_count=0"),
        ({"min_support": 1.5}, "min_support=1.5"),
        ({"min_count": 1, "max_gap": "2 years"}, "max_gap='2 years'"),
        ({"min_count": 1, "max_length": 0}, "max_length=0"),
        ({"min_count": 1, "kind": "close"}, "did you mean 'closed'"),
        ({"min_count": 1, "min_gap": 9, "max_gap": 7}, "min_gap"),
        ({"min_count": 1, "time": "day"}, "a ledger knows its columns"),
    ],
)
def test_wrong_calls_are_refused(wrong, text):
    with pytest.raises(bk.ParameterError, match=text):
        bk.frequent_sequences(ledger(frame_of([(0, 0, "a"), (0, 1, "b")])), **wrong)


def test_a_budget_is_kept():
    rows = [(c, day, item) for c in range(3) for day in range(6) for item in "abcd"]
    with pytest.raises(bk.CapacityError, match="1000 results"):
        bk.frequent_sequences(ledger(frame_of(rows)), min_count=1, budget=bk.Budget(results=1000))


def test_a_partial_result_is_whole_up_to_its_length():
    rows = [(c, day, item) for c in range(3) for day in range(6) for item in "abcd"]
    shop = ledger(frame_of(rows))
    limits = {"min_count": 1, "partial": True, "budget": bk.Budget(results=1000)}
    with pytest.warns(bk.CapacityWarning, match="at most 4 items"):
        found = bk.frequent_sequences(shop, **limits)
    assert found.equals(bk.frequent_sequences(shop, min_count=1, max_items=4))
    with pytest.warns(bk.CapacityWarning):
        assert found.equals(bk.frequent_sequences(shop, **limits, n_threads=1))
    with pytest.raises(bk.CapacityError):
        bk.frequent_sequences(shop, min_count=1, partial=True, budget=bk.Budget(results=3))


def test_an_explosive_support_stops_in_time():
    rows = [(c, day, item) for c in range(30) for day in range(20) for item in range(6)]
    shop = ledger(frame_of(rows))
    for budget in (bk.Budget(results=200_000), bk.Budget(seconds=1.0)):
        start = perf_counter()
        with pytest.raises(bk.CapacityError):
            bk.frequent_sequences(shop, min_count=30, budget=budget)
        assert perf_counter() - start < 10


def test_whole_weeks_and_chunks_do_not_show():
    rows = [(c, (c * 7 + day * day) % 90, f"i{(c * day + day) % 5}") for c in range(40) for day in range(8)]
    frame = frame_of(rows)
    limits = {"min_count": 4, "max_gap": "30d", "max_span": "60d"}
    first = bk.frequent_sequences(ledger(frame), **limits)
    assert first.height > 20
    assert first.equals(bk.frequent_sequences(ledger(frame.with_columns(pl.col("day") + 7 * 13)), **limits))
    chunked = pl.concat([frame[:100], frame[100:101], frame[101:]], rechunk=False)
    assert first.equals(bk.frequent_sequences(ledger(chunked), **limits))


def test_matches_keep_the_limits():
    rows = [(1, 0, "a"), (1, 5, "a"), (1, 8, "b"), (2, 0, "a"), (2, 9, "b"), (3, 1, "b")]
    shop = ledger(frame_of(rows))
    days = lambda **limits: [  # noqa: E731
        (who, [(day - date(2000, 1, 1)).days for day in when])
        for who, when in bk.sequence_matches(shop, ["a", ["b"]], **limits).select("customer", "days").rows()
    ]
    assert days() == [(1, [0, 8]), (2, [0, 9])]
    assert days(max_gap=5) == [(1, [5, 8])]
    assert days(min_gap=9) == [(2, [0, 9])]
    with pytest.raises(bk.ParameterError, match="sequence='z'"):
        bk.sequence_matches(shop, ["a", "z"])
    with pytest.raises(bk.ParameterError, match="a list of events"):
        bk.sequence_matches(shop, [])


@settings(deadline=None, max_examples=50)  # Nine searches a case.
@given(rows=ROWS, day=st.integers(0, 13), min_count=st.integers(1, 2))
def test_as_of_is_the_ledger_of_the_orders_before(rows, day, min_count):
    frame = frame_of(rows)
    past = frame.filter(pl.col("day") < day)
    instant = EPOCH + timedelta(days=day)
    whole = ledger(frame)
    if past.is_empty():
        assert bk.frequent_sequences(whole, min_count=1, as_of=instant).is_empty()
        return
    cut = ledger(past)
    for ask in (bk.frequent_sequences, bk.sequence_rules):
        assert ask(whole, min_count=min_count, as_of=instant).equals(ask(cut, min_count=min_count))
    found = bk.sequence_matches(whole, ["a", "b"], as_of=instant) if {"a", "b"} <= set(past["item"]) else None
    assert found is None or found.equals(bk.sequence_matches(cut, ["a", "b"]))
    groups = pl.DataFrame({"customer": range(5), "group": ["new", "old", "new", "old", "new"]})
    contrast = bk.contrast_sequences(whole, groups=groups, min_count=min_count, as_of=instant)
    assert contrast.equals(bk.contrast_sequences(cut, groups=groups, min_count=min_count))


def test_a_table_has_no_as_of():
    lines = frame_of([(0, 0, "a"), (0, 1, "b")]).select("customer", "item", time=pl.date(2024, 1, 1))
    groups = pl.DataFrame({"customer": [0, 1], "group": [0, 1]})
    for ask in (
        lambda **as_of: bk.frequent_sequences(lines, min_count=1, **as_of),
        lambda **as_of: bk.sequence_rules(lines, min_count=1, **as_of),
        lambda **as_of: bk.sequence_matches(lines, ["a"], **as_of),
        lambda **as_of: bk.contrast_sequences(lines, groups=groups, min_count=1, **as_of),
    ):
        with pytest.raises(bk.ParameterError, match="only a ledger knows times"):
            ask(as_of="2024-01-02")


@settings(deadline=None)
@given(rows=ROWS, without=st.sampled_from(["a", "c", "cd"]))
def test_matches_without_something_between(rows, without):
    everything = [(9, 0, item) for item in "abcd"]
    found = bk.sequence_matches(ledger(frame_of(rows + everything)), ["a", "b"], without=list(without))
    expected = {}
    for customer, events in histories(rows).items():
        for first, (start, one) in enumerate(events):
            for last in range(first + 1, len(events)):
                between = set().union(*(items for _, items in events[first + 1 : last]))
                if "a" in one and "b" in events[last][1] and not between & set(without):
                    expected.setdefault(customer, (start, events[last][0]))
    days = {
        who: tuple((day - EPOCH).days for day in when)
        for who, when in found.select("customer", "days").rows()
    }
    assert days == expected


def test_without_takes_known_items():
    shop = ledger(frame_of([(0, 0, "a"), (0, 1, "b"), (0, 1, "c")]))
    assert bk.sequence_matches(shop, ["a", "b"], without="c").height == 1
    with pytest.raises(bk.ParameterError, match="without='z'"):
        bk.sequence_matches(shop, ["a", "b"], without="z")


def test_a_refusal_says_what_would_fit():
    rows = [(c, day, item) for c in range(3) for day in range(6) for item in "abcd"]
    rows += [(c, 0, item) for c in range(3, 9) for item in "ab"]
    shop = ledger(frame_of(rows))
    with pytest.raises(bk.CapacityError, match=r"3 would fit, from min_count=4 on .* with max_items=2"):
        bk.frequent_sequences(shop, min_count=2, budget=bk.Budget(results=100))
    assert bk.frequent_sequences(shop, min_count=4).height == 3


def test_a_contrast_by_hand():
    # All 3 of the first group have x then y, none of the 3 of the second: 1 of 20 ways to draw 3 of 6, twice.
    rows = [(c, day, item) for c in range(3) for day, item in ((0, "x"), (1, "y"))]
    rows += [(c, day, item) for c in range(3, 7) for day, item in ((0, "y"), (1, "x"))]
    groups = pl.DataFrame({"customer": range(6), "group": ["new"] * 3 + ["old"] * 3})
    found = bk.contrast_sequences(ledger(frame_of(rows)), groups=groups, min_support=0.5)
    row = found.filter(pl.col("sequence") == pl.lit([["x"], ["y"]], dtype=found["sequence"].dtype)).row(
        0, named=True
    )
    assert (row["first_count"], row["second_count"], row["difference"]) == (3, 0, 1.0)
    assert row["p_value"] == pytest.approx(0.1)
    assert (found["first_count"].max(), found["second_count"].max()) == (3, 3)
    for wrong, text in (
        (groups.with_columns(group=pl.lit(1)), "two groups"),
        (groups.drop("group"), "'group'"),
        (pl.concat([groups, groups]), "named twice"),
    ):
        with pytest.raises(bk.SchemaError, match=text):
            bk.contrast_sequences(ledger(frame_of(rows)), groups=wrong, min_count=1)


def test_closed_by_definition_where_a_peer_is_wrong():
    # (a) and (a b) have the count of (a b c): only the longest is closed.
    rows = [(c, day, item) for c in range(3) for day, item in enumerate("abc")] + [(3, 0, "c")]
    closed = bk.frequent_sequences(ledger(frame_of(rows)), min_count=2, kind="closed")
    assert closed.select("sequence", "count").rows() == [([["c"]], 4), ([["a"], ["b"], ["c"]], 3)]


def test_no_silent_limit_on_the_span():
    rows = [(c, day, item) for c in range(2) for day, item in ((0, "a"), (300, "b"))]
    found = bk.frequent_sequences(ledger(frame_of(rows)), min_count=2)
    assert [["a"], ["b"]] in found["sequence"].to_list()
