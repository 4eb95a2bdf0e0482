"""Logistic regression that tells how sure it is of its odds ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import expit

from basketry.exceptions import ParameterError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A fitted regression.

    Parameters
    ----------
    coefficients
        The constant first, then one a column.
    errors
        Their standard errors.
    """

    coefficients: Floats
    errors: Floats


def fit(columns: Floats, hits: NDArray[Any], *, most_steps: int = 50) -> Fit:
    """Fit by penalised maximum likelihood (Firth 1993), which is finite even where a column separates all hits.

    Parameters
    ----------
    columns
        One row an observation; columns must not depend on each other (see `independent`).
    hits
        Yes or no.
    most_steps
        Newton's steps before giving up.

    Raises
    ------
    ParameterError
        If the steps do not settle.

    Notes
    -----
    The score of a coefficient is ``x' (y - p + h (1/2 - p))``, where ``h`` is the leverage of each row. A step that is longer
    than 5 in any coefficient is shortened, and halved until it climbs (Heinze and Schemper 2002).
    Errors come from the information at the solution.
    """
    design = np.column_stack([np.ones(len(columns)), columns])
    wanted = np.asarray(hits, dtype=np.float64)
    start = float(np.clip(wanted.mean(), 1e-6, 1 - 1e-6))
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = np.log(start / (1 - start))
    for _ in range(most_steps):
        chance = expit(design @ coefficients)
        root = np.linalg.inv(_information(design, chance))
        leverage = chance * (1 - chance) * np.einsum("ij,jk,ik->i", design, root, design, optimize=True)
        step = root @ (design.T @ (wanted - chance + leverage * (0.5 - chance)))
        longest = np.abs(step).max()
        reach = min(1.0, 5.0 / max(longest, 1e-12))
        height = _likelihood(design, coefficients, wanted)
        # Far from the top a whole step may overshoot it.
        while reach * longest > 1e-7 and _likelihood(design, coefficients + reach * step, wanted) < height:
            reach /= 2
        coefficients = coefficients + reach * step
        if reach * longest < 1e-6:
            variance = np.diag(np.linalg.inv(_information(design, expit(design @ coefficients))))
            return Fit(coefficients, np.sqrt(variance))
    raise ParameterError.out_of_range(
        "traits", columns.shape[1], "the regression does not settle on them; take fewer"
    )


def independent(columns: Floats, *, tolerance: float = 1e-7) -> NDArray[np.bool_]:
    """Tell which columns are no combination of a constant and the columns before them.

    Parameters
    ----------
    columns
        One row an observation.
    tolerance
        The share of a column's variance that may be missing.
    """
    centred = columns - columns.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    varies = scale > 1e-9 * np.sqrt(len(columns))
    centred = centred / np.where(varies, scale, 1.0)
    gram = centred.T @ centred
    kept: list[int] = []
    factor = np.zeros_like(gram)
    # A Cholesky factor, row by row: what is left of a column's variance is its pivot.
    for at in np.flatnonzero(varies):
        row = (
            solve_triangular(factor[: len(kept), : len(kept)], gram[kept, at], lower=True)
            if kept
            else np.zeros(0)
        )
        left = gram[at, at] - row @ row
        if left > tolerance:
            factor[len(kept), : len(kept)] = row
            factor[len(kept), len(kept)] = np.sqrt(left)
            kept.append(int(at))
    return np.isin(np.arange(columns.shape[1]), kept)


def _likelihood(design: Floats, coefficients: Floats, wanted: Floats) -> float:
    """Compute the logarithm of the likelihood with Firth's penalty."""
    logit = design @ coefficients
    penalty = np.linalg.slogdet(_information(design, expit(logit)))[1]
    return float(wanted @ logit - np.logaddexp(0, logit).sum() + penalty / 2)


def _information(design: Floats, chance: Floats) -> Floats:
    return np.asarray((design * (chance * (1 - chance))[:, None]).T @ design)
