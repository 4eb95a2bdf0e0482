"""How likely each customer is still there, and how often he will buy: buy-till-you-die models."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import polars as pl

from basketry.arguments import whole
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.models._lifetime import LifetimeModel
from basketry.models.summary import figures_of, opportunity_summary


class BetaGeoModel(LifetimeModel):
    """BG/NBD: customers buy at a rate of their own and may leave after each repeat purchase.

    Parameters
    ----------
    unit
        The unit of time: ``"weeks"`` or ``"days"``.
    rate_covariates
        Columns of numbers that speed purchases up or slow them down: a customer's ``alpha`` is
        ``alpha * exp(-coefficient * value)``, so that a coefficient of 0.1 means 10 % more purchases per unit.
    lifetime_covariates
        Columns of numbers that make leaving more or less even: ``a`` and ``b`` are both times
        ``exp(coefficient * value)``.
    n_threads
        How many threads to use; None for all.

    Attributes
    ----------
    parameters_
        ``r``, ``alpha`` (rates of purchase: gamma, mean ``r / alpha`` per unit), ``a``, ``b`` (leaving after a purchase:
        beta, mean ``a / (a + b)``), coefficients as ``rate:NAME`` and ``lifetime:NAME``; with errors.
    log_likelihood_, n_customers_, n_rows_
        Its height, the customers, and the distinct figures among them.

    Notes
    -----
    Fader, Hardie and Lee (2005); covariates as Fader and Hardie (2007) and the R package CLVTools have them. The
    likelihood is taken over the distinct figures, in logarithms, with analytic slopes. Somebody without a repeat
    purchase cannot have left in this model: his ``p_alive`` is 1. `ModifiedBetaGeoModel` lets him leave.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2000, rng=1).ledger
    >>> model = bk.BetaGeoModel().fit(shop)
    >>> model.parameters_["parameter"].to_list()
    ['r', 'alpha', 'a', 'b']
    >>> model.predict(shop, horizon=13).columns
    ['customer', 'p_alive', 'expected_purchases']
    """

    _model = "bg"
    _names = ("r", "alpha", "a", "b")
    _starts = ((0.3, 1.0, 0.8, 2.5), (1.0, 1.0, 0.2, 2.0), (1.0, 1.0, 1.0, 1.0), (3.0, 1.0, 0.1, 5.0))

    def __init__(
        self,
        *,
        unit: str = "weeks",
        rate_covariates: Sequence[str] = (),
        lifetime_covariates: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> None:
        self.unit = unit
        self.rate_covariates = rate_covariates
        self.lifetime_covariates = lifetime_covariates
        self.n_threads = n_threads


class ModifiedBetaGeoModel(BetaGeoModel):
    """MBG/NBD: as `BetaGeoModel`, but customers may also leave right after their first purchase.

    Parameters
    ----------
    unit, rate_covariates, lifetime_covariates, n_threads
        As of `BetaGeoModel`.

    Attributes
    ----------
    parameters_, log_likelihood_, n_customers_, n_rows_
        As of `BetaGeoModel`.

    Notes
    -----
    Batislam, Denizel and Filiztekin (2007).

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2000, rng=1).ledger
    >>> bool((bk.ModifiedBetaGeoModel().fit(shop).predict(shop, horizon=13)["p_alive"] < 1).all())
    True
    """

    _model = "mbg"


class ParetoModel(LifetimeModel):
    """Pareto/NBD: customers buy at a rate of their own and leave at any time, unseen.

    Parameters
    ----------
    unit
        The unit of time: ``"weeks"`` or ``"days"``.
    rate_covariates
        Columns of numbers that speed purchases up or slow them down: a customer's ``alpha`` is
        ``alpha * exp(-coefficient * value)``, so that a coefficient of 0.1 means 10 % more purchases per unit.
    lifetime_covariates
        Columns of numbers that shorten or lengthen lifetimes: ``beta`` is ``beta * exp(-coefficient * value)``, so that a
        coefficient of 0.1 means 10 % more leaving per unit.
    n_threads
        How many threads to use; None for all.

    Attributes
    ----------
    parameters_
        ``r``, ``alpha`` (rates of purchase: gamma, mean ``r / alpha`` per unit), ``s``, ``beta`` (rates of leaving: gamma,
        mean ``s / beta`` per unit), coefficients as ``rate:NAME`` and ``lifetime:NAME``; with errors.
    log_likelihood_, n_customers_, n_rows_
        Its height, the customers, and the distinct figures among them.

    Notes
    -----
    Schmittlein, Morrison and Colombo (1987); covariates as Fader and Hardie (2007) and the R package CLVTools have them.
    The integral over the unseen moment of leaving is summed in logarithms, where the hypergeometric functions of the
    usual form lose themselves: customers with hundreds of purchases are no trouble.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2000, rng=1).ledger
    >>> bk.ParetoModel().fit(shop).parameters_["parameter"].to_list()
    ['r', 'alpha', 's', 'beta']
    """

    _model = "pareto"
    _names = ("r", "alpha", "s", "beta")
    _starts = ((0.5, 1.0, 0.6, 0.5), (1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 5.0), (3.0, 1.0, 0.5, 2.0))
    _ages = (3,)

    def __init__(
        self,
        *,
        unit: str = "weeks",
        rate_covariates: Sequence[str] = (),
        lifetime_covariates: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> None:
        self.unit = unit
        self.rate_covariates = rate_covariates
        self.lifetime_covariates = lifetime_covariates
        self.n_threads = n_threads


class BetaGeoBetaBinomialModel(LifetimeModel):
    """BG/BB: at each of a row of opportunities customers buy, or not, until they leave unseen.

    For purchases that happen once a period at most: renewals, donations, fairs. A frame's ``T`` is the number of
    opportunities since the first purchase, ``frequency`` how many of them were used, ``recency`` the number of the last used.

    Parameters
    ----------
    unit
        What an opportunity is when a ledger is given: a calendar ``"week"``, ``"month"``, ``"quarter"`` or ``"year"``.
    n_threads
        How many threads to use; None for all.

    Attributes
    ----------
    parameters_
        ``alpha``, ``beta`` (using an opportunity: beta, mean ``alpha / (alpha + beta)``), ``gamma``, ``delta`` (leaving
        before one: beta); with errors.
    log_likelihood_, n_customers_, n_rows_
        Its height, the customers, and the distinct figures among them.

    Notes
    -----
    Fader, Hardie and Shang (2010). ``p_alive`` is for the last opportunity that is seen, as of the other models; the paper's
    is for the next one. The horizon counts opportunities, and the discount of `predict_value` is per opportunity.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2000, rng=1).ledger
    >>> model = bk.BetaGeoBetaBinomialModel(unit="month").fit(shop)
    >>> model.predict(shop, horizon=3).columns
    ['customer', 'p_alive', 'expected_purchases']
    """

    _model = "bgbb"
    _names = ("alpha", "beta", "gamma", "delta")
    _starts = ((1.0, 1.0, 0.5, 2.0), (0.5, 2.0, 0.5, 5.0), (2.0, 1.0, 1.0, 10.0), (1.0, 5.0, 1.0, 3.0))

    def __init__(self, *, unit: str = "month", n_threads: int | None = None) -> None:
        self.unit = unit
        self.n_threads = n_threads

    def _figures(self, data: Any, as_of: Moment | None) -> pl.DataFrame:
        if isinstance(data, Ledger):
            return opportunity_summary(data, as_of=as_of, period=self.unit)
        return figures_of(
            data, ["frequency", "recency", "T"], as_of=as_of, unit="weeks", n_threads=self.n_threads
        )

    def _begin(self, frame: pl.DataFrame) -> list[list[float]]:
        return [[log(shape) for shape in shapes] for shapes in self._starts]

    def _horizon(self, horizon: object) -> float:
        return float(whole("horizon", horizon, 1, 100_000))

    def _steps(self, horizon: float, discount: float) -> tuple[list[float], list[float]]:
        # What an opportunity brings is what it adds to the purchases until then.
        ends = [float(end) for end in range(1, int(horizon) + 1)]
        factors = [(1 + discount) ** -end for end in ends]
        return ends, [own - next_one for own, next_one in zip(factors, [*factors[1:], 0.0], strict=True)]
