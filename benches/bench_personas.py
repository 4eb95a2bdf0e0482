"""Personas and look-alike audiences on shops of known truth, at full size: coverage, false discoveries, precision, worth.

BASKETRY_BENCH_RUNS sets the number of small shops for personas (100 by default).
"""

from __future__ import annotations

import os

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import basketry as bk

RUNS = int(os.environ.get("BASKETRY_BENCH_RUNS", "100"))
CUSTOMERS = 4_000
SEED = 400
ROUNDS = 5


def bench_personas_cover_what_is_planted(measure) -> None:
    inside: dict[str, list[bool]] = {"mobile": [], "bought_earlier": [], "bought_own": []}
    called, naive = [], []
    for run in range(RUNS):
        shop = bk.simulate("easy", customers=CUSTOMERS, rng=run, parts=["personas"])
        found = bk.personas("target", shop.tables["personas"], adjust=["orders"])
        table = found.join(shop.truth["personas"].drop("target"), on="trait", suffix="_true")
        for name, low, high, ratio in (
            table.filter(~pl.col("null")).select("trait", "low", "high", "odds_ratio_true").iter_rows()
        ):
            inside[name].append(low <= ratio <= high)
        nulls = table.filter("null")
        called.append(nulls["verdict"].is_in(["more", "less"]).sum())
        naive.append(nulls.filter("confounded", pl.col("odds_ratio_crude") > 1.2).height)
    every = np.concatenate(list(inside.values()))
    measure.record(
        "personas",
        {"runs": RUNS, "customers": CUSTOMERS, "coverage": float(every.mean()),
         **{f"coverage_{name}": float(np.mean(hits)) for name, hits in inside.items()},
         "null_called_mean": float(np.mean(called)), "null_called_most": int(max(called)),
         "confounded_that_look_real": float(np.mean(naive))},
    )  # fmt: skip
    # Two standard errors of a share of .95 over all intervals.
    assert every.mean() >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / len(every))
    assert np.mean(called) <= 2


def judged(found: bk.Lookalike, truth: pl.DataFrame, segment: str) -> tuple[float, float, float, float]:
    """Give precision at 5 %, its ceiling, AUC and lift."""
    rows = found.scores.join(truth, left_on="id", right_on="prospect", maintain_order="left")
    member = (rows["segment"] == segment).to_numpy()
    top = len(member) // 20
    precision, ceiling = member[:top].mean(), min(1.0, member.sum() / top)
    return precision, ceiling, roc_auc_score(member, rows["score"]), precision / member.mean()


@pytest.mark.parametrize("world", ["easy", "hard"])
def bench_lookalike_finds_the_segment_of_the_seed(measure, world: str) -> None:
    rows = []
    for run in (7, 1, 2):
        shop = bk.simulate(world, customers=20_000, rng=run, parts=["prospects"])
        for segment in ("fashion_new", "family_kids", "loyal_frequent", "big_fish_rare"):
            members = shop.truth["segments"].filter(pl.col("segment") == segment)["customer"]
            seed = bk.Seed.random(members, size=SEED, rng=run)
            found = bk.lookalike(seed, shop.tables["prospects"], known=shop.tables["behaviour"])
            assert not found.scores["id"].is_in(seed.members["customer"].implode()).any()
            rows.append((segment, *judged(found, shop.truth["prospects"], segment)))
    table = pl.DataFrame(rows, schema=["segment", "precision", "ceiling", "auc", "lift"], orient="row")
    means = table.group_by("segment", maintain_order=True).mean()
    measure.record(
        f"lookalike, {world} world, seed of {SEED}",
        {"precision_least": table["precision"].min(), "precision_mean": table["precision"].mean(),
         "auc_least": table["auc"].min(), "auc_mean": table["auc"].mean(), "lift_least": table["lift"].min(),
         **{f"precision_{row[0]}": row[1] for row in means.iter_rows()}},
    )  # fmt: skip
    if world == "easy":
        full = table.filter(pl.col("ceiling") == 1)
        assert full["precision"].min() >= 0.93
        assert table["auc"].min() >= 0.96
    else:
        assert table["lift"].min() >= 5


def bench_a_smart_seed_is_worth_more_than_a_random_one(measure) -> None:
    ratios = []
    for run in (7, 1, 2):
        shop = bk.simulate("easy", customers=20_000, rng=run, parts=["prospects"])
        pool, known = shop.tables["prospects"], shop.tables["behaviour"]
        worth = shop.truth["prospects"].select("prospect", "value")
        # Predicted worth: what was spent a year since the first order, shrunk to the mean by half a year.
        spent = bk.rfm(shop.ledger).select(
            "customer",
            value=(pl.col("spend_total") + pl.col("spend_total").mean() * 0.5)
            / (pl.col("tenure_days") / 365.25 + 0.5),
        )
        values = []
        for seed in (bk.Seed.smart(spent, size=SEED), bk.Seed.random(spent["customer"], size=SEED, rng=run)):
            best = bk.lookalike(seed, pool, known=known).take(pool.height // 20)
            values.append(best.join(worth, left_on="id", right_on="prospect")["value"].mean())
        ratios.append(values[0] / values[1])
    measure.record("smart seed", {"value_over_random_least": min(ratios), "mean": float(np.mean(ratios))})
    assert min(ratios) >= 1.2


@pytest.mark.parametrize("start", [60, SEED])
def bench_refreshed_rounds_do_not_lose_precision(measure, start: int) -> None:
    shop = bk.simulate("easy", customers=20_000, rng=7, parts=["prospects"])
    truth, segment = shop.truth["prospects"], "fashion_new"
    members = shop.truth["segments"].filter(pl.col("segment") == segment)["customer"]
    own = pl.col("segment") == segment
    responds = truth.filter(pl.when(own).then("buyer").otherwise("stray_buyer"))["prospect"].implode()
    rounds = bk.Prospecting(
        bk.Seed.random(members, size=start, rng=3), shop.tables["prospects"], known=shop.tables["behaviour"]
    )
    precision = []
    for _ in range(ROUNDS):
        contacted = rounds.next_round(300)
        precision.append(judged(rounds.latest, truth, segment)[0])
        rounds.feed(contacted.filter(pl.col("id").is_in(responds))["id"])
    measure.record(
        f"refreshed rounds from {start}",
        {f"precision_{at}": value for at, value in enumerate(precision)}
        | {"seed_after": len(rounds.seed), "response_rate": rounds.log["response_rate"].mean()},
    )
    # One round may be worse by two standard errors of a share of a twentieth of the pool, all rounds together not at all.
    slack = [2 * np.sqrt(first * (1 - first) / (rounds.latest.scores.height // 20)) for first in precision]
    assert precision[-1] >= precision[0]
    assert all(
        later >= first - wide
        for first, later, wide in zip(precision[:-1], precision[1:], slack[:-1], strict=True)
    )


def bench_oracles_of_outcomes(measure) -> None:
    shop = bk.simulate("null", customers=20_000, parts=["outcomes"])
    rows, figures = shop.truth["outcomes"], {}
    for name in ("churn", "sale", "return"):
        p, y = rows[f"p_{name}"].to_numpy(), rows[name].to_numpy()
        edges = np.quantile(p, np.arange(1, 10) / 10)
        band = np.searchsorted(edges, p)
        gaps = [abs(p[band == at].mean() - y[band == at].mean()) for at in range(10)]
        figures |= {f"auc_{name}": roc_auc_score(y, p), f"ece_{name}": float(np.mean(gaps))}
        assert figures[f"ece_{name}"] <= 0.015
    contacts = shop.truth["contacts"]
    figures["policy_profit"] = contacts["best_profit"].sum()
    figures |= {
        f"profit_{name}": contacts[f"profit_{name}"].sum() for name in shop.tables["channels"]["channel"]
    }
    measure.record("oracles", figures)
    assert figures["policy_profit"] > max(
        figures[f"profit_{name}"] for name in shop.tables["channels"]["channel"]
    )
