"""Segments as bubbles, and one segment's profile against everyone."""

from __future__ import annotations

import math
from typing import Any, Literal

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.text import clean, plain

_HEIGHT = 400
_PLOT = (style.HALF - 70, _HEIGHT - 60)
_BIGGEST = 3600
_FEATURES = 12


def bubbles(segments: pl.DataFrame, *, currency: str | None) -> dict[str, Any]:
    """Draw each segment at its order frequency and order value, the area as its spend, under its number."""
    x_scale, y_scale = _scale(segments["orders_mean"]), _scale(segments["order_value_mean"])
    top = max(float(segments["spend_total"].max() or 0), 1e-9)  # type: ignore[arg-type]
    data = _place_labels(
        segments.sort("spend_total", descending=True)
        .select("segment", "name", "customers", "orders_mean", "order_value_mean", "spend_total")
        .with_columns(
            pl.col("name").map_elements(lambda name: clean(name, 40), return_dtype=pl.String),
            area=(pl.col("spend_total").clip(lower_bound=0) / top * _BIGGEST).clip(lower_bound=40),
        ),
        x_scale,
        y_scale,
    )
    x = alt.X("orders_mean:Q", title="orders per customer", scale=x_scale).axis(grid=True, **_ticks(x_scale))
    y = alt.Y(
        "order_value_mean:Q", title=f"value of an order{f', {currency}' if currency else ''}", scale=y_scale
    )
    y = y.axis(
        grid=True,
        titleAngle=0,
        titleAlign="left",
        titleAnchor="end",
        titleY=-16,
        titleX=0,
        domain=False,
        **_ticks(y_scale),
    )
    base = alt.Chart(data)
    circles = base.mark_circle(color=style.ACCENT, opacity=0.55, stroke="white", strokeWidth=1).encode(
        x,
        y,
        size=alt.Size("area:Q", scale=None, legend=None),
        tooltip=[
            "name:N",
            alt.Tooltip("customers:Q", format=","),
            alt.Tooltip("orders_mean:Q", format=".1f"),
            alt.Tooltip("order_value_mean:Q", format=",.0f"),
            alt.Tooltip("spend_total:Q", format=",.0f"),
        ],
    )
    labels = [
        base.transform_filter(f"datum.place == {place}")
        .mark_text(fontWeight="bold", align=align, dx=dx, dy=dy, fontSize=13)
        .encode(x, y, text="segment:N")
        for place, (align, dx, dy) in enumerate(_PLACES)
    ]
    return style.frame(alt.layer(circles, *labels), width=style.HALF, height=_HEIGHT)


_Align = Literal["left", "center", "right"]
_PLACES: list[tuple[_Align, int, int]] = [
    ("center", 0, 0),
    ("left", 12, 0),
    ("right", -12, 0),
    ("center", 0, -15),
    ("center", 0, 16),
    ("left", 26, 0),
    ("right", -26, 0),
]
_ROOMY = 350.0
"""Area of a bubble that holds its number inside."""


def _scale(values: pl.Series) -> alt.Scale:
    """Choose an axis that keeps the bubbles inside, logarithmic where the largest dwarfs the smallest."""
    low, high = float(values.min() or 0), float(values.max() or 0)  # type: ignore[arg-type]
    if low > 0 and high / low > 8:
        return alt.Scale(type="log", domain=[low / 1.5, high * 1.6], nice=False)
    room = 0.15 * (high - low) or 0.5 * abs(high) or 1.0
    return alt.Scale(
        type="linear",
        domain=[max(0.0, low - room) if low >= 0 else low - room, high + room],
        nice=False,
        zero=False,
    )


def _ticks(scale: alt.Scale) -> dict[str, Any]:
    """Choose round tick values: one, two and five in each decade of a logarithmic axis."""
    spec = scale.to_dict()
    if spec["type"] != "log":
        return {"tickCount": 5, "labelExpr": style.COMPACT}
    low, high = spec["domain"]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [lead * 10.0**decade for decade in decades for lead in (1, 2, 5)]
    return {"values": [value for value in values if low <= value <= high], "labelExpr": style.COMPACT}


def _place_labels(data: pl.DataFrame, x_scale: alt.Scale, y_scale: alt.Scale) -> pl.DataFrame:
    """Give each number the first place, of a few around its bubble's middle, that no other number holds."""
    taken: list[tuple[float, float]] = []
    places = []
    for x_value, y_value, area in data.select("orders_mean", "order_value_mean", "area").iter_rows():
        x, y = _pixel(x_value, x_scale, _PLOT[0]), -_pixel(y_value, y_scale, _PLOT[1])
        spots = [(x + dx, y + dy) for _, dx, dy in _PLACES]
        inside = 0 if area >= _ROOMY else 1
        free = [
            place
            for place, (a, b) in enumerate(spots)
            if place >= inside and all(abs(a - c) > 13 or abs(b - d) > 13 for c, d in taken)
        ]
        places.append(free[0] if free else inside)
        taken.append(spots[places[-1]])
    return data.with_columns(place=pl.Series(places, dtype=pl.Int64))


def _pixel(value: float, scale: alt.Scale, length: int) -> float:
    spec = scale.to_dict()
    low, high = map(float, spec["domain"])
    if spec["type"] == "log":
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low) * length


def profile(rows: pl.DataFrame) -> dict[str, Any]:
    """Draw how far a segment stands from the middle customer, feature by feature."""
    data = rows.select("feature", "percentile").with_columns(
        pl.col("feature").map_elements(plain, return_dtype=pl.String), middle=50.0
    )
    order = data["feature"].to_list()
    y = alt.Y("feature:N", sort=order, title=None).axis(
        domain=False, labelLimit=150, labelPadding=10, grid=True
    )
    x = alt.X("percentile:Q", title="place among all customers", scale=alt.Scale(domain=[0, 100])).axis(
        values=[0, 25, 50, 75, 100]
    )
    base = alt.Chart(data)
    middle = base.mark_rule(color=style.MUTED, strokeDash=[3, 3]).encode(x=alt.X("mean(middle):Q"))
    stems = base.mark_rule(strokeWidth=3, color=style.ACCENT).encode(x, y, x2="middle:Q")
    dots = base.mark_circle(size=130, opacity=1, color=style.ACCENT).encode(
        x, y, tooltip=["feature:N", alt.Tooltip("percentile:Q", format=".0f")]
    )
    return style.frame(alt.layer(middle, stems, dots), width=style.HALF, height=64 + 32 * data.height)


def telling(rows: pl.DataFrame) -> pl.DataFrame:
    """Pick the features in which a segment stands furthest from the middle, highest first."""
    far = rows.filter(pl.col("percentile").is_finite()).sort(
        (pl.col("percentile") - 50).abs(), descending=True, maintain_order=True
    )
    return far.head(_FEATURES).sort("percentile", descending=True, maintain_order=True)
