"""Frequent itemsets: public counts, a brute-force oracle, edge cases."""

from collections import Counter
from fractions import Fraction
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk


def by_length(frame):
    return [count for _, count in frame.rows()]


SETS = ["retail", "T10I4D100K", "mushroom", "chess", "connect", "groceries", "kosarak_36k", "accidents_15k"]


@pytest.mark.parametrize("name", SETS)
def test_counts_of_the_public_sets(fimi, known, name):
    for support, kinds in known[name].items():
        found = bk.count_itemsets(fimi(name), basket="basket", item="item", min_count=int(support))
        assert by_length(found) == kinds["all"]["by_len"], support


@pytest.mark.parametrize("name", SETS)
def test_sets_of_the_public_sets(fimi, known, name):
    for support, kinds in known[name].items():
        for kind, truth in kinds.items():
            if truth["count"] > 2_000_000:
                continue
            found = bk.frequent_itemsets(
                fimi(name), basket="basket", item="item", min_count=int(support), kind=kind
            )
            lengths = found["length"].value_counts().sort("length")["count"].to_list()
            assert lengths == [n for n in truth["by_len"] if n], (support, kind)
            assert found.height > 2**18 or found["count"].is_sorted(descending=True)
            assert found["count"].min() >= int(support)


def oracle(baskets, least):
    counts = Counter()
    for basket in baskets:
        for size in range(1, len(set(basket)) + 1):
            counts.update(combinations(sorted(set(basket)), size))
    return {items: n for items, n in counts.items() if n >= least}


def found_in(frame):
    sets = {tuple(sorted(items)): n for items, n in frame.select("itemset", "count").iter_rows()}
    assert len(sets) == frame.height
    return sets


BASKETS = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=6), min_size=1, max_size=25)


@settings(max_examples=200, deadline=None)
@given(baskets=BASKETS, least=st.integers(1, 6))
def test_equals_the_oracle(baskets, least):
    shop = pl.DataFrame({"items": baskets}, schema={"items": pl.List(pl.String)})
    found = bk.frequent_itemsets(shop, item="items", min_count=least)
    assert found_in(found) == oracle(baskets, least)
    assert found["support"].to_list() == [n / len(baskets) for n in found["count"]]


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 400), k=st.integers(1, 400))
def test_a_share_that_lands_on_a_count(n, k):
    k = min(k, n)
    shop = pl.DataFrame({"items": [["a"]] * k + [[]] * (n - k)}, schema={"items": pl.List(pl.String)})
    exact = Fraction(k, n)
    if Fraction(repr(k / n)) <= exact:
        assert bk.frequent_itemsets(shop, item="items", min_support=k / n).height == 1
    assert bk.frequent_itemsets(shop, item="items", min_support=exact).height == 1


def test_seven_of_a_hundred():
    shop = pl.DataFrame({"items": [["a"]] * 7 + [[]] * 93})
    assert bk.frequent_itemsets(shop, item="items", min_support=0.07)["count"].to_list() == [7]


def test_an_item_in_every_basket():
    shop = pl.DataFrame({"items": [[1, 2], [1, 3], [1, 2, 3]]})
    assert found_in(bk.frequent_itemsets(shop, item="items", min_support=1.0)) == {(1,): 3}


def test_order_of_rows_and_threads_do_not_matter(fimi):
    table = fimi("groceries")
    first = bk.frequent_itemsets(table, basket="basket", item="item", min_count=10, n_threads=1)
    for threads, seed in ((2, 1), (8, 2)):
        mixed = table.sample(fraction=1.0, shuffle=True, seed=seed)
        again = bk.frequent_itemsets(mixed, basket="basket", item="item", min_count=10, n_threads=threads)
        assert again.equals(first)


def test_a_large_result_is_whole():
    shop = pl.DataFrame({"items": [list(range(21)), [1, 2]]})
    found = bk.frequent_itemsets(shop, item="items", min_count=1)
    assert found.height == 2**21 - 1
    assert found["itemset"].list.len().equals(found["length"])
    assert found.n_unique("itemset") == found.height
    assert found.filter(pl.col("count") == 2)["itemset"].to_list() == [[1], [2], [1, 2]]
    assert found["support"].to_list() == (found["count"] / 2).to_list()


def test_empty_results_have_the_schema():
    schema = {"itemset": pl.List(pl.String), "length": pl.UInt32, "count": pl.UInt64, "support": pl.Float64}
    none = pl.DataFrame({"items": []}, schema={"items": pl.List(pl.String)})
    some = pl.DataFrame({"items": [["a"], ["b"]]})
    assert bk.frequent_itemsets(some, item="items", min_count=2).schema == schema
    assert bk.frequent_itemsets(none, item="items", min_count=1).is_empty()
    assert bk.count_itemsets(some, item="items", min_count=2).schema == {
        "length": pl.UInt32,
        "count": pl.UInt64,
    }


def test_ids_as_they_are_given():
    odd = ["Milk", "milk", "milk ", "Käse", "a name of more than twelve bytes"]
    shop = pl.DataFrame({"basket": ["x"] * 5, "item": odd})
    found = bk.frequent_itemsets(shop, basket="basket", item="item", min_count=1, max_length=1)
    assert set(found["itemset"].explode()) == set(odd)
    enum = shop.with_columns(pl.col("item").cast(pl.Enum([*odd, "never bought"])))
    assert bk.count_itemsets(enum, basket="basket", item="item", min_count=1)["count"].sum() == 31
    large = pl.DataFrame({"basket": [1, 1], "item": [2**62, -(2**62)]})
    assert bk.frequent_itemsets(large, basket="basket", item="item", min_count=1).height == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "neither given"),
        ({"min_support": 0.1, "min_count": 3}, "both given"),
        ({"min_support": True}, "min_support=True"),
        ({"min_support": float("nan")}, "min_support=nan"),
        ({"min_support": "0.1"}, "min_support='0.1'"),
        ({"min_support": 0.0}, "min_support=0.0"),
        ({"min_support": 1.1}, "min_support=1.1"),
        ({"min_count": 0}, "min_count=0"),
        ({"min_count": 2.5}, "min_count=2.5"),
        ({"min_count": True}, "min_count=True"),
        ({"min_count": 1, "min_length": 0}, "min_length=0"),
        ({"min_count": 1, "min_length": 3, "max_length": 2}, "max_length=2"),
        ({"min_count": 1, "top": 0}, "top=0"),
        ({"min_count": 1, "kind": "open"}, "kind='open'"),
        ({"min_count": 1, "contains": "a"}, "contains='a'"),
        ({"min_count": 1, "contains": ["z"]}, "contains='z'"),
        ({"min_count": 1, "n_threads": 0}, "n_threads=0"),
    ],
)
def test_refusals(arguments, text):
    shop = pl.DataFrame({"items": [["a"], ["b"]]})
    with pytest.raises(bk.ParameterError, match=text.replace(".", r"\.")):
        bk.frequent_itemsets(shop, item="items", **arguments)


def test_missing_columns_and_baskets():
    shop = pl.DataFrame({"basket": [1, None], "item": ["a", "b"]})
    with pytest.raises(bk.SchemaError, match="'basket' is empty at row 2"):
        bk.frequent_itemsets(shop, basket="basket", item="item", min_count=1)
    with pytest.raises(bk.SchemaError, match="did you mean 'basket'"):
        bk.frequent_itemsets(shop, basket="baskets", item="item", min_count=1)
    with pytest.raises(bk.ParameterError, match="item=None"):
        bk.frequent_itemsets(shop, min_count=1)


def test_budgets_stop_a_giant_basket():
    shop = pl.DataFrame({"items": [list(range(28)), [1, 2]]})
    for budget in (bk.Budget(results=10_000), bk.Budget(bytes=200_000), bk.Budget(seconds=0.05)):
        with pytest.raises(bk.CapacityError, match="budget"):
            bk.frequent_itemsets(shop, item="items", min_count=1, budget=budget)
    with pytest.raises(bk.CapacityError, match="3 itemsets would fit, from min_count=2 on"):
        bk.frequent_itemsets(shop, item="items", min_count=1)
    assert bk.count_itemsets(shop, item="items", min_count=1)["count"].sum() == 2**28 - 1


def test_a_ledger_by_order_day_and_customer():
    lines = pl.DataFrame(
        {
            "customer": ["ann", "ann", "ann", "bob", "bob"],
            "order": [1, 1, 2, 3, 4],
            "time": [
                "2024-01-01T09:00",
                "2024-01-01T09:00",
                "2024-01-01T18:00",
                "2024-01-02T09:00",
                "2024-02-01T09:00",
            ],
            "item": ["bread", "milk", "jam", "bread", "jam"],
            "amount": [1.0, 1.0, 1.0, 1.0, 1.0],
        }
    ).with_columns(pl.col("time").str.to_datetime())
    shop = bk.read_ledger(lines, timezone="UTC")
    assert found_in(bk.frequent_itemsets(shop, min_count=1, min_length=2)) == {("bread", "milk"): 1}
    by_day = bk.frequent_itemsets(shop, basket="day", min_count=1, min_length=3)
    assert found_in(by_day) == {("bread", "jam", "milk"): 1}
    by_customer = bk.frequent_itemsets(shop, basket="customer", min_count=2)
    assert found_in(by_customer) == {("bread",): 2, ("jam",): 2, ("bread", "jam"): 2}
    with pytest.raises(bk.ParameterError, match="basket='week'"):
        bk.frequent_itemsets(shop, basket="week", min_count=1)
