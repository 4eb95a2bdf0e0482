"""The search for the parameters of highest likelihood, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from basketry import _core
from basketry.control import Reins
from basketry.exceptions import ConvergenceError

Vector = NDArray[np.float64]
Likelihood = Callable[[Vector], tuple[float, Vector]]

WIDE = log(1e6)
"""A parameter is looked for from a millionth to a million times its natural size."""
STEEP = 50.0
"""The largest coefficient of a covariate that is looked for."""
_CLOSE = 1e-10
"""A point is the maximum when a parabola through it promises less than this of log-likelihood."""
_FLAT = 0.01
"""A direction of less curvature has a standard error of more than e to the tenth: nothing is known along it."""
_PART = 0.05
"""A coordinate with a larger part in an unknown direction is unknown."""
_STEP = 1e-5
_STEPS = 8


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is highest.

    Parameters
    ----------
    point
        The place.
    log_likelihood
        Its height.
    covariance
        The inverse of the negative Hessian; 0 along directions that the data do not tell.
    unknown
        Which coordinates the data do not tell: those at a bound, and those along which the likelihood hardly changes.
    """

    point: Vector
    log_likelihood: float
    covariance: Vector
    unknown: Vector


def climb(
    table: _core.LifetimeTable,
    parcel: Reins,
    starts: Sequence[Vector],
    bounds: Sequence[tuple[float, float]],
    n: int,
) -> Maximum:
    """Find the maximum of a model's likelihood.

    Parameters
    ----------
    table
        The figures of customers.
    parcel
        Threads and progress.
    starts
        Where to begin.
    bounds
        The least and the largest value of each coordinate.
    n
        How many customers there are.
    """

    def likelihood(point: Vector) -> tuple[float, Vector]:
        height, slopes = table.log_likelihood(point.tolist(), parcel)
        return height, np.array(slopes)

    # Threads of the linear algebra cost ten times what they bring to a handful of parameters.
    with threadpool_limits(1, user_api="blas"):
        return maximum(likelihood, starts, bounds, n)


def maximum(
    likelihood: Likelihood, starts: Sequence[Vector], bounds: Sequence[tuple[float, float]], n: int
) -> Maximum:
    """Climb from the best of several starts; from the next one if that does not arrive.

    L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995) comes near, Newton's method with a Hessian of differences of the slopes
    arrives, and that Hessian tells the errors.

    Parameters
    ----------
    likelihood
        Gives the log-likelihood and its slopes.
    starts
        Where to begin.
    bounds
        The least and the largest value of each coordinate.
    n
        How many customers there are: heights are scaled by it.
    """

    def downhill(point: Vector) -> tuple[float, Vector]:
        log, slopes = likelihood(point)
        return -log / n, -slopes / n

    ranked = sorted(starts, key=lambda start: downhill(start)[0])
    for start in ranked:
        rough = minimize(
            downhill, start, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-5},
        )  # fmt: skip
        found = _arrive(downhill, np.asarray(rough.x), bounds, n)
        if found is not None:
            return found
    raise ConvergenceError(
        f"the search for parameters did not arrive from any of {len(ranked)} starts ({rough.message}). Look for "
        "customers with impossibly many purchases (resellers, test accounts), take a longer history or another unit "
        "of time, or a simpler model: BetaGeoModel converges most readily."
    )


def _arrive(
    downhill: Callable[[Vector], tuple[float, Vector]],
    point: Vector,
    bounds: Sequence[tuple[float, float]],
    n: int,
) -> Maximum | None:
    """Go on by Newton's method until nothing is left to gain; None if that does not come to an end."""
    low, high = np.array(bounds).T
    depth, slopes = downhill(point)
    fresh = False
    for _ in range(_STEPS):
        at_bound = ((point <= low) & (slopes > 0)) | ((point >= high) & (slopes < 0))
        free = ~at_bound
        if not fresh:
            hessian = _hessian(downhill, point, slopes, free)
        curvatures, directions = np.linalg.eigh(hessian)
        if n * curvatures[0] < -1:
            return None
        steep = n * curvatures > _FLAT
        curvatures, known = curvatures[steep], directions[:, steep]
        inverse = known / curvatures @ known.T
        step = -inverse @ slopes[free]
        if -n * slopes[free] @ step / 2 < _CLOSE:
            covariance = np.zeros((len(point), len(point)))
            covariance[np.ix_(free, free)] = inverse / n
            unknown = at_bound.copy()
            unknown[free] = (np.abs(directions[:, ~steep]) > _PART).any(axis=1)
            return Maximum(point, -depth * n, covariance, unknown)
        # A Hessian from nearby is as good, and costs nothing.
        fresh = bool(np.abs(step).max() < 0.01)
        for _halving in range(_STEPS):
            moved = point.copy()
            moved[free] = np.clip(point[free] + step, low[free], high[free])
            new_depth, new_slopes = downhill(moved)
            if new_depth <= depth + 1e-14 * abs(depth):
                break
            step = step / 2
        else:
            return None
        point, depth, slopes = moved, new_depth, new_slopes
        fresh = fresh and bool(free.all())
    return None


def _hessian(
    downhill: Callable[[Vector], tuple[float, Vector]], point: Vector, slopes: Vector, free: Vector
) -> Vector:
    rows = []
    for at in np.flatnonzero(free):
        step = np.zeros(len(point))
        step[at] = _STEP
        rows.append((downhill(point + step)[1] - slopes)[free] / _STEP)
    hessian: Vector = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2)


def parameters(names: Sequence[str], n_own: int, found: Maximum) -> pl.DataFrame:
    """Turn a maximum into a table of parameters, with errors by the delta method and 95 % intervals.

    Parameters
    ----------
    names
        What each coordinate is.
    n_own
        How many coordinates, the first ones, are logarithms.
    found
        The maximum.
    """
    z = float(ndtri(0.975))
    rows = []
    for at, name in enumerate(names):
        error = None if found.unknown[at] else float(np.sqrt(found.covariance[at, at]))
        value = float(found.point[at])
        around = (None, None) if error is None else (value - z * error, value + z * error)
        if at < n_own:
            value = exp(value)
            around = tuple(None if end is None else exp(end) for end in around)  # type: ignore[assignment]
            error = None if error is None else value * error
        rows.append((name, value, error, *around))
    schema = {
        "parameter": pl.String,
        "estimate": pl.Float64,
        "std_error": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
