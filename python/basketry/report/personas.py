"""What sets a group apart: the forest of odds ratios."""

from __future__ import annotations

import altair as alt
import polars as pl

from basketry.report import text
from basketry.report.charts import style
from basketry.report.charts.picture import Pictures
from basketry.report.findings import FEWEST, Findings
from basketry.report.section import Figure, Section, absent
from basketry.report.tables.table import Table, table_of

SHOWN = 20
"""Traits drawn: those that differ, the strongest first, then the surest of the others."""


def section(findings: Findings, pictures: Pictures) -> Section:
    """Show by which traits a group differs from everyone else, all else being equal."""
    title, frame = "What sets a group apart", findings.personas
    if frame is None:
        return Section("personas", title, absent(findings, "personas"))
    tested = frame.filter(pl.col("odds_ratio").is_not_null(), pl.col("customers") >= FEWEST)
    if not tested.height:
        return Section(
            "personas", title, f"No trait is held by {FEWEST} customers or more, so none is compared."
        )
    group = text.clean(tested["group"][0], 60)
    differs = pl.col("verdict").is_in(["more", "less"])
    called = tested.filter(differs).sort("odds_ratio", descending=True, maintain_order=True)
    shown = pl.concat([called, tested.filter(~differs)]).head(SHOWN)
    picture = pictures.two("personas", lambda narrow: _forest(shown, narrow=narrow))
    lead = (
        f"{called.height} of {tested.height} traits set the {group} apart. The odds ratio compares people who are alike in all "
        "other traits and in how much they buy: 1 means no difference. False discoveries are limited to one in twenty of "
        "what is called a difference."
    )
    caption = " ".join(text.clean(sentence, 400) for sentence in called["sentence"].head(2))
    figure = Figure(f"The {group} against everyone else", caption, picture, number="14", file="personas")
    return Section("personas", title, lead, (figure,), folded=_table(tested))


def _forest(shown: pl.DataFrame, *, narrow: bool) -> dict[str, object]:
    """Draw each odds ratio with its interval on a logarithmic axis, differences in colour."""
    names = [text.clean(label, 26 if narrow else 44) for label in shown["label"]]
    sure = pl.col("verdict").is_in(["more", "less"])
    data = shown.select(
        pl.Series("label", names, pl.String),
        *(pl.col(name).clip(0.05, 20) for name in ("odds_ratio", "low", "high")),
        tone=pl.when(sure).then(pl.lit(style.ACCENT)).otherwise(pl.lit(style.SOFT)),
    )
    ends = data.select(
        pl.min_horizontal(pl.col("low").min(), 0.8), pl.max_horizontal(pl.col("high").max(), 1.25)
    )
    scale = alt.Scale(type="log", domain=list(ends.row(0)), nice=False)
    x = alt.X("odds_ratio:Q", title="odds ratio, all else equal", scale=scale).axis(
        values=[0.1, 0.2, 0.5, 1, 2, 5, 10], format="~g", grid=True
    )
    y = alt.Y("label:N", sort=names, title=None).axis(domain=False, labelLimit=150 if narrow else 300)
    tone = alt.Color("tone:N", scale=None)
    base = alt.Chart(data)
    rule = (
        alt.Chart(pl.DataFrame({"odds_ratio": [1.0]}))
        .mark_rule(color=style.MUTED, strokeDash=[4, 3])
        .encode(x)
    )
    spans = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=tone)
    points = base.mark_circle(size=70, opacity=1).encode(
        x, y, color=tone, tooltip=["label:N", alt.Tooltip("odds_ratio:Q", format=".2f")]
    )
    width = style.NARROW if narrow else style.WIDE
    return style.frame(alt.layer(rule, spans, points), width=width, height=60 + 24 * shown.height)


def _table(tested: pl.DataFrame) -> Table:
    return table_of(
        "All traits that were compared",
        tested,
        {
            "Trait": lambda r: text.clean(r["label"], 60),
            "Customers": lambda r: text.count(r["customers"]),
            "Of the group": lambda r: text.share(r["target_share"]),
            "Of the others": lambda r: text.share(r["other_share"]),
            "Odds ratio": lambda r: text.decimal(r["odds_ratio"], 2),
            "95% interval": lambda r: f"{text.decimal(r['low'], 2)} to {text.decimal(r['high'], 2)}",
            "Verdict": lambda r: r["verdict"],
        },
        texts=("Verdict",),
        file="personas",
    )
