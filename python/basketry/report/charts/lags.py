"""The lag curve: the share who come in each week, of those still waiting, against chance."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.findings import FEWEST, Lag

MOST = 104
"""Weeks drawn."""


def curve(lag: Lag, *, narrow: bool) -> dict[str, Any]:
    """Draw bars for the hazard, a dashed line for chance, and name the weeks of the peaks."""
    peaks = lag.peaks.select("week", peak=True)
    weeks = (
        lag.table.filter(pl.col("at_risk") >= FEWEST)
        .sort("week")
        .head(MOST)
        .with_columns(chance=pl.col("expected") / pl.col("at_risk"))
        .join(peaks, on="week", how="left", maintain_order="left")
        .select("week", "hazard", "chance", "at_risk", "events", pl.col("peak").fill_null(value=False))
    )
    x = alt.X("week:Q", title="weeks after").axis(
        tickMinStep=1, values=list(range(0, int(weeks["week"].max() or 0) + 1, 8 if narrow else 4))
    )
    y = alt.Y("hazard:Q", title="come in that week, of those still waiting").axis(
        format="~%", grid=True, domain=False, tickCount=4, titleAngle=0, titleAlign="left", titleAnchor="end",
        titleY=-16, titleX=0,
    )  # fmt: skip
    base = alt.Chart(weeks)
    bars = base.mark_bar(size=3.2 if narrow else 10).encode(
        x, y,
        color=alt.condition("datum.peak", alt.value(style.NOTICE), alt.value(style.SOFT)),
        tooltip=["week:Q", alt.Tooltip("hazard:Q", format=".2%"), alt.Tooltip("chance:Q", format=".2%"),
                 "events:Q", "at_risk:Q"],
    )  # fmt: skip
    line = base.mark_line(color=style.INK, strokeDash=[4, 3], strokeWidth=1.4).encode(x, alt.Y("chance:Q"))
    words = base.mark_text(dy=-8, color=style.NOTICE, fontWeight="bold").encode(
        x, y, text=alt.Text("label:N")
    )
    words = words.transform_filter("datum.peak").transform_calculate(
        label=f"'{'' if narrow else 'week '}' + datum.week"
    )
    return style.frame(
        alt.layer(bars, line, words), width=style.NARROW if narrow else style.WIDE, height=220 if narrow else 250
    )
