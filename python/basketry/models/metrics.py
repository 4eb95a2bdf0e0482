"""Figures of a ranking, with intervals by bootstrap over customers: ties count as if they were broken by chance."""

from __future__ import annotations

import numpy as np

SHARES = (0.05, 0.10, 0.30)
"""Shares of the people who are picked."""
_BINS = 10


class Sheet:
    """Outcome and value of people, and how often each is drawn in every replicate of the bootstrap.

    Parameters
    ----------
    hits
        Yes or no.
    value
        Money of each.
    owners
        Whose row it is: customers are drawn, with all of their rows.
    replicates
        How many replicates; the first column of all answers is the sample itself.
    seed
        The seed of the draws.
    """

    def __init__(
        self, hits: np.ndarray, value: np.ndarray, owners: np.ndarray, *, replicates: int = 200, seed: int = 0
    ) -> None:
        self.hits = np.asarray(hits, dtype=np.float64)
        self.value = np.asarray(value, dtype=np.float64)
        owner = np.unique(owners, return_inverse=True)[1]
        rng = np.random.default_rng(seed)
        many = int(owner.max()) + 1 if len(owner) else 0
        draws = rng.poisson(1.0, (many, replicates)).astype(np.float32)
        self.weights = np.concatenate([np.ones((len(owner), 1), np.float32), draws[owner]], axis=1)

    def of(self, score: np.ndarray, p: np.ndarray) -> dict[str, np.ndarray]:
        """Give every figure of a score: the sample's first, then those of the replicates.

        Parameters
        ----------
        score
            The ranking, the greatest first.
        p
            The probability.
        """
        order = np.argsort(-score, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
        w, y = self.weights[order], self.hits[order][:, None]
        people = _sums(w, starts)
        yes, money = _sums(w * y, starts), _sums(w * self.value[order][:, None], starts)
        total, all_yes, all_money = people[-1], yes[-1], money[-1]
        found: dict[str, np.ndarray] = {}
        with np.errstate(divide="ignore", invalid="ignore"):
            base = all_yes / total
            for share in SHARES:
                name = f"{100 * share:.0f}"
                picked = _upto(people, yes, share)
                found[f"precision_{name}"] = picked / (share * total)
                found[f"lift_{name}"] = found[f"precision_{name}"] / base
                found[f"revenue_{name}"] = _upto(people, money, share) / all_money / share
            no = people - yes
            above = np.concatenate([np.zeros((1, w.shape[1])), yes[:-1]])
            step = np.diff(no, axis=0, prepend=np.zeros((1, w.shape[1])))
            won = (step * (above + yes) / 2).sum(0)
            found["auc"] = won / (all_yes * (total - all_yes))
        found["brier"] = (self.weights * ((p - self.hits) ** 2)[:, None]).sum(0) / self.weights.sum(0)
        found["calibration_error"] = self._calibration(p)
        return found

    def _calibration(self, p: np.ndarray) -> np.ndarray:
        order = np.argsort(p, kind="stable")
        off = [
            np.abs((self.weights[part] * (p[part] - self.hits[part])[:, None]).sum(0))
            for part in np.array_split(order, _BINS)
        ]
        return np.asarray(np.sum(off, axis=0) / self.weights.sum(0))


def _sums(columns: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum runs of equal scores, and then from the top down."""
    return np.asarray(np.add.reduceat(columns.astype(np.float64), starts, axis=0).cumsum(0))


def _upto(people: np.ndarray, what: np.ndarray, share: float) -> np.ndarray:
    """Sum what the best share of the people bring; of people with equal scores the same part each."""
    out = np.empty(people.shape[1])
    for replicate in range(people.shape[1]):
        column = np.r_[0.0, people[:, replicate]]
        out[replicate] = np.interp(share * column[-1], column, np.r_[0.0, what[:, replicate]])
    return out


def reliability(p: np.ndarray, hits: np.ndarray, bins: int = _BINS) -> list[dict[str, float]]:
    """Compare what was foretold with what came, in bins of equally many people.

    Parameters
    ----------
    p
        The probabilities.
    hits
        Yes or no.
    bins
        How many bins.
    """
    order = np.argsort(p, kind="stable")
    return [
        {"people": len(part), "predicted": float(p[part].mean()), "actual": float(hits[part].mean())}
        for part in np.array_split(order, bins)
        if len(part)
    ]
