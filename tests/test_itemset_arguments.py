"""What the itemset and rule engines are asked with: every kind of argument taken as it is meant, or refused in words."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk

SHOP = pl.DataFrame({"items": [["bread", "milk"], ["bread", "jam"], ["bread", "milk", "jam"], []]})
TAGGED = pl.DataFrame({"b": [1, 1, 2, 3], "i": ["x", "y", "x", "y"], "s": ["n", None, "n", "m"]})


def rows_of(frame):
    return frame.sort(frame.columns).rows()


@pytest.mark.parametrize("value", [1e15, 2**60, float("nan"), float("inf")])
def test_values_that_are_none_are_refused(value):
    shop = pl.DataFrame({"b": [1, 1], "i": ["x", "y"], "v": [1.0, value]})
    with pytest.raises(bk.SchemaError, match=r"'v' holds .* at row 2"):
        bk.frequent_itemsets(shop, basket="b", item="i", min_count=1, values=["v"])


def test_missing_values_count_as_nothing():
    shop = pl.DataFrame({"b": [1, 1], "i": ["x", "y"], "v": [2.5, None]})
    found = bk.frequent_itemsets(shop, basket="b", item="i", min_count=1, values=["v"])
    assert dict(zip(map(tuple, found["itemset"]), found["v"].cast(float), strict=True)) == {
        ("x",): 2.5, ("y",): 0.0, ("x", "y"): 2.5,
    }  # fmt: skip


@pytest.mark.parametrize("given", [["milk"], ("milk",), pl.Series(["milk"]), np.array(["milk"]), {"milk"}])
def test_any_list_of_items_will_do(given):
    wanted = bk.frequent_itemsets(SHOP, item="items", min_count=1, contains=["milk"])
    assert bk.frequent_itemsets(SHOP, item="items", min_count=1, contains=given).equals(wanted)
    left = bk.frequent_itemsets(SHOP, item="items", min_count=1, excludes=given)
    assert not left["itemset"].list.contains("milk").any()
    assert wanted.height + left.height == bk.frequent_itemsets(SHOP, item="items", min_count=1).height


@pytest.mark.parametrize("given", [0, "", "milk", b"milk", [None], [1.5]])
def test_no_list_of_items_is_refused(given):
    with pytest.raises(bk.ParameterError, match="contains="):
        bk.frequent_itemsets(SHOP, item="items", min_count=1, contains=given)


def test_an_item_named_twice_is_one_item():
    for names in (["milk"], ["milk", "milk"]):
        assert bk.support_for(SHOP, 1, item="items", contains=names).min_count == 3
        with pytest.warns(bk.CapacityWarning, match="up to 1 items are here"):
            found = bk.frequent_itemsets(
                SHOP, item="items", min_count=1, contains=names, partial=True, budget=bk.Budget(results=1)
            )
        assert found["itemset"].to_list() == [["milk"]]


def test_ids_are_found_however_they_are_typed():
    numbers = pl.DataFrame({"items": [[1, 2], [1]]})
    texts = numbers.with_columns(pl.col("items").cast(pl.List(pl.String)))
    for shop, ids in ((numbers, ("2", 2)), (texts, (2, "2"))):
        for one in ids:
            found = bk.frequent_itemsets(shop, item="items", min_count=1, contains=[one])
            assert found["count"].to_list() == [1, 1]
        with pytest.raises(bk.ParameterError, match="no basket has this item"):
            bk.frequent_itemsets(shop, item="items", min_count=1, contains=["²"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_count": 2**64},
        {"min_count": 1, "max_length": 2**65},
        {"min_count": 1, "top": 2**65},
        {"min_count": 1, "contains": [2**70]},
    ],
)
def test_numbers_that_no_machine_holds_are_refused(arguments):
    with pytest.raises(bk.ParameterError):
        bk.frequent_itemsets(SHOP, item="items", **arguments)


def test_a_budget_and_threads_of_any_whole_number():
    with pytest.raises(bk.ParameterError, match="results"):
        bk.Budget(results=2**70)
    assert bk.frequent_itemsets(SHOP, item="items", min_count=2, n_threads=np.int64(2)).height == 5


@pytest.mark.parametrize(
    ("shop", "asked"),
    [
        (pl.DataFrame({"i": [[], []]}), {}),
        (pl.DataFrame({"i": [None, None]}, schema={"i": pl.List(pl.Null)}), {}),
        (pl.DataFrame({"b": [1, 2], "i": [None, None]}), {"basket": "b"}),
        (pl.DataFrame({"b": [], "i": []}), {"basket": "b"}),
    ],
)
def test_columns_of_nothing_have_no_itemset(shop, asked):
    assert bk.frequent_itemsets(shop, item="i", min_count=1, **asked).is_empty()


@pytest.mark.parametrize("data", [SHOP.lazy(), 7, object()])
def test_what_is_no_table_is_refused(data):
    for call in (bk.frequent_itemsets, lambda *a, **k: bk.association_rules(*a, min_confidence=0.5, **k)):
        with pytest.raises(bk.ParameterError, match="data="):
            call(data, item="items", min_count=1)


def test_errors_name_the_column_of_the_caller():
    shop = pl.DataFrame({"order": [1, 2, None], "item": ["a", "b", "c"]})
    with pytest.raises(bk.SchemaError, match="'order' is empty at row 3"):
        bk.frequent_itemsets(shop, basket="order", item="item", min_count=1)


def test_counting_closed_sets_has_the_default_budget(monkeypatch):
    monkeypatch.setattr("basketry.patterns.itemsets.ITEMSETS", 3)
    with pytest.raises(bk.CapacityError):
        bk.count_itemsets(SHOP, item="items", min_count=1, kind="closed")
    assert bk.count_itemsets(SHOP, item="items", min_count=1)["count"].sum() == 7


def test_the_top_sets_of_very_many_equal_ones():
    shop = pl.DataFrame({"items": [list(range(40))] * 2 + [[0, 1, 2, 3, 50]]})
    found = bk.frequent_itemsets(shop, item="items", min_count=1, top=16)
    # Fifteen sets of the items that all three hold, and the first of those that two do.
    assert found["count"].to_list() == [3] * 15 + [2]
    assert found["itemset"].to_list()[-1] == [4]


# Rules


@st.composite
def tables(draw):
    row = st.tuples(st.lists(st.sampled_from("abcdef"), max_size=5), st.sampled_from("xyz"))
    rows = draw(st.lists(row, min_size=5, max_size=40))
    return pl.DataFrame(
        {"items": [items for items, _ in rows], "who": [who for _, who in rows]},
        schema={"items": pl.List(pl.String), "who": pl.String},
    )


@settings(max_examples=60, deadline=None)
@given(shop=tables(), top=st.integers(1, 6), within=st.booleans())
def test_the_top_rules_are_the_first_ones(shop, top, within):
    asked = {"item": "items", "min_count": 2, "min_confidence": 0.2, "within": "who" if within else None}
    every = bk.association_rules(shop, **asked).head(top)
    first = bk.association_rules(shop, **asked, top=top)
    bounds = [name for name in ("q_value", "heterogeneity_q", "scope", "holds_in") if name in every.columns]
    assert first.drop(bounds).equals(every.drop(bounds), null_equal=True)
    for name in ("q_value", "heterogeneity_q"):
        if name in every.columns:
            assert (first[name] >= every[name] - 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(shop=tables(), wanted=st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3))
def test_consequents_are_the_same_rules(shop, wanted):
    asked = {"item": "items", "min_count": 2, "min_confidence": 0.2}
    known = shop.select(pl.col("items").explode()).to_series().drop_nulls().unique()
    wanted = [one for one in sorted(wanted) if one in known.to_list()]
    every = bk.association_rules(shop, **asked)
    held = every.filter(pl.col("consequent").list.eval(pl.element().is_in(wanted)).list.all())
    found = bk.association_rules(shop, **asked, consequents=wanted)
    assert found.drop("q_value").equals(held.drop("q_value"))


def test_no_more_rules_are_held_than_wanted():
    # Sixteen items that are always together: 43 million rules.
    shop = pl.DataFrame({"items": [list(range(16))] * 3})
    asked = {"item": "items", "min_count": 1, "min_confidence": 0.5, "redundant": True}
    assert bk.association_rules(shop, **asked, top=5).height == 5
    with pytest.raises(bk.CapacityError, match="top rules"):
        bk.association_rules(shop, **asked, budget=bk.Budget(results=1_000_000))


def test_a_basket_has_one_segment_whatever_the_order_of_rows():
    asked = {"basket": "b", "item": "i", "min_count": 1, "min_confidence": 0.1, "within": "s"}
    found = bk.association_rules(TAGGED, **asked)
    assert rows_of(bk.association_rules(TAGGED.reverse(), **asked)) == rows_of(found)
    assert [one["baskets"] for one in found["segments"][0]] == [1, 2]
    torn = TAGGED.with_columns(s=pl.Series(["n", "m", "n", "m"]))
    with pytest.raises(bk.SchemaError, match=r"basket 1 is in the segments \['m', 'n'\]"):
        bk.association_rules(torn, **asked)


def test_a_stream_is_read_once():
    class Stream:
        def __init__(self, frame):
            self.frame, self.read = frame, False

        def __arrow_c_stream__(self, requested_schema=None):
            assert not self.read
            self.read = True
            return self.frame.__arrow_c_stream__(requested_schema)

    asked = {"basket": "b", "item": "i", "min_count": 1, "min_confidence": 0.1, "within": "s"}
    assert rows_of(bk.association_rules(Stream(TAGGED), **asked)) == rows_of(
        bk.association_rules(TAGGED, **asked)
    )


def test_segments_of_lists_or_a_text_are_refused(tmp_path):
    text = tmp_path / "shop.dat"
    text.write_text("1 2\n1\n")
    with pytest.raises(bk.ParameterError, match="within="):
        bk.association_rules(text, min_count=1, min_confidence=0.1, within="s")
    shop = SHOP.with_columns(s=pl.Series([["a"]] * 4))
    with pytest.raises(bk.SchemaError, match="'s' holds List"):
        bk.association_rules(shop, item="items", min_count=1, min_confidence=0.1, within="s")


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(world="easy", customers=300, rng=3).ledger


@pytest.mark.parametrize(
    ("antecedent", "consequent", "words"),
    [
        ([], ["a"], "lacks a side"),
        (["a"], None, "lacks a side"),
        (["a", "a"], ["b"], "twice"),
        (["a"], ["a"], "twice"),
        (["a"], [None], "twice, or none"),
        (["a"], ["b"], "no item"),
    ],
)
def test_rules_that_are_none_are_not_tried(shop, antecedent, consequent, words):
    rules = pl.DataFrame(
        {"antecedent": [antecedent], "consequent": [consequent]},
        schema=dict.fromkeys(("antecedent", "consequent"), pl.List(pl.String)),
    )
    with pytest.raises(bk.SchemaError, match=words):
        bk.validate_rules(rules, shop)


def test_trials_are_asked_in_words(shop):
    rules = pl.DataFrame({"antecedent": [["a"]], "consequent": [["b"]]})
    with pytest.raises(bk.ParameterError, match="ledger="):
        bk.validate_rules(rules, rules)
    with pytest.raises(bk.ParameterError, match="min_odds_ratio"):
        bk.validate_rules(rules, shop, min_odds_ratio="2")
    with pytest.raises(bk.SchemaError, match=r"rules\.antecedent holds String"):
        bk.validate_rules(rules.with_columns(antecedent=pl.lit("a")), shop)


def test_rules_of_several_levels_are_found_and_tried(shop):
    axes = {"levels": ["category", ["category", "gender"]]}
    asked = axes | {"min_count": 10, "min_confidence": 0.1}
    rules = bk.association_rules(shop, **asked)
    assert rules.height
    assert not any(
        one.partition(": ")[2].startswith(other.partition(": ")[2])
        for row in rules.select("antecedent", "consequent").iter_rows()
        for one in row[0] + row[1] for other in row[0] + row[1]
        if other.startswith("category: ") and not one.startswith("category: ")
    )  # fmt: skip
    tried = bk.validate_rules(rules.head(20), shop, **axes)
    assert tried["count"].to_list() == rules.head(20)["count"].to_list()
    assert tried["confidence"].equals(rules.head(20)["confidence"])


def test_columns_of_a_table_make_an_axis_together():
    lines = pl.DataFrame(
        {"b": [1, 1, 2, 2, 2], "kind": ["tea", "cup", "tea", None, "cup"], "off": [10, 0, 10, 10, 20]}
    )
    together = lines.with_columns(both=pl.format("{} | {}", "kind", "off"))
    asked = {"basket": "b", "min_count": 1}
    found = bk.frequent_itemsets(lines, item=["kind", "off"], **asked)
    assert found.equals(bk.frequent_itemsets(together, item="both", **asked))
    assert found.row(0) == (["tea | 10"], 1, 2, 1.0)
    assert bk.frequent_itemsets(lines, item=["kind"], **asked).equals(
        bk.frequent_itemsets(lines, item="kind", **asked)
    )
    rules = bk.association_rules(lines, item=["kind", "off"], basket="b", min_count=1, min_confidence=0.5)
    assert ["tea | 10"] in rules["antecedent"].to_list()


def test_a_combination_that_means_two_things_is_refused():
    lines = pl.DataFrame({"b": [1, 2], "x": ["tea", "tea | red"], "y": ["red | hot", "hot"]})
    with pytest.raises(bk.SchemaError, match=r"x, y would call two different things 'tea \| red \| hot'"):
        bk.frequent_itemsets(lines, basket="b", item=["x", "y"], min_count=1)
    lists = pl.DataFrame({"x": [["tea"]], "y": [1]})
    with pytest.raises(bk.SchemaError, match="a combination is one of single values"):
        bk.frequent_itemsets(lists, item=["x", "y"], min_count=1)
    with pytest.raises(bk.SchemaError, match="'z'"):
        bk.frequent_itemsets(lines, basket="b", item=["x", "z"], min_count=1)
    with pytest.raises(bk.ParameterError, match="needs the name of its column"):
        bk.frequent_itemsets(lines, basket="b", item=[], min_count=1)
