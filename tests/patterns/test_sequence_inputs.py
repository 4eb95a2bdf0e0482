"""What sequences can be asked of, limits in months and events, and budgets that are kept."""

import gzip
from datetime import date, timedelta
from time import process_time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk

ROWS = st.lists(st.tuples(st.integers(-3, 9), st.integers(0, 40), st.integers(0, 5)), min_size=1, max_size=40)
NAMES = {name: name for name in ("customer", "item", "time")}


def table(rows, text):
    frame = pl.DataFrame(rows, schema=["customer", "day", "item"], orient="row")
    ids = [
        pl.format("{}{}", pl.lit(name[0]), name) if text else pl.col(name) for name in ("customer", "item")
    ]
    time = pl.lit(date(1969, 12, 20)) + pl.duration(days="day")
    return frame.select(ids[0].alias("customer"), ids[1].alias("item"), time=time)


@given(ROWS, st.booleans(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_plain_table_answers_as_its_ledger(rows, text, in_order):
    frame = table(sorted(rows) if in_order else rows, text)
    shop = bk.read_ledger(frame, columns=NAMES, timezone="UTC")
    limits = {"min_count": 1, "max_items": 3}
    expected = bk.frequent_sequences(shop, **limits)
    assert expected.equals(bk.frequent_sequences(frame, **limits))
    hours = frame.with_columns(pl.col("time").cast(pl.Datetime("ms")) + pl.duration(hours=23))
    assert expected.equals(bk.frequent_sequences(hours, **limits, n_threads=1))
    zoned = hours.with_columns(pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"))
    assert expected.equals(bk.frequent_sequences(zoned, **limits))
    sequence = expected["sequence"][-1].to_list()
    assert bk.sequence_matches(shop, sequence).equals(bk.sequence_matches(frame, sequence))
    rules = {"min_count": 1, "max_antecedent": 2, "max_consequent": 1}
    assert bk.sequence_rules(shop, **rules).equals(bk.sequence_rules(frame, **rules))
    customers = frame["customer"].unique().sort()
    if len(customers) > 1:
        groups = pl.DataFrame({"customer": customers, "group": [n % 2 for n in range(len(customers))]})
        limits = {"groups": groups, "min_count": 1, "max_items": 2}
        assert bk.contrast_sequences(shop, **limits).equals(bk.contrast_sequences(frame, **limits))


def test_a_table_that_a_ledger_has_to_look_at():
    rows = {"customer": ["a", "a", None, ""], "item": ["x", "y", "x", "x"], "time": [date(2024, 1, 1)] * 4}
    found = bk.frequent_sequences(pl.DataFrame(rows), min_count=1)
    assert found["sequence"].to_list() == [[["x"]], [["x", "y"]], [["y"]]]
    with pytest.raises(bk.SchemaError, match="time"):
        bk.frequent_sequences(pl.DataFrame(rows).drop("time"), min_count=1)


def test_a_text_of_sequences(tmp_path):
    text = "3 7 -1 5 -1 -2\n# a remark\n3 7 -1 -1 5 -1 -2\n"
    for name, data in (("log.txt", text.encode()), ("log.spmf.gz", gzip.compress(text.encode()))):
        path = tmp_path / name
        path.write_bytes(data)
        found = bk.frequent_sequences(path, min_support=1.0, kind="maximal")
        assert found.rows() == [([[3, 7], [5]], 2, 3, 2, 1.0)]
        assert bk.frequent_sequences(path, min_count=2, max_gap="1 event")["count"].to_list() == [2] * 7
        assert bk.sequence_matches(str(path), [3, 5], min_gap="2d")["customer"].to_list() == [3]
    path.write_bytes(gzip.compress(b"3 -1 -2\n3 hat -1 -2\n"))
    with pytest.raises(bk.SchemaError, match="'hat' in line 2"):
        bk.frequent_sequences(path, min_count=1)


def test_months_keep_to_the_calendar():
    def holds(first, then, **limits):
        rows = {"customer": ["a", "a"], "item": ["x", "y"], "time": [first, then]}
        found = bk.frequent_sequences(pl.DataFrame(rows), min_count=1, **limits)
        return [["x"], ["y"]] in found["sequence"].to_list()

    assert holds(date(2023, 1, 31), date(2023, 2, 28), max_gap="1mo")
    assert not holds(date(2023, 1, 31), date(2023, 3, 1), max_gap="1mo")
    assert holds(date(2024, 1, 31), date(2024, 2, 29), max_gap="1mo")
    assert holds(date(2024, 2, 29), date(2025, 2, 28), max_span="12mo", min_gap="12mo")
    assert not holds(date(2024, 2, 28), date(2025, 2, 27), min_gap="12 mo")


@given(st.lists(st.integers(1, 900), min_size=1, max_size=6), st.integers(0, 14), st.booleans())
@settings(max_examples=40, deadline=None)
def test_months_against_polars(gaps, months, least):
    first = date(2019, 1, 29)
    days = [first + timedelta(days=sum(gaps[:n])) for n in range(len(gaps) + 1)]
    frame = pl.DataFrame({"customer": 1, "item": [str(n) for n in range(len(days))], "time": days})
    pairs = [(a, b) for b in range(len(days)) for a in range(b)]
    ends = pl.Series(days).dt.offset_by(f"{months}mo").to_list()
    kept = {(a, b) for a, b in pairs if (days[b] >= ends[a] if least else days[b] <= ends[a])}
    limit = {"min_gap" if least else "max_span": f"{months}mo"}
    found = bk.frequent_sequences(frame, min_count=1, max_items=2, **limit)["sequence"].to_list()
    assert {(int(s[0][0]), int(s[1][0])) for s in found if len(s) == 2} == kept


def test_positions_count_every_event():
    days = [date(2024, 1, day) for day in (1, 2, 3, 9)]
    frame = pl.DataFrame({"customer": ["a"] * 4, "item": ["x", "rare", "y", "z"], "time": days})

    def found(**limits):
        rows = bk.frequent_sequences(frame, min_count=1, excludes="rare", max_items=2, **limits)
        return {a + b for (a,), (b,) in (s for s in rows["sequence"].to_list() if len(s) == 2)}

    assert found(min_gap="2 events") == {"xy", "xz"}
    assert found(max_span="2 events") == {"xy", "yz"}
    assert found(max_gap="1 event") == {"yz"}


@pytest.mark.parametrize("limit", [{"min_gap": "1 month"}, {"max_span": "2q"}, {"max_gap": -1}])
def test_a_unit_that_is_none(limit):
    with pytest.raises(bk.ParameterError, match="'2mo' or '3 events'"):
        bk.frequent_sequences(table([(0, 0, 0)], text=False), min_count=1, **limit)


@pytest.mark.parametrize("limits", [{}, {"max_gap": "30d"}, {"kind": "closed"}, {"partial": True}])
def test_an_explosive_search_ends_in_time_and_tells_what_would_fit(limits):
    rows = [
        (c, day * 5, (c + 3 * day + i * i) % 12) for c in range(40) for day in range(30) for i in range(8)
    ]
    rows += [(c, 0, 99) for c in range(39)]
    # On one thread, and by the time of the processor: whatever else the machine does is not ours.
    seconds = 1.0
    start = process_time()
    with (
        pytest.raises(bk.CapacityError, match="would fit")
        if "partial" not in limits
        else pytest.warns(bk.CapacityWarning)
    ):
        bk.frequent_sequences(
            table(rows, text=False), min_count=20, budget=bk.Budget(seconds=seconds), n_threads=1, **limits
        )
    assert process_time() - start < 1.2 * seconds + 2
