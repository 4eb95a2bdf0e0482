"""Why a person stands where he stands on a list: what his score would be if one thing about him were usual."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl

from basketry.arguments import whole
from basketry.models.prepare import as_frame
from basketry.models.propensity import PropensityModel

_WINDOW = re.compile(r"_(\d+d|all)$")
_LEAST = 0.02
"""Log-odds below which nothing is said."""


def reasons(
    model: PropensityModel,
    X: Any,  # noqa: N803
    *,
    top: int = 3,
    among: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say in words what raises each person's chance most.

    Parameters
    ----------
    model
        A fitted model.
    X
        The people, as a frame.
    top
        How many reasons at most.
    among
        The people whose middle is called usual in the words; None takes those given.

    Returns
    -------
    DataFrame
        One row a person, in their order: ``customer`` (if there), ``reasons`` (texts, the weightiest first) and ``weights``
        (log-odds that the thing adds against its usual value). All windows of a feature are one thing. What is usual is the
        mean of the rows that the model learned from; in the words stands a middle.
    """
    whole("top", top, 1)
    frame = as_frame(X)
    if frame is None:
        frame = pl.DataFrame(np.asarray(X), schema=model.prepare_.columns_)
    rows = model.prepare_.transform(frame)
    full = model._from_prepared(rows)
    things: dict[str, list[int]] = {}
    for column, at in enumerate(model.prepare_.source_):
        things.setdefault(_thing(model.prepare_.columns_[at]), []).append(column)
    names = sorted(things)
    added = np.empty((len(rows), len(names)))
    for at, name in enumerate(names):
        # Prepared columns are standardised: 0 is usual.
        usual = rows.copy()
        usual[:, things[name]] = 0.0
        added[:, at] = full - model._from_prepared(usual)
    order = np.argsort(-added, axis=1, kind="stable")[:, :top]
    texts = _texts(model, frame, rows, names, things, frame if among is None else among)
    told, weights = [], []
    for row in range(len(rows)):
        kept = [at for at in order[row] if added[row, at] > _LEAST]
        told.append([texts[at](row) for at in kept])
        weights.append([float(added[row, at]) for at in kept])
    found = pl.DataFrame(
        {"reasons": told, "weights": weights},
        schema={"reasons": pl.List(pl.String), "weights": pl.List(pl.Float64)},
    )
    return found.insert_column(0, frame["customer"]) if "customer" in frame.columns else found


def _thing(column: str) -> str:
    return _WINDOW.sub("", column)


def _texts(
    model: PropensityModel,
    frame: pl.DataFrame,
    rows: np.ndarray,
    names: list[str],
    things: dict[str, list[int]],
    among: pl.DataFrame,
) -> list[Any]:
    """Make for every thing a function that words it for a row: by the column that is furthest from usual."""
    prepare = model.prepare_
    values = {name: frame[name].to_list() for name in prepare.columns_}
    middles = {name: among[name].median() for name in prepare.columns_ if among[name].dtype.is_numeric()}

    def worded(name: str) -> Any:
        columns = np.array(things[name])

        def tell(row: int) -> str:
            far = int(columns[np.abs(rows[row, columns]).argmax()])
            column = prepare.columns_[prepare.source_[far]]
            value = values[column][row]
            middle = middles.get(column)
            usual = "" if middle is None else f" (usually {_number(middle)})"
            return f"{_plain(column)}: {_number(value)}{usual}"

        return tell

    return [worded(name) for name in names]


def _plain(column: str) -> str:
    window = _WINDOW.search(column)
    plain = _thing(column).replace("_", " ")
    if window is None:
        return plain
    return f"{plain}, all time" if window[1] == "all" else f"{plain}, last {window[1][:-1]} days"


def _number(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
