"""What anybody could do without a model: chance, who bought last, who bought most, and the lifetime formula."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import polars as pl

from basketry.exceptions import SchemaError
from basketry.models.propensity import PropensityModel

ONE_COLUMN = {"recency": "recency_days", "frequency": "orders_all", "BG/NBD": "bgnbd_orders"}
"""Baselines that rank by one column; a line of log-odds over it makes probabilities of it."""
BASELINES = ("random", *ONE_COLUMN)


class Chance:
    """The same probability for everybody, in an order by lot."""

    def fit(self, X: pl.DataFrame, y: Any) -> Chance:  # noqa: N803
        """Learn the base rate."""
        self.base_rate_ = float(np.mean(np.asarray(y)))
        return self

    def predict_proba(self, X: pl.DataFrame) -> np.ndarray:  # noqa: N803
        """Give the base rate, a hair apart by the hash of the customer, so that there is an order."""
        lots = [
            int.from_bytes(hashlib.blake2b(str(one).encode(), digest_size=6).digest(), "big") / 2**48
            for one in X["customer"]
        ]
        yes = np.clip(self.base_rate_ + 1e-9 * (np.array(lots) - 0.5), 0, 1)
        return np.stack([1 - yes, yes], axis=1)


class OneColumn:
    """A ranking by one column, with probabilities."""

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(self, X: pl.DataFrame, y: Any) -> OneColumn:  # noqa: N803
        """Learn the line."""
        self.model_ = PropensityModel("ridge", penalty=1.0, calibrate=False)
        self.model_.fit(self._only(X), y, groups=X["customer"])
        return self

    def predict_proba(self, X: pl.DataFrame) -> np.ndarray:  # noqa: N803
        """Give the probabilities of no and yes."""
        return self.model_.predict_proba(self._only(X))

    def _only(self, X: pl.DataFrame) -> pl.DataFrame:  # noqa: N803
        if self.column not in X.columns:
            raise SchemaError.unknown_column(self.column, "baseline", X.columns)
        return X.select(self.column)


def baseline(name: str) -> Chance | OneColumn:
    """Make a baseline.

    Parameters
    ----------
    name
        One of `BASELINES`.
    """
    return Chance() if name == "random" else OneColumn(ONE_COLUMN[name])
