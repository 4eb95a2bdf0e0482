"""Predictions beside an oracle that knows all laws and the past: ranks, probabilities, and the profit of the channels.

BASKETRY_BENCH_CUSTOMERS sets the size of the shop (20,000 by default), BASKETRY_BENCH_WORLD its world: the bars stand in the
stationary one; elsewhere seasons move from training to test, which is told and not judged.
"""

from __future__ import annotations

import os
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import basketry as bk
from basketry.customers.tastes import Tastes
from basketry.models.metrics import reliability

CUSTOMERS = int(os.environ.get("BASKETRY_BENCH_CUSTOMERS", "20000"))
WORLD = os.environ.get("BASKETRY_BENCH_WORLD", "stationary")
QUARTERS = [date(2023, 1, 2) + timedelta(weeks=13 * quarter) for quarter in (4, 5, 6, 7)]
RESPONSE = 0.5
"""What a campaign of old has taught: a contact of factor 1 adds so much of p (1 - p)."""


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(WORLD, customers=CUSTOMERS, rng=7, parts=["outcomes"])


def gap(p: np.ndarray, hits: np.ndarray) -> float:
    """Give the mean distance of what was foretold and what came, in ten equal parts."""
    parts = reliability(p, hits.astype(float))
    return sum(part["people"] * abs(part["predicted"] - part["actual"]) for part in parts) / len(p)


def foretold(shop, target: str) -> tuple[pl.DataFrame, bk.Comparison]:
    """Foretell the last quarter of everybody known, and set the oracle beside it."""
    asked = bk.Snapshot(
        as_of=QUARTERS, label="91d", target=target, discount="discount", category="category", windows=[30, 90, 365],
        features=Tastes.known(shop.ledger, "category", as_of=QUARTERS[0]),
    )  # fmt: skip
    found = bk.compare(asked.build(shop.ledger), learners=["ridge", "boosting"], replicates=20)
    beside = found.scored.with_columns(as_of=pl.col("as_of").dt.date()).join(
        shop.truth["outcomes"], on=["customer", "as_of"], how="left", maintain_order="left"
    )
    assert beside["label"].equals(beside[target], check_names=False)
    return beside.with_columns(p=pl.col(found.chosen)), found


@pytest.mark.parametrize("target", ["churn", "sale", "return"])
def bench_outcomes_beside_the_oracle(measure, shop, target: str) -> None:
    rows, found = foretold(shop, target)
    hits, p, oracle = (rows[name].to_numpy() for name in ("label", "p", f"p_{target}"))
    figures = {
        "customers": CUSTOMERS, "people": rows.height, "base_rate": float(hits.mean()), "chosen": found.chosen,
        "auc": roc_auc_score(hits, p), "auc_oracle": roc_auc_score(hits, oracle),
        "ece": gap(p, hits), "ece_oracle": gap(oracle, hits), "move": found.drift["move"][0],
        "auc_baselines": max(found.sheet.filter(kind="baseline")["auc"]),
    }  # fmt: skip
    figures |= profits(shop, rows) if target == "churn" else {}
    measure.record(f"outcomes beside the oracle, {WORLD} world: {target}", figures)
    if WORLD == "stationary":
        assert figures["auc"] >= figures["auc_oracle"] - 0.02
        assert figures["ece"] <= 0.015
    if target == "churn":
        assert figures["policy_of_oracle"] >= 0.97
        assert figures["profit_chosen"] > figures["profit_best_single"]


def profits(shop, rows: pl.DataFrame) -> dict[str, object]:
    """Tell what the truth says that the chosen channels bring, beside the oracle's and single channels."""
    buys = 1 - pl.col("p")
    truth = rows.select("customer", response=RESPONSE * buys * (1 - buys)).join(
        shop.truth["contacts"], on="customer", how="left", maintain_order="left"
    )
    ways = {
        name: bk.Channel(cost, factor)
        for name, cost, factor in shop.tables["channels"].sort("cost").iter_rows()
    }
    chosen = bk.channel_policy(truth, ways, margin="margin", score="response").people["channel"]
    real = pl.coalesce(
        *(pl.when(pl.lit(chosen) == name).then(f"profit_{name}") for name in ways), pl.lit(0.0)
    )
    profit, best = truth.select(real.alias("chosen"), "best_profit").sum().row(0)
    single = {name: float(truth[f"profit_{name}"].sum()) for name in ways}
    return {
        "policy_of_oracle": profit / best, "profit_chosen": profit, "profit_oracle": best,
        "profit_best_single": max(single.values()), **{f"profit_{name}": value for name, value in single.items()},
    }  # fmt: skip
