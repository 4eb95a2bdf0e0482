"""Rules inside segments: counts against a count by hand, the test of heterogeneity, planted local rules."""

from __future__ import annotations

from datetime import date
from math import exp, sqrt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import chi2, false_discovery_control

import basketry as bk

NORMAL = 1.959963984540054


def breslow_day(tables):
    """The test by its formulas, the fitted cells found by bisection."""
    tables = [t for t in tables if min(t[0] + t[1], t[2] + t[3], t[0] + t[2], t[1] + t[3]) > 0]
    r = sum(a * d / (a + b + c + d) for a, b, c, d in tables)
    s = sum(b * c / (a + b + c + d) for a, b, c, d in tables)
    if len(tables) < 2 or r == 0 or s == 0:
        return 1.0
    sums = [0.0, 0.0, 0.0]
    for a, b, c, d in tables:
        one, other, n = a + b, a + c, a + b + c + d

        def away(x, one=one, other=other, n=n):
            return x * (n - one - other + x) * s - r * (one - x) * (other - x)

        fitted = brentq(away, max(0, one + other - n), min(one, other), xtol=1e-13)
        inverse = 1 / fitted + 1 / (one - fitted) + 1 / (other - fitted) + 1 / (n - one - other + fitted)
        sums = [sums[0] + (a - fitted) ** 2 * inverse, sums[1] + a - fitted, sums[2] + 1 / inverse]
    return chi2.sf(max(0.0, sums[0] - sums[1] ** 2 / sums[2]), len(tables) - 1)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.lists(st.sampled_from("abcd"), max_size=4), st.sampled_from(["x", "y", "z", None])),
        min_size=1,
        max_size=30,
    ).filter(lambda rows: any(who for _, who in rows)),
    least=st.integers(1, 3),
)
def test_segments_are_counted_right(rows, least):
    shop = pl.DataFrame(
        {"items": [items for items, _ in rows], "who": [who for _, who in rows]},
        schema={"items": pl.List(pl.String), "who": pl.String},
    )
    found = bk.association_rules(
        shop, item="items", min_count=least, min_confidence=0.3, within="who", redundant=True
    )
    whole = bk.association_rules(shop, item="items", min_count=least, min_confidence=0.3, redundant=True)
    keys = {(frozenset(a), frozenset(c)) for a, c in found.select("antecedent", "consequent").iter_rows()}
    assert len(keys) == found.height
    assert {
        (frozenset(a), frozenset(c)) for a, c in whole.select("antecedent", "consequent").iter_rows()
    } <= keys
    names = sorted({who for _, who in rows if who})
    for row in found.iter_rows(named=True):
        tables = []
        assert [one["segment"] for one in row["segments"]] == names
        for one in row["segments"]:
            baskets = [set(items) for items, who in rows if who == one["segment"]]
            a, c = set(row["antecedent"]), set(row["consequent"])
            both = sum(a | c <= basket for basket in baskets)
            with_a, with_c = sum(a <= basket for basket in baskets), sum(c <= basket for basket in baskets)
            n = len(baskets)
            assert (one["baskets"], one["antecedent_count"], one["count"]) == (n, with_a, both)
            tables.append((both, with_a - both, with_c - both, n - with_a - with_c + both))
            if with_a and with_c:
                lift = both * n / with_a / with_c
                assert one["confidence"] == pytest.approx(both / with_a)
                assert one["lift"] == pytest.approx(lift)
                if both:
                    variance = 1 / both - 1 / with_a - 1 / with_c + (2 * lift - 1) / n
                    width = exp(NORMAL * sqrt(max(variance, 0)))
                    assert one["lift_low"] == pytest.approx(lift / width, rel=1e-5)
                    assert one["lift_high"] == pytest.approx(lift * width, rel=1e-5)
        assert row["heterogeneity_p"] == pytest.approx(breslow_day(tables), rel=1e-6, abs=1e-12)
    if found.height:
        adjusted = false_discovery_control(found["heterogeneity_p"].to_numpy())
        assert found["heterogeneity_q"].to_list() == pytest.approx(list(adjusted))


def test_a_rule_too_weak_overall_is_found_where_it_is_strong():
    rows = [(["tea", "cup"], "club")] * 8 + [(["tea"], "club")] * 2 + [(["rice"], "club")] * 10
    rows += [(["tea"], "others")] * 200 + [(["rice"], "others")] * 300 + [(["cup"], "others")] * 100
    shop = pl.DataFrame({"items": [items for items, _ in rows], "who": [who for _, who in rows]})
    asked = {"item": "items", "min_support": 0.2, "min_confidence": 0.5, "max_consequent": 1}
    assert bk.association_rules(shop, **asked).is_empty()
    found = bk.association_rules(shop, **asked, within="who")
    rule = found.row(by_predicate=pl.col("antecedent") == pl.lit(["tea"]), named=True)
    assert (rule["consequent"], rule["scope"], rule["holds_in"]) == (["cup"], "local", ["club"])
    assert rule["confidence"] == pytest.approx(8 / 210)


def test_planted_local_rules_are_called_local(shop):
    customers = shop.ledger.customers()
    within = customers.select("customer", segment=pl.col("gender") + ", " + pl.col("city"))
    found = bk.association_rules(
        shop.ledger, item="product_segment", min_count=15, min_confidence=0.02, max_length=2, within=within
    )
    scopes = {
        (a[0], c[0]): (scope, holds)
        for a, c, scope, holds in found.select("antecedent", "consequent", "scope", "holds_in").iter_rows()
    }
    laws = shop.truth["rules"].filter(pl.col("kind").is_in(["global", "local"]))
    told = [
        (kind, *scopes[antecedent[0], consequent])
        for kind, antecedent, consequent in laws.select("kind", "antecedent", "consequent").iter_rows()
    ]
    local = [(scope, holds) for kind, scope, holds in told if kind == "local"]
    assert sum(one == ("local", ["women, big"]) for one in local) >= 3
    assert sum(scope == "local" for kind, scope, _ in told if kind == "global") <= 1


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(world="easy", customers=4000, rng=7)


def tiny():
    lines = pl.DataFrame(
        {
            "customer": ["ann", "ann", "bob", "bob", "eve", None],
            "order": [1, 1, 2, 2, 3, 4],
            "item": ["tea", "cup", "tea", "cup", "tea", "cup"],
            "time": [date(2024, 1, 2)] * 6,
        }
    )
    return bk.read_ledger(lines, timezone="UTC")


def test_segments_of_a_ledger_are_its_customers():
    asked = {"min_count": 1, "min_confidence": 0.1}
    within = pl.DataFrame({"customer": ["bob", "eve", "ann"], "segment": [2, 1, 2]})
    found = bk.association_rules(tiny(), **asked, within=within)
    segments = found.row(by_predicate=pl.col("antecedent") == pl.lit(["tea"]), named=True)["segments"]
    assert [(one["segment"], one["baskets"], one["count"]) for one in segments] == [("1", 1, 0), ("2", 2, 2)]
    assert bk.association_rules(tiny(), **asked, within=within, n_threads=1).equals(found)


@pytest.mark.parametrize(
    ("within", "words"),
    [
        (pl.DataFrame({"customer": ["ann"], "group": [1]}), "segment"),
        (pl.DataFrame({"customer": ["ann", "ann"], "segment": [1, 2]}), "more than once"),
        (pl.DataFrame({"customer": ["zoe"], "segment": [1]}), "none of its customers"),
        (pl.DataFrame({"customer": ["ann"], "segment": [None]}), "names no segment"),
        ("city", "within"),
    ],
)
def test_segments_that_do_not_fit_are_refused(within, words):
    with pytest.raises((bk.SchemaError, bk.ParameterError), match=words):
        bk.association_rules(tiny(), min_count=1, min_confidence=0.1, within=within)
