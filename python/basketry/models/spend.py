"""What a purchase of each customer will be worth: the Gamma-Gamma model."""

from __future__ import annotations

import warnings
from math import log
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from basketry import _core
from basketry.control import reins
from basketry.exceptions import FitWarning, SchemaError
from basketry.ledger.zones import Moment
from basketry.models._search import WIDE, climb, parameters
from basketry.models._told import Told
from basketry.models.summary import figures_of

_NAMES = ["p", "q", "v"]
_STARTS = ((6.0, 3.5), (2.0, 2.0), (1.0, 5.0), (20.0, 3.0))
_UNRELATED = 0.3
"""A correlation of frequency and money beyond this is told."""


class GammaGammaModel(Told):
    """Gamma-Gamma: the money of purchases varies around a customer's own mean, and that mean among customers.

    Parameters
    ----------
    n_threads
        How many threads to use; None for all.

    Attributes
    ----------
    parameters_
        ``p`` (shape of a purchase's money), ``q`` and ``v`` (shape and scale among customers); with errors.
    log_likelihood_
        Its height.
    n_customers_
        Customers who were learned from: those with a repeat purchase and a mean above 0.
    excluded_
        A frame of ``reason`` and ``customers``: who was left out.
    correlation_
        Of frequency and money among these customers (Pearson); the model takes them as unrelated.
    population_mean_
        The mean money of a purchase over all customers; None if it is infinite (``q`` at most 1).

    Notes
    -----
    Fader and Hardie (2013). A forecast is a weighted mean of the customer's own past mean and that of all; ``predict``
    shows the own mean beside it, because the model may bring little over it.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2000, rng=1).ledger
    >>> model = bk.GammaGammaModel().fit(shop)
    >>> model.excluded_["reason"].to_list()
    ['no repeat purchase', 'mean money of 0', 'mean money below 0']
    >>> model.predict(shop).columns
    ['customer', 'own_mean', 'expected_spend']
    """

    def __init__(self, *, n_threads: int | None = None) -> None:
        self.n_threads = n_threads

    def fit(self, data: Any, y: None = None, *, as_of: Moment | None = None) -> Self:
        """Find the parameters of highest likelihood.

        Parameters
        ----------
        data
            A ledger, or a frame with ``frequency`` (repeat purchases) and ``monetary`` (their mean money).
        y
            Nothing; it is there for scikit-learn.
        as_of
            Of a ledger: orders at or after it are left out; None is the end of the data.

        Returns
        -------
        self
            With the attributes above.

        Raises
        ------
        SchemaError
            If columns are missing, or nobody has a repeat purchase above 0.
        ConvergenceError
            If no parameters can be found; the text tells what to try.
        """
        frame = self._figures(data, as_of)
        repeats, money = frame["frequency"] > 0, frame["monetary"]
        counts = {
            "no repeat purchase": ~repeats,
            "mean money of 0": repeats & (money == 0),
            "mean money below 0": repeats & (money < 0),
        }
        self.excluded_ = pl.DataFrame(
            {"reason": list(counts), "customers": [int(these.sum()) for these in counts.values()]}
        )
        chosen = _fitting(frame)
        if chosen.is_empty():
            raise SchemaError(
                f"none of {frame.height:,} customers has a repeat purchase of money above 0, so nothing can be learned: "
                "take a longer history, or gross money (returns='keep')."
            )
        parcel = reins(self.n_threads)
        table = _core.LifetimeTable("gamma-gamma", chosen.select("frequency", "monetary"), 0, parcel)
        mean = float(chosen["monetary"].median())  # type: ignore[arg-type]
        starts = [np.array([log(p), log(q), log(mean * q / p)]) for p, q in _STARTS]
        bounds = [(at - WIDE, at + WIDE) for at in np.mean(starts, axis=0)]
        found = climb(table, parcel, starts, bounds, chosen.height)
        self.point_, self.covariance_, self.log_likelihood_ = (
            found.point,
            found.covariance,
            found.log_likelihood,
        )
        self.n_customers_ = chosen.height
        self.parameters_ = parameters(_NAMES, len(_NAMES), found)
        x, m = chosen["frequency"].cast(pl.Float64).to_numpy(), chosen["monetary"].to_numpy()
        varied = chosen.height > 1 and x.std() > 0 and m.std() > 0
        self.correlation_ = float(np.corrcoef(x, m)[0, 1]) if varied else 0.0
        p, q, v = np.exp(found.point)
        self.population_mean_ = float(p * v / (q - 1)) if q > 1 else None
        self._tell(bool(found.unknown.any()))
        return self

    def predict(self, data: Any, *, as_of: Moment | None = None) -> pl.DataFrame:
        """Tell for each customer the money of a purchase to come.

        Parameters
        ----------
        data
            A ledger or a frame, as `fit` takes it.
        as_of
            Of a ledger: orders at or after it are left out; None is the end of the data.

        Returns
        -------
        DataFrame
            One row a customer, in the order of the data: ``customer`` (if the data have it); ``own_mean`` (mean money of
            his repeat purchases, null without one); ``expected_spend`` (who has no repeat purchase or none above 0 gets
            the mean of all, null if that is infinite).
        """
        check_is_fitted(self)
        frame = self._figures(data, as_of).with_row_index("row")
        chosen = _fitting(frame)
        found = pl.DataFrame(
            _core.lifetime_forecast(
                "gamma-gamma", chosen.select("frequency", "monetary"), 0, self.point_.tolist(), [], [1.0],
                reins(self.n_threads),
            )
        )  # fmt: skip
        spend = chosen.select("row", expected_spend=found["expected 0"].replace([float("inf")], [None]))
        joined = frame.join(spend, on="row", how="left", maintain_order="left")
        mean = pl.lit(self.population_mean_, dtype=pl.Float64)
        answer = joined.select(
            own_mean=pl.when(pl.col("frequency") > 0).then(pl.col("monetary").cast(pl.Float64)),
            expected_spend=pl.col("expected_spend").fill_null(mean),
        )
        return answer.insert_column(0, frame["customer"]) if "customer" in frame.columns else answer

    def _figures(self, data: Any, as_of: Moment | None) -> pl.DataFrame:
        return figures_of(data, ["frequency", "monetary"], as_of=as_of, unit="days", n_threads=self.n_threads)

    def _tell(self, unknown: bool) -> None:
        if unknown or self.population_mean_ is None:
            warnings.warn(
                "GammaGammaModel: a few purchases are so large that the mean money of all is infinite (q is at most 1), or "
                "the data do not tell a parameter. Own means can still be used: look for wholesale orders and leave them out.",
                FitWarning,
                stacklevel=3,
            )
        if abs(self.correlation_) > _UNRELATED:
            warnings.warn(
                f"GammaGammaModel: frequency and money correlate by {self.correlation_:.2f}, and the model takes them as "
                "unrelated: fit groups of customers apart, such as wholesale and retail.",
                FitWarning,
                stacklevel=3,
            )

    def _also(self) -> str:
        left = self.excluded_.filter(pl.col("customers") > 0).rows()
        excluded = "; left out: " + ", ".join(f"{n:,} {reason}" for reason, n in left) if left else ""
        return f"correlation of frequency and money {self.correlation_:.3f}{excluded}"


def _fitting(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter((pl.col("frequency") > 0) & (pl.col("monetary") > 0))
