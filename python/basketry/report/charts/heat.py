"""Maps of cells: what cohorts do by age, and who buys more or less than expected of what."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.findings import FEWEST
from basketry.report.text import clean

_COHORTS = 18
_AGES = 12
_STRONG = 2.0
"""An index from which, or from whose inverse, a cell has the full colour."""


def triangle(cohorts: pl.DataFrame, *, narrow: bool) -> dict[str, Any]:
    """Draw the share of each cohort that bought, by periods since its first purchase; small cohorts are left out."""
    ages = 6 if narrow else _AGES
    kept = cohorts.filter((pl.col("size") >= FEWEST) & pl.col("age").is_between(1, ages))
    last = kept["cohort"].unique().sort().tail(_COHORTS)
    data = kept.filter(pl.col("cohort").is_in(last.implode())).select(
        pl.col("cohort").dt.strftime("%Y-%m-%d").str.slice(0, 7), "age", "size", value="retention"
    )
    top = float(data["value"].max() or 1)  # type: ignore[arg-type]
    x = alt.X("age:O", title="periods since the first purchase").axis(labelAngle=0, domain=False)
    y = alt.Y("cohort:O", title=None).axis(domain=False)
    base = alt.Chart(data).encode(x, y)
    tiles = base.mark_rect(cornerRadius=2, stroke="white", strokeWidth=2).encode(
        color=alt.Color(
            "value:Q", legend=None, scale=alt.Scale(domain=[0, top], range=[style.PALE, style.MIDDLE])
        ),
        tooltip=["cohort:O", "age:O", "size:Q", alt.Tooltip("value:Q", format=".1%")],
    )
    words = base.mark_text(fontSize=11).encode(text=alt.Text("value:Q", format=".0%"))
    rows = data["cohort"].n_unique()
    return style.frame(
        alt.layer(tiles, words), width=style.NARROW if narrow else style.WIDE, height=70 + 22 * rows
    )


def indices(cells: pl.DataFrame, *, narrow: bool) -> dict[str, Any]:
    """Draw for each level and group how many times as much as expected was bought; only what is sure has a number."""
    known = (pl.col("customers") >= FEWEST) & (pl.col("verdict") != "too few") & (pl.col("index") > 0)
    limit = pl.col("index").log(2) / pl.lit(_STRONG).log(2)
    groups, levels = (cells[name].unique(maintain_order=True).to_list() for name in ("group", "level"))
    data = cells.select(
        pl.col("level", "group").map_elements(lambda name: clean(name, 34), return_dtype=pl.String),
        "lines",
        "index",
        tone=pl.when(known).then(limit.clip(-1, 1)),
        words=pl.when(known & pl.col("verdict").is_in(["over", "under"]))
        .then(pl.col("index").round(1).cast(pl.String))
        .otherwise(pl.lit("")),
    )
    x = alt.X("group:N", title=None, sort=[clean(name, 34) for name in groups]).axis(
        labelAngle=-40, domain=False, orient="top", labelLimit=130
    )
    y = alt.Y("level:N", title=None, sort=[clean(name, 34) for name in levels]).axis(
        domain=False, labelLimit=150
    )
    base = alt.Chart(data).encode(x, y)
    tiles = base.mark_rect(cornerRadius=2, stroke="white", strokeWidth=2).encode(
        color=alt.condition(
            "isValid(datum.tone)",
            alt.Color(
                "tone:Q", legend=None,
                scale=alt.Scale(domain=[-1, 0, 1], range=[style.NOTICE, "#f6f7f8", style.ACCENT]),
            ),
            alt.value("#ffffff"),
        ),
        tooltip=["level:N", "group:N", alt.Tooltip("lines:Q", format=","), alt.Tooltip("index:Q", format=".2f")],
    )  # fmt: skip
    words = base.mark_text(fontSize=11).encode(
        text="words:N",
        color=alt.condition("abs(datum.tone) > 0.6", alt.value("white"), alt.value(style.INK)),
    )
    return style.frame(
        alt.layer(tiles, words), width=style.NARROW if narrow else style.WIDE, height=150 + 24 * len(levels)
    )


def pareto(curve: pl.DataFrame) -> dict[str, Any]:
    """Draw the share of money that the top share of customers brings, against an even spread."""
    base = alt.Chart(curve)
    x = alt.X("many_share:Q", title="top share of customers", scale=alt.Scale(domain=[0, 1])).axis(
        format="~%"
    )
    y = alt.Y("share:Q", title="share of spend", scale=alt.Scale(domain=[0, 1])).axis(
        format="~%", grid=True, domain=False, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-16, titleX=0,
    )  # fmt: skip
    area = base.mark_area(color=style.FAINT, line={"color": style.ACCENT, "strokeWidth": 2}).encode(x, y)
    even = alt.Chart(pl.DataFrame({"many_share": [0.0, 1.0], "share": [0.0, 1.0]})).mark_line(
        color=style.MUTED, strokeDash=[4, 4], strokeWidth=1
    )
    return style.frame(alt.layer(area, even.encode(x, y)), width=style.HALF, height=320)
