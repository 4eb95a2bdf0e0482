"""The learners: what each is in scikit-learn, which penalties it is tried with, how it becomes a scorer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from basketry.exceptions import MissingExtraError
from basketry.models.scorers import Scorer, from_lightgbm, from_sklearn

Make = Callable[[int, float | None], Any]


@dataclass(frozen=True)
class Learner:
    """One way to learn.

    Parameters
    ----------
    make
        Builds it from a seed and a penalty.
    penalties
        Which penalties to try, from data and outcome, the strongest first; None where there is none.
    scorer
        Takes what it learned.
    words
        What it is.
    """

    make: Make
    words: str
    penalties: Callable[[np.ndarray, np.ndarray], Sequence[float | None]] = lambda rows, y: (None,)
    scorer: Callable[[Any], Scorer] = from_sklearn


def _lasso(seed: int, penalty: float | None) -> Any:
    from sklearn.linear_model import LogisticRegression

    # liblinear shrinks the intercept as well; a large scale leaves it be.
    return LogisticRegression(
        l1_ratio=1.0,
        solver="liblinear",
        C=penalty or 1.0,
        intercept_scaling=10.0,
        tol=1e-3,
        random_state=seed,
    )


def _ridge(seed: int, penalty: float | None) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(solver="newton-cholesky", C=penalty or 1.0)


def _forest(seed: int, penalty: float | None) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, max_depth=6, max_samples=0.5, random_state=seed)


def _boosting(seed: int, penalty: float | None) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=120, max_leaf_nodes=15, min_samples_leaf=50, l2_regularization=1.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def _network(seed: int, penalty: float | None) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        (32, 16), alpha=1e-2, early_stopping=True, max_iter=200, n_iter_no_change=8, random_state=seed
    )


def _svm(seed: int, penalty: float | None) -> Any:
    from sklearn.kernel_approximation import Nystroem
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    class Fixed(Nystroem):  # type: ignore[misc]
        """Nystroem with a width that follows the number of columns."""

        def fit(self, X: Any, y: Any = None) -> Any:  # noqa: N803
            self.gamma = 1.0 / X.shape[1]
            self.n_components = min(300, X.shape[0])
            return super().fit(X, y)

    return make_pipeline(Fixed(random_state=seed), LinearSVC(C=0.1, random_state=seed))


def _lightgbm(seed: int, penalty: float | None) -> Any:
    try:
        from lightgbm import LGBMClassifier
    except ImportError as error:
        raise MissingExtraError.needed("lightgbm", "the learner 'lightgbm'", "boost") from error
    return LGBMClassifier(
        n_estimators=120, learning_rate=0.05, num_leaves=15, min_child_samples=50, reg_lambda=1.0, random_state=seed,
        deterministic=True, force_row_wise=True, n_jobs=1, verbosity=-1,
    )  # fmt: skip


def _lasso_penalties(rows: np.ndarray, y: np.ndarray) -> list[float | None]:
    """Walk from an eighth of the penalty that leaves no column to a 128th of it."""
    most = float(np.abs(rows.T @ (y - y.mean())).max()) or 1.0
    return [2.0**step / most for step in (3, 4, 5, 6, 7)]


def _ridge_penalties(rows: np.ndarray, y: np.ndarray) -> list[float | None]:
    return [strength / len(rows) for strength in (3.0, 10.0, 30.0, 100.0, 1000.0, 10_000.0)]


LEARNERS = {
    "ridge": Learner(_ridge, "logistic regression, ridge", _ridge_penalties),
    "lasso": Learner(_lasso, "logistic regression, lasso", _lasso_penalties),
    "forest": Learner(_forest, "random forest, 200 trees of depth 6"),
    "boosting": Learner(_boosting, "histogram boosting"),
    "network": Learner(_network, "neural network"),
    "svm": Learner(_svm, "support vector machine (Nystroem)"),
    "lightgbm": Learner(_lightgbm, "LightGBM", scorer=lambda m: from_lightgbm(m.booster_.dump_model())),
}
"""All learners by name, the simplest first: nested windows say nearly the same, and the ridge keeps their mean."""
USUAL = ("ridge", "lasso", "forest", "boosting")
"""Those that a comparison takes unless others are named."""
