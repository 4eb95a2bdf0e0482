"""`PropensityModel`: how likely it is that somebody does what the label says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from basketry.arguments import whole
from basketry.exceptions import ParameterError, SchemaError
from basketry.models.learners import LEARNERS
from basketry.models.prepare import Prepare, as_frame
from basketry.models.scorers import Scorer

_HELD_OUT = 0.25
"""Share of customers on whom the penalty is chosen and the calibration learned."""
_FEWEST = 30
"""Positives among them below which the scores are left as they are."""


class PropensityModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learn from labelled rows how likely yes is, in the manners of scikit-learn.

    A quarter of the customers is held out: on them the penalty is chosen (the strongest whose log loss is within one
    standard error of the best) and the log-odds are calibrated by a line. A learner that was tuned is then fitted to all rows.

    Parameters
    ----------
    learner
        ``ridge`` or ``lasso`` (logistic regression), ``forest`` (200 trees, depth 6), ``boosting``, ``network``, ``svm``, or
        ``lightgbm`` (an extra).
    penalty
        The strength ``C`` of scikit-learn for ``lasso`` and ``ridge``; None chooses.
    calibrate
        Whether log-odds are calibrated on customers who were held out.
    rng
        The seed of all chance.

    Examples
    --------
    >>> import numpy as np, polars as pl
    >>> from basketry.models.propensity import PropensityModel
    >>> rng = np.random.default_rng(1)
    >>> table = pl.DataFrame({"orders": rng.poisson(3, 500), "noise": rng.normal(size=500)})
    >>> label = rng.random(500) < table["orders"].to_numpy() / 10
    >>> model = PropensityModel("ridge").fit(table, label)
    >>> few, many = model.predict_proba(pl.DataFrame({"orders": [0, 8], "noise": [0.0, 0.0]}))[:, 1]
    >>> bool(few < 0.2 < 0.5 < many)
    True
    """

    def __init__(
        self, learner: str = "ridge", *, penalty: float | None = None, calibrate: bool = True, rng: int = 0
    ) -> None:
        self.learner = learner
        self.penalty = penalty
        self.calibrate = calibrate
        self.rng = rng

    def fit(self, X: Any, y: Any, groups: Any = None) -> PropensityModel:  # noqa: N803
        """Learn.

        Parameters
        ----------
        X
            A frame of features (columns of a labelled table that are no features are passed over) or an array.
        y
            Two classes; the greater is yes.
        groups
            Whose row it is, so that nobody is on both sides when something is held out; None takes ``customer`` of the frame.
        """
        from sklearn.utils.validation import check_consistent_length

        if self.learner not in LEARNERS:
            raise ParameterError.unknown("learner", self.learner, LEARNERS)
        if self.penalty is not None and not self.penalty > 0:
            raise ParameterError.out_of_range(
                "penalty", self.penalty, "a number above 0 is needed, or None to choose"
            )
        learner, seed = LEARNERS[self.learner], whole("rng", self.rng, 0, 2**32 - 1)
        frame = as_frame(X)
        answer = _labels(y)
        self.classes_, hits = np.unique(answer, return_inverse=True)
        self.prepare_ = Prepare()
        rows = self.prepare_.fit_transform(X)
        check_consistent_length(rows, answer)
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. y holds {len(self.classes_)} classes."
            )
        if len(self.classes_) < 2:
            raise ParameterError.out_of_range(
                "y",
                f"one class, {self.classes_[0]}",
                "rows with yes and rows with no are needed to learn from",
            )
        self.n_features_in_ = self.prepare_.n_features_in_
        if hasattr(self.prepare_, "feature_names_in_"):
            self.feature_names_in_ = self.prepare_.feature_names_in_
        if groups is None and frame is not None and "customer" in frame.columns:
            groups = frame["customer"]
        held = _held_out(groups, hits, seed)
        tried = (
            [self.penalty] if self.penalty is not None else list(learner.penalties(rows[~held], hits[~held]))
        )
        fitted = [_learn(learner, seed, penalty, rows[~held], hits[~held]) for penalty in tried]
        margins = [one.margin(rows[held]) for one in fitted]
        best = _strongest(margins, hits[held])
        self.penalty_, self.scorer_, self.shift_ = tried[best], fitted[best], 0.0
        self.slope_, self.offset_ = 1.0, 0.0
        if self.calibrate and hits[held].sum() >= _FEWEST and (1 - hits[held]).sum() >= _FEWEST:
            self.slope_, self.offset_ = _line(margins[best], hits[held])
        margin = self.offset_ + self.slope_ * margins[best]
        self.held_out_loss_ = np.logaddexp(0, np.where(hits[held] == 1, -margin, margin))
        if len(tried) > 1 or self.penalty is not None:
            self.scorer_ = _learn(learner, seed, tried[best], rows, hits)
        self.base_rate_ = float(hits.mean())
        if self.calibrate:
            # How steep is learned from who was held out, how high from everybody.
            self.offset_ = _shift(self.slope_ * self.scorer_.margin(rows), self.base_rate_)
        self.n_rows_ = len(hits)
        return self

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """Give the log-odds of yes."""
        check_is_fitted(self, "scorer_")
        return self._from_prepared(self.prepare_.transform(X))

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Give the probabilities of no and yes, a row each."""
        yes = _logistic(self.decision_function(X))
        return np.stack([1 - yes, yes], axis=1)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Give the likelier class."""
        likely = self.decision_function(X) > 0
        return np.asarray(self.classes_[likely.astype(int)])

    def recentred(self, X: Any, base_rate: float) -> PropensityModel:  # noqa: N803
        """Move all log-odds of a copy half the way to where their mean probability is the base rate seen last.

        What a model expects of people it has not seen yet, and what was last seen of others, are two guesses of the base
        rate of today: both err when times change, and their middle errs less. Ranks stay as they are.

        Parameters
        ----------
        X
            The people who are to be scored.
        base_rate
            The share of yes in the latest period whose outcome is known.
        """
        from copy import copy

        if not 0 < base_rate < 1:
            raise ParameterError.out_of_range("base_rate", base_rate, "a share between 0 and 1 is needed")
        moved, margin = copy(self), self.decision_function(X)
        moved.shift_ = self.shift_ + _shift(margin, base_rate) / 2
        return moved

    def rank(self, X: Any) -> pl.DataFrame:  # noqa: N803
        """Score people: the probability and, apart from it, the place among all who were scored.

        Parameters
        ----------
        X
            A frame; its ``customer`` comes along.

        Returns
        -------
        DataFrame
            ``customer`` (if there), ``p`` (probability of yes), ``percentile`` (share of these people, in percent, who score
            lower; equal ones count half), best first.
        """
        frame = as_frame(X)
        chance = self.predict_proba(X)[:, 1]
        order = np.sort(chance)
        place = (np.searchsorted(order, chance, "left") + np.searchsorted(order, chance, "right")) / 2
        scored = pl.DataFrame({"p": chance, "percentile": 100 * place / max(len(chance), 1)})
        if frame is not None and "customer" in frame.columns:
            return scored.insert_column(0, frame["customer"]).sort("p", "customer", descending=[True, False])
        return scored.sort("p", descending=True)

    def save(self, path: str | Path, *, card: dict[str, Any] | None = None) -> None:
        """Write the model to one file that holds numbers and texts only: no code runs when it is loaded.

        Parameters
        ----------
        path
            The file; by habit it ends in ``.model``.
        card
            What is to be known of it: data, dates, figures. It is kept as JSON.
        """
        from basketry.models.store import save

        check_is_fitted(self, "scorer_")
        save(self, Path(path), card or {})

    @classmethod
    def load(cls, path: str | Path) -> PropensityModel:
        """Read a model that `save` wrote; its card is ``card_``.

        Parameters
        ----------
        path
            The file. One that is damaged or made up is refused.
        """
        from basketry.models.store import load

        return load(cls(), Path(path))

    def _from_prepared(self, rows: np.ndarray) -> np.ndarray:
        scorer: Scorer = self.scorer_
        return np.asarray(self.offset_ + self.shift_ + self.slope_ * scorer.margin(rows))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


def _labels(y: Any) -> np.ndarray:
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import column_or_1d

    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    if isinstance(y, pl.Series):
        if y.null_count():
            raise SchemaError(f"y holds {y.null_count()} nulls: every row needs a label.")
        y = y.to_numpy()
    flat = column_or_1d(y, warn=True)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        raise ValueError("Input y contains NaN or infinity: every row needs a label.")
    check_classification_targets(flat)
    return np.asarray(flat)


def _held_out(groups: Any, hits: np.ndarray, seed: int) -> np.ndarray:
    """Choose a quarter of the customers, so that both sides know yes and no."""
    rng = np.random.default_rng(seed)
    if groups is None:
        held = rng.permutation(len(hits)) < _HELD_OUT * len(hits)
    else:
        owner = np.unique(np.asarray(groups), return_inverse=True)[1]
        held = rng.random(owner.max() + 1)[owner] < _HELD_OUT
    both = all(0 < hits[side].sum() < len(hits[side]) for side in (held, ~held))
    # Too few for two sides: everything is in sample, and nothing is calibrated.
    return held if both else np.zeros(len(hits), dtype=bool)


def _learn(learner: Any, seed: int, penalty: float | None, rows: np.ndarray, hits: np.ndarray) -> Scorer:
    from threadpoolctl import threadpool_limits

    # One thread: sums do not depend on how many there are.
    with threadpool_limits(1):
        scorer: Scorer = learner.scorer(learner.make(seed, penalty).fit(rows, hits))
    return scorer


def _strongest(margins: list[np.ndarray], hits: np.ndarray) -> int:
    """Find the strongest penalty whose loss is within one standard error of the best (Breiman et al. 1984).

    What is held out is of the same time as the rest, and the test is later: a stronger penalty holds longer.
    """
    if not len(hits) or len(margins) == 1:
        return len(margins) // 2
    losses = np.stack([np.logaddexp(0, np.where(hits == 1, -m, m)) for m in margins])
    best = losses[losses.mean(1).argmin()]
    near = losses.mean(1) <= best.mean() + best.std() / np.sqrt(len(hits))
    return int(np.flatnonzero(near)[0])


def _line(margin: np.ndarray, hits: np.ndarray) -> tuple[float, float]:
    """Calibrate log-odds by a line (Platt 1999), by Newton's steps; a falling line is not believed."""
    scale = float(margin.std())
    if not scale > 1e-9:
        return 1.0, float(np.log(hits.mean() / (1 - hits.mean())) - margin.mean())
    design = np.stack([(margin - margin.mean()) / scale, np.ones(len(hits))], axis=1)
    line = np.array([scale, margin.mean()])
    for _ in range(50):
        chance = _logistic(design @ line)
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, design.T @ (hits - chance))
        line = line + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-10:
            break
    slope = line[0] / scale
    if not slope > 0:
        return 1.0, 0.0
    return float(slope), float(line[1] - slope * margin.mean())


def _shift(margin: np.ndarray, rate: float) -> float:
    """Find what must be added to log-odds so that their mean probability is a rate."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _logistic(margin + middle).mean() < rate else (low, middle)
    return (low + high) / 2


def _logistic(value: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -500, 500))))
