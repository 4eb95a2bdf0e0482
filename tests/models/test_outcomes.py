"""Predictions beside an oracle, what tastes add, and leaks and empty windows of every target."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import basketry as bk
from basketry.customers.tastes import Tastes
from basketry.exceptions import LeakError, ParameterError

QUARTERS = [date(2023, 1, 2) + timedelta(weeks=13 * quarter) for quarter in (4, 5, 6, 7)]
TARGETS = ("purchase", "churn", "sale", "return", {"category": "any"})


@pytest.fixture(scope="module")
def world():
    return bk.simulate("stationary", customers=3000, rng=7, parts=["outcomes"])


def asked(shop, target, **more):
    if isinstance(target, dict):
        target = {"category": shop.items()["category"].unique().sort()[0]}
    return bk.Snapshot(label="91d", target=target, discount="discount", windows=[90, 365], **more)


@pytest.mark.parametrize("target", ["churn", "sale", "return"])
def test_a_model_comes_near_the_oracle(world, target):
    tastes = Tastes.known(world.ledger, "category", as_of=QUARTERS[0])
    table = asked(world.ledger, target, as_of=QUARTERS, features=tastes).build(world.ledger)
    found = bk.compare(table, learners=["ridge"], replicates=20)
    rows = found.scored.with_columns(as_of=pl.col("as_of").dt.date()).join(
        world.truth["outcomes"], on=["customer", "as_of"], how="left", maintain_order="left"
    )
    assert rows["label"].equals(rows[target], check_names=False)
    hits = rows["label"].to_numpy()
    # In a shop of this size there is little to learn from, and .01 is chance; benches/bench_outcomes.py holds the bar of .02.
    assert roc_auc_score(hits, rows["ridge"]) > roc_auc_score(hits, rows[f"p_{target}"]) - 0.04
    if target != "churn":
        return
    buys = 1 - pl.col("ridge")
    people = rows.select("customer", response=0.5 * buys * (1 - buys)).join(
        world.truth["contacts"], on="customer", maintain_order="left"
    )
    ways = {name: bk.Channel(cost, factor) for name, cost, factor in world.tables["channels"].iter_rows()}
    chosen = bk.channel_policy(people, ways, margin="margin", score="response").people["channel"]
    brings = sum(people.filter(chosen == name)[f"profit_{name}"].sum() for name in ways)
    assert brings >= 0.95 * people["best_profit"].sum()
    assert brings > max(people[f"profit_{name}"].sum() for name in ways)


@pytest.fixture(scope="module")
def small():
    return bk.simulate(customers=500, rng=3, parts=["outcomes"]).ledger


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_training_table_is_audited_and_a_planted_leak_stops_it(small, target):
    tastes = Tastes.known(small, "category", as_of=QUARTERS[0])
    assert asked(small, target, as_of=QUARTERS[2:], features=tastes).build(small).audit().check().passed

    def ever(ledger, as_of):
        return ledger.orders().drop_nulls("customer").group_by("customer").agg(orders_ever=pl.len())

    leaky = asked(small, target, as_of=QUARTERS[2:], features=ever).build(small)
    with pytest.raises(LeakError, match="orders_ever"):
        bk.compare(leaky, learners=["ridge"], replicates=20)


def test_tastes_are_counted_before_the_instant(small):
    at = date(2023, 7, 3)
    tastes = Tastes.known(small, "category", as_of=at, most=3)
    lines = small.lines().join(small.items(), on="item").filter(pl.col("quantity") > 0)
    lines = lines.filter(pl.col("time").dt.date() < at)
    counts = lines["category"].cast(pl.String).value_counts(sort=True)
    assert set(counts["count"][:3]) == {(lines["category"] == label).sum() for label in tastes.labels}
    wanted = {
        who: tuple((part["category"] == label).sum() for label in tastes.labels)
        for (who,), part in lines.group_by("customer")
    }
    assert {row[0]: row[1:] for row in tastes(small, at).iter_rows()} == wanted
    # A label that a shop has not sold yet is a column of nothing.
    assert Tastes("category", ("none",))(small, at)["lines_of_none"].sum() == 0


def test_empty_windows_are_told(small):
    nobody = asked(small, "purchase", as_of=QUARTERS, base=("-1d", 0), min_orders=9).build(small)
    assert nobody.table.height == 0
    assert nobody.periods["population"].to_list() == [0] * 4
    with pytest.raises(ParameterError, match="too thin"):
        bk.compare(nobody, learners=["ridge"], replicates=20)
    table = asked(small, "purchase", as_of=QUARTERS[3]).build(small).table
    model = bk.PropensityModel().fit(table, table["label"])
    ranked = model.rank(table)
    assert sorted(ranked["customer"]) == table["customer"].to_list()
    assert np.isfinite(ranked["p"].to_numpy()).all()
    assert model.rank(table.head(0)).columns == ["customer", "p", "percentile"]
    with pytest.raises(ParameterError, match="0 rows"):
        bk.PropensityModel().fit(table.head(0), table["label"].head(0))
