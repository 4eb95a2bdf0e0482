"""The section that shows a lifetime model against what it had not seen."""

from __future__ import annotations

import polars as pl

from basketry.report import text
from basketry.report.charts import lifetime as chart
from basketry.report.charts.picture import Pictures
from basketry.report.findings import FEWEST, Findings, people
from basketry.report.section import Figure, Section, absent
from basketry.report.tables.table import Table, bar, largest, table_of

_RULES = {
    "model": "the model",
    "own rate": "as often as so far",
    "zero": "never again",
    "mean": "everybody alike (knows the outcome)",
}


def section(findings: Findings, pictures: Pictures) -> Section:
    """Draw the purchases that came beside those that were expected, and the model beside plain rules."""
    title, frame = "How often customers will come", findings.lifetime_tracking
    if frame is None or findings.lifetime_measures is None:
        return Section("lifetime", title, absent(findings, "lifetime_tracking"))
    if frame["actual"].max() < FEWEST:  # type: ignore[operator]
        return Section(
            "lifetime", title, f"There are fewer than {FEWEST} repeat purchases, too few to be shown."
        )
    picture = pictures.two("lifetime", lambda narrow: chart.tracking(frame, narrow=narrow))
    figure = Figure(
        "Lifetime fit against hold-out",
        "Repeat purchases of customers who first bought before the rule. Up to there the model learned; beyond it, "
        "it expected.",
        picture,
        number="13",
        file="lifetime_tracking",
    )
    tables = [_measures(findings.lifetime_measures)]
    if findings.lifetime_by_frequency is not None:
        tables.append(_by_frequency(findings.lifetime_by_frequency))
    lead = (
        "A model of customer lifetime learns from the first part of the history how often each customer buys and "
        "whether he is still there, and is then asked about the rest."
    )
    return Section(
        "lifetime", title, f"{lead} {verdict(findings.lifetime_measures)}", (figure,), tuple(tables)
    )


def verdict(measures: pl.DataFrame) -> str:
    """Say how far off the model was, and whether a plain rule was closer."""
    rows = {row["rule"]: row for row in measures.iter_rows(named=True)}
    model, actual = rows["model"], rows["actual"]
    plain = {_RULES[rule]: rows[rule] for rule in ("own rate", "zero")}
    told = (
        f"It expected {text.count(model['purchases'])} purchases where there were {text.count(actual['purchases'])}. "
        f"For a customer it was off by {text.decimal(model['mae'], 2)} purchases on average"
    )
    others = text.listed([f"{text.decimal(row['mae'], 2)} for “{name}”" for name, row in plain.items()])
    beaten = all(model[name] < row[name] for row in plain.values() for name in ("mae", "rmse"))
    end = (
        ""
        if beaten
        else " A plain rule did better in the mean or in the mean square: use the model for ranks at most."
    )
    return f"{told}, against {others}.{end}"


def _measures(frame: pl.DataFrame) -> Table:
    shown = frame.filter(pl.col("rule") != "actual")
    top = largest(shown, "mae")
    return table_of(
        "The model and plain rules",
        shown,
        {
            "Rule": lambda r: _RULES.get(r["rule"], text.clean(r["rule"], 40)),
            "Off by, per customer": lambda r: bar(r["mae"], top, text.decimal(r["mae"], 3)),
            "Root mean square": lambda r: text.decimal(r["rmse"], 3),
            "Expected in all": lambda r: text.count(r["purchases"]),
            "Too many or too few": lambda r: text.share(r["bias"]),
        },
        file="lifetime_measures",
    )


def _by_frequency(frame: pl.DataFrame) -> Table:
    shown, hidden = people(frame)
    last = frame["frequency"].max()
    return table_of(
        "By repeat purchases so far",
        shown,
        {
            "Repeat purchases": lambda r: f"{r['frequency']}{' and more' if r['frequency'] == last else ''}",
            "Customers": lambda r: text.count(r["customers"]),
            "Came again, mean": lambda r: text.decimal(r["actual"], 2),
            "Expected": lambda r: text.decimal(r["expected"], 2),
            "As often as so far": lambda r: text.decimal(r["own_rate"], 2),
        },
        file="lifetime_by_frequency",
        notes=(f"{hidden} groups of fewer than {FEWEST} customers are left out." if hidden else "",),
    )
