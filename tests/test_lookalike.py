"""Look-alike audiences: hand-made pools, simulated truth, seeds of every strategy, rounds that learn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import basketry as bk
from basketry.exceptions import ParameterError, SchemaError


def worlds(rows: int, seed: int, share: float = 0.1) -> pl.DataFrame:
    """Make people of whom a share likes tea; ``member`` tells who."""
    random = np.random.default_rng(seed)
    member = random.random(rows) < share
    return pl.DataFrame(
        {
            "id": np.arange(rows) + 1000 * seed,
            "tea": random.poisson(np.where(member, 6, 1)),
            "coffee": random.poisson(np.where(member, 1, 4)),
            "city": np.where(random.random(rows) < 0.5, "big", "small"),
            "member": member,
        }
    )


@pytest.fixture(scope="module")
def shop() -> bk.Simulation:
    return bk.simulate("easy", customers=4_000, parts=["prospects"])


def test_those_alike_come_first_and_the_seed_does_not_come_at_all() -> None:
    pool = worlds(900, 1)
    seed = pool.filter("member")["id"].head(40)
    found = bk.lookalike(seed, pool, features=["tea", "coffee", "city"])
    assert found.excluded == 40
    assert not found.scores["id"].is_in(seed.implode()).any()
    assert found.scores.height == 860
    best = found.take(30).join(pool, on="id", maintain_order="left")
    assert best["member"].mean() > 0.6
    assert found.traits["feature"][0].startswith(("tea", "coffee"))
    scores = found.scores
    assert scores["score"].is_sorted(descending=True)
    assert scores["similarity"].is_sorted(descending=True)
    assert scores["rank"].to_list() == list(range(1, 861))
    assert (scores["percentile"][0], scores["percentile"].min() > 0) == (100, True)
    reach = found.reach
    assert reach["people"][-1] == 860
    for people, mean, least in reach.select("people", "similarity", "least_similarity").iter_rows():
        assert mean == pytest.approx(scores["similarity"].head(people).mean())
        assert least == scores["similarity"][people - 1]


def test_order_of_rows_keys_and_repeats() -> None:
    pool, known = worlds(500, 2).drop("member"), worlds(300, 3)
    seed = known.filter("member")["id"]
    one = bk.lookalike(seed, pool, known=known, rng=5)
    two = bk.lookalike([*seed, *seed], pool, known=known.rename({"id": "customer"}), rng=5)
    assert one.scores.equals(two.scores)
    assert one.reach.equals(two.reach)
    assert not one.scores.equals(bk.lookalike(seed, pool, known=known, rng=6).scores)


def test_missing_values_and_constants_do_no_harm() -> None:
    pool = worlds(600, 4).with_columns(
        tea=pl.when(pl.col("id") % 7 == 0).then(None).otherwise("tea"),
        one=pl.lit(1),
        city=pl.lit(None, pl.String),
    )
    found = bk.lookalike(pool.filter("member")["id"].head(30), pool.drop("member"))
    assert found.scores["score"].is_finite().all()
    assert "one" not in found.traits["feature"]
    assert "tea: missing" in found.traits["feature"]


def test_precision_in_a_simulated_pool(shop: bk.Simulation) -> None:
    people = shop.truth["segments"].filter(pl.col("segment") == "fashion_new")["customer"].head(300)
    pool = shop.tables["prospects"]
    found = bk.lookalike(people, pool, known=shop.tables["behaviour"])
    assert found.excluded == pool["id"].is_in(people.implode()).sum() > 0
    truth = found.scores.join(
        shop.truth["prospects"], left_on="id", right_on="prospect", maintain_order="left"
    )
    member = (truth["segment"] == "fashion_new").to_numpy()
    assert member[: len(member) // 20].mean() > 0.9
    ranks = np.flatnonzero(member[::-1]) + 1
    n = member.sum()
    assert (ranks.sum() - n * (n + 1) / 2) / (n * (len(member) - n)) > 0.95


def test_seeds_of_every_strategy(shop: bk.Simulation) -> None:
    ledger = shop.ledger
    frequent = bk.Seed.canned(ledger, "frequent", size=100)
    orders = bk.rfm(ledger).sort("orders", "customer", descending=[True, False])["customer"].head(100)
    assert set(frequent.members["customer"]) == set(orders)
    assert frequent.strategy == "canned"
    fish = bk.Seed.canned(ledger, "big fish")
    assert len(fish) == (bk.rfm(ledger)["quadrant"].cast(pl.String) == "big fish").sum()
    smart = bk.Seed.smart(pl.DataFrame({"customer": [1, 2, 3], "value": [5.0, None, 9.0]}), size=2)
    assert smart.members.rows() == [(3, 9.0), (1, 5.0)]
    assert smart.reason == "the 2 of highest predicted value among 2 customers"
    drawn = bk.Seed.random(shop.tables["customers"]["id"], size=50, rng=3)
    assert len(drawn) == 50
    assert drawn.members.equals(bk.Seed.random(shop.tables["customers"]["id"], size=50, rng=3).members)
    with pytest.raises(ParameterError, match="frequent"):
        bk.Seed.canned(ledger, "frequnt")
    with pytest.raises(ParameterError, match="people"):
        bk.Seed.own([])
    with pytest.raises(SchemaError, match="worth"):
        bk.Seed.smart(pl.DataFrame({"customer": [1], "value": [1.0]}), column="worth")


def test_rounds_learn_and_keep_their_log(shop: bk.Simulation) -> None:
    truth = shop.truth["prospects"]
    member = truth.filter(pl.col("segment") == "fashion_new")["prospect"]
    responds = truth.filter(
        pl.when(pl.col("segment") == "fashion_new").then("buyer").otherwise("stray_buyer")
    )
    start = shop.truth["segments"].filter(pl.col("segment") == "fashion_new")["customer"].head(40)

    def run() -> tuple[bk.Prospecting, list[float]]:
        rounds = bk.Prospecting(
            bk.Seed.own(start), shop.tables["prospects"], known=shop.tables["behaviour"], rng=1
        )
        precision = []
        for _ in range(3):
            contacted = rounds.next_round(60)
            latest = rounds.latest.scores
            precision.append(latest.head(latest.height // 20)["id"].is_in(member.implode()).mean())
            rounds.feed(contacted.filter(pl.col("id").is_in(responds["prospect"].implode()))["id"])
        return rounds, precision

    rounds, precision = run()
    log = rounds.log
    assert log["round"].to_list() == [1, 2, 3]
    assert log["contacted"].to_list() == [60] * 3
    assert log["seed_size"].to_list() == [
        40, 40 + log["responded"][0], 40 + log["responded"][0] + log["responded"][1],
    ]  # fmt: skip
    assert (log["response_rate"] > 0.15).all()
    assert precision[-1] >= precision[0] - 0.02
    assert len(rounds.seed) == log["seed_size"][-1] + log["responded"][-1]
    assert rounds.seed.reason.endswith("those who responded in rounds 1 to 3")
    again, _ = run()
    assert again.log.equals(log)
    with pytest.raises(ParameterError, match="no round is open"):
        again.feed([])
    again.next_round(10)
    with pytest.raises(ParameterError, match="feed"):
        again.next_round(10)
    with pytest.raises(ParameterError, match="not contacted"):
        again.feed([-1])


POOL = worlds(100, 5)


@pytest.mark.parametrize(
    ("seed", "pool", "arguments", "named"),
    [
        (range(5000, 5030), POOL.rename({"id": "who"}), {}, "'id'"),
        (range(5000, 5030), pl.concat([POOL, POOL.head(1)]), {}, "once"),
        (range(5000, 5010), POOL, {}, "10 of 10"),
        (range(5000, 5100), POOL, {}, "everybody"),
        (range(5000, 5030), POOL, {"features": ["milk"]}, "'milk'"),
        (range(5000, 5030), POOL.select("id"), {}, "no column in common"),
        (range(5000, 5030), POOL.with_columns(tea=pl.lit([1])), {}, "List"),
        (range(5000, 5030), POOL, {"known": POOL.select("tea")}, "'customer'"),
    ],
)
def test_wrong_questions_are_refused(seed, pool, arguments, named) -> None:
    with pytest.raises(SchemaError, match=named):
        bk.lookalike(seed, pool, **arguments)


def test_first_orders_are_seen_alone() -> None:
    ledger = bk.simulate(customers=500).ledger
    table = bk.first_order_traits(ledger, category="category")
    lines = ledger.lines().join(ledger.items().select("item", "category"), on="item")
    first = ledger.orders().group_by("customer").agg(pl.col("time").min(), pl.col("gross").sum(), pl.len())
    first = first.sort("customer")
    assert (table["orders"] == first["len"]).all()
    assert (table["spend_total"] - first["gross"]).abs().max() < 1e-6
    kept = lines.join(first.select("customer", "time"), on=["customer", "time"])
    shoes = kept.filter(pl.col("category") == "shoes")["customer"].unique()
    assert set(table.filter("bought shoes")["customer"]) == set(shoes)
    assert table["lines"].sum() == kept.height
