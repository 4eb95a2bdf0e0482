"""From a table of features to numbers that a learner takes: gaps filled and marked, skew tamed, labels spread out."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from basketry.exceptions import ParameterError, SchemaError

NO_FEATURES = ("customer", "as_of", "label", "label_value")
"""Columns of a labelled table that no model may see; those that begin with an underscore are none, too."""
_LEVELS = 12
_RARE = 0.01
_SKEWED = 1.0
_VALUE, _MISSING, _LEVEL = 0, 1, 2


class Prepare(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fill, tame and standardise features; columns that say nothing, or say the same as another, are left out.

    Numbers: what is missing becomes the mean, and a column of its own tells that it was; skewed columns become logarithms;
    all are standardised. Texts: the frequent labels become columns; a label never seen is none of them.

    Parameters
    ----------
    log
        Whether skewed columns become logarithms.

    Examples
    --------
    >>> import polars as pl
    >>> from basketry.models.prepare import Prepare
    >>> table = pl.DataFrame({"orders": [1, 1, 3, 3], "gap": [None, None, 4.0, 8.0], "same": [1, 1, 1, 1]})
    >>> Prepare().set_output(transform="polars").fit_transform(table).columns
    ['orders', 'gap', 'gap missing']
    """

    def __init__(self, *, log: bool = True) -> None:
        self.log = log

    def fit(self, X: Any, y: Any = None) -> Prepare:  # noqa: N803
        """Learn means, scales, labels and which columns say anything.

        Parameters
        ----------
        X
            A frame, or an array of numbers.
        y
            Not used.
        """
        columns = self._start(X)
        names, spec, seen = [], [], set()
        for at, (name, column) in enumerate(columns.items()):
            for label, kind, level, values in _spread(name, column):
                log = False
                if kind == _VALUE and self.log:
                    log = _skew(values) > _SKEWED
                made = np.sign(values) * np.log1p(np.abs(values)) if log else values
                known = made[~np.isnan(made)]
                if not len(known) or np.ptp(known) <= 1e-9 * max(1.0, float(np.abs(known).max())):
                    continue
                mean, scale = float(known.mean()), float(known.std())
                print_ = np.round(np.nan_to_num((made - mean) / scale), 9).tobytes()
                if scale <= 0 or print_ in seen:
                    continue
                seen.add(print_)
                names.append(label)
                spec.append((at, kind, level, log, mean, scale))
        if not names:
            raise ParameterError.out_of_range(
                "X",
                f"{len(columns)} columns",
                "every column is constant or empty, so there is nothing to learn from",
            )
        self.names_out_ = names
        self.source_ = [one[0] for one in spec]
        self.kind_ = [one[1] for one in spec]
        self.level_ = [one[2] for one in spec]
        self.log_ = [bool(one[3]) for one in spec]
        self.mean_ = np.array([one[4] for one in spec])
        self.scale_ = np.array([one[5] for one in spec])
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Make the numbers; the result is the same for a row whatever the other rows are.

        Parameters
        ----------
        X
            A frame with the columns of `fit` (others are passed over), or an array of as many columns.
        """
        check_is_fitted(self, "scale_")
        columns = list(self._same(X).values())
        out = np.empty((_height(columns), len(self.names_out_)))
        for j, (at, kind, level, log) in enumerate(
            zip(self.source_, self.kind_, self.level_, self.log_, strict=True)
        ):
            values = columns[at]
            if kind == _LEVEL:
                made = (values == level).astype(float)
            elif kind == _MISSING:
                made = _gone(values).astype(float)
            else:
                made = _numbers(self.columns_[at], values)
            if log:
                made = np.sign(made) * np.log1p(np.abs(made))
            out[:, j] = np.nan_to_num((made - self.mean_[j]) / self.scale_[j])
        return out

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns that `transform` makes."""
        check_is_fitted(self, "scale_")
        return np.array(self.names_out_, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    def _start(self, X: Any) -> dict[str, np.ndarray]:  # noqa: N803
        frame = as_frame(X)
        if frame is None:
            values = check_array(X, dtype="numeric", ensure_all_finite="allow-nan", ensure_min_samples=2)
            self.columns_ = [f"x{at}" for at in range(values.shape[1])]
            self.__dict__.pop("feature_names_in_", None)
        elif frame.is_empty():
            raise ParameterError.out_of_range("X", "0 rows", "there is nobody to learn from")
        else:
            self.columns_ = [
                name for name in frame.columns if name not in NO_FEATURES and not name.startswith("_")
            ]
            self.feature_names_in_ = np.array(self.columns_, dtype=object)
        self.n_features_in_ = len(self.columns_)
        return self._same(X)

    def _same(self, X: Any) -> dict[str, np.ndarray]:  # noqa: N803
        frame = as_frame(X)
        if frame is None:
            values = check_array(X, dtype="numeric", ensure_all_finite="allow-nan")
            if values.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"X has {values.shape[1]} features, but {type(self).__name__} is expecting "
                    f"{self.n_features_in_} features as input"
                )
            return dict(zip(self.columns_, values.T, strict=True))
        for name in self.columns_:
            if name not in frame.columns:
                raise SchemaError.unknown_column(name, "feature", frame.columns)
        return {name: _column(frame[name]) for name in self.columns_}


def as_frame(X: Any) -> pl.DataFrame | None:  # noqa: N803
    """Take a polars or pandas frame as polars; None for anything else."""
    if isinstance(X, pl.LazyFrame):
        return X.collect()
    if isinstance(X, pl.DataFrame):
        return X
    return pl.DataFrame(X) if hasattr(X, "columns") and hasattr(X, "dtypes") else None


def _column(series: pl.Series) -> np.ndarray:
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        values = series.cast(pl.Float64).to_numpy()
        return np.where(np.isfinite(values), values, np.nan)
    if series.dtype in (pl.String, pl.Categorical, pl.Enum):
        return series.cast(pl.String).to_numpy()
    if series.dtype == pl.Null:
        return np.full(len(series), np.nan)
    raise SchemaError(f"column {series.name!r} holds {series.dtype}: a feature is a number or a text.")


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "O":
        raise SchemaError(f"column {name!r} holds texts, and numbers when the model was fitted.")
    return values.astype(np.float64)


def _gone(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "O":
        return np.array([value is None for value in values])
    return np.isnan(values.astype(np.float64))


def _height(columns: list[np.ndarray]) -> int:
    return len(columns[0]) if columns else 0


def _spread(name: str, values: np.ndarray) -> list[tuple[str, int, str, np.ndarray]]:
    """Make the columns of one feature: its value and whether it is missing, or one a label."""
    if values.dtype.kind == "O":
        labels, counts = np.unique([value for value in values if value is not None], return_counts=True)
        often = sorted(zip(-counts, labels, strict=True))[:_LEVELS]
        kept = [str(label) for count, label in often if -count >= _RARE * len(values)]
        return [(f"{name} {label}", _LEVEL, label, (values == label).astype(float)) for label in kept]
    values = values.astype(np.float64)
    made = [(name, _VALUE, "", values)]
    gone = np.isnan(values)
    return [*made, (f"{name} missing", _MISSING, "", gone.astype(float))] if gone.any() else made


def _skew(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    if not len(known) or not known.std() > 0:
        return 0.0
    return float(abs((((known - known.mean()) / known.std()) ** 3).mean()))
