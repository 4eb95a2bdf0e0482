"""How a fitted lifetime model tells itself."""

from __future__ import annotations

from abc import abstractmethod

import polars as pl
from sklearn.base import BaseEstimator


class Told(BaseEstimator):  # type: ignore[misc]
    """An estimator whose name, once it is fitted, is followed by what it found."""

    parameters_: pl.DataFrame
    log_likelihood_: float
    n_customers_: int

    @abstractmethod
    def _also(self) -> str:
        """Tell what else belongs to these parameters."""

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:  # noqa: N803
        """Tell the parameters, once there are any."""
        told = super().__repr__(N_CHAR_MAX)
        if not hasattr(self, "parameters_"):
            return str(told)
        values = ", ".join(
            f"{name}={value:.4g}" for name, value in self.parameters_.select("parameter", "estimate").rows()
        )
        return (
            f"{told}: {values}; log-likelihood {self.log_likelihood_:.3f}, {self.n_customers_:,} customers, "
            f"{self._also()}"
        )
