"""Repeat purchases week by week, as they were and as a lifetime model expected them."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style

ACTUAL, EXPECTED = "actual", "expected"
_TONES = {ACTUAL: style.INK, EXPECTED: style.ACCENT}


def tracking(frame: pl.DataFrame, *, narrow: bool) -> dict[str, Any]:
    """Draw both sums as lines, each named at its end, with a rule where the model stopped seeing."""
    data = frame.select(
        pl.col("day").dt.to_string("%Y-%m-%d"), pl.col(ACTUAL).cast(pl.Float64), pl.col(EXPECTED)
    ).unpivot([ACTUAL, EXPECTED], index="day", variable_name="line", value_name="purchases")
    data = data.with_columns(tone=pl.col("line").replace_strict(_TONES))
    x = alt.X("day:T", title=None).axis(format="%b %y" if narrow else "%b %Y", tickCount=4 if narrow else 8)
    y = alt.Y("purchases:Q", title="repeat purchases so far").axis(
        labelExpr=style.COMPACT, grid=True, domain=False, tickCount=5, titleAngle=0, titleAlign="left",
        titleAnchor="end", titleY=-18, titleX=0,
    )  # fmt: skip
    tone = alt.Color("tone:N", scale=None)
    lines = (
        alt.Chart(data)
        .mark_line(strokeWidth=2)
        .encode(
            x, y, color=tone,
            strokeDash=alt.StrokeDash("line:N", legend=None).scale(domain=[ACTUAL, EXPECTED], range=[[1, 0], [6, 4]]),
            tooltip=[alt.Tooltip("line:N"), alt.Tooltip("day:T"), alt.Tooltip("purchases:Q", format=",.0f")],
        )
    )  # fmt: skip
    ends = data.group_by("line", maintain_order=True).last()
    # Names stand apart, the larger above, though the lines may end together.
    ends = ends.sort("purchases", descending=True, maintain_order=True)
    upper, lower = ends.head(1), ends.tail(1)
    words = [
        alt.Chart(one)
        .mark_text(align="right", dx=-4, dy=dy, fontWeight="bold")
        .encode(x, y, text="line:N", color=tone)
        for one, dy in ((upper, -12), (lower, 40 if narrow else 22))
    ]
    cut = frame.filter("seen").tail(1).select(pl.col("day").dt.to_string("%Y-%m-%d"))
    rule = alt.Chart(cut).mark_rule(color=style.NOTICE, strokeDash=[3, 3]).encode(x)
    name = (
        alt.Chart(cut)
        .mark_text(
            align="left",
            dx=6,
            color=style.NOTICE,
            text="not seen" if narrow else "not seen from here on",
            y=8,
        )
        .encode(x)
    )
    width = style.NARROW if narrow else style.WIDE
    return style.frame(alt.layer(lines, *words, rule, name), width=width, height=240 if narrow else 300)
