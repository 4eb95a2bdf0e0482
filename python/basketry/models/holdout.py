"""Does a lifetime model foresee anything? It against the plainest rules, on a period that it has not seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum

import polars as pl
from sklearn.base import clone

from basketry.customers import rfm
from basketry.exceptions import FitWarning, ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment, local, zone_info
from basketry.models._lifetime import LifetimeModel
from basketry.models.lifetime import BetaGeoBetaBinomialModel
from basketry.models.summary import days_of, lifetime_summary

_MANY = 7
"""Customers of this frequency and more are shown together."""
_WEEK = timedelta(days=7)


@dataclass(frozen=True, eq=False)
class LifetimeHoldout:
    """A lifetime model against plain rules, on purchases that it has not seen.

    Parameters
    ----------
    model
        The model, fitted on what came before the cut.
    measures
        One row a rule: ``rule`` (``model``; ``own rate``: as often as so far; ``zero``: never; ``mean``: the mean of the
        hold-out itself, which looks ahead and is a yardstick only), ``mae`` and ``rmse`` (mean absolute and root mean
        square error of a customer's purchases), ``purchases`` (in all, expected), ``bias`` (their relative error),
        ``correlation`` (with the purchases, null where a rule says the same of all). The row ``actual`` tells the purchases.
    by_frequency
        One row a number of earlier repeat purchases, seven and more together: ``frequency``, ``customers``, ``actual``,
        ``expected`` and ``own_rate`` (mean purchases of a customer in the hold-out).
    tracking
        One row a week from the first purchase on: ``day`` (its end), ``seen`` (whether it ends before the cut), ``actual``
        and ``expected`` (repeat purchases so far, of customers who first bought before the cut; expected without looking at
        anything but the day of the first purchase).
    customers
        One row a customer: ``customer``, ``p_alive``, ``expected_purchases``, ``purchases``.
    cut
        The first day that the model has not seen.
    end
        The day after the last one that is compared.
    verdict
        What that says, in words.
    beats
        Whether the model's errors, absolute and squared, are smaller than those of the own rate and of zero.
    """

    model: LifetimeModel
    measures: pl.DataFrame
    by_frequency: pl.DataFrame
    tracking: pl.DataFrame
    customers: pl.DataFrame
    cut: date
    end: date
    verdict: str
    beats: bool

    def __repr__(self) -> str:
        return f"LifetimeHoldout({self.cut} to {self.end}: {self.verdict})"


def lifetime_holdout(
    model: LifetimeModel, ledger: Ledger, *, cut: Moment, as_of: Moment | None = None
) -> LifetimeHoldout:
    """Fit a model on what came before a cut, and compare it with plain rules on what came after.

    Parameters
    ----------
    model
        A lifetime model in time; it is copied, not changed.
    ledger
        The shop.
    cut
        The first instant that the model does not see.
    as_of
        Orders at or after it are left out; None is the end of the data.

    Returns
    -------
    LifetimeHoldout
        ``.verdict``, ``.measures``, ``.by_frequency``, ``.tracking``, ``.customers``.

    Raises
    ------
    ParameterError
        If the cut is not before the end, or the model has no time.
    SchemaError, ConvergenceError
        As `fit`.

    Warns
    -----
    FitWarning
        If the model does not beat the own rate and zero.

    Notes
    -----
    Customers whose first purchase lies after the cut have no part in it. On sparse data the absolute error alone favours
    "never", so both errors are asked.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=3000, rng=1).ledger
    >>> found = bk.lifetime_holdout(bk.BetaGeoModel(), shop, cut=shop.end.replace(month=7, day=1))
    >>> found.measures["rule"].to_list()
    ['actual', 'model', 'own rate', 'zero', 'mean']
    """
    if not isinstance(model, LifetimeModel) or isinstance(model, BetaGeoBetaBinomialModel):
        raise ParameterError.out_of_range(
            "model",
            type(model).__name__,
            "a model in time is needed: BetaGeoModel, ModifiedBetaGeoModel, ParetoModel",
        )
    zone = zone_info(ledger.timezone)
    start, end = (
        local(ledger.instant(at, name) - 1, zone).date() for at, name in ((cut, "cut"), (as_of, "as_of"))
    )
    if not start < end:
        raise ParameterError.out_of_range("cut", cut, f"a day before {end} is needed, where the data end")
    days = days_of(model.unit)
    horizon = (end - start).days / days
    fitted = clone(model).fit(ledger, as_of=cut)
    seen = lifetime_summary(ledger, as_of=cut, unit=model.unit, n_threads=model.n_threads)
    later = rfm(ledger, as_of=as_of, n_threads=model.n_threads).select("customer", later="frequency")
    table = seen.hstack(fitted.predict(seen, horizon=horizon).drop("customer")).join(
        later, on="customer", maintain_order="left"
    )
    frequency = pl.col("frequency").cast(pl.Float64)
    table = table.with_columns(
        purchases=pl.col("later").cast(pl.Float64) - frequency,
        # Somebody who came on the last day has no rate yet.
        own_rate=pl.when(pl.col("T") > 0).then(frequency * horizon / pl.col("T")).otherwise(0.0),
    )
    measures = _measures(table)
    verdict, beats = _verdict(measures)
    if not beats:
        warnings.warn(f"{type(model).__name__}: {verdict}", FitWarning, stacklevel=2)
    return LifetimeHoldout(
        model=fitted,
        measures=measures,
        by_frequency=_by_frequency(table),
        tracking=_tracking(ledger, fitted, seen, start, end, days),
        customers=table.select("customer", "p_alive", "expected_purchases", "purchases"),
        cut=start + timedelta(days=1),
        end=end + timedelta(days=1),
        verdict=verdict,
        beats=beats,
    )


def _measures(table: pl.DataFrame) -> pl.DataFrame:
    actual = pl.col("purchases")
    rules = {
        "actual": actual,
        "model": pl.col("expected_purchases"),
        "own rate": pl.col("own_rate"),
        "zero": pl.lit(0.0),
        "mean": actual.mean(),
    }
    rows = []
    for rule, said in rules.items():
        told = table.select(actual, said=said)
        error = pl.col("said") - actual
        one = told.select(
            rule=pl.lit(rule),
            mae=error.abs().mean(),
            rmse=(error**2).mean().sqrt(),
            purchases=pl.col("said").sum(),
            bias=pl.when(actual.sum() > 0).then(error.sum() / actual.sum()),
            correlation=pl.when(pl.col("said").std() > 0, actual.std() > 0).then(pl.corr("said", actual)),
        )
        rows.append(one)
    return pl.concat(rows)


def _verdict(measures: pl.DataFrame) -> tuple[str, bool]:
    errors = {row["rule"]: row for row in measures.iter_rows(named=True)}
    model = errors["model"]
    if not errors["actual"]["purchases"]:
        raise SchemaError(
            "nobody of before the cut bought after it, so there is nothing to compare: take another cut."
        )
    lost = [
        f"{rule} by {what}"
        for rule in ("own rate", "zero")
        for what, name in (("absolute error", "mae"), ("squared error", "rmse"))
        if not model[name] < errors[rule][name]
    ]
    total = f"it expected {model['purchases']:,.0f} purchases where there were {errors['actual']['purchases']:,.0f}"
    if lost:
        return (
            f"the model does not beat {' nor '.join(lost)}; {total}. Use the plain rule, or look for what the model "
            "cannot see: seasons, campaigns, a change of the assortment",
            False,
        )
    better = 1 - model["mae"] / min(errors["own rate"]["mae"], errors["zero"]["mae"])
    return f"the model is {better:.0%} closer than the best plain rule, by absolute error; {total}", True


def _by_frequency(table: pl.DataFrame) -> pl.DataFrame:
    return (
        table.group_by(frequency=pl.min_horizontal(pl.col("frequency").cast(pl.Int64), pl.lit(_MANY)))
        .agg(
            customers=pl.len().cast(pl.Int64),
            actual=pl.col("purchases").mean(),
            expected=pl.col("expected_purchases").mean(),
            own_rate=pl.col("own_rate").mean(),
        )
        .sort("frequency")
    )


def _tracking(
    ledger: Ledger, fitted: LifetimeModel, seen: pl.DataFrame, start: date, end: date, days: int
) -> pl.DataFrame:
    """Count repeat purchases week by week, and what was to be expected of customers of that age."""
    born = (pl.lit(start) - pl.duration(days=(pl.col("T") * days).round().cast(pl.Int64))).cast(pl.Date)
    known = seen.select("customer", born=born)
    bought = ledger.orders().filter("purchase", pl.col("day") <= end).select("customer", "day").unique()
    repeats = (
        bought.join(known, on="customer")
        .filter(pl.col("day") > pl.col("born"))
        .group_by("day")
        .agg(n=pl.len())
    )
    first = known["born"].min()
    assert isinstance(first, date)
    weeks = pl.DataFrame({"day": pl.date_range(first + _WEEK, end, _WEEK, eager=True)})
    # What a customer does until an age depends on nothing else: it is asked once an age.
    newborn = pl.DataFrame({"frequency": [0.0], "recency": [0.0], "T": [0.0]})
    newborn = newborn.with_columns(
        pl.lit(0.0).alias(name) for name in (*fitted.rate_covariates, *fitted.lifetime_covariates)
    )
    ages = range(1, (end - first).days + 1)
    curve = fitted._forecast(newborn, [age / days for age in ages], [])
    until = pl.DataFrame({"age": list(ages), "purchases": curve.select(pl.exclude("p_alive")).row(0)})
    cohorts = known.group_by("born").agg(size=pl.len())
    expected = (
        weeks.join(cohorts, how="cross")
        .with_columns(age=(pl.col("day") - pl.col("born")).dt.total_days())
        .filter(pl.col("age") > 0)
        .join(until, on="age")
        .group_by("day", maintain_order=True)
        .agg(parts=pl.col("size") * pl.col("purchases"))
    )
    # Rounded once, so that neither the order of the parts nor the threads show in the sum.
    expected = expected.select(
        "day", expected=pl.Series([fsum(parts) for parts in expected["parts"]], dtype=pl.Float64)
    )
    actual = (
        weeks.join_asof(repeats.sort("day").with_columns(actual=pl.col("n").cum_sum()), on="day")
        .join(expected, on="day", how="left", maintain_order="left")
        .with_columns(pl.col("actual").fill_null(0).cast(pl.Int64), pl.col("expected").fill_null(0.0))
    )
    return actual.select("day", (pl.col("day") <= start).alias("seen"), "actual", "expected")
