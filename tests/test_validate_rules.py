"""Rules put to the test: the statistics against slow formulas, the verdicts against worlds of known truth."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import basketry as bk

HOLDOUT = "2024-04-01"
START = date(2024, 1, 1)


def cochran_mantel_haenszel(tables):
    """The common odds ratio and the one-sided p-value of tables of four counts, by the textbook."""
    tables = [t for t in tables if min(t[0] + t[1], t[2] + t[3], t[0] + t[2], t[1] + t[3]) > 0]
    size = [sum(t) for t in tables]
    both = sum(t[0] for t in tables)
    expected = sum((a + b) * (a + c) / n for (a, b, c, _), n in zip(tables, size, strict=True))
    variance = sum(
        (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1))
        for (a, b, c, d), n in zip(tables, size, strict=True)
    )
    r = sum(a * d / n for (a, _, _, d), n in zip(tables, size, strict=True))
    s = sum(b * c / n for (_, b, c, _), n in zip(tables, size, strict=True))
    low = expected - sum(max(0, 2 * a + b + c - n) for (a, b, c, _), n in zip(tables, size, strict=True))
    high = sum(min(a + b, a + c) for a, b, c, _ in tables) - expected
    if min(low, high) < 5 - 1e-9:
        return None
    away = both - expected
    z = np.sign(away) * max(abs(away) - 0.5, 0) / np.sqrt(variance)
    return (r / s if r and s else None), norm.sf(z)


def tables_of(orders, antecedent, consequent, stratum):
    tables = defaultdict(lambda: [0, 0, 0, 0])
    for customer, day, items in orders:
        others = len(items - antecedent - consequent)
        where = stratum(customer, day)
        if others and where is not None:
            cell = 2 * (not antecedent <= items) + (not consequent <= items)
            tables[where, others][cell] += 1
    return list(tables.values())


def shop_of(orders):
    rows = [
        (customer, number, START + timedelta(days=day), item)
        for number, (customer, day, items) in enumerate(orders)
        for item in sorted(items)
    ]
    frame = pl.DataFrame(
        rows,
        schema={"customer": pl.String, "order": pl.Int64, "time": pl.Date, "item": pl.String},
        orient="row",
    )
    return bk.read_ledger(frame, timezone="UTC")


RULE = pl.DataFrame({"antecedent": [["a"], ["a", "b"]], "consequent": [["b"], ["c"]]})


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), later=st.booleans())
def test_equals_the_textbook(seed, later):
    random = np.random.default_rng(seed)
    orders = [
        (
            None if customer == "guest" else str(customer),
            int(day),
            {item for item in "abcdef" if random.random() < 0.5} or {"f"},
        )
        for customer, day in zip(
            random.choice(["ann", "bob", "eve", "guest"], 400), random.integers(0, 56, 400), strict=True
        )
    ]
    ledger = shop_of(orders)
    first = min(day for _, day, _ in orders)
    cut = START + timedelta(days=28)
    told = {"ann": "one", "bob": "two"}
    strata = pl.DataFrame({"customer": list(told), "segment": list(told.values())})
    found = bk.validate_rules(RULE, ledger, strata=strata, holdout=cut if later else None)
    period = 28 if 40 * 2 * (ledger.end - ledger.first_day).days > 400 * 7 else 7
    for rule, row in zip(RULE.iter_rows(named=True), found.iter_rows(named=True), strict=True):
        sides = set(rule["antecedent"]), set(rule["consequent"])
        parts = [("", [o for o in orders if not later or o[1] < 28])]
        if later:
            parts.append(("later_", [o for o in orders if o[1] >= 28]))
        for prefix, part in parts:
            own = cochran_mantel_haenszel(tables_of(part, *sides, lambda customer, day: customer))
            weeks = cochran_mantel_haenszel(
                tables_of(part, *sides, lambda customer, day: ((day - first) // period, told.get(customer)))
            )
            made = [one for one in (own, weeks) if one is not None]
            if made:
                assert row[f"{prefix}odds_ratio"] == pytest.approx(min(one[0] for one in made))
                assert row[f"{prefix}p_value"] == pytest.approx(max(one[1] for one in made), rel=1e-7)
            else:
                assert row[f"{prefix}p_value"] is None
            both = sum(sides[0] | sides[1] <= items for *_, items in part)
            one, other = (sum(side <= items for *_, items in part) for side in sides)
            assert row[f"{prefix}count"] == both
            assert row[f"{prefix}lift"] == pytest.approx(both * len(part) / one / other)
    assert bk.validate_rules(RULE, ledger, strata=strata, holdout=cut if later else None, n_threads=1).equals(
        found
    )


def discovered(world, customers, seed):
    shop = bk.simulate(world=world, customers=customers, rng=seed)
    rules = bk.association_rules(
        shop.ledger, item="product_segment", min_count=max(20, customers // 200), min_confidence=0.02,
        min_lift=1, max_consequent=1, max_length=3, as_of=HOLDOUT,
    )  # fmt: skip
    return shop, bk.validate_rules(rules, shop.ledger, item="product_segment", holdout=HOLDOUT)


def pairs_of(frame):
    return {
        frozenset((*a, *c))
        for a, c in frame.select("antecedent", "consequent").iter_rows()
        if len(a) == len(c) == 1
    }


def test_null_worlds_keep_nothing():
    kept = sum(
        discovered("null", 3000, seed)[1].filter(pl.col("verdict") == "kept").height for seed in range(1, 6)
    )
    assert kept <= 1


def judged(seed, customers):
    """What was found of the truth: kept pairs, those that a law ties, planted pairs, later lifts where they were foretold."""
    shop, tested = discovered("easy", customers, seed)
    kept = tested.filter(pl.col("verdict") == "kept")
    laws = shop.truth["rules"].filter(pl.col("kind").is_in(["global", "local", "three_item"]))
    planted, tied = set(), set()
    for kind, antecedent, consequent in laws.select("kind", "antecedent", "consequent").iter_rows():
        # A part of the antecedent of three draws the consequent whenever the rest is there.
        tied |= {frozenset((one, consequent)) for one in antecedent}
        if kind != "three_item":
            planted.add(frozenset((*antecedent, consequent)))
    foretold = pl.col("later_lift").is_between(pl.col("foretold_low"), pl.col("foretold_high"))
    return tested, pairs_of(kept), tied, planted, kept.select(foretold)["later_lift"]


def test_planted_rules_are_kept_and_nothing_else():
    tested, found, tied, planted, foretold = judged(7, 4000)
    assert len(found & planted) >= 0.75 * len(planted)
    assert len(found & tied) >= 0.95 * len(found)
    assert foretold.mean() >= 0.9
    taste = tested.filter(pl.col("reason").str.starts_with("explained by taste"))
    assert taste.height > 10
    assert (taste["lift_low"] > 1).sum() > 10, "the plain figures alone would have kept them"


def test_false_discoveries_of_twenty_worlds_are_few():
    worlds = [judged(seed, 2000) for seed in range(1, 21)]
    found = sum(len(one[1]) for one in worlds)
    assert sum(len(one[1] - one[2]) for one in worlds) <= 0.05 * found
    assert sum(len(one[1] & one[3]) for one in worlds) >= 0.75 * sum(len(one[3]) for one in worlds)
    assert pl.concat([one[4] for one in worlds]).mean() >= 0.9


def test_a_season_is_seen_through():
    # Both sell in one week of the year only, to everybody, and are never drawn by each other.
    random = np.random.default_rng(1)
    orders = []
    for week in range(40):
        share = 0.6 if week == 20 else 0.02
        for _ in range(100):
            items = {item for item in "ab" if random.random() < share}
            items |= {item for item in "cdef" if random.random() < 0.4}
            orders.append((f"c{random.integers(40)}", week * 7 + int(random.integers(7)), items | {"z"}))
    rule = pl.DataFrame({"antecedent": [["a"]], "consequent": [["b"]]})
    row = bk.validate_rules(rule, shop_of(orders)).row(0, named=True)
    assert row["lift_low"] > 5
    assert row["customers_odds_ratio"] > 5
    assert row["verdict"] == "rejected"
    assert row["reason"].startswith("explained by the calendar")


def test_a_rule_that_ended_is_not_confirmed():
    random = np.random.default_rng(2)
    orders = []
    for day in range(200):
        for _ in range(30):
            items = {item for item in "abcd" if random.random() < 0.3}
            if day < 100 and "a" in items and random.random() < 0.8:
                items.add("b")
            orders.append((f"c{random.integers(60)}", day, items | {"z"}))
    rule = pl.DataFrame(
        {"antecedent": [["a"]], "consequent": [["b"]], "scope": ["global"], "holds_in": [["x"]]}
    )
    ledger = shop_of(orders)
    row = bk.validate_rules(rule, ledger, holdout=START + timedelta(days=100)).row(0, named=True)
    assert (row["verdict"], row["scope"]) == ("rejected", "global")
    assert row["reason"].startswith("did not hold later")
    early = bk.read_ledger(
        ledger.lines().filter(pl.col("time") < START + timedelta(days=100)), timezone="UTC"
    )
    assert bk.validate_rules(rule, early)["verdict"].to_list() == ["kept"]


def test_without_returning_customers_taste_stays_open():
    random = np.random.default_rng(3)
    orders = []
    for number in range(3000):
        items = {item for item in "abcd" if random.random() < 0.3}
        if "a" in items and random.random() < 0.6:
            items.add("b")
        orders.append((f"c{number}", number // 100, items | {"z"}))
    ledger = shop_of(orders)
    rule = pl.DataFrame({"antecedent": [["a"]], "consequent": [["b"]]})
    row = bk.validate_rules(rule, ledger).row(0, named=True)
    assert row["verdict"] == "weak"
    assert "taste" in row["reason"]
    strata = ledger.customers().select("customer", segment=pl.lit("all"))
    assert bk.validate_rules(rule, ledger, strata=strata)["verdict"].to_list() == ["kept"]


def test_no_rule_is_a_table_all_the_same():
    ledger = shop_of([("ann", 0, {"a", "b"}), ("ann", 9, {"a"})])
    whole = bk.validate_rules(RULE.head(1), ledger)
    assert bk.validate_rules(RULE.clear(), ledger).schema == whole.schema
    assert whole["verdict"].to_list() == ["weak"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"holdout": "2031-01-01"}, "holdout"),
        ({"holdout": "2024-01-01"}, "holdout"),
        ({"min_odds_ratio": 0.5}, "min_odds_ratio"),
        ({"basket": "customer"}, "basket"),
        ({"item": "smell"}, "smell"),
        ({"strata": "city"}, "strata"),
    ],
)
def test_wrong_arguments_are_refused_in_words(arguments, words):
    ledger = shop_of([("ann", 0, {"a", "b", "c"}), ("ann", 9, {"a"})])
    with pytest.raises((bk.ParameterError, bk.SchemaError), match=words):
        bk.validate_rules(RULE, ledger, **arguments)
    with pytest.raises(bk.SchemaError, match="no item 'x'"):
        bk.validate_rules(pl.DataFrame({"antecedent": [["x"]], "consequent": [["a"]]}), ledger)
