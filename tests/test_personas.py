"""What sets a group apart: estimates against a slow oracle, hand-made confounding, and every way to ask wrongly."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import basketry as bk
from basketry.exceptions import ParameterError, SchemaError
from basketry.models.logistic import fit, independent
from basketry.models.personas import SCHEMA


def penalised(coefficients: np.ndarray, design: np.ndarray, hits: np.ndarray) -> float:
    """Minus the likelihood with Firth's penalty, written down as it is defined."""
    logit = design @ coefficients
    chance = 1 / (1 + np.exp(-logit))
    information = (design * (chance * (1 - chance))[:, None]).T @ design
    return float(np.logaddexp(0, logit).sum() - hits @ logit - 0.5 * np.linalg.slogdet(information)[1])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(12, 60), width=st.integers(1, 3))
def test_the_fit_is_the_maximum(seed: int, rows: int, width: int) -> None:
    random = np.random.default_rng(seed)
    columns = (random.random((rows, width)) < 0.5).astype(float)
    hits = random.random(rows) < 0.4
    kept = independent(columns)
    if not hits.any() or hits.all() or not kept.any():
        return
    columns = columns[:, kept]
    found = fit(columns, hits)
    design = np.column_stack([np.ones(rows), columns])
    wanted = hits.astype(float)
    best = minimize(penalised, np.zeros(design.shape[1]), (design, wanted), method="BFGS").fun
    assert penalised(found.coefficients, design, wanted) <= best + 1e-6
    assert np.isfinite(found.errors).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_dependent_columns_are_left_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = (random.random((30, 6)) < 0.5).astype(float)
    columns[:, 2] = columns[:, 0] + columns[:, 1]
    columns[:, 4] = 1.0
    kept = independent(columns)
    ranks = [np.linalg.matrix_rank(np.column_stack([np.ones(30), columns[:, :n]])) for n in range(7)]
    assert kept.tolist() == [one < two for one, two in itertools.pairwise(ranks)]


def crossed(counts: dict[tuple[bool, bool, str], int]) -> pl.DataFrame:
    """Make people of (in the group, has it, kind) -> how many."""
    rows = [key for key, n in counts.items() for _ in range(n)]
    table = pl.DataFrame(rows, schema=["group", "gadget", "kind"], orient="row")
    return table.with_row_index("customer")


def test_a_confounded_trait_is_seen_through() -> None:
    # Inside each kind the odds ratio is exactly 1; over both it is far above.
    people = crossed(
        {
            (True, True, "busy"): 240, (True, False, "busy"): 60, (False, True, "busy"): 80, (False, False, "busy"): 20,
            (True, True, "calm"): 20, (True, False, "calm"): 80, (False, True, "calm"): 60, (False, False, "calm"): 240,
        }
    )  # fmt: skip
    crude = bk.personas("group", people, traits=["gadget"]).row(0, named=True)
    assert crude["verdict"] == "more"
    assert crude["odds_ratio"] == pytest.approx(crude["odds_ratio_crude"], rel=0.02)
    adjusted = bk.personas("group", people, traits=["gadget"], adjust=["kind"]).row(0, named=True)
    assert adjusted["verdict"] == "no difference"
    assert adjusted["odds_ratio"] == pytest.approx(1, abs=0.01)
    assert adjusted["odds_ratio_crude"] == crude["odds_ratio_crude"] > 2.5
    assert adjusted["low"] < 1 < adjusted["high"]


def test_a_single_trait_has_the_odds_ratio_of_its_table() -> None:
    people = crossed(
        {(True, True, "a"): 40, (True, False, "a"): 60, (False, True, "a"): 100, (False, False, "a"): 300}
    )
    row = bk.personas("group", people, traits=["gadget"], name="buyers of tea").row(0, named=True)
    exact = 40.5 * 300.5 / (60.5 * 100.5)  # Firth's penalty adds half to each cell of a single table
    assert row["odds_ratio"] == pytest.approx(exact, rel=1e-6)
    one, two = 40.5 / 141, 60.5 / 361
    error = np.sqrt(1 / (140 * one * (1 - one)) + 1 / (360 * two * (1 - two)))
    assert row["low"] == pytest.approx(exact * np.exp(-1.959964 * error), rel=1e-6)
    assert (row["target_share"], row["other_share"], row["customers"]) == (0.4, 0.25, 140)
    assert row["times_as_likely"] == pytest.approx(1.6)
    assert row["sentence"].startswith(
        "Buyers of tea are 1.6 times as likely to show “gadget”: 40% of them against 25% of the others."
    )


def test_the_group_may_be_ids_and_every_kind_of_column_is_a_trait() -> None:
    random = np.random.default_rng(1)
    people = pl.DataFrame(
        {
            "customer": [f"c{n}" for n in range(400)],
            "city": random.choice(["big", "small", "none"], 400),
            "visits": random.poisson(3, 400),
            "member": random.random(400) < 0.5,
            "rare": [True] * 3 + [False] * 397,
            "twin": None,
        },
        schema_overrides={"twin": pl.Boolean},
    ).with_columns(twin=~pl.col("member"))
    ids = [f"c{n}" for n in range(0, 400, 3)]
    found = bk.personas(ids, people)
    assert found.schema == pl.Schema(SCHEMA)
    labels = dict(found.select("label", "verdict").iter_rows())
    assert set(labels) == {
        "city: big", "city: none", "city: small", "visits above 3", "member", "rare", "twin",
    }  # fmt: skip
    assert labels["rare"] == "too few"
    assert labels["twin"] == "same as others"
    assert found["p_value"].null_count() == 2
    again = bk.personas(pl.DataFrame({"customer": ids}), people.sample(fraction=1, shuffle=True, seed=3))
    key = ["label", "odds_ratio", "low"]
    one, two = (frame.sort("label").select(key) for frame in (found, again))
    assert one["label"].equals(two["label"])
    assert np.allclose(one["odds_ratio"].drop_nulls(), two["odds_ratio"].drop_nulls())


def test_planted_ratios_are_found_and_null_traits_are_not() -> None:
    shop = bk.simulate(customers=5_000, rng=11, parts=["personas"])
    found = bk.personas("target", shop.tables["personas"], adjust=["orders"])
    truth = found.join(shop.truth["personas"].drop("target"), on="trait", suffix="_true")
    real = truth.filter(~pl.col("null"))
    assert (real["verdict"] == "more").all()
    assert real.select((pl.col("odds_ratio") / pl.col("odds_ratio_true")).log().abs().max()).item() < 0.35
    called = truth.filter("null", pl.col("verdict").is_in(["more", "less"]))
    assert called.height <= 4
    naive = bk.personas(
        "target", shop.tables["personas"].drop("orders"), traits=[*truth.filter("confounded")["trait"]]
    )
    assert (naive["odds_ratio_crude"] > 1.3).all(), "unadjusted, all ten look as if they mattered"


def test_traits_of_a_ledger_keep_to_the_past() -> None:
    ledger = bk.simulate(customers=800).ledger
    day = date(2024, 6, 3)
    traits = bk.persona_traits(ledger, as_of=day, category="category")
    early = ledger.orders().filter(pl.col("time").dt.date() < day)
    assert traits["customer"].to_list() == sorted(early["customer"].unique())
    assert {"gender", "city", "device", "orders", "tenure_days", "order_value", "bought shoes"} <= set(
        traits.columns
    )
    counts = early.group_by("customer").len().sort("customer")
    assert (traits["orders"] == counts["len"]).all()
    shoes = bk.buyers(ledger, {"category": "shoes"}, until=day)
    assert traits.filter("bought shoes")["customer"].to_list() == shoes.to_list()
    later = bk.buyers(ledger, {"category": "shoes"}, since=day)
    both = set(shoes) | set(later)
    assert both == set(bk.buyers(ledger, {"category": "shoes"}))
    with pytest.raises(ParameterError, match="did you mean 'shoes'"):
        bk.buyers(ledger, {"category": "shoos"})
    with pytest.raises(SchemaError, match="categori"):
        bk.persona_traits(ledger, category="categori")


BASE = pl.DataFrame({"customer": range(40), "a": [True, False] * 20, "in": [True] * 20 + [False] * 20})


@pytest.mark.parametrize(
    ("target", "base", "arguments", "error", "named"),
    [
        ("inn", BASE, {}, SchemaError, "did you mean 'in'"),
        ("in", BASE.drop("customer"), {}, SchemaError, "customer"),
        ("in", pl.concat([BASE, BASE.head(2)]), {}, SchemaError, "4 rows"),
        ([1, 99], BASE, {}, SchemaError, "1 of 2 customers"),
        ([], BASE, {}, ParameterError, "0 of 40"),
        (range(40), BASE, {}, ParameterError, "40 of 40"),
        ("in", BASE, {"traits": ["b"]}, SchemaError, "'b'"),
        ("in", BASE, {"adjust": ["orders"]}, SchemaError, "'orders'"),
        ("in", BASE, {"q": 0}, ParameterError, "q=0"),
        ("in", BASE, {"level": 1.5}, ParameterError, "level=1.5"),
        ("in", BASE, {"min_count": 0}, ParameterError, "min_count=0"),
        ("a", BASE.with_columns(a=pl.lit(1)), {}, SchemaError, "yes or no"),
        ("in", BASE.with_columns(a=pl.lit(date(2024, 1, 1))), {}, SchemaError, "Date"),
        ("in", BASE.with_columns(a=pl.lit(float("nan"))), {}, SchemaError, "NaN"),
    ],
)
def test_wrong_questions_are_refused(target, base, arguments, error, named) -> None:
    with pytest.raises(error, match=named):
        bk.personas(target, base, **arguments)


def test_no_trait_is_an_empty_answer_of_the_right_shape() -> None:
    assert bk.personas("in", BASE.select("customer", "in")).schema == pl.Schema(SCHEMA)
