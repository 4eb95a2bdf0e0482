"""Who buys what, when, under which discount: a cube of lines, and the cells that stand out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basketry.arguments import share
from basketry.customers.purchases import bought_lines, depth, item_groups, needed
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

PERIODS = ("month", "quarter", "weekday")
"""What of the calendar a cube may have as an axis; the same month of all years is one."""
FEWEST = 5.0
"""Cells of fewer expected lines, in lines that do not hang together, are not judged."""
_MOST_CELLS = 200_000
_ROUNDS = 64
_SWEEPS = 500


@dataclass(frozen=True, eq=False)
class BuyingCube:
    """A cube of what is bought.

    Parameters
    ----------
    cells
        One row a cell, the empty ones too, sorted by its axes: ``segment``, ``group``, ``period`` and ``discounted`` (as
        far as they were asked for), ``customers``, ``lines``, ``spend`` (if there is money), ``expected`` (lines),
        ``index`` (lines over expected), ``low`` and ``high`` (its 95 % interval), ``p_value``, ``q_value``, ``verdict``
        (``over``, ``under``, ``usual`` or ``too few``).
    found
        The rows that are over or under, the surest first.
    """

    cells: pl.DataFrame
    found: pl.DataFrame


def buying_cube(
    ledger: Ledger,
    *,
    groups: pl.DataFrame | str,
    segments: pl.DataFrame | None = None,
    period: str | None = None,
    discount: str | None = None,
    as_of: Moment | None = None,
    least: float = 1.25,
    max_q: float = 0.05,
) -> BuyingCube:
    """Count who buys what, when, under which discount, and tell the cells that cannot be put down to their axes.

    Parameters
    ----------
    ledger
        The shop.
    groups
        What: an attribute of items, or a frame of ``item`` and ``group`` such as the labels of `product_groups`.
    segments
        Who: ``customer`` and ``segment``; customers without a row are left out. None leaves the axis out.
    period
        When: ``month``, ``quarter`` or ``weekday`` in local time. None leaves the axis out.
    discount
        Under which discount: the measure of lines that holds discounts. None leaves the axis out.
    as_of
        Orders at or after it are left out; None is the end of the data.
    least
        A cell is over only if its index is surely above this, under only if surely below its inverse; at least 1.
    max_q
        The share of false ones among the cells told as over or under, by Benjamini and Hochberg.

    Returns
    -------
    BuyingCube
        All cells, and those that stand out.

    Raises
    ------
    ParameterError
        If an argument is out of range, or no axis is given.
    SchemaError
        If the ledger lacks what was named, or the cube has more than 200,000 cells.

    Notes
    -----
    Expected is what a group would sell if segment, period and discount each changed its share on its own: a log-linear
    model with all of who-when-how and each of them with what, by iterative proportional fitting. With one axis that is
    plain independence. A cell that stands out is taken out of the fit, one after the other, so that it cannot make its
    neighbours look small. Lines of one customer hang together, so a cell counts as many lines as vary alike (lines squared
    over squares summed by customer), and intervals and tests are Poisson in these.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate("missions", customers=400, rng=7).ledger
    >>> cube = bk.buying_cube(shop, groups="category", period="quarter", discount="discount")
    >>> cube.cells.height
    96
    """
    ledger = needed(ledger)
    if period is not None and period not in PERIODS:
        raise ParameterError.unknown("period", period, PERIODS)
    if isinstance(least, bool) or not isinstance(least, int | float) or not 1 <= least < 100:
        raise ParameterError.out_of_range("least", least, "a number from 1 to below 100 is needed")
    level = float(share("max_q", max_q))
    lines = bought_lines(ledger, as_of=as_of)
    if "item" not in lines.columns:
        raise SchemaError("the ledger holds no items: map a column to 'item' when it is read.")
    lines = lines.join(item_groups(ledger, groups), on="item", how="inner", maintain_order="left")
    axes = []
    if segments is not None:
        lines = _with_segments(lines, segments)
        axes.append("segment")
    if period is not None:
        day = pl.col("day").dt
        lines = lines.with_columns(
            period={"month": day.month(), "quarter": day.quarter(), "weekday": day.weekday()}[period].cast(
                pl.Int64
            )
        )
        axes.append("period")
    if discount is not None:
        lines = lines.with_columns(discounted=(depth(ledger, discount) > 0))
        axes.append("discounted")
    if not axes:
        raise ParameterError.out_of_range(
            "segments", None, "a cube needs who, when or how beside what: give segments, period or discount"
        )
    if not lines.height:
        raise SchemaError("no line is left: no item has a group, or no customer a segment.")
    return _cube(lines, ["group", *axes], float(least), level)


def _cube(lines: pl.DataFrame, axes: list[str], least: float, level: float) -> BuyingCube:
    levels = [lines[axis].unique().sort() for axis in axes]
    shape = tuple(len(values) for values in levels)
    if np.prod(shape) > _MOST_CELLS:
        raise SchemaError(
            f"the cube would have {np.prod(shape):,} cells, at most {_MOST_CELLS:,} are told: use fewer groups or axes."
        )
    money = [exact_sum("amount").alias("spend")] if "amount" in lines.columns else []
    # A guest's line hangs together with the lines of its order.
    who = (
        pl.when(pl.col("customer").is_null())
        .then(-pl.col("order").cast(pl.Int64) - 1)
        .otherwise(pl.col("customer").rank("dense").cast(pl.Int64))
    )
    own = lines.with_columns(who=who).group_by(*axes, "who").agg(n=pl.len().cast(pl.Int64))
    squares = own.group_by(axes).agg(
        lines=pl.col("n").sum(),
        customers=(pl.col("who") > 0).sum().cast(pl.Int64),
        squares=(pl.col("n") ** 2).sum(),
    )
    frame = pl.DataFrame({axes[0]: levels[0]})
    for axis, values in zip(axes[1:], levels[1:], strict=True):
        frame = frame.join(pl.DataFrame({axis: values}), how="cross")
    frame = frame.join(squares, on=axes, how="left", maintain_order="left")
    if money:
        frame = frame.join(lines.group_by(axes).agg(*money), on=axes, how="left", maintain_order="left")
    frame = frame.with_columns(pl.exclude(axes).fill_null(0))
    count = frame["lines"].to_numpy().astype(float).reshape(shape)
    square = frame["squares"].to_numpy().astype(float).reshape(shape)
    pooled = max(square.sum() / count.sum(), 1.0)
    together = np.where(count > 0, np.maximum(square / np.maximum(count, 1), 1.0), pooled)
    expected, p = _outstanding(count, together, least, level)
    judged = expected / together >= FEWEST
    q = _q_values(p, judged)
    low, high = _interval(count, expected, together)
    verdict = np.where(
        ~judged, "too few", np.where(q > level, "usual", np.where(count > expected, "over", "under"))
    )
    flat = {"expected": expected, "index": count / np.maximum(expected, 1e-300), "low": low, "high": high}
    flat |= {"p_value": np.where(judged, p, np.nan), "q_value": q, "verdict": verdict}
    ordered = [axis for axis in ("segment", "group", "period", "discounted") if axis in axes]
    kept = [*ordered, "customers", "lines", *(["spend"] if money else [])]
    cells = frame.select(kept).with_columns(pl.Series(name, values.ravel()) for name, values in flat.items())
    cells = cells.with_columns(
        pl.col("p_value", "q_value").fill_nan(None),
        pl.when(pl.col("expected") > 0).then(pl.col("index", "low", "high")),
    ).sort(ordered)
    found = cells.filter(pl.col("verdict").is_in(["over", "under"]))
    return BuyingCube(cells, found.sort("q_value", "p_value", *ordered))


def _outstanding(
    count: np.ndarray, together: np.ndarray, least: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit, take out the cell that stands out most, and fit again, until none does."""
    out = np.zeros(count.shape, dtype=bool)
    expected = _fitted(count, out, count)
    for _ in range(_ROUNDS):
        # Against 1, not against `least`: while a cell is still in the fit it makes its own expectation too large.
        p = _p_values(count, expected, together, 1.0)
        judged = expected / together >= FEWEST
        told = (_q_values(p, judged) <= level) & ~out
        if not told.any():
            break
        # A cell that is lifted takes from all others of its slice, so those that have too many lines go first.
        lifted = told & (count > expected)
        told = lifted if lifted.any() else told
        # Among p-values of 0 the cell furthest off.
        strength = np.abs(count - expected) / np.sqrt(np.maximum(expected * together, 1e-9))
        out.ravel()[np.argmax(np.where(told, strength, -1.0))] = True
        expected = _fitted(count, out, expected)
    return expected, _p_values(count, expected, together, least)


def _fitted(count: np.ndarray, out: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Fit by iterative proportional fitting; cells that are out are filled with what the others make of them."""
    others = range(1, count.ndim)
    # All of who, when and how together, then what with each of them; what alone where there is only one of them.
    summed = (
        [(0,), *(tuple(a for a in others if a != axis) for axis in others)]
        if count.ndim > 2
        else [(0,), (1,)]
    )
    filled = np.where(out, start, count)
    fit = np.full(count.shape, count.sum() / count.size)
    for _ in range(_SWEEPS):
        before = fit
        for over in summed:
            wanted, held = filled.sum(axis=over, keepdims=True), fit.sum(axis=over, keepdims=True)
            fit = fit * np.divide(wanted, held, out=np.zeros_like(wanted), where=held > 0)
        filled = np.where(out, fit, count)
        if np.abs(fit - before).max() <= 1e-7 * max(fit.max(), 1.0):
            break
    return fit


def _p_values(count: np.ndarray, expected: np.ndarray, together: np.ndarray, least: float) -> np.ndarray:
    from scipy.special import gammainc, gammaincc

    n, mean = count / together, expected / together
    over = np.where(n > 0, gammainc(np.maximum(n, 1e-12), least * mean), 1.0)
    under = gammaincc(n + 1, mean / least)
    p: np.ndarray = np.minimum(1.0, 2 * np.minimum(over, under))
    return p


def _q_values(p: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Compute q-values of the cells that are judged (Benjamini and Hochberg 1995)."""
    found = np.full(p.shape, np.nan)
    values = p[judged]
    order = np.argsort(values, kind="stable")
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    q = np.empty(len(values))
    q[order] = np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1])
    found[judged] = q
    return found


def _interval(count: np.ndarray, expected: np.ndarray, together: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the 95 % interval of the index (Garwood 1936), in lines that do not hang together."""
    from scipy.special import gammaincinv

    n, unit = count / together, together / np.maximum(expected, 1e-300)
    low = np.where(n > 0, gammaincinv(np.maximum(n, 1e-12), 0.025), 0.0) * unit
    return low, gammaincinv(n + 1, 0.975) * unit


def _with_segments(lines: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    for column in ("customer", "segment"):
        if column not in segments.columns:
            raise SchemaError.unknown_column(column, column, segments.columns)
    given = segments.select(pl.col("customer").cast(lines.schema["customer"]), "segment").drop_nulls()
    if given["customer"].is_duplicated().any():
        raise SchemaError("a customer is in the segments more than once: give one row a customer.")
    return lines.join(given, on="customer", how="inner", maintain_order="left")
