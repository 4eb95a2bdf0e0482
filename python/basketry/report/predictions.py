"""The section on predictions: who is asked, how well it went on later dates, and what pays."""

from __future__ import annotations

from typing import Any

import polars as pl

from basketry.report import text
from basketry.report.charts import predictions as charts
from basketry.report.charts.picture import Pictures
from basketry.report.findings import FEWEST, Findings
from basketry.report.section import Figure, Section, absent
from basketry.report.tables.table import Table, bar, largest, table_of

_BAND = (0.15, 0.5)
_ASKED = {
    "reactivation": "Who comes back",
    "repurchase": "Who buys again",
    "churn": "Who stays away",
    "sale": "Who buys in a sale",
    "return": "Who brings something back",
}


def predictions(findings: Findings, pictures: Pictures) -> Section:
    """Make the section."""
    frame, title = findings.prediction, "Who comes back"
    if frame is None or not frame.height:
        return Section("predictions", title, absent(findings, "prediction"))
    told = frame.row(0, named=True)
    title = _ASKED.get(told["target"], f"Who will have {text.clean(told['target'], 60)}")
    lead = (
        f"{text.count(told['people'])} customers are asked about. Models learned on earlier dates and were tested on later "
        f"ones, beside what anybody could do without a model. {text.clean(told['verdict'], 600)}"
    )
    figures = [*_timeline(findings, pictures), *_gain(findings, pictures), *_rest(findings, pictures)]
    sheet = findings.comparison
    tables = (_sheet(sheet),) if sheet is not None and sheet.height else ()
    return Section("predictions", title, lead, tuple(figures), tables, columns=2)


def _timeline(findings: Findings, pictures: Pictures) -> list[Figure]:
    frame = findings.periods
    if frame is None or not frame.height:
        return []
    picture = pictures.two("windows", lambda narrow: charts.timeline(frame, narrow=narrow))
    caption = (
        "Each row is a date. Features see what lies before it, the label what lies in the window after it; "
        "whoever bought in the dormant window is left out."
    )
    return [Figure("The windows", caption, picture, number="5", file="periods")]


def _gain(findings: Findings, pictures: Pictures) -> list[Figure]:
    frame = findings.gains
    if frame is None or not frame.height:
        return []
    found = []
    for number, column, title, words in (
        ("7", "hits", "Gain", "share of those who did"),
        ("10", "revenue", "Revenue by prediction", "share of their money"),
    ):
        if not frame[column].is_not_nan().all() or not frame[column].max():
            continue
        tenth = frame.filter((pl.col("share") - 0.1).abs() < 1e-9)
        best = tenth.filter(model=frame["model"][0])[column].to_list()
        caption = "People in the order of the prediction; the diagonal is what chance brings."
        if best:
            caption += (
                f" The best tenth brings {text.share(best[0])}, {text.decimal(best[0] * 10)} times its share."
            )
        picture = pictures.one(column, charts.gain(frame, column, words=words, narrow=False))
        found.append(Figure(title, caption, picture, number=number, file="gains"))
    return found


def _rest(findings: Findings, pictures: Pictures) -> list[Figure]:
    found = []
    frame = findings.reliability
    if frame is not None and frame.height and frame["people"].min() >= FEWEST:  # type: ignore[operator]
        picture = pictures.one("reliability", charts.reliability(frame, _BAND))
        caption = (
            "Ten equal groups of people: what was foretold and what came. On the dashed line both are the same; "
            "the shade is the hesitant band of 15% to 50%."
        )
        found.append(Figure("Predicted and actual", caption, picture, number="8", file="reliability"))
    cut = findings.cutoffs
    if cut is not None and cut.height:
        picture = pictures.one("profit", charts.profit(cut, findings.currency))
        caption = (
            "Expected profit when only the best share is reached: by one channel, or by the channel that pays for each. Costs "
            "and factors are examples: `basketry score --channel-costs` takes your own."
        )
        found.append(Figure("Profit by cut-off and channel", caption, picture, number="9", file="cutoffs"))
    return found


def _sheet(frame: pl.DataFrame) -> Table:
    last = frame.filter(pl.col("as_of") == pl.col("as_of").max()).sort(
        "auc", descending=True, maintain_order=True
    )
    top = largest(last, "lift_10")
    return table_of(
        f"Models and baselines on {last['as_of'][0]:%Y-%m-%d}",
        last,
        {
            "Model": lambda r: text.clean(r["model"], 24),
            "Lift, best 10%": lambda r: bar(r["lift_10"], top, _interval(r, "lift_10", 1)),
            "AUC": lambda r: _interval(r, "auc", 3),
            "Brier": lambda r: text.decimal(r["brier"], 4),
            "Calibration error": lambda r: text.decimal(r["calibration_error"], 3),
        },
        file="comparison",
    )


def _interval(row: dict[str, Any], name: str, places: int) -> str:
    values = (text.decimal(row[one], places) for one in (name, f"{name}_low", f"{name}_high"))
    return "{} ({} to {})".format(*values)
