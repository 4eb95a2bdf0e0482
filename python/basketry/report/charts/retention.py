"""Who comes back, and when: the share that has ordered again by days since the order."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.findings import FEWEST

MOST = 365
"""Days drawn."""
NAMES = {"first": "after the first order", "every": "after any order"}
_TONES = {"first": style.NOTICE, "every": style.ACCENT}


def curve(frame: pl.DataFrame, *, narrow: bool) -> dict[str, Any]:
    """Draw a line with its interval for the first order and for any order, each named at its end."""
    followed = frame.filter((pl.col("at_risk") >= FEWEST) & (pl.col("days") <= MOST))
    start = followed.select("since").unique(maintain_order=True).with_columns(
        days=pl.lit(0, pl.Int64), returned=0.0, low=0.0, high=0.0
    )  # fmt: skip
    kept = followed.select("since", pl.col("days").cast(pl.Int64), "returned", "low", "high")
    data = pl.concat([start, kept]).with_columns(
        tone=pl.col("since").replace_strict(_TONES, default=style.INK),
        name=pl.col("since").replace_strict(NAMES, default=pl.col("since")),
    )
    last = int(data["days"].max() or 1)  # type: ignore[arg-type]
    ends = data.group_by("since", maintain_order=True).last()
    x = alt.X("days:Q", title="days after", scale=alt.Scale(domain=[0, last], nice=False)).axis(
        values=list(range(0, last + 1, 60 if narrow or last > 200 else 30))
    )
    y = alt.Y("returned:Q", title="have ordered again", scale=alt.Scale(domainMin=0)).axis(
        format="~%", grid=True, domain=False, tickCount=5, titleAngle=0, titleAlign="left", titleAnchor="end",
        titleY=-18, titleX=0,
    )  # fmt: skip
    tone = alt.Color("tone:N", scale=None)
    base = alt.Chart(data)
    band = base.mark_area(opacity=0.16, interpolate="step-after").encode(
        x, alt.Y("low:Q"), alt.Y2("high:Q"), color=tone
    )
    line = base.mark_line(strokeWidth=2, interpolate="step-after").encode(
        x, y, color=tone,
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("days:Q"), alt.Tooltip("returned:Q", format=".1%")],
    )  # fmt: skip
    words = alt.Chart(ends).mark_text(align="right", dx=-4, dy=-10, fontWeight="bold").encode(
        x, alt.Y("high:Q"), text="name:N", color=tone
    )  # fmt: skip
    width = style.NARROW if narrow else style.WIDE
    return style.frame(alt.layer(band, line, words), width=width, height=220 if narrow else 260)
