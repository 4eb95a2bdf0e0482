"""What all buy-till-you-die models share: fit, forecast, value."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from functools import reduce
from math import isfinite, log, log1p
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

from basketry import _core
from basketry.arguments import share
from basketry.control import reins
from basketry.exceptions import FitWarning, ParameterError, SchemaError
from basketry.ledger.zones import Moment
from basketry.models._search import STEEP, WIDE, Vector, climb, parameters
from basketry.models._told import Told
from basketry.models.spend import GammaGammaModel
from basketry.models.summary import days_of, figures_of

_FARTHEST = 100_000
"""The longest horizon, in units."""
_POINTS = 12
"""Times at which a discounted value is summed."""


class LifetimeModel(Told):
    """What all buy-till-you-die models share."""

    _model: ClassVar[str]
    _names: ClassVar[tuple[str, ...]]
    _starts: ClassVar[tuple[tuple[float, ...], ...]]
    """The shapes at which the search may begin; scales of time follow from the data."""
    _ages: ClassVar[tuple[int, ...]] = ()
    """Which parameters are times of the length of a lifetime."""

    unit: str
    n_threads: int | None
    rate_covariates: Sequence[str] = ()
    lifetime_covariates: Sequence[str] = ()

    def fit(self, data: Any, y: None = None, *, as_of: Moment | None = None) -> Self:
        """Find the parameters of highest likelihood.

        Parameters
        ----------
        data
            A ledger, or a frame as `lifetime_summary` gives it: ``frequency``, ``recency``, ``T`` (both in the unit of the
            model) and the covariates.
        y
            Nothing; it is there for scikit-learn.
        as_of
            Of a ledger: orders at or after it are left out; None is the end of the data.

        Returns
        -------
        self
            With ``parameters_`` (a frame: ``parameter``, ``estimate``, ``std_error``, ``low``, ``high``, the 95 % interval),
            ``log_likelihood_``, ``n_customers_`` and ``n_rows_`` (customers whose figures are equal are one row).

        Raises
        ------
        ParameterError, SchemaError
            If an argument or a customer's figures are out of range.
        ConvergenceError
            If no parameters can be found; the text tells what to try.
        """
        frame = self._figures(data, as_of)
        if frame.is_empty():
            raise SchemaError("there is no customer to learn from: take a later as_of, or a longer history.")
        if not frame.select((pl.col("frequency") > 0).any()).item():
            raise SchemaError(
                f"none of {frame.height:,} customers bought again, so nothing can be learned of repeat purchases: "
                "take a longer history."
            )
        parcel = reins(self.n_threads)
        table = _core.LifetimeTable(self._model, self._inputs(frame), len(self.rate_covariates), parcel)

        names = self._all_names()
        starts = [np.array(start + [0.0] * (len(names) - len(start))) for start in self._begin(frame)]
        n_own = len(self._names)
        bounds = [
            (at - WIDE, at + WIDE) if own < n_own else (-STEEP, STEEP)
            for own, at in enumerate(np.mean(starts, axis=0))
        ]
        found = climb(table, parcel, starts, bounds, frame.height)
        self.point_, self.covariance_, self.log_likelihood_ = (
            found.point,
            found.covariance,
            found.log_likelihood,
        )
        self.n_customers_, self.n_rows_ = frame.height, table.n_rows
        self.parameters_ = parameters(names, n_own, found)
        self._tell(found.unknown)
        return self

    def predict(
        self,
        data: Any,
        *,
        horizon: float = 52.0,
        as_of: Moment | None = None,
        interval: float | None = None,
    ) -> pl.DataFrame:
        """Tell for each customer how likely he is still there and how often he will buy.

        Parameters
        ----------
        data
            A ledger or a frame, as `fit` takes it.
        horizon
            How far to look ahead, in the unit of the model.
        as_of
            Of a ledger: from when to look ahead; orders at or after it are left out. None is the end of the data.
        interval
            The probability of an interval for what the parameters' uncertainty does to both figures, such as 0.95.

        Returns
        -------
        DataFrame
            One row a customer, in the order of the data: ``customer`` (if the data have it), ``p_alive``,
            ``expected_purchases``; with an interval ``p_alive_low``, ``p_alive_high``, ``expected_low``, ``expected_high``.

        Raises
        ------
        ParameterError, SchemaError
            If an argument or a customer's figures are out of range.

        Notes
        -----
        Intervals are Laplace's: parameters are taken as normal in logarithms around the maximum, and the figures, in
        logarithms (of the odds, for the probability), as linear in them. They tell how well the mean of such customers
        is known, not how widely a single one strays around it.
        """
        check_is_fitted(self)
        frame = self._figures(data, as_of)
        covariance = [] if interval is None else self.covariance_.ravel().tolist()
        found = self._forecast(frame, [self._horizon(horizon)], covariance)
        answer = found.select("p_alive", pl.col("expected 0").alias("expected_purchases"))
        if "customer" in frame.columns:
            answer = answer.insert_column(0, frame["customer"])
        if interval is None:
            return answer
        z = float(ndtri(0.5 + float(share("interval", interval)) / 2))
        odds, error = (pl.col("p_alive") / (1 - pl.col("p_alive"))).log(), z * found["p_alive error"]
        around = z * found["error 0"]
        return answer.with_columns(
            p_alive_low=1 / (1 + (error - odds).exp()),
            p_alive_high=1 / (1 + (-error - odds).exp()),
            expected_low=pl.col("expected_purchases") * (-around).exp(),
            expected_high=pl.col("expected_purchases") * around.exp(),
        )

    def predict_value(
        self,
        data: Any,
        *,
        spend: GammaGammaModel,
        horizon: float = 52.0,
        discount: float = 0.1,
        as_of: Moment | None = None,
    ) -> pl.DataFrame:
        """Tell what each customer's purchases until a horizon will be worth today.

        Parameters
        ----------
        data
            A ledger, or a frame as `fit` takes it that also has ``monetary``.
        spend
            A fitted model of the money of a purchase. Fitted on margins, the value is of margins.
        horizon
            How far to look ahead, in the unit of the model.
        discount
            By how much money of today is worth more than money of a year later: 0.1 means 10 %. It runs
            continuously, by the day on which purchases are expected.
        as_of
            Of a ledger: from when to look ahead; orders at or after it are left out. None is the end of the data.

        Returns
        -------
        DataFrame
            One row a customer, in the order of the data: ``customer`` (if the data have it), ``p_alive``,
            ``expected_purchases``, ``expected_spend`` (money of one purchase), ``value``.

        Raises
        ------
        ParameterError, SchemaError
            If an argument or a customer's figures are out of range.

        Notes
        -----
        Purchases and their money are taken as unrelated; the correlation stands in ``spend.correlation_``.

        Examples
        --------
        >>> import basketry as bk
        >>> shop = bk.simulate(customers=2000, rng=1).ledger
        >>> model, spend = bk.BetaGeoModel().fit(shop), bk.GammaGammaModel().fit(shop)
        >>> model.predict_value(shop, spend=spend, horizon=52).columns
        ['customer', 'p_alive', 'expected_purchases', 'expected_spend', 'value']
        """
        check_is_fitted(self)
        if not isinstance(spend, GammaGammaModel):
            raise ParameterError.out_of_range(
                "spend", type(spend).__name__, "a fitted GammaGammaModel is needed"
            )
        rate = float(discount) if isinstance(discount, Real) and not isinstance(discount, bool) else -1.0
        if not (rate >= 0 and isfinite(rate)):
            raise ParameterError.out_of_range(
                "discount", discount, "a rate from 0 up is needed, such as 0.1 for 10 %"
            )
        frame, end = self._figures(data, as_of), self._horizon(horizon)
        horizons, weights = self._steps(end, rate)
        found = self._forecast(frame, [end, *horizons], [])
        # One after the other: a sum across columns is made in the order in which threads come to it.
        now = reduce(
            operator.add, (weight * pl.col(f"expected {at}") for at, weight in enumerate(weights, start=1))
        )
        answer = found.select("p_alive", pl.col("expected 0").alias("expected_purchases"), value=now)
        money = spend.predict(data, as_of=as_of)
        if "customer" in frame.columns:
            answer = answer.insert_column(0, frame["customer"])
            answer = answer.join(money.drop("own_mean"), on="customer", how="left", maintain_order="left")
        else:
            answer = answer.hstack(money.select("expected_spend"))
        return answer.select(
            pl.exclude("value", "expected_spend"),
            "expected_spend",
            value=pl.col("value") * pl.col("expected_spend"),
        )

    def _steps(self, horizon: float, discount: float) -> tuple[list[float], list[float]]:
        """Choose the times at which purchases are expected, and what each of those numbers weighs in the value.

        By parts, the integral of a discounted rate is the discounted number at the end plus one of the number itself,
        which Gauss and Legendre's rule sums exactly enough.
        """
        force = log1p(discount) * days_of(self.unit) / 365.25
        places, widths = np.polynomial.legendre.leggauss(_POINTS)
        times = (places + 1) / 2 * horizon
        weights = force * widths / 2 * horizon * np.exp(-force * times)
        return [*times.tolist(), horizon], [*weights.tolist(), float(np.exp(-force * horizon))]

    def _figures(self, data: Any, as_of: Moment | None) -> pl.DataFrame:
        days_of(self.unit)
        columns = ["frequency", "recency", "T", *self.rate_covariates, *self.lifetime_covariates]
        return figures_of(data, columns, as_of=as_of, unit=self.unit, n_threads=self.n_threads)

    def _inputs(self, frame: pl.DataFrame) -> pl.DataFrame:
        covariates = [*self.rate_covariates, *self.lifetime_covariates]
        return frame.select(
            "frequency", "recency", "T", *(pl.col(name).alias(f"z{at}") for at, name in enumerate(covariates))
        )

    def _forecast(self, frame: pl.DataFrame, horizons: list[float], covariance: list[float]) -> pl.DataFrame:
        return pl.DataFrame(
            _core.lifetime_forecast(
                self._model,
                self._inputs(frame),
                len(self.rate_covariates),
                self.point_.tolist(),
                covariance,
                horizons,
                reins(self.n_threads),
            )
        )

    def _horizon(self, horizon: object) -> float:
        number = float(horizon) if isinstance(horizon, Real) and not isinstance(horizon, bool) else -1.0
        if not 0 < number <= _FARTHEST:
            raise ParameterError.out_of_range(
                "horizon", horizon, f"a number of {self.unit} above 0 and up to {_FARTHEST:,} is needed"
            )
        return number

    def _all_names(self) -> list[str]:
        return [
            *self._names,
            *(f"rate:{name}" for name in self.rate_covariates),
            *(f"lifetime:{name}" for name in self.lifetime_covariates),
        ]

    def _begin(self, frame: pl.DataFrame) -> list[list[float]]:
        """Choose starts: rates around the mean one, lifetimes around the mean age."""
        purchases, age = frame.select(pl.col("frequency").cast(pl.Float64).sum(), pl.col("T").mean()).row(0)
        between = max(age, 1e-9) * frame.height / purchases
        starts = []
        for shapes in self._starts:
            point = [log(shape) for shape in shapes]
            # A gamma of shape r and scale alpha has the mean rate r / alpha.
            point[1] = point[0] + log(between)
            for at in self._ages:
                point[at] += log(max(age, 1e-9))
            starts.append(point)
        return starts

    def _tell(self, unknown: Vector) -> None:
        names = [name for name, lost in zip(self._all_names(), unknown, strict=True) if lost]
        if names:
            warnings.warn(
                f"{type(self).__name__}: the data do not tell {', '.join(names)}: the likelihood is as high for ever larger or "
                "smaller values, so that these have no standard error. Forecasts stand, because they hardly depend on them. "
                "Usually nobody seems to leave, or all customers are alike in it: a longer history may tell.",
                FitWarning,
                stacklevel=3,
            )

    def _also(self) -> str:
        return str(self.unit)
