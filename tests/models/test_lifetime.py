"""Lifetime models: the published fits, brute force, recovery of planted parameters, manners."""

from __future__ import annotations

import json
import warnings
from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.special import beta as beta_function
from scipy.special import gamma as gamma_function
from scipy.special import hyp2f1, roots_genlaguerre, roots_sh_jacobi
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import basketry as bk
from basketry import _core
from basketry.control import reins

CUT, END = date(1997, 10, 1), date(1998, 7, 1)
TIMED = {"bgnbd": bk.BetaGeoModel, "mbgnbd": bk.ModifiedBetaGeoModel, "paretonbd": bk.ParetoModel}


@pytest.fixture(scope="module")
def truth(data_file):
    return json.loads(data_file("../reference/rfm_clv_truth.json").read_text())


@pytest.fixture(scope="module")
def cdnow(data_file):
    return {name: bk.read_ledger(data_file(f"retail/cdnow_{name}.parquet")) for name in ("sample", "master")}


def holds(model, wanted):
    found = model.parameters_
    assert found["parameter"].to_list() == list(wanted["params"])
    for (value, error), (name, told), told_error in zip(
        found.select("estimate", "std_error").rows(), wanted["params"].items(), wanted["se"], strict=True
    ):
        assert value == pytest.approx(told, rel=1e-4), name
        assert error == pytest.approx(told_error, rel=0.01), name
    assert model.log_likelihood_ == pytest.approx(wanted["loglik"], abs=0.01)


@pytest.mark.parametrize("shop", ["sample", "master"])
@pytest.mark.parametrize("name", TIMED)
def test_fits_are_the_published_ones(name, shop, cdnow, truth):
    if name not in truth[f"cdnow_{shop}_39w_39w"]:
        pytest.skip("no reference for the full cohort")
    wanted = truth[f"cdnow_{shop}_39w_39w"]
    found = bk.lifetime_holdout(TIMED[name](), cdnow[shop], cut=CUT)
    holds(found.model, wanted[name])
    measures = {row["rule"]: row for row in found.measures.iter_rows(named=True)}
    assert measures["actual"]["purchases"] == wanted["holdout_total"]
    assert measures["own rate"]["mae"] == pytest.approx(wanted["baseline_mae_x_scaled"], abs=1e-9)
    assert measures["zero"]["mae"] == pytest.approx(wanted["baseline_mae_zero"], abs=1e-9)
    assert measures["mean"]["mae"] == pytest.approx(wanted["baseline_mae_mean"], abs=1e-9)
    model, told = measures["model"], wanted[name]
    assert model["mae"] == pytest.approx(told["holdout_mae"], abs=5e-4)
    assert model["rmse"] == pytest.approx(told["holdout_rmse"], abs=5e-4)
    assert model["correlation"] == pytest.approx(told["corr"], abs=1e-4)
    assert 100 * model["bias"] == pytest.approx(told["holdout_bias_pct"], abs=0.01)
    assert found.customers["p_alive"].mean() == pytest.approx(told["mean_p_alive"], abs=1e-4)
    assert found.beats
    # Weeks before the cut are tracked to within a few percent, and end with what is known.
    last = found.tracking.filter("seen").tail(1)
    assert last["actual"].item() == pytest.approx(wanted["sum_x"], rel=0.04)
    assert last["expected"].item() == pytest.approx(last["actual"].item(), rel=0.06)
    assert found.by_frequency["customers"].sum() == wanted["customers"]


@pytest.mark.parametrize("name", TIMED)
def test_a_frame_of_figures(name, data_file, truth):
    frame = pl.read_parquet(data_file("retail/cdnow_sample_rfT_weeks_39.parquet"))
    kind = TIMED[name]
    model = kind().fit(frame)
    holds(model, truth["cdnow_sample_summary_file_39w"][name])
    shuffled = kind(n_threads=2).fit(frame.sample(fraction=1.0, shuffle=True, seed=4))
    assert shuffled.parameters_.equals(kind(n_threads=1).fit(frame).parameters_)
    days = frame.with_columns(pl.col("recency") * 7, pl.col("T") * 7)
    in_days = kind(unit="days").fit(days).predict(days, horizon=273)
    assert in_days["expected_purchases"].to_numpy() == pytest.approx(
        model.predict(frame, horizon=39)["expected_purchases"].to_numpy(), rel=1e-5
    )


@pytest.mark.parametrize("shop", ["sample", "master"])
def test_money_of_a_purchase(shop, cdnow, truth):
    wanted = truth[f"cdnow_{shop}_39w_39w"]["gammagamma"]
    model = bk.GammaGammaModel().fit(cdnow[shop], as_of=CUT)
    holds(model, wanted)
    assert model.n_customers_ == wanted["n"]
    assert model.population_mean_ == pytest.approx(wanted["pop_mean"], rel=1e-4)
    assert model.correlation_ == pytest.approx(wanted["corr_x_m"], abs=1e-9)
    assert (
        model.excluded_["customers"].sum() + model.n_customers_ == truth[f"cdnow_{shop}_39w_39w"]["customers"]
    )
    assert model.excluded_["customers"].to_list()[1:] == ([0, 0] if shop == "sample" else [1, 0])
    assert "left out" in repr(model)
    found = model.predict(cdnow[shop], as_of=CUT)
    p, q, v = model.parameters_["estimate"]
    x, m = bk.rfm(cdnow[shop], as_of=CUT).select("frequency", "monetary").to_numpy().T
    formula = np.where(x * m > 0, p * (v + x * m) / (p * x + q - 1), p * v / (q - 1))
    assert found["expected_spend"].to_numpy() == pytest.approx(formula)
    assert found["own_mean"].null_count() == (x == 0).sum()


def test_summaries_of_cdnow(cdnow, truth):
    wanted = truth["rfm_summary_day_unit"]["cdnow_master_to_1997-09-30"]
    table = bk.lifetime_summary(cdnow["master"], as_of=CUT, unit="days")
    assert (table["recency"].sum(), table["T"].sum()) == (wanted["sum_recency"], wanted["sum_T"])
    weeks = bk.lifetime_summary(cdnow["master"], as_of=CUT)
    assert weeks["T"].sum() == pytest.approx(wanted["sum_T"] / 7)


def test_online_retail_with_hundreds_of_purchases(data_file, truth):
    pattern = data_file("retail/online_retail_ii_2009_2010.parquet").with_name("online_retail_ii_*.parquet")
    shop = bk.read_ledger(pattern, guests="drop", returns="drop")
    cut = date(2011, 6, 10)
    wanted = truth["online_retail_ii_clean_cal_to_2011-06-09_hold_183d"]
    for kind in TIMED.values():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = bk.lifetime_holdout(kind(), shop, cut=cut)
        # Lifetimes are all alike there: Pareto's shape and scale grow together without end, and that is told.
        told = [str(one.message) for one in caught]
        assert len(told) == (kind is bk.ParetoModel)
        assert all("do not tell s, beta" in text for text in told)
        assert found.measures.filter(rule="own rate")["mae"].item() == pytest.approx(
            wanted["baseline_mae_x_scaled"]
        )
        assert found.beats
        forecast = found.model.predict(shop, as_of=cut, interval=0.9)
        numbers = forecast.select(pl.exclude("customer"))
        assert not numbers.select(pl.any_horizontal(pl.all().is_nan() | pl.all().is_null()).any()).item()
        inside = pl.col("expected_purchases").is_between("expected_low", "expected_high")
        assert forecast.select(inside.all()).item()


FIGURES = [(0, 0.0, 30.0), (0, 0.0, 2.0), (1, 4.0, 30.0), (3, 11.0, 11.5), (6, 20.0, 52.0), (14, 30.0, 31.0)]
POINTS = [(0.25, 4.4, 0.8, 2.4), (1.6, 9.0, 1.0, 1.0), (0.9, 2.5, 2.2, 7.0)]


def log_likelihood(code, figures, point):
    columns = dict(zip("abc", zip(*figures, strict=True), strict=False))
    frame = pl.DataFrame(columns).cast(pl.Float64)
    table = _core.LifetimeTable(code, frame, 0, reins(1))
    return table.log_likelihood(np.log(point).tolist(), reins(1))[0]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("figures", FIGURES)
def test_likelihoods_are_integrals_over_customers(figures, point):
    """What one customer does at known rates, averaged over all the rates that customers may have."""
    x, t_x, age = figures
    one, two, three, four = point

    def over(shape, scale, nearer):
        """Gauss's places and weights for a gamma density, more of them where the likelihood lies."""
        u, weights = roots_genlaguerre(150, shape - 1)
        faster = 1 + nearer / scale
        return u / scale / faster, weights * np.exp(u - u / faster) / gamma_function(shape) / faster**shape

    rates, of_rate = over(one, two, t_x)

    def timed(n):
        p, of_p = roots_sh_jacobi(60, three + four - 1, three)
        of_p = of_p / of_p.sum()
        stays = of_p @ (1 - p) ** n * (of_rate @ (rates**x * np.exp(-rates * age)))
        leaves = of_p @ (p * (1 - p) ** (n - 1)) * (of_rate @ (rates**x * np.exp(-rates * t_x))) if n else 0.0
        return stays + leaves

    m, of_m = over(three, four, t_x)
    both = rates[:, None] + m
    unseen = m / both * (np.exp(-both * t_x) - np.exp(-both * age)) + np.exp(-both * age)
    wanted = {"bg": timed(x), "mbg": timed(x + 1), "pareto": (of_rate * rates**x) @ unseen @ of_m}
    for code, density in wanted.items():
        # Where nobody buys and nobody leaves, Gauss's rule for both rates is right to some four digits.
        assert log_likelihood(code, [figures], point) == pytest.approx(np.log(density), abs=1e-3), code


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("code", ["bg", "mbg"])
def test_expected_purchases_have_a_closed_form(code, point):
    r, alpha, a, b = point
    if a == 1.0:
        a = 1.0 + 1e-6
    frame = pl.DataFrame(FIGURES, schema=["x", "t_x", "T"], orient="row").cast(pl.Float64)
    horizons = [1.0, 13.0, 104.0]
    ln = np.log([r, alpha, a, b]).tolist()
    found = pl.DataFrame(_core.lifetime_forecast(code, frame, 0, ln, [], horizons, reins(1)))
    for row, (x, t_x, age) in enumerate(FIGURES):
        n = x if code == "bg" else x + 1
        k = r + x
        odds = a / (b + n - 1) * ((alpha + age) / (alpha + t_x)) ** k if n else 0.0
        assert found["p_alive"][row] == pytest.approx(1 / (1 + odds))
        for at, t in enumerate(horizons):
            series = hyp2f1(k, b + n, a + b + n - 1, t / (alpha + age + t))
            shrunk = ((alpha + age) / (alpha + age + t)) ** k
            wanted = (a + b + n - 1) / (a - 1) * (1 - shrunk * series) / (1 + odds)
            assert found[f"expected {at}"][row] == pytest.approx(wanted, rel=1e-6)


def paths(rng, n, kind, r, alpha, third, fourth, z=None, of_rate=0.0, of_life=0.0):
    """Simulate customers of a known model: (x, t_x, T, z)."""
    z = np.zeros(n) if z is None else z
    rates = rng.gamma(r, 1 / (alpha * np.exp(-of_rate * z)))
    ages = rng.uniform(20, 90, n)
    if kind == "pareto":
        lives = rng.exponential(1 / rng.gamma(third, 1 / (fourth * np.exp(-of_life * z))))
        leaves = np.zeros(n)
    else:
        lives = np.full(n, np.inf)
        leaves = rng.beta(third * np.exp(of_life * z), fourth * np.exp(of_life * z))
    rows = []
    for rate, age, life, leave, own in zip(rates, ages, lives, leaves, z, strict=True):
        now, x, last = rng.exponential(1 / rate), 0, 0.0
        while now < min(age, life):
            x, last = x + 1, now
            if rng.random() < leave:
                break
            now += rng.exponential(1 / rate)
        rows.append((x, last, age, own))
    schema = {"frequency": pl.Int64, "recency": pl.Float64, "T": pl.Float64, "z": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def recovers(model, planted):
    for (name, value, error), wanted in zip(
        model.parameters_.select("parameter", "estimate", "std_error").rows(), planted, strict=True
    ):
        assert abs(value - wanted) < 4 * error, name
        assert error < 0.5 * abs(wanted), name


@pytest.mark.parametrize("kind", ["bg", "pareto"])
def test_covariates_are_recovered(kind):
    rng = np.random.default_rng(11)
    z = rng.integers(0, 2, 6000).astype(float)
    planted = (0.9, 6.0, 0.8, 3.0, 0.5, 0.4) if kind == "bg" else (0.9, 6.0, 0.8, 20.0, 0.5, 0.6)
    frame = paths(rng, len(z), kind, *planted[:4], z=z, of_rate=planted[4], of_life=planted[5])
    kinds = {"bg": bk.BetaGeoModel, "pareto": bk.ParetoModel}
    model = kinds[kind](rate_covariates=["z"], lifetime_covariates=["z"]).fit(frame)
    assert model.parameters_["parameter"].to_list()[4:] == ["rate:z", "lifetime:z"]
    found = model.parameters_["estimate"]
    for at, wanted in enumerate(planted):
        assert abs(found[at] - wanted) < 4 * model.parameters_["std_error"][at]
    plain = kinds[kind]().fit(frame)
    assert model.log_likelihood_ > plain.log_likelihood_ + 10
    asked = model.predict(frame.head(1).with_columns(z=pl.lit(1.0)), horizon=20, interval=0.95)
    assert asked["expected_low"].item() < asked["expected_purchases"].item() < asked["expected_high"].item()


def test_opportunities_are_recovered():
    rng = np.random.default_rng(5)
    planted = (1.2, 0.75, 0.66, 2.78)
    n, turns = 30_000, 6
    buys, leaves = rng.beta(*planted[:2], n), rng.beta(*planted[2:], n)
    alive = np.cumprod(rng.random((turns, n)) >= leaves, axis=0).astype(bool)
    bought = alive & (rng.random((turns, n)) < buys)
    numbers = np.arange(1, turns + 1)[:, None]
    frame = pl.DataFrame(
        {"frequency": bought.sum(0), "recency": (bought * numbers).max(0), "T": np.full(n, turns)}
    )
    model = bk.BetaGeoBetaBinomialModel().fit(frame)
    recovers(model, planted)
    assert model.n_rows_ == 22
    forecast = model.predict(frame, horizon=5)
    assert forecast["p_alive"].mean() == pytest.approx(alive[-1].mean(), abs=0.01)
    later = alive[-1] * buys * np.array([((1 - leaves) ** step) for step in range(1, 6)]).sum(0)
    assert forecast["expected_purchases"].mean() == pytest.approx(later.mean(), rel=0.03)
    # The figures of the paper's formula, of which one is the sum of another.
    one, two = (model.predict(frame.head(5), horizon=steps)["expected_purchases"] for steps in (1, 2))
    assert (two > one).all()


@pytest.mark.parametrize("rows", [[(2, 4, 6)], [(0, 0, 6)], [(5, 5, 5)], [(1, 1, 9)]])
def test_opportunities_by_every_path(rows):
    """All strings of buying, not buying and leaving, each with its probability."""
    alpha, beta, gamma, delta = point = (1.3, 0.8, 0.7, 2.9)
    x, t_x, turns = rows[0]
    total = 0.0
    for left_after in range(t_x, turns + 1):
        chances = beta_function(alpha + x, beta + left_after - x) / beta_function(alpha, beta)
        leaves = left_after < turns
        stays = beta_function(gamma + leaves, delta + left_after) / beta_function(gamma, delta)
        total += chances * stays
    assert log_likelihood("bgbb", rows, point) == pytest.approx(np.log(total))


def test_money_by_integral():
    """A customer's own scale integrated out: the mean of x gamma purchases at a gamma scale."""
    p, q, v, x, m = 3.0, 2.5, 12.0, 4, 7.3
    scales = np.linspace(1e-6, 12, 400_001)
    density = stats.gamma.pdf(m, p * x, scale=1 / (scales * x)) * stats.gamma.pdf(scales, q, scale=1 / v)
    wanted = np.trapezoid(density, scales)
    assert log_likelihood("gamma-gamma", [(x, m)], (p, q, v)) == pytest.approx(np.log(wanted), abs=1e-6)
    assert gamma_function(p) == 2.0


TINY = pl.DataFrame(
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
        model().predict(TINY)
    with pytest.raises(bk.ParameterError, match="unit='months' is not known"):
        model(unit="months").fit(TINY)
    with pytest.raises(bk.SchemaError, match="column 'T' is mapped"):
        model().fit(TINY.drop("T"))
    with pytest.raises(bk.SchemaError, match="column 'T' holds String, numbers are needed"):
        model().fit(TINY.cast({"T": pl.String}))
    with pytest.raises(bk.ParameterError, match="only a ledger knows times"):
        model().fit(TINY, as_of=CUT)
    with pytest.raises(bk.SchemaError, match="none of 1 customers bought again"):
        model().fit(TINY.head(1))
    with pytest.raises(bk.SchemaError, match="no customer to learn from"):
        model().fit(TINY.head(0))
    with pytest.raises(bk.SchemaError, match="is not between 0 and T"):
        model().fit(TINY.with_columns(T=pl.lit(1.0)))
    with pytest.raises(bk.SchemaError, match=r"row 2: x=2, t_x=NaN, T=31"):
        model().fit(TINY.with_columns(recency=pl.when(pl.col("customer") != "b").then("recency")))


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(customers=3000, rng=2).ledger


def test_values_are_discounted_by_the_day(shop):
    model, spend = bk.BetaGeoModel().fit(shop), bk.GammaGammaModel().fit(shop)
    plain = model.predict_value(shop, spend=spend, horizon=104, discount=0.0)
    assert plain["value"].to_numpy() == pytest.approx(
        (plain["expected_purchases"] * plain["expected_spend"]).to_numpy()
    )
    found = model.predict_value(shop, spend=spend, horizon=104, discount=0.15).head(50)
    figures = bk.lifetime_summary(shop).head(50)
    steps = np.arange(1, 105)
    until = [model.predict(figures, horizon=float(step))["expected_purchases"].to_numpy() for step in steps]
    each = np.diff(np.vstack([np.zeros(50), *until]), axis=0)
    factors = 1.15 ** (-(steps - 0.5) * 7 / 365.25)
    assert found["value"].to_numpy() == pytest.approx(
        (factors @ each) * found["expected_spend"].to_numpy(), rel=1e-4
    )
    for wrong in ({"horizon": 0}, {"horizon": float("nan")}, {"discount": -0.1}):
        with pytest.raises(bk.ParameterError, match=next(iter(wrong))):
            model.predict_value(shop, spend=spend, **wrong)
    with pytest.raises(bk.ParameterError, match="a fitted GammaGammaModel is needed"):
        model.predict_value(shop, spend=3.0)


def test_months_as_opportunities(shop):
    table = bk.opportunity_summary(shop, as_of=date(2024, 6, 15), period="month")
    bought = shop.orders().filter(
        "purchase", pl.col("customer").is_not_null(), pl.col("day") < date(2024, 6, 1)
    )
    months = {}
    for customer, day in bought.select("customer", "day").rows():
        months.setdefault(customer, set()).add(12 * day.year + day.month)
    last = 12 * 2024 + 5
    wanted = [(who, len(m) - 1, max(m) - min(m), last - min(m)) for who, m in sorted(months.items())]
    assert table.rows() == wanted
    model = bk.BetaGeoBetaBinomialModel(unit="month").fit(shop)
    with pytest.raises(bk.ParameterError, match=r"horizon=1\.5"):
        model.predict(shop, horizon=1.5)
    value = model.predict_value(shop, spend=bk.GammaGammaModel().fit(shop), horizon=3, discount=0.01).head(20)
    each = [model.predict(shop, horizon=step)["expected_purchases"].head(20) for step in (1, 2, 3)]
    worth = each[0] / 1.01 + (each[1] - each[0]) / 1.01**2 + (each[2] - each[1]) / 1.01**3
    assert value["value"].to_numpy() == pytest.approx((worth * value["expected_spend"]).to_numpy())


def test_a_model_that_foresees_nothing_says_so():
    # Everybody comes every week for half a year, and then on a few days only a few: no rate foresees that.
    rng = np.random.default_rng(3)
    rows = [
        (who, date(2024, 1, 1 + int(day)))
        for who in range(200)
        for day in np.sort(rng.choice(28, 4, replace=False))
    ]
    rows += [(who, date(2024, 3, 20)) for who in range(5)]
    frame = pl.DataFrame(rows, schema=["customer", "time"], orient="row").with_columns(amount=pl.lit(1.0))
    ledger = bk.read_ledger(frame.with_row_index("order"), timezone="UTC")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = bk.lifetime_holdout(bk.BetaGeoModel(), ledger, cut=date(2024, 2, 1))
    assert any(
        "does not beat" in str(one.message) and "zero by absolute error" in str(one.message) for one in caught
    )
    assert not found.beats
    with pytest.raises(bk.ParameterError, match="a day before"):
        bk.lifetime_holdout(bk.BetaGeoModel(), ledger, cut=date(2024, 5, 1))
    with pytest.raises(bk.ParameterError, match="a model in time is needed"):
        bk.lifetime_holdout(bk.BetaGeoBetaBinomialModel(), ledger, cut=date(2024, 2, 1))


def test_money_that_the_model_cannot_take():
    frame = pl.DataFrame({"frequency": [0, 2, 3, 1, 4], "monetary": [0.0, 5.0, -1.0, 0.0, 8.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bk.FitWarning)
        model = bk.GammaGammaModel().fit(frame)
    assert model.excluded_["customers"].to_list() == [1, 1, 1]
    with pytest.raises(bk.SchemaError, match="none of 1 customers has a repeat purchase of money above 0"):
        bk.GammaGammaModel().fit(frame.head(1))
