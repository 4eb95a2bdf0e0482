"""One quiet style for all pictures."""

from __future__ import annotations

from typing import Any

import altair as alt

INK = "#1d2733"
MUTED = "#5c6773"
HAIR = "#e3e7eb"
ACCENT = "#2b6777"
SOFT = "#a9c4cb"
FAINT = "#dbe6e9"
MIDDLE = "#6d9aa5"
NOTICE = "#b8532a"
PALE = "#edf3f4"
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"

WIDE = 960
HALF = 410
NARROW = 358

COMPACT = "format(datum.value, '~s')"
"""Axis labels like 800k; the plain format would write 0.8M and 0M."""

_AXIS = {
    "labelColor": INK, "labelFontSize": 13, "labelPadding": 6, "titleColor": MUTED, "titleFontSize": 13,
    "titleFontWeight": "normal", "titlePadding": 10, "grid": False, "gridColor": HAIR, "domainColor": HAIR,
    "ticks": False,
}  # fmt: skip
CONFIG: dict[str, Any] = {
    "aria": False, "background": None, "font": FONT, "view": {"stroke": None}, "axis": _AXIS,
    "text": {"color": INK, "fontSize": 13, "font": FONT},
    "legend": {
        "labelColor": INK, "labelFontSize": 13, "title": None, "orient": "top", "symbolType": "square",
    },
}  # fmt: skip


def frame(chart: alt.TopLevelMixin, *, width: int, height: int) -> dict[str, Any]:
    """Give a chart its outer size and the house style, as a Vega-Lite specification."""
    sized = chart.properties(width=width, height=height, padding=2)
    spec: dict[str, Any] = sized.to_dict(validate=False)
    return spec | {"config": CONFIG, "autosize": {"type": "fit", "contains": "padding"}}
