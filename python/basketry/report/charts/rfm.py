"""The RFM map and the quadrants."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.findings import FEWEST
from basketry.report.text import clean

SCORES = [1, 2, 3, 4, 5]


def score_map(rfm_map: pl.DataFrame, column: str) -> dict[str, Any]:
    """Draw the 5 by 5 map of recency and frequency scores, shaded by customers or by mean spend."""
    few = pl.col("customers") < FEWEST
    data = rfm_map.select(
        "r", "f", value=pl.when(~few).then(pl.col(column)), few=few & (pl.col("customers") > 0)
    )
    top = float(data["value"].max() or 1)  # type: ignore[arg-type]
    x = alt.X("r:O", title="recency score (5 = bought lately)", scale=alt.Scale(domain=SCORES)).axis(
        labelAngle=0, domain=False
    )
    y = alt.Y("f:O", title="frequency score", scale=alt.Scale(domain=SCORES[::-1])).axis(
        domain=False, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-12, titleX=0
    )
    base = alt.Chart(data).encode(x, y)
    tiles = base.mark_rect(cornerRadius=3, stroke="white", strokeWidth=3).encode(
        color=alt.condition(
            "isValid(datum.value)",
            alt.Color(
                "value:Q", legend=None, scale=alt.Scale(domain=[0, top], range=[style.PALE, style.MIDDLE])
            ),
            alt.value("#f6f7f8"),
        ),
        tooltip=["r:O", "f:O", alt.Tooltip("value:Q", title=column.replace("_", " "), format=",.0f")],
    )
    number = "format(datum.value, datum.value >= 10000 ? '.3~s' : ',.0f')"
    shown = f"isValid(datum.value) ? {number} : datum.few ? '<{FEWEST}' : ''"
    words = base.transform_calculate(words=shown).mark_text().encode(text="words:N")
    return style.frame(alt.layer(tiles, words), width=style.HALF, height=360)


MEASURES = {"customers_share": "share of customers", "orders_share": "of orders", "spend_share": "of spend"}


def quadrants(shown: pl.DataFrame) -> dict[str, Any]:
    """Draw for each quadrant its share of customers, of orders and of spend."""
    names = [clean(name, 24) for name in shown["quadrant"]]
    data = (
        shown.select(pl.Series("quadrant", names, pl.String), *MEASURES)
        .unpivot(index="quadrant", variable_name="measure", value_name="share")
        .with_columns(pl.col("measure").replace(MEASURES))
    )
    order = list(MEASURES.values())
    top = float(data["share"].max() or 1)  # type: ignore[arg-type]
    y = alt.Y("quadrant:N", sort=names, title=None).axis(domain=False, labelPadding=10)
    y = y.scale(paddingInner=0.35, paddingOuter=0.1)
    x = alt.X("share:Q", title=None, scale=alt.Scale(domain=[0, top * 1.12], nice=False)).axis(None)
    row = alt.YOffset("measure:N", sort=order, scale=alt.Scale(paddingInner=0.15))
    colours = alt.Scale(domain=order, range=[style.SOFT, style.MIDDLE, style.ACCENT])
    base = alt.Chart(data)
    bars = base.mark_bar().encode(
        x,
        y,
        row,
        color=alt.Color("measure:N", scale=colours, sort=order),
        tooltip=["quadrant:N", "measure:N", alt.Tooltip("share:Q", format=".1%")],
    )
    words = base.mark_text(align="left", dx=6).encode(x, y, row, text=alt.Text("share:Q", format=".1%"))
    return style.frame(alt.layer(bars, words), width=style.HALF, height=44 + 78 * shown.height)
