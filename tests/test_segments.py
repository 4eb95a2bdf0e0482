"""Segments: shares and agreement by hand, purposes, earlier names, readings, and the planted segments found again."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

import basketry as bk
from basketry.customers.segments.cluster import adjusted_rand, cluster
from basketry.customers.segments.profile import telling
from basketry.customers.segments.traits import concentration_of

EVERYTHING = {"purpose": ["rfm", "taste", "sale"], "category": "product_segment", "discount": "discount"}
PLANTED = {
    "loyal_frequent": {"orders", "order_rate"},
    "big_fish_rare": {"order_value"},
    "regular_small": {"order_value", "orders", "order_rate"},
    "bargain": {"discount_share"},
    "one_timer": {"orders", "order_rate"},
    "fashion_new": {"new_share"},
    "gift_season": {"year_end_share"},
    "family_kids": {"gender: kids"},
}


@pytest.fixture(scope="module")
def easy():
    return bk.simulate("easy", customers=4_000, rng=7)


@pytest.fixture(scope="module")
def found(easy):
    return bk.segment_customers(easy.ledger, replicates=2, **EVERYTHING)


def small(**columns):
    rows = pl.DataFrame(
        {
            "customer": ["ann", "ann", "bob", "bob", "cid", "dan"],
            "order": [1, 2, 3, 4, 5, 6],
            "item": ["tea", "cup", "tea", "tea", "cup", "tea"],
            "kind": ["food", "ware", "food", "food", "ware", "food"],
            "time": [date(2023, 1, 1), date(2023, 12, 2), date(2023, 6, 5), date(2023, 7, 3),
                     date(2023, 11, 5), date(2023, 8, 1)],
            "amount": [4.0, 8.0, 2.0, 2.0, 10.0, 3.0],
            "off": [0.0, 0.5, 0.2, 0.0, 0.0, 0.0],
        }
    )  # fmt: skip
    names = {name: name for name in ("customer", "order", "item", "time", "amount")}
    return bk.read_ledger(
        rows.with_columns(**columns), columns=names, item_attributes={"kind": "kind"}, measures={"off": "off"},
        timezone="UTC",
    )  # fmt: skip


def test_traits_are_the_shares_that_one_counts_by_hand():
    halves = pl.DataFrame({"customer": ["ann", "bob", "cid", "dan"], "segment": [1, 1, 2, 2]})
    told = bk.profile_segments(
        small(), halves, purpose=["rfm", "taste", "sale", "calendar"], category="kind", discount="off"
    )
    means = {(s, f): m for s, f, m in told.profile.select("segment", "feature", "mean").iter_rows()}
    assert means[1, "orders"] == 2
    assert means[2, "orders"] == 1
    assert means[1, "order_value"] == 4
    assert means[2, "order_value"] == 6.5
    assert means[1, "discount_share"] == 0.5
    assert means[2, "discount_share"] == 0
    assert means[1, "discount_depth"] == pytest.approx(0.35)
    assert (2, "discount_depth") in means
    assert means[1, "kind: food"] == 0.75
    assert means[2, "kind: food"] == 0.5
    assert means[1, "year_end_share"] == 0.25
    assert means[2, "year_end_share"] == 0.5
    # 1 January and 5 November were Sundays, 2 December a Saturday.
    assert means[1, "weekend_share"] == 0.5
    assert means[2, "weekend_share"] == 0.5
    # The cup is first sold on 5 November, when the shop is older than 91 days: new then and on 2 December.
    assert means[1, "new_share"] == 0.5
    assert means[2, "new_share"] == 0.5
    assert told.segments["customers"].to_list() == [2, 2]
    assert told.segments["spend_total"].to_list() == [16.0, 13.0]
    assert told.segments["stability"].to_list() == [None, None]
    assert "2 customers (50.0%) bring 55.2% of the money." in told.segments["reading"][0]


def test_a_percentile_is_the_share_below(easy, found):
    shares = bk.sale_motivation(easy.ledger, discount="discount").select("customer", "discount_share")
    joined = found.labels.join(shares, on="customer")
    everyone = joined["discount_share"]
    for segment in (1, 5):
        middle = joined.filter(pl.col("segment") == segment)["discount_share"].median()
        below = 100 * ((everyone < middle).mean() + (everyone <= middle).mean()) / 2
        row = found.profile.row(
            by_predicate=(pl.col("segment") == segment) & (pl.col("feature") == "discount_share"), named=True
        )
        assert row["percentile"] == pytest.approx(below)
        assert row["everyone_mean"] == pytest.approx(everyone.mean())


def test_agreement_is_the_adjusted_rand_index():
    random = np.random.default_rng(3)
    for _ in range(20):
        one, two = random.integers(4, size=50), random.integers(3, size=50)
        crossed = np.bincount(one * 4 + two, minlength=16).reshape(4, 4)
        assert adjusted_rand(crossed) == pytest.approx(adjusted_rand_score(one, two))


def test_few_orders_count_little_where_customers_are_alike():
    random = np.random.default_rng(5)
    sizes = random.integers(2, 30, size=3_000)
    for weight in (2.0, 20.0):
        shares = random.dirichlet(weight * np.array([0.5, 0.3, 0.2]), size=len(sizes))
        counts = np.array([random.multinomial(n, p) for n, p in zip(sizes, shares, strict=True)], dtype=float)
        assert concentration_of(counts) == pytest.approx(weight, rel=0.15)
    alike = np.array([random.multinomial(n, [0.5, 0.3, 0.2]) for n in sizes], dtype=float)
    assert concentration_of(alike) > 200


def test_stability_tells_clusters_from_noise():
    random = np.random.default_rng(1)
    centres = np.array([[0, 0], [8, 0], [0, 8], [8, 8]])
    clear = np.concatenate([random.normal(centre, 0.5, (100, 2)) for centre in centres])
    chosen = cluster(clear, None, 0, 4)
    assert sorted(set(chosen.labels.tolist())) == [0, 1, 2, 3]
    assert chosen.agreement == 1.0
    assert chosen.stability.tolist() == [1.0] * 4
    assert [k for k, *_ in chosen.tried] == list(range(2, 13))
    noise = cluster(random.normal(size=(400, 6)), 6, 0, 4)
    assert noise.agreement < 0.6
    marked = np.arange(400) % 2 == 0
    halved = cluster(clear, 4, 0, 0, fitted=marked)
    assert halved.agreement is None
    assert adjusted_rand_score(halved.labels, chosen.labels) == 1.0


def test_segments_keep_their_names_while_they_stay_the_same(easy, found):
    ledger = easy.ledger
    again = bk.segment_customers(ledger, rng=5, replicates=0, earlier=found.labels, **EVERYTHING)
    held = dict(found.segments.select("segment", "name").iter_rows())
    for row in again.matches.iter_rows(named=True):
        mine = set(again.labels.filter(segment=row["segment"])["customer"])
        old = set(found.labels.filter(segment=row["earlier"])["customer"])
        assert row["jaccard"] == pytest.approx(len(mine & old) / len(mine | old))
        assert row["kept"] == (row["jaccard"] > 0.5)
        if row["kept"]:
            assert row["segment"] == row["earlier"]
            assert again.segments.filter(segment=row["segment"])["name"].item() == held[row["segment"]]
        else:
            assert row["segment"] not in held
    assert again.matches["kept"].sum() >= 4
    assert again.segments["name"].n_unique() == again.segments.height
    same = bk.segment_customers(ledger, replicates=2, earlier=found.labels, **EVERYTHING)
    assert same.labels.equals(found.labels)
    assert found.matches.is_empty()


def test_the_same_call_gives_the_same_bytes(easy, found):
    again = bk.segment_customers(easy.ledger, replicates=2, n_threads=1, **EVERYTHING)
    for one, two in zip(vars(found).values(), vars(again).values(), strict=True):
        assert one.equals(two, null_equal=True)


def test_planted_segments_are_found_again_and_named(easy, found):
    truth = easy.truth["segments"].select("customer", planted="segment")
    joined = found.labels.join(truth, on="customer")
    known = joined.join(bk.rfm(easy.ledger).select("customer", "orders"), on="customer")
    often = known.filter(pl.col("orders") >= 3)
    assert adjusted_rand_score(often["planted"].to_physical(), often["segment"]) >= 0.6
    told = bk.profile_segments(
        easy.ledger, found.labels, purpose=["rfm", "taste", "sale", "calendar"],
        category=["product_segment", "gender"], discount="discount",
    )  # fmt: skip
    wide = joined.group_by("segment", "planted").agg(n=pl.len()).pivot("planted", index="segment", values="n")
    wide = wide.fill_null(0).sort("segment")
    both = wide.select(pl.exclude("segment")).to_numpy().astype(float)
    pairs = zip(*linear_sum_assignment(-both / (both.sum(0) + both.sum(1)[:, None] - both)), strict=True)
    names = wide.columns[1:]
    named = sum(
        bool(
            {one["feature"] for one in telling(told.profile, wide["segment"][int(at)])[:3]}
            & PLANTED[names[of]]
        )
        for at, of in pairs
    )
    assert named >= 6, "the bar of 7 is that of the full size: see the bench"


def test_columns_of_features_may_be_clustered(easy):
    ledger = easy.ledger
    answer = bk.segment_customers(ledger, features=["orders_365d", "gap_variation_all"], k=3, replicates=0)
    assert answer.profile["feature"].unique().sort().to_list() == ["gap_variation_all", "orders_365d"]
    assert answer.labels["customer"].equals(bk.rfm(ledger)["customer"])
    assert answer.stability.is_empty()


def test_what_cannot_be_answered_is_refused(easy):
    ledger = small()
    with pytest.raises(bk.ParameterError, match="did you mean 'taste'"):
        bk.segment_customers(ledger, purpose="tastes")
    with pytest.raises(bk.SchemaError, match="Attributes: kind"):
        bk.segment_customers(ledger, purpose="taste")
    with pytest.raises(bk.SchemaError, match="Measures: amount, off"):
        bk.segment_customers(ledger, purpose="sale")
    with pytest.raises(bk.ParameterError, match="did you mean 'orders_365d'"):
        bk.segment_customers(ledger, features=["orders_356d"])
    with pytest.raises(bk.SchemaError, match="more than once"):
        bk.profile_segments(ledger, pl.DataFrame({"customer": ["ann", "ann"], "segment": [1, 2]}))
    with pytest.raises(bk.SchemaError, match="none of the customers"):
        bk.profile_segments(ledger, pl.DataFrame({"customer": ["zoe"], "segment": [1]}))
    with pytest.raises(bk.ParameterError, match="k=1"):
        bk.segment_customers(ledger, k=1)
