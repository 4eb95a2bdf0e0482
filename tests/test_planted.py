"""What is planted beside a simulated shop: the shop stays, oracles are right, and truths are what was drawn."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import basketry as bk
from basketry.exceptions import ParameterError
from basketry.simulation import PARTS, Simulation, simulate


@pytest.fixture(scope="module")
def shop() -> Simulation:
    return simulate("null", customers=6_000, parts=PARTS)


def test_the_shop_stays_the_same_and_threads_do_not_matter(shop: Simulation) -> None:
    bare = simulate("null", customers=6_000)
    for name, table in bare.tables.items():
        assert_frame_equal(shop.tables[name], table)
    for name, truth in bare.truth.items():
        assert_frame_equal(shop.truth[name], truth)
    one, two = (simulate(customers=2_100, parts=PARTS, n_threads=n) for n in (1, 2))
    assert set(one.tables) > set(bare.tables)
    for name, table in (one.tables | {f"truth {n}": t for n, t in one.truth.items()}).items():
        other = two.tables[name] if name in two.tables else two.truth[name.removeprefix("truth ")]
        assert_frame_equal(table, other)


def test_outcomes_are_what_happened(shop: Simulation) -> None:
    truth, orders, lines = shop.truth["outcomes"], shop.tables["orders"], shop.tables["lines"]
    discounted = lines.group_by("order").agg(pl.col("discount").max() > 0)
    orders = orders.join(discounted, left_on="id", right_on="order").with_columns(day=pl.col("ts").dt.date())
    back = shop.tables["returns"].join(
        orders.select(pl.col("id").alias("order"), "customer"), on="order"
    ).with_columns(day=pl.col("ts").dt.date())  # fmt: skip
    assert truth["as_of"].n_unique() == 6
    for (day,), rows in truth.group_by("as_of"):
        window = (pl.col("day") >= day) & (pl.col("day") < day + timedelta(weeks=13))
        known = orders.filter(pl.col("day") < day)["customer"].unique().sort()
        assert rows["customer"].to_list() == known.to_list()
        for frame, name, turned in (
            (orders.filter(window), "churn", True),
            (orders.filter(window, pl.col("discount")), "sale", False),
            (back.filter(window), "return", False),
        ):
            happened = rows["customer"].is_in(frame["customer"].unique().implode())
            assert (happened != rows[name]).all() == turned, name
            assert (happened == rows[name]).all() != turned, name


@pytest.mark.parametrize(("name", "slack"), [("churn", 0.03), ("sale", 0.03), ("return", 0.03)])
def test_the_oracle_is_calibrated_and_no_constant(shop: Simulation, name: str, slack: float) -> None:
    rows = shop.truth["outcomes"]
    p, y = rows[f"p_{name}"], rows[name].cast(pl.Float64)
    assert abs(p.mean() - y.mean()) < 0.01
    table = pl.DataFrame({"p": p, "y": y}).with_columns(
        band=(pl.col("p").rank("ordinal") * 10 // (len(p) + 1))
    )
    bands = table.group_by("band").agg(pl.col("p", "y").mean())
    assert (bands["p"] - bands["y"]).abs().max() < slack
    constant = y.mean() * (1 - y.mean())
    assert ((p - y) ** 2).mean() < 0.92 * constant


def test_returns_are_lines_of_the_ledger_on_their_day(shop: Simulation) -> None:
    lines = shop.ledger.lines()
    back = lines.filter(pl.col("quantity") < 0)
    assert back.height == shop.tables["returns"].height > 1_000
    assert (back["time"].sort() == shop.tables["returns"]["ts"].sort()).all()
    bought = lines.filter(pl.col("quantity") > 0)
    assert bought.height == shop.tables["lines"].height
    paid = -back["amount"].sum()
    table = shop.tables["returns"]
    assert abs(paid - float((table["price"] * table["qty"]).sum())) < 0.01
    late = table.join(shop.tables["orders"], left_on="order", right_on="id").select(
        days=(pl.col("ts") - pl.col("ts_right")).dt.total_days()
    )["days"]
    assert (late.min(), late.max()) == (3, 28)


def test_the_oracle_of_channels_is_the_best_policy(shop: Simulation) -> None:
    truth, channels = shop.truth["contacts"], shop.tables["channels"]
    assert truth["as_of"].n_unique() == 1
    for name, cost, factor in channels.iter_rows():
        profit = truth["margin"] * truth["tau"] * factor - cost
        assert (profit - truth[f"profit_{name}"]).abs().max() < 1e-12
        assert truth["best_profit"].sum() > max(profit.sum(), 0)
        assert (truth["p0"] + factor * truth["tau"] <= 1).all()
        bought, expected = truth[f"bought_{name}"], truth["p0"] + factor * truth["tau"]
        assert abs(bought.mean() - expected.mean()) < 0.015
        assert (bought >= truth["bought"]).all()
    assert truth.select((pl.col("best") == "none").eq(pl.col("best_profit") == 0).all()).item()
    assert truth["best"].value_counts().height == 4
    lines = shop.tables["lines"].join(shop.tables["items"], left_on="item", right_on="id")
    orders = shop.tables["orders"].filter(pl.col("ts").dt.date() < truth["as_of"][0])
    earned = (
        lines.join(orders, left_on="order", right_on="id")
        .group_by("customer")
        .agg(
            ((pl.col("price") - pl.col("cost")).cast(pl.Float64) * pl.col("qty")).sum()
            / pl.col("order").n_unique()
        )
        .sort("customer")
    )
    assert (earned["price"] - truth["margin"]).abs().max() < 1e-6


def test_personas_are_planted(shop: Simulation) -> None:
    table, truth = shop.tables["personas"], shop.truth["personas"]
    assert truth.filter(~pl.col("null"))["odds_ratio"].to_list() == [2.0, 1.8, 3.0]
    assert truth["confounded"].sum() == 10
    assert truth["trait"].to_list() == table.columns[3:]
    orders = shop.tables["orders"].group_by("customer").len().sort("customer")
    assert (table["orders"] == orders["len"]).all()
    assert (table["mobile"] == (shop.tables["customers"]["device"] == "mobile")).all()
    assert truth["target"][0].startswith("buys ")
    own = truth["target"][0].removeprefix("buys ")
    lines = shop.tables["lines"].join(shop.tables["items"], left_on="item", right_on="id")
    who = lines.filter(pl.col("category") == own).join(shop.tables["orders"], left_on="order", right_on="id")
    assert (table["bought_own"] == table["customer"].is_in(who["customer"].unique().implode())).all()


def test_prospects_hold_a_few_customers_and_their_behaviour(shop: Simulation) -> None:
    pool, truth = shop.tables["prospects"], shop.truth["prospects"]
    assert pool["id"].is_unique().all()
    assert (pool["id"] == truth["prospect"]).all()
    known = pool.filter(pl.col("id") <= 6_000)
    assert known.height == 60
    behaviour = shop.tables["behaviour"]
    shared = [name for name in behaviour.columns if name != "customer"]
    same = behaviour.join(known, left_on="customer", right_on="id", suffix=" of pool").sort("customer")
    assert_frame_equal(same.select(shared), known.sort("id").select(shared))
    segments = shop.truth["segments"].join(truth, left_on="customer", right_on="prospect").sort("customer")
    assert (segments["segment"] == segments["segment_right"]).all()
    views = [name for name in pool.columns if name.startswith("views ")]
    assert len(views) == 43
    bands = pl.sum_horizontal("views low", "views mid", "views top")
    assert pool.select((pl.sum_horizontal(views) == 2 * bands).all()).item()
    assert 0.25 < truth["buyer"].mean() < 0.35
    assert simulate(customers=100, parts=["prospects"]).tables["prospects"].height == 2_000


def test_what_is_not_a_part_is_refused() -> None:
    with pytest.raises(ParameterError, match="did you mean 'personas'"):
        simulate(customers=10, parts=["persona"])
    with pytest.raises(ParameterError, match="39 weeks"):
        simulate(customers=10, weeks=38, parts="outcomes")
    assert simulate(customers=10, weeks=39, parts="outcomes").truth["outcomes"].height > 0
    assert bk.simulate(customers=10, parts="personas").tables["personas"].height == 10
