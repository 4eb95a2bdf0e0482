"""Propensity models: the manners of scikit-learn, scores from arrays, safe files, bad input."""

import json
import zipfile

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from basketry.exceptions import MissingExtraError, ParameterError, SchemaError
from basketry.models.learners import LEARNERS
from basketry.models.prepare import Prepare
from basketry.models.propensity import PropensityModel
from basketry.models.reasons import reasons

OURS = [name for name in LEARNERS if name != "lightgbm"]


@parametrize_with_checks([Prepare(), PropensityModel("ridge")])
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def people(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    table = pl.DataFrame({
        "customer": [f"c{number:05}" for number in range(n)],
        "orders_all": rng.poisson(3, n),
        "recency_days": rng.exponential(60, n),
        "gap_days_mean_all": [None if one < 0.3 else 20 * one for one in rng.random(n)],
        "city": rng.choice(["rome", "oslo", "bern"], n, p=[0.6, 0.3, 0.1]),
        "label": [False] * n,
        "label_value": rng.random(n),
    })  # fmt: skip
    odds = 0.5 * (table["orders_all"].to_numpy() - 3) - 0.01 * table["recency_days"].to_numpy()
    odds = odds + (table["city"] == "rome").to_numpy()
    chance = 1 / (1 + np.exp(-odds))
    return table.with_columns(label=pl.Series(rng.random(n) < chance)), chance


@pytest.mark.parametrize("learner", OURS)
def test_scores_are_those_of_the_learner(learner):
    table, _ = people(600)
    rows, hits = Prepare().fit_transform(table), table["label"].to_numpy().astype(int)
    known = LEARNERS[learner]
    penalties = known.penalties(rows, hits)
    fitted = known.make(0, penalties[len(penalties) // 2]).fit(rows, hits)
    scorer = known.scorer(fitted)
    scorer.check(rows.shape[1])
    if learner == "svm":
        wanted = fitted.decision_function(rows)
    else:
        yes = fitted.predict_proba(rows)[:, 1]
        wanted = np.log(yes / (1 - yes))
    assert np.allclose(scorer.margin(rows), wanted, atol=1e-9)


@pytest.mark.parametrize("learner", OURS)
def test_models_learn_save_and_load(learner, tmp_path):
    table, chance = people()
    model = PropensityModel(learner, rng=3).fit(table, table["label"])
    found = model.predict_proba(table)[:, 1]
    assert np.corrcoef(found, chance)[0, 1] > 0.8
    assert abs(found.mean() - table["label"].mean()) < 0.05
    model.save(tmp_path / "a.model", card={"target": "reactivation"})
    again = PropensityModel.load(tmp_path / "a.model")
    assert (again.predict_proba(table) == model.predict_proba(table)).all()
    assert (again.card_, again.learner) == ({"target": "reactivation"}, learner)
    PropensityModel(learner, rng=3).fit(table, table["label"]).save(
        tmp_path / "b.model", card={"target": "reactivation"}
    )
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()


def test_lightgbm_is_an_extra():
    try:
        import lightgbm  # noqa: F401
    except ImportError:
        table, _ = people(200)
        with pytest.raises(MissingExtraError, match=r"basketry\[boost\]"):
            PropensityModel("lightgbm").fit(table, table["label"])
    else:
        table, chance = people()
        model = PropensityModel("lightgbm").fit(table, table["label"])
        assert np.corrcoef(model.predict_proba(table)[:, 1], chance)[0, 1] > 0.8


def test_a_saved_file_cannot_run_and_lies_are_refused(tmp_path):
    table, _ = people(400)
    PropensityModel("forest").fit(table, table["label"]).save(tmp_path / "good.model")

    def changed(name, change):
        with (
            zipfile.ZipFile(tmp_path / "good.model") as old,
            zipfile.ZipFile(tmp_path / "bad.model", "w") as new,
        ):
            for part in old.namelist():
                held = old.read(part)
                new.writestr(part, change(held) if part == name else held)
        return tmp_path / "bad.model"

    def array(make):
        def change(held):
            from io import BytesIO

            out = BytesIO()
            np.save(out, make(np.load(BytesIO(held))), allow_pickle=True)
            return out.getvalue()

        return change

    def text(**more):
        return lambda held: json.dumps(json.loads(held) | more).encode()

    for name, change in (
        ("left.npy", array(lambda one: np.where(one >= 0, 0, one))),  # a loop
        ("feature.npy", array(lambda one: one + 1000)),  # out of the columns
        ("right.npy", array(lambda one: np.where(one >= 0, one + 10**9, one))),  # out of the tree
        ("threshold.npy", array(lambda one: one[:-1])),
        ("value.npy", array(lambda one: one * np.nan)),
        ("value.npy", array(lambda one: np.array([{"any": "object"}], dtype=object))),
        ("prepare scale.npy", array(lambda one: one * 0)),
        ("model.json", text(learner="os.system")),
        ("model.json", text(kind="code")),
        ("model.json", text(prepare={})),
        ("model.json", lambda held: b"{"),
    ):
        with pytest.raises(SchemaError, match="again"):
            PropensityModel.load(changed(name, change))
    (tmp_path / "text.model").write_text("hello")
    with pytest.raises(SchemaError, match="not a saved model"):
        PropensityModel.load(tmp_path / "text.model")


def test_pipelines_grids_and_frames():
    table, _ = people(400)
    x = table.select("orders_all", "recency_days")
    search = GridSearchCV(PropensityModel("ridge"), {"penalty": [0.01, 1.0]}, cv=2, scoring="roc_auc")
    assert search.fit(x.to_numpy(), table["label"].to_numpy()).best_score_ > 0.6
    line = make_pipeline(Prepare().set_output(transform="polars"), PropensityModel("ridge", penalty=1.0))
    assert line.fit(x, table["label"]).predict_proba(x).shape == (400, 2)
    assert isinstance(Prepare().set_output(transform="polars").fit_transform(table), pl.DataFrame)


def test_rows_do_not_depend_on_their_company():
    table, _ = people(400)
    model = PropensityModel("boosting").fit(table, table["label"])
    alone = np.concatenate([model.predict_proba(table[row])[:, 1] for row in range(20)])
    assert (alone == model.predict_proba(table)[:20, 1]).all()


def test_probability_and_percentile_are_two_columns():
    table, _ = people(300)
    ranked = PropensityModel("ridge").fit(table, table["label"]).rank(table)
    assert ranked.columns == ["customer", "p", "percentile"]
    assert ranked["p"].is_sorted(descending=True)
    assert ranked["percentile"][0] > 99 > 1 > ranked["percentile"][-1]


def test_calibration_follows_the_truth_on_a_stationary_world():
    table, _ = people(20_000, seed=1)
    later, chance = people(20_000, seed=2)
    for learner in ("ridge", "boosting"):
        found = PropensityModel(learner).fit(table, table["label"]).predict_proba(later)[:, 1]
        order = np.argsort(found)
        hits = later["label"].to_numpy()
        off = [abs(found[part].mean() - hits[part].mean()) for part in np.array_split(order, 10)]
        assert np.mean(off) <= 0.015
        assert abs(found - chance).mean() < 0.05


def test_recentring_moves_half_the_way_and_keeps_the_order():
    table, _ = people(500)
    model = PropensityModel("ridge").fit(table, table["label"])
    before = model.predict_proba(table)[:, 1]
    after = model.recentred(table, 0.1).predict_proba(table)[:, 1]
    assert 0.1 < after.mean() < before.mean()
    assert (np.argsort(before, kind="stable") == np.argsort(after, kind="stable")).all()
    with pytest.raises(ParameterError, match="base_rate"):
        model.recentred(table, 1.0)


def test_reasons_name_what_raises_the_chance():
    table, _ = people(2000)
    model = PropensityModel("ridge", penalty=1.0).fit(table, table["label"])
    odd = table.head(2).with_columns(
        orders_all=pl.Series([12, 3]), recency_days=pl.Series([60.0, 0.0]), city=pl.Series(["oslo", "oslo"])
    )
    told = reasons(model, odd, top=2, among=table)
    assert told["reasons"][0][0] == "orders, all time: 12 (usually 3)"
    assert told["reasons"][1][0].startswith("recency days: 0 (usually ")
    assert told["weights"][0][0] > 1


def test_bad_input_is_refused_with_a_mend():
    table, _ = people(200)
    with pytest.raises(ParameterError, match="did you mean 'lasso'"):
        PropensityModel("laso").fit(table, table["label"])
    with pytest.raises(ParameterError, match="one class, False"):
        PropensityModel().fit(table, [False] * 200)
    with pytest.raises(ValueError, match="Only binary"):
        PropensityModel().fit(table, [0, 1, 2, 3] * 50)
    with pytest.raises(SchemaError, match="1 nulls"):
        PropensityModel().fit(table, pl.Series([None] + [True] * 199))
    with pytest.raises(ParameterError, match="every column is constant"):
        PropensityModel().fit(pl.DataFrame({"x": [1.0] * 200, "y": [None] * 200}), table["label"])
    with pytest.raises(ParameterError, match="penalty"):
        PropensityModel(penalty=-1.0).fit(table, table["label"])
    with pytest.raises(SchemaError, match="a feature is a number or a text"):
        PropensityModel().fit(table.with_columns(day=pl.date(2024, 1, 1)), table["label"])
    with pytest.raises(NotFittedError):
        PropensityModel().predict_proba(table)
    model = PropensityModel().fit(table, table["label"])
    with pytest.raises(SchemaError, match=r"'recency_days'.*did you mean 'recency_day'"):
        model.predict_proba(table.rename({"recency_days": "recency_day"}))
    with pytest.raises(SchemaError, match="holds texts, and numbers"):
        model.predict_proba(table.with_columns(orders_all=pl.lit("many")))
    strange = table.with_columns(city=pl.lit("atlantis"), recency_days=pl.lit(float("nan")))
    assert np.isfinite(model.predict_proba(strange)).all()


def test_what_is_no_feature_is_not_seen():
    table, _ = people(500)
    leaky = table.with_columns(
        label_value=pl.col("label").cast(pl.Float64), _future=pl.col("label").cast(pl.Int8)
    )
    assert set(PropensityModel().fit(leaky, table["label"]).prepare_.columns_) == {
        "orders_all", "recency_days", "gap_days_mean_all", "city"
    }  # fmt: skip
