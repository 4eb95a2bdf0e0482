"""Exact numbers of patterns and rules on public logs, found by several programs that agree."""

import json

import polars as pl
import pytest

import basketry as bk

from .logs import log_of

# Set, minimal count, limits; then the number of sequences, by number of items, with an event of several items,
# and the sum of their counts.
SEQUENCES = [
    ("sign", 292, {}, 518, [60, 193, 201, 62, 2], 0, 186339),
    ("sign", 292, {"kind": "closed"}, 518, None, None, None),
    ("sign", 292, {"kind": "maximal"}, 245, None, None, None),
    ("sign", 292, {"max_items": 3}, 454, [60, 193, 201], None, None),
    ("sign", 292, {"max_gap": "1 event"}, 60, [60], None, None),
    ("sign", 292, {"max_gap": "3 events"}, 63, [60, 3], None, None),
    ("leviathan", 584, {}, 651, [39, 171, 238, 154, 45, 4], 0, 594642),
    ("leviathan", 584, {"kind": "closed"}, 651, None, None, None),
    ("leviathan", 584, {"kind": "maximal"}, 358, None, None, None),
    ("leviathan", 584, {"max_items": 3}, 448, [39, 171, 238], None, None),
    ("leviathan", 584, {"max_gap": "1 event"}, 45, [39, 5, 1], None, None),
    ("leviathan", 584, {"max_gap": "3 events"}, 59, [39, 18, 2], None, None),
    ("kosarak25k", 250, {}, 399, [52, 142, 137, 56, 11, 1], 0, 260758),
    ("kosarak25k", 250, {"kind": "closed"}, 382, None, None, None),
    ("kosarak25k", 250, {"kind": "maximal"}, 85, None, None, None),
    ("kosarak25k", 250, {"max_items": 3}, 331, [52, 142, 137], None, None),
    ("kosarak25k", 250, {"max_gap": "1 event"}, 84, [52, 25, 7], None, None),
    ("kosarak25k", 250, {"max_gap": "3 events"}, 129, [52, 49, 24, 4], None, None),
    ("kosarak25k", 50, {}, 15679, [604, 2519, 4449, 4137, 2337, 976, 412, 177, 56, 11, 1], 0, None),
    ("cjday", 24, {}, 360, [256, 92, 11, 1], 0, 17905),
    ("cjday", 24, {"kind": "closed"}, 360, None, None, None),
    ("cjday", 24, {"kind": "maximal"}, 318, None, None, None),
    ("cjday", 24, {"max_items": 3}, 359, [256, 92, 11], None, None),
    ("cjday", 24, {"max_gap": "1 event"}, 257, [256, 1], None, None),
    ("cjday", 24, {"max_gap": "3 events"}, 261, [256, 5], None, None),
    ("cjday", 24, {"max_gap": "30d"}, 260, [256, 4], 0, None),
    ("cjday", 24, {"max_gap": "13w"}, 283, [256, 25, 2], 0, None),
    ("cjday", 24, {"min_gap": "1w", "max_gap": 60}, 266, [256, 10], 0, None),
    ("cjday", 24, {"max_span": "91d"}, 281, [256, 25], 0, None),
    ("cjday", 24, {"max_span": "26w"}, 330, [256, 70, 4], 0, None),
    ("or2day", 588, {}, 63, [62, 1], 0, 46420),
    ("or2day", 588, {"kind": "closed"}, 63, None, None, None),
    ("or2day", 588, {"kind": "maximal"}, 62, None, None, None),
    ("or2day", 588, {"max_items": 3}, 63, [62, 1], None, None),
    ("or2day", 588, {"max_gap": "1 event"}, 63, [62, 1], None, None),
    ("or2day", 588, {"max_gap": "3 events"}, 63, [62, 1], None, None),
    ("or2day", 412, {}, 212, [195, 16, 1], 8, 117451),
    ("or2day", 412, {"kind": "closed"}, 212, None, None, None),
    ("or2day", 412, {"kind": "maximal"}, 193, None, None, None),
    ("or2day", 412, {"max_items": 3}, 212, [195, 16, 1], None, None),
    ("or2day", 412, {"max_gap": "1 event"}, 205, [195, 10], None, None),
    ("or2day", 412, {"max_gap": "3 events"}, 208, [195, 12, 1], None, None),
    ("or2day", 412, {"max_gap": "30d"}, 203, [195, 8], 8, None),
    ("or2day", 412, {"max_gap": "13w"}, 204, [195, 9], 8, None),
    ("or2day", 412, {"min_gap": "1w", "max_gap": 60}, 204, [195, 9], 8, None),
    ("or2day", 412, {"max_span": "91d"}, 204, [195, 9], 8, None),
    ("or2day", 412, {"max_span": "26w"}, 207, [195, 12], 8, None),
]

# Rules within a window, as TRuleGrowth counts them: matched positions at most 3 apart, which are 4 events in a row, and
# a confidence over the customers with all of X within one window.
WINDOWS = [
    ("sign", 365, 0.5, 3),
    ("sign", 292, 0.5, 3),
    ("leviathan", 584, 0.5, 1),
    ("kosarak25k", 62, 0.3, 173),
    ("cjday", 24, 0.1, 0),
    ("or2day", 588, 0.3, 0),
    ("or2day", 412, 0.3, 0),
]

# Set, minimal count, minimal confidence, most items of a side, number of rules.
RULES = [
    ("sign", 365, 0.5, 1, 84),
    ("sign", 365, 0.5, None, 432),
    ("sign", 292, 0.5, 1, 168),
    ("sign", 292, 0.5, None, 1989),
    ("leviathan", 584, 0.5, 1, 51),
    ("leviathan", 584, 0.5, None, 192),
    ("kosarak25k", 62, 0.3, 1, 408),
    ("kosarak25k", 62, 0.3, None, 7670),
    ("cjday", 24, 0.1, 1, 49),
    ("cjday", 24, 0.1, None, 52),
    ("or2day", 588, 0.3, 1, 0),
    ("or2day", 588, 0.3, None, 0),
    ("or2day", 412, 0.3, 1, 1),
    ("or2day", 412, 0.3, None, 1),
]


@pytest.mark.parametrize(("name", "min_count", "limits", "count", "by_items", "multi", "total"), SEQUENCES)
def test_numbers_of_sequences(data_file, name, min_count, limits, count, by_items, multi, total):
    found = bk.frequent_sequences(log_of(name, data_file), min_count=min_count, **limits)
    assert found.height == count
    if by_items is not None:
        assert found.group_by("items").len().sort("items")["len"].to_list() == by_items
    if multi is not None:
        assert found.filter(pl.col("length") < pl.col("items")).height == multi
    if total is not None:
        assert found["count"].sum() == total


@pytest.mark.parametrize(("name", "min_count", "min_confidence", "most", "count"), RULES)
def test_numbers_of_rules(data_file, name, min_count, min_confidence, most, count):
    rules = bk.sequence_rules(
        log_of(name, data_file),
        min_count=min_count,
        min_confidence=min_confidence,
        max_antecedent=most,
        max_consequent=most,
    )
    assert rules.height == count
    assert rules["confidence"].min() is None or rules["confidence"].min() >= min_confidence


@pytest.mark.parametrize(("name", "min_count", "min_confidence", "count"), WINDOWS)
def test_numbers_of_rules_within_a_window(data_file, name, min_count, min_confidence, count):
    log = log_of(name, data_file)
    limits = {"min_count": min_count, "min_confidence": min_confidence}
    assert bk.sequence_rules(log, window="4 events", **limits).height == count


def test_every_count_of_the_reference_is_tested(data_file):
    sets = json.loads(data_file("../reference/sequence_counts.json").read_text())["sets"]
    known = sorted(
        (kind["count"], name, int(least))
        for name, supports in sets.items()
        for least, kinds in supports.items()
        for what, kind in kinds.items()
        if what != "timed_none"
    )
    tested = [(count, name, least) for name, least, _, count, *_ in SEQUENCES]
    tested += [(count, name, least) for name, least, _, _, count in RULES]
    tested += [(count, name, least) for name, least, _, count in WINDOWS]
    assert sorted(tested) == known


@pytest.mark.parametrize(("name", "min_count"), [("sign", 292), ("leviathan", 584), ("or2day", 412)])
def test_the_most_frequent_and_what_must_be_there(data_file, name, min_count):
    log = log_of(name, data_file)
    found = bk.frequent_sequences(log, min_count=min_count)
    assert bk.frequent_sequences(log, min_count=1, top=40).equals(found.head(40))
    item = found.filter(pl.col("length") == 2)["sequence"][0].to_list()[1][0]
    has = pl.col("sequence").list.eval(pl.element().list.contains(item)).list.any()
    assert bk.frequent_sequences(log, min_count=min_count, contains=item).equals(found.filter(has))
    assert bk.frequent_sequences(log, min_count=min_count, excludes=item).equals(found.filter(~has))
    for row in found.gather_every(50).iter_rows(named=True):
        assert bk.sequence_matches(log, row["sequence"]).height == row["count"]
