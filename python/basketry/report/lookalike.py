"""How far one can reach, and how alike the people there still are."""

from __future__ import annotations

import altair as alt
import polars as pl

from basketry.report import text
from basketry.report.charts import style
from basketry.report.charts.picture import Pictures
from basketry.report.findings import FEWEST, Findings
from basketry.report.section import Figure, Section, absent

_LINES = {"similarity": "mean of all taken", "least_similarity": "the last one taken"}


def section(findings: Findings, pictures: Pictures) -> Section:
    """Show reach against similarity."""
    title, frame = "More people like the best", findings.lookalike
    if frame is None:
        return Section("lookalike", title, absent(findings, "lookalike"))
    shown = frame.filter(pl.col("people") >= FEWEST).sort("people")
    if shown.height < 2:
        return Section("lookalike", title, f"Fewer than {FEWEST} people could be reached.")
    seed = text.clean(shown["seed"][0], 160)
    picture = pictures.two("lookalike", lambda narrow: _curve(shown, narrow=narrow))
    fifth = shown.filter(pl.col("share") <= 0.05).tail(1)
    words = [
        f"The most alike {text.count(row['people'])} people are on average more typical of the seed than "
        f"{text.share(row['similarity'])} of its own members."
        for row in fifth.iter_rows(named=True)
    ]
    lead = (
        f"The seed: {seed}. Similarity is the share of the seed that looks less like the seed than the person does: 50% is as "
        "alike as the middle of the seed itself."
    )
    figure = Figure("Reach against similarity", " ".join(words), picture, number="17", file="lookalike")
    return Section("lookalike", title, lead, (figure,))


def _curve(shown: pl.DataFrame, *, narrow: bool) -> dict[str, object]:
    data = shown.unpivot(
        on=list(_LINES), index="people", variable_name="line", value_name="value"
    ).with_columns(
        name=pl.col("line").replace_strict(_LINES),
        tone=pl.col("line").replace_strict({"similarity": style.ACCENT, "least_similarity": style.MIDDLE}),
    )
    x = alt.X("people:Q", title="people taken", scale=alt.Scale(domainMin=0, nice=False)).axis(
        labelExpr=style.COMPACT, tickCount=5
    )
    y = alt.Y("value:Q", title="similarity", scale=alt.Scale(domain=[0, 1])).axis(
        format="~%", grid=True, domain=False, tickCount=5, titleAngle=0, titleAlign="left", titleAnchor="end",
        titleY=-18, titleX=0,
    )  # fmt: skip
    tone = alt.Color("tone:N", scale=None)
    lines = alt.Chart(data).mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30)).encode(
        x, y, color=tone, tooltip=["name:N", "people:Q", alt.Tooltip("value:Q", format=".0%")]
    )  # fmt: skip
    middle = (
        data.filter(pl.col("people") >= pl.col("people").max() / 3)
        .group_by("line", maintain_order=True)
        .first()
    )
    words = alt.Chart(middle).mark_text(align="left", dx=6, dy=-8, fontWeight="bold").encode(
        x, y, text="name:N", color=tone
    )  # fmt: skip
    width = style.NARROW if narrow else style.WIDE
    return style.frame(alt.layer(lines, words), width=width, height=220 if narrow else 260)
