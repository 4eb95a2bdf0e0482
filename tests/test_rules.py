"""Association rules: exact public counts, a brute-force oracle, measures."""

from fractions import Fraction
from itertools import combinations
from math import exp, inf, sqrt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact

import basketry as bk

COLUMNS = {
    "antecedent": pl.List(pl.String),
    "consequent": pl.List(pl.String),
    "count": pl.UInt64,
    "support": pl.Float64,
    "confidence": pl.Float64,
    "lift": pl.Float64,
    "leverage": pl.Float64,
    "conviction": pl.Float64,
    "jaccard": pl.Float64,
    "certainty": pl.Float64,
    "kulczynski": pl.Float64,
    "odds_ratio": pl.Float64,
    "odds_ratio_low": pl.Float64,
    "odds_ratio_high": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
}


@pytest.mark.parametrize(
    ("name", "least", "confidence", "rules", "single"),
    [
        ("groceries", 49, 0.3, 511, 506),
        ("groceries", 10, 0.2, 25_022, 21_633),
        ("groceries", 5, 0.2, 156_393, 111_652),
        ("retail", 18, 0.5, 67_391, 57_044),
        ("mushroom", 2031, 0.8, 122_687, 21_140),
    ],
)
def test_exact_counts_of_the_public_sets(fimi, name, least, confidence, rules, single):
    arguments = {"basket": "basket", "item": "item", "min_count": least, "min_confidence": confidence}
    found = bk.association_rules(fimi(name), **arguments, redundant=True)
    assert found.height == rules
    assert found.filter(pl.col("consequent").list.len() == 1).height == single
    assert bk.association_rules(fimi(name), **arguments, max_consequent=1, redundant=True).height == single


def counted(baskets, items):
    return sum(set(items) <= set(basket) for basket in baskets)


def oracle(baskets, least, confidence):
    items = sorted({item for basket in baskets for item in basket})
    rules = {}
    for size in range(2, len(items) + 1):
        for both in combinations(items, size):
            n = counted(baskets, both)
            if n < least:
                continue
            for k in range(1, size):
                for antecedent in combinations(both, k):
                    if n * confidence[1] >= confidence[0] * counted(baskets, antecedent):
                        rules[antecedent, tuple(sorted(set(both) - set(antecedent)))] = n
    return rules


@settings(max_examples=200, deadline=None)
@given(
    baskets=st.lists(st.lists(st.sampled_from("abcde"), max_size=5), min_size=1, max_size=20),
    least=st.integers(1, 4),
    tenths=st.integers(0, 10),
)
def test_equals_the_oracle(baskets, least, tenths):
    shop = pl.DataFrame({"items": baskets}, schema={"items": pl.List(pl.String)})
    found = bk.association_rules(
        shop, item="items", min_count=least, min_confidence=tenths / 10, redundant=True
    )
    rules = {
        (tuple(sorted(one)), tuple(sorted(other))): n
        for one, other, n in found.select("antecedent", "consequent", "count").iter_rows()
    }
    assert rules == oracle(baskets, least, (tenths, 10))
    assert len(rules) == found.height
    assert found.schema == COLUMNS
    for row in found.head(10).iter_rows(named=True):
        n = len(baskets)
        one, other = counted(baskets, row["antecedent"]), counted(baskets, row["consequent"])
        both = row["count"]
        table = [[both, one - both], [other - both, n - one - other + both]]
        assert row["support"] == pytest.approx(both / n)
        assert row["confidence"] == pytest.approx(both / one)
        assert row["lift"] == pytest.approx(both / one / (other / n))
        assert row["leverage"] == pytest.approx(both / n - one / n * other / n, abs=1e-15)
        assert row["jaccard"] == pytest.approx(both / (one + other - both))
        assert row["p_value"] == pytest.approx(fisher_exact(table, "greater").pvalue)
        share = other / n
        gain = both / one - share
        assert row["certainty"] == pytest.approx(
            0 if other == n else gain / (1 - share if gain > 0 else share), abs=1e-15
        )
        assert row["kulczynski"] == pytest.approx((both / one + both / other) / 2)
        a, b, c, d = (float(cell) for line in table for cell in line)
        if 0 in (a, b, c, d):
            a, b, c, d = a + 0.5, b + 0.5, c + 0.5, d + 0.5
        spread = exp(1.959963984540054 * sqrt(1 / a + 1 / b + 1 / c + 1 / d))
        assert row["odds_ratio"] == pytest.approx(a * d / b / c)
        assert row["odds_ratio_low"] == pytest.approx(a * d / b / c / spread)
        assert row["odds_ratio_high"] == pytest.approx(a * d / b / c * spread)
        if other == n:
            assert row["conviction"] == 1
        elif both == one:
            assert row["conviction"] == inf
        else:
            assert row["conviction"] == pytest.approx((1 - other / n) / (1 - both / one))
    if found.height:
        adjusted = false_discovery_control(found["p_value"].to_numpy())
        assert found["q_value"].to_list() == pytest.approx(list(adjusted))


def sets(found):
    return {
        (frozenset(one), frozenset(other)): (n, confidence)
        for one, other, n, confidence in found.select(
            "antecedent", "consequent", "count", "confidence"
        ).iter_rows()
    }


@settings(max_examples=100, deadline=None)
@given(
    baskets=st.lists(st.lists(st.sampled_from("abcde"), max_size=5), min_size=1, max_size=20),
    lift=st.integers(0, 30),
    gain=st.integers(0, 10),
    top=st.integers(1, 30),
    redundant=st.booleans(),
)
def test_limits_equal_a_filter_of_all_rules(baskets, lift, gain, top, redundant):
    shop = pl.DataFrame({"items": baskets}, schema={"items": pl.List(pl.String)})
    asked = {"item": "items", "min_count": 1, "min_confidence": 0.1}
    every = bk.association_rules(shop, **asked, redundant=True)
    counts = {frozenset(one): counted(baskets, one) for one in every["antecedent"].to_list()}
    exact = {rule: Fraction(n, counts[rule[0]]) for rule, (n, _) in sets(every).items()}

    def good(rule):
        antecedent, consequent = rule
        if exact[rule] * len(baskets) / counted(baskets, consequent) < Fraction(lift, 10):
            return False
        parts = [set(p) for k in range(1, len(antecedent)) for p in combinations(sorted(antecedent), k)]
        simpler = [Fraction(counted(baskets, part | consequent), counted(baskets, part)) for part in parts]
        least = [exact[rule] - one for one in simpler]
        return all(one >= Fraction(gain, 20) and (redundant or one > 0) for one in least)

    limited = bk.association_rules(
        shop, **asked, min_lift=lift / 10, min_improvement=gain / 20, redundant=redundant
    )
    assert set(sets(limited)) == {rule for rule in exact if good(rule)}
    first = bk.association_rules(
        shop, **asked, min_lift=lift / 10, min_improvement=gain / 20, redundant=redundant, top=top
    )
    assert first.drop("q_value").equals(limited.head(top).drop("q_value"))


def test_an_improvement_of_nothing_is_asked_of_no_rule_by_default(fimi):
    table, asked = (
        fimi("groceries"),
        {"basket": "basket", "item": "item", "min_count": 49, "min_confidence": 0.3},
    )
    plain = bk.association_rules(table, **asked)
    assert plain.equals(bk.association_rules(table, **asked, redundant=True, min_improvement=1e-15))
    assert bk.association_rules(table, **asked, min_improvement=0.05).height < plain.height


def test_wanted_consequents_and_short_sides_are_looked_for_alone(fimi):
    table, asked = (
        fimi("groceries"),
        {"basket": "basket", "item": "item", "min_count": 20, "min_confidence": 0.1},
    )
    every = bk.association_rules(table, **asked, redundant=True)
    wanted = every["consequent"].list.first()[0]
    limits = {"consequents": [wanted], "max_antecedent": 2}
    found = bk.association_rules(table, **asked, redundant=True, **limits)
    kept = (pl.col("antecedent").list.len() <= 2) & (pl.col("consequent") == pl.lit([wanted]))
    assert sets(found) == sets(every.filter(kept))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_lift", -1.0),
        ("min_lift", float("inf")),
        ("min_improvement", 1.5),
        ("top", 0),
        ("min_lift", True),
    ],
)
def test_new_limits_are_checked(name, value):
    shop = pl.DataFrame({"items": [["a", "b"]]})
    with pytest.raises(bk.ParameterError, match=name):
        bk.association_rules(shop, item="items", min_count=1, min_confidence=0.5, **{name: value})


def test_p_values_of_a_public_set(fimi):
    table = fimi("groceries")
    found = bk.association_rules(table, basket="basket", item="item", min_count=30, min_confidence=0.05)
    sets = bk.frequent_itemsets(table, basket="basket", item="item", min_count=1, max_length=2)
    counts = {frozenset(items): n for items, n in sets.select("itemset", "count").iter_rows()}
    n = table["basket"].n_unique()
    for row in found.filter(pl.col("antecedent").list.len() == 1, pl.col("consequent").list.len() == 1)[
        ::50
    ].iter_rows(named=True):
        both = row["count"]
        one, other = counts[frozenset(row["antecedent"])], counts[frozenset(row["consequent"])]
        wanted = fisher_exact([[both, one - both], [other - both, n - one - other + both]], "greater").pvalue
        assert row["p_value"] == pytest.approx(wanted, rel=1e-8)


def test_an_item_in_every_basket_has_lift_one():
    shop = pl.DataFrame({"items": [[1, 2], [1, 3], [1, 2, 3]]})
    found = bk.association_rules(
        shop, item="items", min_count=1, min_confidence=0.1, consequents=[1], redundant=True
    )
    assert found["lift"].to_list() == [1.0, 1.0, 1.0]
    assert found["p_value"].to_list() == [1.0, 1.0, 1.0]


def test_redundant_rules_are_left_out():
    # Milk adds nothing to what bread tells about jam; tea does.
    shop = pl.DataFrame(
        {
            "items": [
                ["bread", "milk", "jam"],
                ["bread", "milk"],
                ["bread", "tea", "jam"],
                ["bread", "tea", "jam"],
                ["milk"],
            ]
        }
    )
    arguments = {"item": "items", "min_count": 1, "min_confidence": 0.1, "consequents": ["jam"]}
    kept = bk.association_rules(shop, **arguments)["antecedent"].to_list()
    assert {frozenset(one) for one in kept} == {frozenset(["bread"]), frozenset(["milk"]), frozenset(["tea"])}
    assert bk.association_rules(shop, **arguments, redundant=True).height > 3


def test_limits_of_the_sides(fimi):
    table = fimi("groceries")
    found = bk.association_rules(
        table,
        basket="basket",
        item="item",
        min_count=20,
        min_confidence=0.1,
        max_antecedent=2,
        max_consequent=1,
    )
    assert found["antecedent"].list.len().max() == 2
    assert found["consequent"].list.len().max() == 1
    assert found["confidence"].is_sorted(descending=True)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), True, "0.5"])
def test_a_confidence_is_a_share(confidence):
    shop = pl.DataFrame({"items": [["a", "b"]]})
    with pytest.raises(bk.ParameterError, match="min_confidence"):
        bk.association_rules(shop, item="items", min_count=1, min_confidence=confidence)


def test_empty_tables_have_the_schema():
    shop = pl.DataFrame({"items": [["a"], ["b"]]})
    assert bk.association_rules(shop, item="items", min_count=1, min_confidence=0.5).schema == COLUMNS


def test_the_budget_counts_rules():
    shop = pl.DataFrame({"items": [list("abcdefgh")]})
    with pytest.raises(bk.CapacityError):
        bk.association_rules(
            shop, item="items", min_count=1, min_confidence=0.5, budget=bk.Budget(results=1000)
        )
