"""Pictures of predictions: windows in time, gain and lift, reliability, profit by cut-off, revenue by prediction."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from basketry.report.charts import style
from basketry.report.text import clean

_TONES = [style.NOTICE, style.ACCENT, style.MIDDLE, style.SOFT, style.MUTED]
_WINDOWS = {"base": style.SOFT, "dormant": style.FAINT, "label": style.ACCENT}


def timeline(periods: pl.DataFrame, *, narrow: bool) -> dict[str, Any]:
    """Draw the windows of each date: base, dormant and label around the instant."""
    start = periods.select(pl.min_horizontal(pl.col("dormant_start", "base_end", "as_of")).min()).item()
    rows = []
    for row in periods.tail(8).iter_rows(named=True):
        for name in _WINDOWS:
            begin, end = row[f"{name}_start"], row[f"{name}_end"]
            if end is not None and not (name == "base" and begin is None and end <= start):
                rows.append((f"{row['as_of']:%Y-%m-%d}", name, str(begin or start)[:10], str(end)[:10]))
    data = pl.DataFrame(rows, schema=["date", "window", "from", "to"], orient="row")
    x = alt.X("from:T", title=None).axis(
        grid=True, format="%b %Y", labelAngle=0, tickCount=4 if narrow else 8
    )
    y = alt.Y("date:N", title=None).axis(domain=False, labelPadding=8)
    colours = alt.Scale(domain=list(_WINDOWS), range=list(_WINDOWS.values()))
    bars = alt.Chart(data).mark_bar(height=12, cornerRadius=2).encode(
        x, alt.X2("to:T"), y, color=alt.Color("window:N", scale=colours, sort=list(_WINDOWS)),
        tooltip=["date:N", "window:N", "from:T", "to:T"],
    )  # fmt: skip
    width = style.NARROW if narrow else style.WIDE
    return style.frame(bars, width=width, height=70 + 26 * data["date"].n_unique())


def gain(gains: pl.DataFrame, column: str, *, words: str, narrow: bool) -> dict[str, Any]:
    """Draw what the best share of the people brings, a line a model, beside the diagonal of chance."""
    names = gains["model"].unique(maintain_order=True).to_list()
    shown = [clean(name, 24) for name in names]
    data = gains.select(
        pl.col("model").replace_strict(dict(zip(names, shown, strict=True))),
        "share",
        pl.col(column).alias("brings"),
    )
    colours = alt.Scale(domain=shown, range=_TONES[: len(shown)])
    x = alt.X("share:Q", title="best share of the people", scale=alt.Scale(domain=[0, 1])).axis(
        format="~%", tickCount=5
    )
    y = _up("brings:Q", words, format="~%", domain=[0, 1])
    lines = alt.Chart(data).mark_line(strokeWidth=2).encode(
        x, y, color=alt.Color("model:N", scale=colours, sort=shown),
        tooltip=["model:N", alt.Tooltip("share:Q", format=".0%"), alt.Tooltip("brings:Q", format=".1%")],
    )  # fmt: skip
    return style.frame(lines, width=style.NARROW if narrow else style.HALF, height=340)


def reliability(table: pl.DataFrame, band: tuple[float, float]) -> dict[str, Any]:
    """Draw predicted against actual, with the hesitant band shaded."""
    top = (
        float(
            table.select(pl.max_horizontal(pl.col("predicted").max(), pl.col("actual").max())).item() or 1.0
        )
        * 1.1
    )
    x = alt.X("predicted:Q", title="predicted", scale=alt.Scale(domain=[0, top], nice=False))
    x, y = x.axis(format="~%", tickCount=5), _up("actual:Q", "actual", format="~%", domain=[0, top])
    shade = pl.DataFrame({"from": [min(band[0], top)], "to": [min(band[1], top)]})
    band_mark = alt.Chart(shade).mark_rect(color=style.FAINT).encode(alt.X("from:Q"), alt.X2("to:Q"))
    same = alt.Chart(pl.DataFrame({"predicted": [0.0, top], "actual": [0.0, top]}))
    diagonal = same.mark_line(color=style.MUTED, strokeDash=[4, 4], strokeWidth=1).encode(x, y)
    shown = [
        alt.Tooltip("people:Q", format=","),
        *(alt.Tooltip(f"{one}:Q", format=".1%") for one in ("predicted", "actual")),
    ]
    marks = alt.Chart(table).mark_line(
        color=style.ACCENT, strokeWidth=2, point={"color": style.ACCENT, "size": 50}
    )
    line = marks.encode(x, y, tooltip=shown)
    return style.frame(alt.layer(band_mark, diagonal, line), width=style.HALF, height=340)


def profit(cutoffs: pl.DataFrame, currency: str | None) -> dict[str, Any]:
    """Draw the expected profit by how many are reached, a line a channel."""
    names = cutoffs["channel"].unique(maintain_order=True).to_list()
    shown = [clean(name, 24) for name in names]
    data = cutoffs.select(
        pl.col("channel").replace_strict(dict(zip(names, shown, strict=True))), "share", "expected_profit"
    )
    unit = f", {clean(currency, 12)}" if currency else ""
    x = alt.X("share:Q", title="best share of the people reached", scale=alt.Scale(domain=[0, 1]))
    x, y = (
        x.axis(format="~%", tickCount=5),
        _up("expected_profit:Q", f"expected profit{unit}", labelExpr=style.COMPACT),
    )
    colours = alt.Scale(domain=shown, range=_TONES[: len(shown)])
    lines = alt.Chart(data).mark_line(strokeWidth=2).encode(
        x, y, color=alt.Color("channel:N", scale=colours, sort=shown),
        tooltip=["channel:N", alt.Tooltip("share:Q", format=".0%"), alt.Tooltip("expected_profit:Q", format=",.0f")],
    )  # fmt: skip
    return style.frame(lines, width=style.HALF, height=340)


def _up(field: str, title: str, *, domain: list[float] | None = None, **axis: Any) -> alt.Y:
    """Make an axis upwards with its title on top of it."""
    up = alt.Y(field, title=title)
    up = up if domain is None else up.scale(domain=domain, nice=False)
    return up.axis(
        grid=True, domain=False, tickCount=5, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-18, titleX=0, **axis
    )  # fmt: skip
