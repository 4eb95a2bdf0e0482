"""The lag curve: the share who come in each week, of those still waiting, against chance."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.findings import FEWEST, Lag

MOST = 104
"""Weeks drawn."""


def curve(lag: Lag, *, width: int) -> dict[str, Any]:
    """Draw bars for the hazard, faint ones for weeks that cannot be judged, a dashed line for chance, and name the peaks."""
    desk = width == style.WIDE
    peaks = lag.found["week"].to_list()
    named = _apart(peaks, 6 if desk else 5)
    beside = 2 if desk else 3
    unjudged = pl.any_horizontal(
        pl.lit(value=False), *(pl.col("week").is_between(*span) for span in lag.unjudged)
    )
    weeks = (
        lag.table.filter(pl.col("at_risk") >= FEWEST)
        .sort("week")
        .head(MOST)
        .with_columns(
            chance=pl.col("expected") / pl.col("at_risk"),
            named=pl.col("week").is_in(named),
            # A label stands above its neighbours, too, or they would run through it.
            top=pl.max_horizontal(*(pl.col("hazard").shift(by) for by in range(-beside, beside + 1))),
            tone=pl.when(pl.col("week").is_in(peaks))
            .then(pl.lit(style.NOTICE))
            .when(unjudged)
            .then(pl.lit(style.FAINT))
            .otherwise(pl.lit(style.SOFT)),
        )
        .select("week", "hazard", "chance", "at_risk", "events", "top", "tone", "named")
    )
    last = int(weeks["week"].max() or 1)  # type: ignore[arg-type]
    step = (4 if desk else 8) * (1 + last // 66)
    x = alt.X("week:Q", title="weeks after", scale=alt.Scale(domain=[0, last + 1], nice=False)).axis(
        values=list(range(0, last + 1, step))
    )
    y = alt.Y("hazard:Q", title="come in that week, of those still waiting").axis(
        format="~%",
        grid=True,
        domain=False,
        tickCount=4,
        titleAngle=0,
        titleAlign="left",
        titleAnchor="end",
        titleY=-18,
        titleX=0,
    )
    spans = lag.found.filter(pl.col("week").is_in(named)).select("week", "low", "high")
    spans = spans.join(weeks.select("week", "top"), on="week", maintain_order="left").with_columns(
        start=pl.col("low").cast(pl.Float64) - 0.4, end=pl.col("high").cast(pl.Float64) + 0.4
    )
    base = alt.Chart(weeks)
    bars = base.mark_bar(size=round((width - 60) / (last + 1) * 0.72, 1)).encode(
        x,
        y,
        color=alt.Color("tone:N", scale=None),
        tooltip=[
            "week:Q",
            alt.Tooltip("hazard:Q", format=".2%"),
            alt.Tooltip("chance:Q", format=".2%"),
            "events:Q",
            "at_risk:Q",
        ],
    )
    line = base.mark_line(color=style.INK, strokeDash=[4, 3], strokeWidth=1.4).encode(x, alt.Y("chance:Q"))
    # The interval of a peak's week lies over its bars, under its name.
    reach = (
        alt.Chart(spans)
        .mark_rule(color=style.NOTICE, strokeWidth=3, strokeCap="round", yOffset=-5)
        .encode(alt.X("start:Q"), alt.Y("top:Q"), x2="end:Q")
    )
    words = (
        base.transform_filter("datum.named")
        .transform_calculate(label=f"'{'week ' if desk else ''}' + datum.week")
        .mark_text(dy=-15, color=style.NOTICE, fontWeight="bold")
        .encode(x, alt.Y("top:Q"), text="label:N")
    )
    return style.frame(alt.layer(bars, line, reach, words), width=width, height=250 if desk else 220)


def _apart(weeks: list[int], distance: int) -> list[int]:
    """Keep the peaks whose labels do not run into the label of a stronger one."""
    kept: list[int] = []
    for week in weeks:
        if all(abs(week - other) >= distance for other in kept):
            kept.append(week)
    return kept
