"""What a report is made from: frames that other rooms computed, checked for their columns at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from basketry.exceptions import SchemaError

FEWEST = 10
"""Groups of fewer people than this are never shown in detail."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "quality": ("reason", "status", "rows", "share"),
    "revenue": ("period", "orders", "customers", "revenue"),
    "rules": ("antecedent", "consequent", "count", "support", "confidence", "lift"),
    "validated_rules": ("antecedent", "consequent", "count", "lift", "lift_low", "lift_high", "later_lift",
                        "later_lift_low", "later_lift_high", "q_value", "verdict", "reason", "confidence"),
    "sequences": ("sequence", "length", "items", "count", "support"),
    "sequence_rules": ("antecedent", "consequent", "count", "support", "confidence", "lift"),
    "retention": ("since", "days", "at_risk", "returned", "low", "high"),
    "lifetime_tracking": ("day", "seen", "actual", "expected"),
    "lifetime_measures": ("rule", "mae", "rmse", "purchases", "bias"),
    "lifetime_by_frequency": ("frequency", "customers", "actual", "expected", "own_rate"),
    "segments": ("segment", "name", "customers", "share", "orders_mean", "order_value_mean",
                 "recency_days_mean", "spend_total", "spend_share"),
    "profile": ("segment", "feature", "mean", "everyone_mean", "percentile"),
    "rfm_map": ("r", "f", "customers", "monetary_mean"),
    "rfm_segments": ("segment", "customers", "share", "spend_total", "spend_share", "recency_days_mean",
                     "orders_mean"),
    "quadrants": ("quadrant", "customers", "customers_share", "orders", "orders_share", "spend_total",
                  "spend_share"),
    "personas": ("group", "label", "customers", "target_share", "other_share", "odds_ratio", "low", "high", "q_value",
                 "verdict", "sentence"),
    "lookalike": ("seed", "share", "people", "similarity", "least_similarity"),
    "cohorts": ("cohort", "age", "size", "customers", "retention"),
    "concentration": ("top_percent", "many", "spend_total", "share"),
    "concentration_curve": ("many_share", "share"),
    "cube": ("axis", "level", "group", "customers", "lines", "index", "verdict"),
    "cube_found": ("segment", "group", "customers", "lines", "index", "low", "high"),
    "prediction": ("target", "verdict", "offered", "people"),
    "comparison": ("as_of", "model", "lift_10", "lift_10_low", "lift_10_high", "auc", "auc_low", "auc_high", "brier",
                   "calibration_error"),
    "periods": ("as_of", "base_start", "base_end", "dormant_start", "dormant_end", "label_start", "label_end"),
    "gains": ("model", "share", "hits", "revenue"),
    "reliability": ("people", "predicted", "actual"),
    "cutoffs": ("channel", "share", "expected_profit"),
}  # fmt: skip
LAG_TABLE = ("week", "at_risk", "events", "expected", "hazard", "cumulative", "low", "high")
LAG_PEAKS = ("week", "low", "high", "excess", "rate_ratio", "p_value", "stability", "kind")


@dataclass(frozen=True)
class Lag:
    """One question "how long after the antecedent do customers come for the consequent", answered by week.

    ``table`` and ``peaks`` are the two frames of :func:`basketry.time_to_next`.
    """

    antecedent: Sequence[object]
    consequent: Sequence[object]
    table: pl.DataFrame
    peaks: pl.DataFrame

    @property
    def found(self) -> pl.DataFrame:
        """The peaks since the purchase, strongest first."""
        return self._of_kind("since purchase")

    @property
    def calendar(self) -> pl.DataFrame:
        """The peaks that the calendar makes, strongest first."""
        return self._of_kind("calendar")

    @property
    def unjudged(self) -> list[tuple[int, int]]:
        """The stretches of weeks, first and last, of which the data are too few to tell."""
        kept = self.peaks.filter(pl.col("kind") == "not enough data").sort("low")
        return [(first, last) for first, last in kept.select("low", "high").iter_rows()]

    def _of_kind(self, kind: str) -> pl.DataFrame:
        return self.peaks.filter(pl.col("kind") == kind).sort(
            "p_value", "excess", descending=[False, True], maintain_order=True
        )


@dataclass(frozen=True)
class Findings:
    """Everything a report can show. A part that is ``None`` is named on the page as absent, with the reason.

    Only the columns named in the design are ever shown: other columns of a frame, a customer's key for
    instance, do not reach the page. ``quality`` examples are shown as they are, so they must not hold keys.

    Parameters
    ----------
    title
        The page's headline.
    as_of
        The day the report looks back from.
    currency
        Code or symbol set before amounts; ``None`` writes bare numbers.
    run
        How the report was made: versions, parameters, seed, fingerprint, times; nested parts are flattened.
    quality
        ``reason``, ``status`` (used, set aside, noted), ``rows``, ``share``, and where known ``amount``,
        ``first_row``, ``example``, ``mend``.
    totals
        ``rows_in``, ``rows_used``, ``rows_set_aside``, ``customers``, ``orders``, ``lines``, ``items``,
        ``first_order``, ``last_order``, ``revenue_gross``, ``revenue_net``,
        ``anonymous_orders``; each optional.
    revenue
        By month: ``period``, ``orders``, ``customers``, ``revenue``.
    rules, sequences, sequence_rules
        The frames of the functions of those names.
    validated_rules
        The frame of :func:`basketry.validate_rules`, with the ``confidence`` of its rules and, where rules were looked for in
        segments, ``scope``, ``holds_in`` and ``segments``. A segment's name begins with its number in ``segments``.
    lags
        Strongest first; the first three are drawn.
    retention
        The share that has ordered again (``returned``, ``low``, ``high``) by ``days``, since the ``first``
        and since ``every`` order.
    lifetime_tracking, lifetime_measures, lifetime_by_frequency
        A lifetime model on purchases that it had not seen: the frames of :func:`basketry.lifetime_holdout`.
    segments
        One row per segment, with its name, size, habits, spend and, where known, ``margin_total``.
    profile
        One row per segment and feature; ``percentile`` (0 to 100) is its place among all customers.
    rfm_map
        One row per pair of scores ``r`` and ``f`` (1 to 5).
    rfm_segments, quadrants
        One row per named group.
    personas
        What sets one group apart: the frame of :func:`basketry.personas`, and ``group``, what it is called.
    lookalike
        Reach against similarity: ``Lookalike.reach``, and ``seed``, whom the people resemble.
    cohorts
        What each cohort did at each ``age`` in periods.
    concentration, concentration_curve
        How much the top customers bring.
    cube, cube_found
        What is bought against what was expected, by level of an ``axis`` (segment, month, discount); and the cells that no axis
        explains on its own.
    prediction
        One row: what was foretold, the verdict in words, what is offered, how many people are asked about.
    comparison, periods, gains, reliability, cutoffs
        The frames of those names of :class:`basketry.models.programme.Programme` and of a channel policy.
    item_names
        Item -> the name shown for it.
    absent
        Field name -> why it is ``None``, in a sentence.
    """

    title: str
    as_of: date
    currency: str | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    quality: pl.DataFrame | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)
    revenue: pl.DataFrame | None = None
    rules: pl.DataFrame | None = None
    validated_rules: pl.DataFrame | None = None
    sequences: pl.DataFrame | None = None
    sequence_rules: pl.DataFrame | None = None
    lags: Sequence[Lag] | None = None
    retention: pl.DataFrame | None = None
    lifetime_tracking: pl.DataFrame | None = None
    lifetime_measures: pl.DataFrame | None = None
    lifetime_by_frequency: pl.DataFrame | None = None
    segments: pl.DataFrame | None = None
    profile: pl.DataFrame | None = None
    rfm_map: pl.DataFrame | None = None
    rfm_segments: pl.DataFrame | None = None
    quadrants: pl.DataFrame | None = None
    personas: pl.DataFrame | None = None
    lookalike: pl.DataFrame | None = None
    cohorts: pl.DataFrame | None = None
    concentration: pl.DataFrame | None = None
    concentration_curve: pl.DataFrame | None = None
    cube: pl.DataFrame | None = None
    cube_found: pl.DataFrame | None = None
    prediction: pl.DataFrame | None = None
    comparison: pl.DataFrame | None = None
    periods: pl.DataFrame | None = None
    gains: pl.DataFrame | None = None
    reliability: pl.DataFrame | None = None
    cutoffs: pl.DataFrame | None = None
    item_names: Mapping[Any, str] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, columns in COLUMNS.items():
            _check(name, getattr(self, name), columns)
        for lag in self.lags or ():
            _check("lags.table", lag.table, LAG_TABLE)
            _check("lags.peaks", lag.peaks, LAG_PEAKS)


def _check(name: str, frame: pl.DataFrame | None, columns: tuple[str, ...]) -> None:
    missing = [] if frame is None else [column for column in columns if column not in frame.columns]
    if frame is not None and missing:
        raise SchemaError(
            f"report frame {name!r} lacks {', '.join(map(repr, missing))}; pass None to leave the part out. "
            f"Found: {', '.join(map(repr, frame.columns)) or 'no column at all'}."
        )


def people(frame: pl.DataFrame, size: str = "customers") -> tuple[pl.DataFrame, int]:
    """Split off the groups of fewer than ten people: the rows that may be shown, and how many may not.

    Examples
    --------
    >>> shown, hidden = people(pl.DataFrame({"segment": ["a", "b"], "customers": [40, 9]}))
    >>> shown["segment"].to_list(), hidden
    (['a'], 1)
    """
    shown = frame.filter(pl.col(size) >= FEWEST)
    return shown, frame.height - shown.height
