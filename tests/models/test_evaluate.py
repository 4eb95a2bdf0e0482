"""The comparison sheet: figures against an oracle, baselines, verdicts, and the published folds of CDNOW."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

import basketry as bk
from basketry.campaigns.channels import band_table
from basketry.exceptions import LeakError, ParameterError
from basketry.models.evaluate import compare, gains
from basketry.models.metrics import Sheet, reliability
from basketry.models.programme import propensity_programme


def oracle(score, hits, value, share):
    """Break ties by lot, very often, and look at the best."""
    rng = np.random.default_rng(0)
    many, found = round(share * len(score)), []
    for _ in range(4000):
        order = np.lexsort((rng.random(len(score)), -score))[:many]
        found.append((hits[order].mean(), value[order].sum() / value.sum() / share))
    return np.mean(found, axis=0)


def test_the_figures_equal_their_definitions():
    rng = np.random.default_rng(1)
    hits, value = rng.random(400) < 0.3, rng.exponential(10, 400)
    score = np.round(rng.random(400) + 0.5 * hits, 1)
    p = np.clip(score / 2, 0, 1)
    found = Sheet(hits, value, np.arange(400), replicates=20).of(score, p)
    assert found["auc"][0] == pytest.approx(roc_auc_score(hits, score))
    assert found["brier"][0] == pytest.approx(brier_score_loss(hits, p))
    for share in (0.05, 0.1, 0.3):
        precision, revenue = oracle(score, hits, value, share)
        assert found[f"precision_{100 * share:.0f}"][0] == pytest.approx(precision, abs=0.01)
        assert found[f"lift_{100 * share:.0f}"][0] == pytest.approx(precision / hits.mean(), abs=0.04)
        assert found[f"revenue_{100 * share:.0f}"][0] == pytest.approx(revenue, abs=0.05)
    parts = reliability(p, hits, 5)
    assert sum(part["people"] for part in parts) == 400


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    inside = 0
    for world in range(60):
        score = rng.normal(size=300)
        hits = rng.random(300) < 1 / (1 + np.exp(1.5 - score))
        auc = Sheet(hits, np.ones(300), np.arange(300), seed=world).of(score, score)["auc"]
        low, high = np.quantile(auc[1:], [0.025, 0.975])
        inside += low <= 0.755 <= high
    assert 51 <= inside <= 60


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(customers=1500, rng=7).ledger


def labelled(shop, **more):
    dates = [date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1), date(2024, 10, 1)]
    return bk.Snapshot(as_of=dates, dormant="60d", label="90d", windows=[180], **more).build(shop)


def test_a_sheet_holds_models_and_baselines(shop):
    found = compare(labelled(shop), learners=["ridge"], replicates=30)
    assert set(found.sheet["model"]) >= {"random", "recency", "frequency", "ridge"}
    random = found.sheet.filter(model="random").row(0, named=True)
    assert 0.4 < random["auc"] < 0.6
    for name in ("auc", "lift_10", "brier", "revenue_30"):
        assert (found.sheet[f"{name}_low"] <= found.sheet[name] + 1e-9).all()
    assert (found.offered == found.chosen) == found.beats
    assert found.offered in found.verdict
    curve = gains(found.scored, ["ridge", "recency"], steps=10)
    assert curve.filter(share=1.0)["hits"].to_list() == pytest.approx([1.0, 1.0])
    again = compare(labelled(shop), learners=["ridge"], replicates=30)
    assert again.sheet.drop("seconds").equals(found.sheet.drop("seconds"))


def test_a_model_of_noise_is_told_and_the_baseline_offered(shop):
    table = labelled(shop)
    rng = np.random.default_rng(0)
    keep = ["customer", "as_of", "_feature_max_ts", "label", "label_value", "recency_days", "orders_all"]
    flat = table.table.select(keep).with_columns(label=pl.Series(rng.random(table.table.height) < 0.2))

    class Noise(type(table)):
        """The same dates with labels by lot."""

        def audit(self, **_):
            return table.audit()

    found = compare(Noise(table.snapshot, shop, flat, table.periods), learners=["ridge"], replicates=50)
    assert not found.beats
    assert "Use '" in found.verdict


def test_a_planted_leak_fails_the_run(shop):
    def ever(ledger, as_of):
        return ledger.orders().drop_nulls("customer").group_by("customer").agg(orders_ever=pl.len())

    with pytest.raises(LeakError, match="orders_ever"):
        compare(labelled(shop, features=ever), learners=["ridge"])


@pytest.mark.parametrize("target", ["reactivation", "churn", "sale", {"category": "any"}])
def test_a_programme_for_every_target(shop, target, tmp_path):
    if isinstance(target, dict):
        target = {"category": shop.items()["category"].mode().to_list()[0]}
    found = propensity_programme(
        shop,
        target=target,
        learners=["ridge"],
        folds=1,
        periods=2,
        replicates=20,
        discount="discount",
        explained=3,
    )
    assert found.scores["p"].is_between(0, 1).all()
    assert found.scores["p"].is_sorted(descending=True)
    assert found.scores["reasons"].drop_nulls().len() == 3
    assert found.tested.columns == ["customer", "p", "label", "label_value"]
    assert found.card["data"] == shop.fingerprint
    found.save(tmp_path / "m.model")
    assert bk.PropensityModel.load(tmp_path / "m.model").card_["verdict"] == found.comparison.verdict


def test_too_little_is_refused_with_the_reason(shop, data_file, tmp_path):
    with pytest.raises(ParameterError, match="days of history': too short"):
        propensity_programme(shop, window="400d", label="200d")
    with pytest.raises(ParameterError, match="did you mean 'churn'"):
        propensity_programme(shop, target="churns")
    with pytest.raises(ParameterError, match="too thin"):
        propensity_programme(shop.slice(0, 60), folds=1)
    for name in ("orders", "order_items", "customers", "products"):
        (tmp_path / f"olist20_{name}.parquet").symlink_to(data_file(f"retail/olist20_{name}.parquet"))
    olist = bk.read_ledger(tmp_path)
    with pytest.raises(ParameterError, match="too thin"):
        propensity_programme(olist)


def test_cdnow_reaches_the_published_folds(data_file):
    shop = bk.read_ledger(data_file("retail/cdnow_master.parquet"))
    train = [date(1997, month, 1) for month in range(5, 13)]
    tests = [date(1997, 10, 1), date(1998, 1, 1), date(1998, 4, 1)]
    table = bk.Snapshot(as_of=sorted({*train, *tests}), dormant="90d", label="90d").build(shop)
    found = compare(table, tests=tests, learners=["ridge", "lasso"], replicates=60)
    rows = found.sheet.filter(model=found.chosen)
    assert rows["people"].to_list() == [19_375, 19_394, 19_753]
    for row, lift, auc in zip(
        rows.iter_rows(named=True), (2.65, 3.10, 3.55), (0.675, 0.720, 0.762), strict=True
    ):
        assert row["lift_10"] >= lift
        assert row["auc"] >= auc
        assert row["revenue_10"] >= 2.9
        assert row["brier"] < row["base_rate"] * (1 - row["base_rate"])
    for (_,), fold in found.scored.group_by("as_of"):
        assert (
            0.75
            <= band_table(fold, score=found.chosen, label="label").filter(band="hesitant")["ratio"].item()
            <= 1.25
        )
    assert found.beats
    assert "The base rate moved by -23%" in found.verdict
