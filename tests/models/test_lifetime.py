"""Lifetime models: the published fits, brute force, recovery of planted parameters, manners."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import basketry as bk

CUT, END = date(1997, 10, 1), date(1998, 7, 1)


@pytest.fixture(scope="module")
def truth(data_file):
    return json.loads(data_file("../reference/rfm_clv_truth.json").read_text())


@pytest.fixture(scope="module")
def cdnow(data_file):
    return {name: bk.read_ledger(data_file(f"retail/cdnow_{name}.parquet")) for name in ("sample", "master")}


TIMED = {"bgnbd": bk.BetaGeoModel, "mbgnbd": bk.ModifiedBetaGeoModel}


def holds(model, wanted, names):
    found = model.parameters_
    assert found["parameter"].to_list() == names
    for (value, error), (name, told), told_error in zip(
        found.select("estimate", "std_error").rows(), wanted["params"].items(), wanted["se"], strict=True
    ):
        assert value == pytest.approx(told, rel=1e-4), name
        assert error == pytest.approx(told_error, rel=0.01), name
    assert model.log_likelihood_ == pytest.approx(wanted["loglik"], abs=0.01)


@pytest.mark.parametrize("shop", ["sample", "master"])
@pytest.mark.parametrize("name", TIMED)
def test_fits_are_the_published_ones(name, shop, cdnow, truth):
    wanted = truth[f"cdnow_{shop}_39w_39w"].get(name)
    if wanted is None:
        pytest.skip("no reference for the full cohort")
    ledger = cdnow[shop]
    model = TIMED[name]().fit(ledger, as_of=CUT)
    holds(model, wanted, list(wanted["params"]))
    forecast = model.predict(ledger, horizon=39, as_of=CUT)
    later = bk.rfm(ledger, as_of=END).select("customer", later="frequency")
    table = forecast.join(bk.rfm(ledger, as_of=CUT), on="customer").join(later, on="customer")
    error = (
        (table["later"].cast(int) - table["frequency"].cast(int) - table["expected_purchases"]).abs().mean()
    )
    assert error == pytest.approx(wanted["holdout_mae"], abs=5e-4)
    assert forecast["expected_purchases"].sum() == pytest.approx(wanted["holdout_pred_total"], rel=1e-4)
    assert forecast["p_alive"].mean() == pytest.approx(wanted["mean_p_alive"], abs=1e-4)


@pytest.mark.parametrize("name", TIMED)
def test_a_frame_of_figures(name, data_file, truth):
    frame = pl.read_parquet(data_file("retail/cdnow_sample_rfT_weeks_39.parquet"))
    model = TIMED[name]().fit(frame)
    holds(
        model,
        truth["cdnow_sample_summary_file_39w"][name],
        list(truth["cdnow_sample_summary_file_39w"][name]["params"]),
    )
    days = frame.with_columns(pl.col("recency") * 7, pl.col("T") * 7)
    in_days = TIMED[name](unit="days").fit(days)
    assert in_days.predict(days, horizon=273)["expected_purchases"].to_numpy() == pytest.approx(
        model.predict(frame, horizon=39)["expected_purchases"].to_numpy(), rel=1e-6
    )
    shuffled = TIMED[name](n_threads=2).fit(frame.sample(fraction=1.0, shuffle=True, seed=4))
    assert shuffled.parameters_.equals(TIMED[name](n_threads=1).fit(frame).parameters_)


FIGURES = pl.DataFrame(
    {
        "customer": ["a", "b", "c", "d"],
        "frequency": [0, 2, 5, 1],
        "recency": [0.0, 9.0, 30.5, 2.0],
        "T": [20.0, 31.0, 38.0, 12.5],
    }
)


@pytest.mark.parametrize("model", TIMED.values())
def test_manners(model):
    own = model(unit="days", rate_covariates=["z"])
    again = clone(own)
    assert again.get_params() == own.get_params()
    assert again.set_params(unit="weeks").unit == "weeks"
    with pytest.raises(NotFittedError):
        model().predict(FIGURES)
    with pytest.raises(bk.ParameterError, match="unit='months' is not known"):
        model(unit="months").fit(FIGURES)
    with pytest.raises(bk.SchemaError, match="column 'T' is mapped"):
        model().fit(FIGURES.drop("T"))
    with pytest.raises(bk.SchemaError, match="none of 2 customers bought again"):
        model().fit(FIGURES.head(0).vstack(FIGURES.filter(pl.col("frequency") == 0)).vstack(FIGURES.head(1)))
    with pytest.raises(bk.SchemaError, match="is not between 0 and T"):
        model().fit(FIGURES.with_columns(T=pl.lit(1.0)))
    with pytest.raises(bk.SchemaError, match=r"row 2: x=2, t_x=NaN, T=31"):
        model().fit(FIGURES.with_columns(recency=pl.when(pl.col("customer") != "b").then("recency")))
