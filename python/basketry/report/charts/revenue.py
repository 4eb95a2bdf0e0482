"""Revenue by month."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style

MOST = 120
"""Months drawn; more would be thinner than a reader can see."""


def months(revenue: pl.DataFrame, *, currency: str | None, narrow: bool) -> dict[str, Any]:
    """Draw one bar a month."""
    data = revenue.sort("period").tail(MOST).select("period", "revenue", "orders")
    time = alt.Scale(type="utc")
    x = alt.X("utcyearmonth(period):T", scale=time, title=None, bandPosition=0).axis(
        format="%b %Y", tickCount=4 if narrow else 10, labelOverlap="greedy", labelBound=True
    )
    y = alt.Y("revenue:Q", title=currency).axis(
        format="~s", grid=True, domain=False, tickCount=5, titleAngle=0, titleAlign="left", titleAnchor="end",
        titleY=-14, titleX=0,
    )  # fmt: skip
    bars = alt.Chart(data).mark_bar(color=style.ACCENT, binSpacing=1 if narrow else 3)
    return style.frame(
        bars.encode(x, y, tooltip=[alt.Tooltip("utcyearmonth(period):T", title="month", format="%b %Y"),
                                   alt.Tooltip("revenue:Q", format=",.0f"), alt.Tooltip("orders:Q", format=",")]),
        width=style.NARROW if narrow else style.WIDE, height=220 if narrow else 260,
    )  # fmt: skip
