"""Revenue by month."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style

MOST = 120
"""Months drawn; more would be thinner than a reader can see."""


def months(revenue: pl.DataFrame, *, currency: str | None, narrow: bool) -> dict[str, Any]:
    """Draw one bar a month."""
    data = revenue.sort("period").tail(MOST).select(pl.col("period").cast(pl.Date), "revenue", "orders")
    named = _named(data["period"].to_list(), 4 if narrow else 9)
    x = alt.X("utcyearmonth(period):T", scale=alt.Scale(type="utc"), title=None, bandPosition=0).axis(
        format="%b %Y", values=[alt.DateTime(year=day.year, month=day.month, utc=True) for day in named]
    )
    y = alt.Y("revenue:Q", title=currency).axis(
        labelExpr=style.COMPACT,
        grid=True,
        domain=False,
        tickCount=5,
        titleAngle=0,
        titleAlign="left",
        titleAnchor="end",
        titleY=-14,
        titleX=0,
    )
    bars = alt.Chart(data).mark_bar(color=style.ACCENT, binSpacing=1 if narrow else 3)
    return style.frame(
        bars.encode(
            x,
            y,
            tooltip=[
                alt.Tooltip("utcyearmonth(period):T", title="month", format="%b %Y"),
                alt.Tooltip("revenue:Q", format=",.0f"),
                alt.Tooltip("orders:Q", format=","),
            ],
        ),
        width=style.NARROW if narrow else style.WIDE,
        height=220 if narrow else 260,
    )


def _named(periods: list[date], most: int) -> list[date]:
    """Choose the months named under the bars: every one, third, sixth, ..., January among them."""
    for step in (1, 3, 6, 12, 24, 60):
        named = [day for day in periods if (12 * day.year + day.month - 1) % step == 0]
        if len(named) <= most:
            break
    return named
