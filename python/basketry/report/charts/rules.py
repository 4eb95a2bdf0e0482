"""Rules that held: what each is worth in every segment of customers, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import polars as pl

from basketry.report import text
from basketry.report.charts import style
from basketry.report.findings import FEWEST

SHOWN = 8
"""Rules that the figure has room for."""
_SMALL = 11.5


@dataclass(frozen=True)
class _Layout:
    """Where things stand, in pixels: names on the left, bars of the segments, intervals of lift; on a phone stacked."""

    width: int
    row: int
    head: int
    bars: tuple[float, float]
    lifts: tuple[float, float]
    drop: float
    """How far below its names a rule's bars begin; they are as high as what is left of the row."""
    bar_height: float
    letters: int


_WIDE = _Layout(style.WIDE, 76, 96, (342, 640), (690, 940), 0, 38, 42)
_NARROW = _Layout(style.NARROW, 138, 150, (6, 200), (232, 346), 62, 38, 44)


@dataclass(frozen=True)
class _Scale:
    """From a lift to its place, on a logarithmic scale."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)


@dataclass
class _Ink:
    """Marks by kind, each a row of a small table, so that one layer draws all of a kind."""

    boxes: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    dots: list[dict[str, Any]] = field(default_factory=list)
    words: dict[tuple[str, float, str], list[dict[str, Any]]] = field(default_factory=dict)

    def box(self, x: float, y: float, x2: float, y2: float, color: str) -> None:
        self.boxes.append({"x": x, "y": y, "x2": x2, "y2": y2, "color": color})

    def line(self, x: float, y: float, x2: float, y2: float, color: str, wide: float) -> None:
        self.lines.append({"x": x, "y": y, "x2": x2, "y2": y2, "color": color, "wide": wide})

    def dot(self, x: float, y: float, fill: str, color: str) -> None:
        self.dots.append({"x": x, "y": y, "fill": fill, "color": color})

    def say(
        self, x: float, y: float, words: str, *, color: str = style.INK, size: float = 13,
        align: str = "left", weight: str = "normal",
    ) -> None:  # fmt: skip
        place = self.words.setdefault((align, size, weight), [])
        place.append({"x": x, "y": y, "text": words, "color": color})

    def chart(self) -> alt.TopLevelMixin:
        x, y = alt.X("x:Q", scale=None, axis=None), alt.Y("y:Q", scale=None, axis=None)
        color = alt.Color("color:N", scale=None)
        layers: list[Any] = [
            alt.Chart(pl.DataFrame(self.boxes)).mark_rect().encode(x, y, x2="x2:Q", y2="y2:Q", color=color),
            alt.Chart(pl.DataFrame(self.lines))
            .mark_rule(strokeCap="round")
            .encode(
                x, y, x2="x2:Q", y2="y2:Q", color=color, strokeWidth=alt.StrokeWidth("wide:Q", scale=None)
            ),
            alt.Chart(pl.DataFrame(self.dots))
            .mark_point(size=46, opacity=1, strokeWidth=1.6)
            .encode(x, y, fill=alt.Fill("fill:N", scale=None), stroke=alt.Stroke("color:N", scale=None)),
        ]
        for (align, size, weight), rows in self.words.items():
            mark: dict[str, Any] = {"align": align, "fontSize": size, "fontWeight": weight}
            layers.append(
                alt.Chart(pl.DataFrame(rows))
                .mark_text(baseline="middle", **mark)
                .encode(x, y, text="text:N", color=color)
            )
        return alt.layer(*layers)


def validated(
    rules: Sequence[Mapping[str, Any]],
    funnel: Mapping[str, int],
    *,
    names: Mapping[Any, str] | None,
    segments: Sequence[str],
    confirmed: bool,
    narrow: bool,
) -> dict[str, Any]:
    """Draw each rule with the confidence it has in every segment and the intervals of its lift.

    Parameters
    ----------
    rules
        Rows of validated rules, with ``segments``.
    funnel
        How many rules were generated, tested and kept.
    names
        Item -> the name shown for it.
    segments
        The segments to show, in order; a name begins with its number.
    confirmed
        Whether there is a later period.
    narrow
        Whether the picture is for a phone.
    """
    plan = _NARROW if narrow else _WIDE
    ink = _Ink()
    _draw_funnel(ink, funnel, plan, narrow=narrow)
    most = max(
        (
            one["confidence"]
            for rule in rules
            for one in rule["segments"]
            if one["segment"] in segments and one["antecedent_count"] >= FEWEST
        ),
        default=0,
    )
    scale = _lift_scale(rules, plan)
    height = plan.head + plan.row * len(rules) + 6
    _head(ink, segments, scale, plan, confirmed=confirmed)
    for place, rule in enumerate(rules):
        top = plan.head + plan.row * place
        ink.line(0, top, plan.width - 8, top, style.HAIR, 1)
        _names(ink, rule, names, top, plan)
        _bars(ink, rule, segments, max(most, 1e-9), top + plan.drop, plan)
        _lifts(ink, rule, scale, top + plan.drop, plan)
    return style.frame(ink.chart(), width=plan.width, height=height)


def _draw_funnel(ink: _Ink, funnel: Mapping[str, int], plan: _Layout, *, narrow: bool) -> None:
    room = 150 if not narrow else 190
    most = max(*funnel.values(), 1)
    for place, (name, many) in enumerate(funnel.items()):
        y = 16 + 22 * place
        last = place == len(funnel) - 1
        ink.say(0, y, name, color=style.INK if last else style.MUTED, weight="bold" if last else "normal")
        length = max(room * many / most, 2)
        ink.box(72, y - 6, 72 + length, y + 6, style.ACCENT if last else style.SOFT)
        ink.say(72 + length + 7, y, text.count(many), weight="bold" if last else "normal")


def _head(ink: _Ink, segments: Sequence[str], scale: _Scale, plan: _Layout, *, confirmed: bool) -> None:
    base = plan.head - 14
    left, right = plan.bars
    step = (right - left) / max(len(segments), 1)
    ink.say(left, base - 24, "confidence by segment" + (", %" if plan is _NARROW else ""), color=style.MUTED)
    for place, segment in enumerate(segments):
        ink.say(left + step * (place + 0.5), base, segment.split(" ")[0], color=style.MUTED, align="center")
    start, _ = plan.lifts
    ink.say(
        start, base - 24, "lift" if plan is _NARROW else "lift, with its interval of 95%", color=style.MUTED
    )
    if plan is _WIDE:
        ink.dot(start + 5, base - 46, style.ACCENT, style.ACCENT)
        ink.say(
            start + 14,
            base - 46,
            "when found" if confirmed else "in all orders",
            size=_SMALL,
            color=style.MUTED,
        )
        if confirmed:
            ink.dot(start + 92, base - 46, "white", style.NOTICE)
            ink.say(start + 101, base - 46, "later", size=_SMALL, color=style.MUTED)
    for value in scale.ticks:
        at = scale.place(value)
        ink.say(at, base, f"{value:g}", size=_SMALL, color=style.MUTED, align="center")


def _names(
    ink: _Ink, rule: Mapping[str, Any], names: Mapping[Any, str] | None, top: float, plan: _Layout
) -> None:
    said = [" + ".join(text.items(rule[side], names, plan.letters)) for side in ("antecedent", "consequent")]
    ink.say(0, top + 19, text.clean(said[0], plan.letters), weight="bold")
    ink.say(0, top + 37, "→ " + text.clean(said[1], plan.letters - 2))
    local = rule.get("scope") == "local"
    color = style.NOTICE if local else style.MUTED
    ink.dot(5, top + 56, style.NOTICE if local else "white", color)
    where = [text.clean(one, 30) for one in rule.get("holds_in") or ()]
    numbers = ", ".join(one.split(" ")[0] for one in where)
    words = f"local: segment {numbers}" if len(where) == 1 else f"local: segments {numbers}"
    ink.say(15, top + 56, text.clean(words if local else "global", 40), size=_SMALL, color=color)


def _bars(
    ink: _Ink, rule: Mapping[str, Any], segments: Sequence[str], most: float, top: float, plan: _Layout
) -> None:
    left, right = plan.bars
    step = (right - left) / max(len(segments), 1)
    wide = min(step - 6, 26)
    base = top + plan.bar_height + 26
    told = {one["segment"]: one for one in rule["segments"]}
    ink.line(left, base, right, base, style.HAIR, 1)
    for place, segment in enumerate(segments):
        one, middle = told.get(segment), left + step * (place + 0.5)
        if one is None or one["antecedent_count"] < FEWEST:
            ink.say(middle, base - 8, text.NOTHING, size=_SMALL, color=style.MUTED, align="center")
            continue
        holds = segment in (rule.get("holds_in") or ())
        high = max(plan.bar_height * one["confidence"] / most, 1)
        ink.box(
            middle - wide / 2, base - high, middle + wide / 2, base, style.ACCENT if holds else style.SOFT
        )
        percent = f"{100 * one['confidence']:.0f}" + ("%" if plan is _WIDE else "")
        ink.say(
            middle, base - high - 8, percent, size=_SMALL,
            color=style.INK if holds else style.MUTED, align="center",
        )  # fmt: skip


def _lifts(ink: _Ink, rule: Mapping[str, Any], scale: _Scale, top: float, plan: _Layout) -> None:
    middle = top + plan.bar_height / 2 + 19
    for value in scale.ticks:
        at = scale.place(value)
        # On a phone names stand above, and no line runs through them.
        ink.line(at, middle - 38, at, middle + 38, style.MUTED if value == 1 else style.HAIR, 1)
    for prefix, y, color, fill in (
        ("", middle - 8, style.ACCENT, style.ACCENT),
        ("later_", middle + 8, style.NOTICE, "white"),
    ):
        ends = [rule.get(f"{prefix}{name}") for name in ("lift_low", "lift", "lift_high")]
        if all(one is not None and one > 0 for one in ends):
            low, at, high = (scale.place(float(one)) for one in ends if one is not None)
            ink.line(low, y, high, y, color, 2)
            ink.dot(at, y, fill, color)


def _lift_scale(rules: Sequence[Mapping[str, Any]], plan: _Layout) -> _Scale:
    values = [
        float(rule[name])
        for rule in rules
        for name in ("lift_low", "lift_high", "later_lift_low", "later_lift_high")
        if rule.get(name) is not None and 0 < rule[name] < math.inf
    ]
    low, high = min([*values, 0.9]) / 1.05, max([*values, 2.0]) * 1.05
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [lead * 10.0**power for power in powers for lead in (1, 2, 5)]
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) > 6 or (plan is _NARROW and len(inside) > 4):
        inside = [tick for tick in inside if round(math.log10(tick), 6) % 1 == 0 or tick == inside[-1]]
    return _Scale(low, high, *plan.lifts, tuple(inside))
