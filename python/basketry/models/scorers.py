"""What is left of a learner when it has learned: arrays, and the arithmetic from a row to log-odds.

Every model predicts by these, fitted a moment ago or loaded from a file: there is one way from features to a score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from basketry.exceptions import SchemaError

_EDGE = 1e-6


class Scorer(ABC):
    """Arrays by name, and a score by them."""

    kind: ClassVar[str]

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays

    @abstractmethod
    def margin(self, rows: np.ndarray) -> np.ndarray:
        """Give the log-odds of rows, before calibration."""

    @abstractmethod
    def check(self, width: int) -> None:
        """Refuse arrays that do not fit together or the number of columns; they may come from a file."""


class Linear(Scorer):
    """A weighted sum."""

    kind = "linear"

    def margin(self, rows: np.ndarray) -> np.ndarray:
        """Give the log-odds of rows."""
        return np.asarray(rows @ self.arrays["weights"] + self.arrays["intercept"][0])

    def check(self, width: int) -> None:
        """Refuse arrays that do not fit."""
        _need(self, weights=(width,), intercept=(1,))


class Trees(Scorer):
    """Trees side by side: the mean of their shares (a forest), or the sum of their steps (boosting)."""

    kind = "trees"

    def margin(self, rows: np.ndarray) -> np.ndarray:
        """Give the log-odds of rows."""
        held = self.arrays
        feature, threshold, left, right = (held[name] for name in ("feature", "threshold", "left", "right"))
        # Forests compare numbers of 32 bits, boosting of 64.
        rows = np.ascontiguousarray(rows.astype(np.float32) if held["mean"][0] else rows)
        every, total = np.arange(len(rows)), np.zeros(len(rows))
        for root in held["roots"]:
            at = np.full(len(rows), root)
            while True:
                go = left[at]
                inner = go >= 0
                if not inner.any():
                    break
                at = np.where(inner, np.where(rows[every, feature[at]] <= threshold[at], go, right[at]), at)
            total += held["value"][at]
        if not held["mean"][0]:
            return np.asarray(total + held["start"][0])
        share = np.clip(total / len(held["roots"]), _EDGE, 1 - _EDGE)
        return np.asarray(np.log(share / (1 - share)))

    def check(self, width: int) -> None:
        """Refuse arrays that do not fit: a child stands behind its parent, so every walk ends."""
        size = len(self.arrays.get("feature", ()))
        _need(
            self,
            feature=(size,),
            threshold=(size,),
            left=(size,),
            right=(size,),
            value=(size,),
            start=(1,),
            mean=(1,),
        )
        roots, here = self.arrays["roots"], np.arange(size)
        left, right, feature = (self.arrays[name] for name in ("left", "right", "feature"))
        inner = left >= 0
        sound = (
            ((left > here) & (right > here) & (left < size) & (right < size))[inner].all()
            and ((feature >= 0) & (feature < width))[inner].all()
            and len(roots) and ((roots >= 0) & (roots < size)).all()
        )  # fmt: skip
        if not sound:
            raise SchemaError("the trees of the saved model do not hold together: fit and save it again.")


class Network(Scorer):
    """Layers of sums with what is negative cut off in between."""

    kind = "network"

    def margin(self, rows: np.ndarray) -> np.ndarray:
        """Give the log-odds of rows."""
        depth = len(self.arrays) // 2
        for layer in range(depth):
            rows = rows @ self.arrays[f"weights{layer}"] + self.arrays[f"bias{layer}"]
            rows = np.maximum(rows, 0) if layer < depth - 1 else rows
        return np.asarray(rows[:, 0])

    def check(self, width: int) -> None:
        """Refuse arrays that do not fit."""
        for layer in range(len(self.arrays) // 2):
            bias = self.arrays.get(f"bias{layer}", np.empty(0))
            _need(self, **{f"weights{layer}": (width, len(bias)), f"bias{layer}": (len(bias),)})
            width = len(bias)
        if width != 1:
            raise SchemaError(
                "the network of the saved model does not end in one number: fit and save it again."
            )


class Kernel(Scorer):
    """Likeness to landmarks, weighted: a support vector machine by Nystroem's approximation."""

    kind = "kernel"

    def margin(self, rows: np.ndarray) -> np.ndarray:
        """Give the distance of rows from the border."""
        marks, gamma = self.arrays["landmarks"], self.arrays["gamma"][0]
        far = (rows**2).sum(1)[:, None] + (marks**2).sum(1)[None, :] - 2 * rows @ marks.T
        return np.asarray(
            np.exp(-gamma * np.maximum(far, 0)) @ self.arrays["weights"] + self.arrays["intercept"][0]
        )

    def check(self, width: int) -> None:
        """Refuse arrays that do not fit."""
        many = len(self.arrays.get("weights", ()))
        _need(self, landmarks=(many, width), weights=(many,), gamma=(1,), intercept=(1,))


SCORERS: dict[str, type[Scorer]] = {one.kind: one for one in (Linear, Trees, Network, Kernel)}


def _need(scorer: Scorer, **shapes: tuple[int, ...]) -> None:
    for name, shape in shapes.items():
        found = scorer.arrays.get(name)
        if found is None or found.shape != shape or not np.isfinite(found).all():
            raise SchemaError(
                f"{name!r} of the saved model is not what a {scorer.kind} model needs: fit and save it again."
            )


def from_sklearn(model: Any) -> Scorer:
    """Take the arrays out of a fitted learner of scikit-learn.

    Parameters
    ----------
    model
        A learner of `learners.LEARNERS`.
    """
    name = type(model).__name__
    if name == "LogisticRegression":
        return Linear(
            {"weights": model.coef_[0].astype(float), "intercept": np.array([model.intercept_[0]], float)}
        )
    if name == "RandomForestClassifier":
        trees = [one.tree_ for one in model.estimators_]
        shares = [(t.value[:, 0, 1] / t.value[:, 0, :].sum(1)) for t in trees]
        parts = [(t.feature, t.threshold, t.children_left, t.children_right) for t in trees]
        return _trees(parts, shares, mean=True, start=0.0)
    if name == "HistGradientBoostingClassifier":
        nodes = [one[0].nodes for one in model._predictors]
        parts = [
            (n["feature_idx"], n["num_threshold"], _children(n, "left"), _children(n, "right")) for n in nodes
        ]
        start = float(np.ravel(model._baseline_prediction)[0])
        return _trees(parts, [n["value"] for n in nodes], mean=False, start=start)
    if name == "MLPClassifier":
        arrays = {f"weights{at}": w.astype(float) for at, w in enumerate(model.coefs_)}
        return Network(arrays | {f"bias{at}": b.astype(float) for at, b in enumerate(model.intercepts_)})
    kernel, line = model[0], model[-1]
    # One product instead of two: landmarks -> normalised likeness -> weights.
    weights = kernel.normalization_.T @ line.coef_[0]
    return Kernel({
        "landmarks": kernel.components_.astype(float), "weights": weights, "gamma": np.array([kernel.gamma], float),
        "intercept": np.array([np.ravel(line.intercept_)[0]], float),
    })  # fmt: skip


def from_lightgbm(booster: Any) -> Scorer:
    """Take the arrays out of a booster of LightGBM.

    Parameters
    ----------
    booster
        Its trees, in the form of `dump_model`.
    """
    parts, values = [], []
    for tree in booster["tree_info"]:
        nodes: list[tuple[int, float, int, int, float]] = []
        waiting = [(tree["tree_structure"], -1, 0)]
        while waiting:
            node, parent, side = waiting.pop(0)
            if parent >= 0:
                row = list(nodes[parent])
                row[2 + side] = len(nodes)
                nodes[parent] = tuple(row)  # type: ignore[assignment]
            if "leaf_value" in node and "left_child" not in node:
                nodes.append((0, 0.0, -1, -1, float(node["leaf_value"])))
                continue
            waiting += [(node["left_child"], len(nodes), 0), (node["right_child"], len(nodes), 1)]
            nodes.append((int(node["split_feature"]), float(node["threshold"]), 0, 0, 0.0))
        columns = [np.array(column) for column in zip(*nodes, strict=True)]
        parts.append(tuple(columns[:4]))
        values.append(columns[4])
    return _trees(parts, values, mean=False, start=0.0)


def _children(nodes: Any, side: str) -> np.ndarray:
    return np.where(nodes["is_leaf"] == 1, -1, nodes[side].astype(np.int64))


def _trees(parts: Sequence[Any], values: Sequence[Any], *, mean: bool, start: float) -> Trees:
    roots = np.cumsum([0, *(len(one[0]) for one in parts)])[:-1]
    shifted = [
        (f, t, np.where(left < 0, -1, left + root), np.where(left < 0, -1, right + root))
        for (f, t, left, right), root in zip(parts, roots, strict=True)
    ]
    feature, threshold, left, right = (np.concatenate(column) for column in zip(*shifted, strict=True))
    leaf = left < 0
    return Trees({
        "feature": np.where(leaf, 0, feature).astype(np.int64), "threshold": np.where(leaf, 0.0, threshold).astype(float),
        "left": left.astype(np.int64), "right": right.astype(np.int64), "value": np.concatenate(values).astype(float),
        "roots": roots.astype(np.int64), "mean": np.array([float(mean)]), "start": np.array([start]),
    })  # fmt: skip
