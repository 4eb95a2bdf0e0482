"""k-means with a measured stability: whether the same clusters would be found had other customers come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

FITTED = 50_000
"""Rows that clusters are fitted on; the others go to the nearest centre."""
RESAMPLED = 5_000
"""Rows of one bootstrap sample."""
MOST = 12
"""The most clusters that are tried when their number is chosen."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of rows.

    Parameters
    ----------
    labels
        The cluster of each row, from 0.
    agreement
        Mean adjusted Rand index against the clusters of bootstrap samples, on all rows; None if not measured.
    stability
        Of each cluster: its mean Jaccard index with the most similar cluster of each bootstrap sample.
    tried
        For each number of clusters that was tried: the number, its agreement, its standard error.
    """

    labels: np.ndarray
    agreement: float | None
    stability: np.ndarray
    tried: tuple[tuple[int, float, float | None], ...]


def cluster(
    values: np.ndarray, k: int | None, root: int, replicates: int, *, fitted: np.ndarray | None = None
) -> Clusters:
    """Cluster rows by k-means (Lloyd, ten starts) and measure how stable the clusters are.

    Parameters
    ----------
    values
        The rows, already on one scale.
    k
        How many clusters; fewer if there are fewer different rows. None chooses: the most clusters whose agreement is
        within one standard error of the best.
    root
        Seed of all chance.
    replicates
        Bootstrap samples that stability is measured on.
    fitted
        Marks the rows among which clusters are found and measured; the others go to the nearest. None is all.
    """
    core = values if fitted is None or fitted.all() else values[fitted]
    different = len(np.unique(core, axis=0))
    if different < 2:
        return Clusters(np.zeros(len(values), dtype=np.int64), 1.0, np.ones(1), ((1, 1.0, None),))
    # One thread: the sums do not depend on how many there are, and small steps lose more by waiting for others.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        if k is not None:
            return _measured(core, values, min(k, different), root, replicates)
        tried = [
            _measured(core, values, many, root, replicates) for many in range(2, min(MOST, different) + 1)
        ]
    top = max(tried, key=lambda one: one.agreement or 0.0)
    within = (top.agreement or 0.0) - (top.tried[0][2] or 0.0)
    best = [one for one in tried if (one.agreement or 0.0) >= within][-1]
    return Clusters(best.labels, best.agreement, best.stability, tuple(one.tried[0] for one in tried))


def _measured(core: np.ndarray, values: np.ndarray, k: int, root: int, replicates: int) -> Clusters:
    means = _fit(core, k, 10, root)
    base = _nearest(means, core)
    agreements, jaccards = [], []
    for replicate in range(replicates):
        random = np.random.default_rng([root, replicate])
        sample = core[random.integers(len(core), size=min(len(core), RESAMPLED))]
        crossed = _crossed(base, _nearest(_fit(sample, k, 3, root + replicate + 1), core), k)
        agreements.append(adjusted_rand(crossed))
        either = crossed.sum(axis=1)[:, None] + crossed.sum(axis=0)[None, :] - crossed
        jaccards.append((crossed / np.maximum(either, 1)).max(axis=1))
    labels = base if core is values else _nearest(means, values)
    if not replicates:
        return Clusters(labels, None, np.full(k, np.nan), ())
    error = float(np.std(agreements, ddof=1) / np.sqrt(replicates)) if replicates > 1 else None
    agreement = float(np.mean(agreements))
    return Clusters(labels, agreement, np.mean(jaccards, axis=0), ((k, agreement, error),))


def _fit(rows: np.ndarray, k: int, starts: int, root: int) -> KMeans:
    from sklearn.cluster import KMeans

    if len(rows) > FITTED:
        rows = rows[np.random.default_rng(root).choice(len(rows), FITTED, replace=False)]
    return KMeans(min(k, len(np.unique(rows, axis=0))), n_init=starts, random_state=root % 2**32).fit(rows)


def _nearest(means: KMeans, rows: np.ndarray) -> np.ndarray:
    return np.asarray(means.predict(rows), dtype=np.int64)


def _crossed(one: np.ndarray, two: np.ndarray, k: int) -> np.ndarray:
    return np.bincount(one * k + two, minlength=k * k).reshape(k, k)


def adjusted_rand(crossed: np.ndarray) -> float:
    """Compute the adjusted Rand index (Hubert and Arabie 1985) of two clusterings.

    Parameters
    ----------
    crossed
        How many rows are in each pair of clusters.
    """
    both, one, two = _pairs(crossed), _pairs(crossed.sum(axis=1)), _pairs(crossed.sum(axis=0))
    chance = one * two / max(_pairs(crossed.sum(keepdims=True)), 1.0)
    most = (one + two) / 2
    return 1.0 if most == chance else (both - chance) / (most - chance)


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1.0) / 2).sum())
