"""Plain sentences, made from numbers that are already on the page and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from basketry.report import text
from basketry.report.findings import FEWEST, Findings, Lag, people
from basketry.report.tables.patterns import strongest


@dataclass(frozen=True)
class Sentence:
    """One finding: the part of the page it stands for, and the words."""

    anchor: str
    topic: str
    words: str


def period(findings: Findings) -> str:
    """Say which days the report covers and from which it looks back."""
    first, last = findings.totals.get("first_order"), findings.totals.get("last_order")
    covered = f"Orders of {text.day(first)} to {text.day(last)}, " if first and last else "Orders "
    return f"{covered}seen as of {text.day(findings.as_of)}"


def found(findings: Findings) -> list[Sentence]:
    """Say what was found, one sentence a part, in the page's order; absent parts say nothing."""
    makers = (_quality, _revenue, _rules, _timing, _retention, _segments, _profile, _rfm, _quadrants)
    return [sentence for make in makers if (sentence := make(findings)) is not None]


def accounting(totals: dict[str, Any]) -> str:
    """Say how rows in compare with rows used and set aside, and say it plainly when they do not add up."""
    into, used, aside = (totals.get(key) for key in ("rows_in", "rows_used", "rows_set_aside"))
    if into is None or used is None or aside is None:
        return ""
    words = f"{text.count(into)} rows were read: {text.count(used)} used and {text.count(aside)} set aside"
    if used + aside != into:
        return (
            f"{words}. These do not add up: {text.count(abs(into - used - aside))} rows are unaccounted for."
        )
    return f"{words}; none is unaccounted for."


def _quality(findings: Findings) -> Sentence | None:
    totals = findings.totals
    if findings.quality is None or not totals.get("rows_in"):
        return None
    aside = findings.quality.filter(pl.col("status") == "set aside").sort(
        "rows", descending=True, maintain_order=True
    )
    if not aside.height or not aside["rows"][0]:
        return Sentence("quality", "Data", "Every row that was read was used.")
    worst = aside.row(0, named=True)
    return Sentence(
        "quality",
        "Data",
        f"{text.share(totals.get('rows_set_aside', 0) / totals['rows_in'])} of the rows were set aside, "
        f"most of them because: {text.clean(worst['reason'], 80)} ({text.count(worst['rows'])} rows).",
    )


def _revenue(findings: Findings) -> Sentence | None:
    if findings.revenue is None or not findings.revenue.height:
        return None
    best = findings.revenue.sort("revenue", descending=True, maintain_order=True).row(0, named=True)
    if max(best["customers"], best["orders"]) < FEWEST:
        return None
    return Sentence(
        "revenue",
        "Revenue",
        f"The best month was {text.month(best['period'])}, with "
        f"{text.money(best['revenue'], findings.currency, short=True)} from "
        f"{text.count(best['orders'])} orders.",
    )


def _rules(findings: Findings) -> Sentence | None:
    if findings.rules is None or not (shown := strongest(findings.rules)).height:
        return None
    rule = shown.row(0, named=True)
    return Sentence(
        "rules",
        "Together",
        f"Of 100 baskets with {text.quoted(text.items(rule['antecedent'], findings.item_names))}, "
        f"{text.count(100 * rule['confidence'])} also hold "
        f"{text.quoted(text.items(rule['consequent'], findings.item_names))}; "
        f"that is {text.decimal(rule['lift'])} times as many as in all baskets.",
    )


def lag_title(lag: Lag, findings: Findings) -> str:
    """Name a lag curve by its two sets of items."""
    first, then = (text.items(part, findings.item_names) for part in (lag.antecedent, lag.consequent))
    return f"From {text.quoted(first)} to {text.quoted(then)}"


def lag_sentence(lag: Lag, findings: Findings) -> str:
    """Say when customers come back for an item, in words."""
    first, then = (text.items(part, findings.item_names) for part in (lag.antecedent, lag.consequent))
    return f"After {text.quoted(first)}, customers come for {text.quoted(then)} {lag_when(lag)}."


def lag_caption(lag: Lag) -> str:
    """Say under a curve which weeks stand out, and how many come at all."""
    when = capital(lag_when(lag)) if lag.found.height else "No week stands out from chance"
    told = [f"{when}."]
    if lag.calendar.height:
        weeks = text.listed([str(week) for week in sorted(lag.calendar["week"].head(3).to_list())])
        told.append(f"More come around week {weeks}, too, but with the calendar, whenever they bought first.")
    return " ".join([*told, _unjudged(lag), _reach(lag)]).replace("  ", " ").strip()


def _unjudged(lag: Lag) -> str:
    spans = [f"{first}" if first == last else f"{first} to {last}" for first, last in lag.unjudged]
    if not spans:
        return ""
    several = len(spans) > 1 or " " in spans[0]
    return f"Too few data to judge week{'s' if several else ''} {text.listed(spans[:3])}."


def lag_when(lag: Lag) -> str:
    """Say which weeks stand out, strongest first."""
    if not lag.found.height:
        return "with no week that stands out from chance"
    told = [
        f"around {text.week(peak['week'])}"
        + (f", {text.decimal(peak['rate_ratio'])} times as often as by chance" if peak["rate_ratio"] else "")
        for peak in lag.found.head(3).iter_rows(named=True)
    ]
    return f"{'most clearly ' if len(told) > 1 else ''}{'; then '.join(told)}"


def _reach(lag: Lag) -> str:
    """Say how many come at all within the weeks looked at."""
    if not lag.table.height:
        return ""
    last = lag.table.sort("week").row(-1, named=True)
    interval = ""
    if last["low"] is not None and last["high"] is not None:
        interval = f" (95% interval {text.share(last['low'])} to {text.share(last['high'])})"
    return f"Within {text.weeks(last['week'])}, {text.share(last['cumulative'])} have come{interval}."


def retention_caption(frame: pl.DataFrame) -> str:
    """Say by when which share has ordered again."""
    told = []
    for since, words in (("first", "the first order"), ("every", "any order")):
        curve = frame.filter((pl.col("since") == since) & (pl.col("at_risk") >= FEWEST)).sort("days")
        shares = [
            f"{text.share(share).replace('.0%', '%')} within {text.count(reached['days'][0])} days"
            for share in (0.25, 0.5, 0.8)
            if (reached := curve.filter(pl.col("returned") >= share)).height
        ]
        if shares:
            told.append(f"after {words}: {text.listed(shares)}")
    if not told:
        return "Fewer than a quarter have come back by the end of the data."
    return f"Have come back {'; '.join(told)}."


def _retention(findings: Findings) -> Sentence | None:
    if findings.retention is None or not findings.retention.filter(pl.col("at_risk") >= FEWEST).height:
        return None
    return Sentence("retention", "Return", retention_caption(findings.retention))


def _timing(findings: Findings) -> Sentence | None:
    peaked = [lag for lag in findings.lags or () if lag.found.height]
    return Sentence("timing", "When", lag_sentence(peaked[0], findings)) if peaked else None


def most_valuable(segments: pl.DataFrame) -> dict[str, Any] | None:
    """Pick the segment with the greatest spend, among those large enough to be shown."""
    known = people(segments)[0].filter(pl.col("spend_total").cast(pl.Float64).is_finite())
    shown = known.sort("spend_total", descending=True, maintain_order=True)
    return shown.row(0, named=True) if shown.height else None


def _segments(findings: Findings) -> Sentence | None:
    best = None if findings.segments is None else most_valuable(findings.segments)
    if best is None:
        return None
    return Sentence(
        "segments",
        "Segments",
        f"The most valuable segment is {text.quoted([text.clean(best['name'], 60)])}: "
        f"{text.share(best['share'])} of customers "
        f"({text.count(best['customers'])}) bring {text.share(best['spend_share'])} of spend, with "
        f"{text.decimal(best['orders_mean'])} orders each, worth "
        f"{text.money(best['order_value_mean'], findings.currency)} on average.",
    )


def profile(rows: pl.DataFrame, name: str) -> str:
    """Tell what sets a segment apart: features far from the middle whose means differ the same way."""
    who, away = text.quoted([text.clean(name, 60)]), pl.col("percentile") - 50
    gap = pl.col("mean") - pl.col("everyone_mean")
    clear = (
        (away.abs() >= 15) & (away.sign() == gap.sign()) & (gap.abs() >= 0.05 * pl.col("everyone_mean").abs())
    )
    far = rows.filter(clear).sort(away.abs(), descending=True, maintain_order=True)
    told = []
    for words, side in (("above", far.filter(away > 0)), ("below", far.filter(away < 0))):
        features = [
            f"{text.plain(row['feature'])} "
            f"({text.quantity(row['mean'])} against {text.quantity(row['everyone_mean'])})"
            for row in side.head(3).iter_rows(named=True)
        ]
        if features:
            told.append(f"{words} everyone in {text.listed(features)}")
    return (
        f"{who} stands {'; and '.join(told)}."
        if told
        else f"{who} stands close to the middle in every feature."
    )


def _profile(findings: Findings) -> Sentence | None:
    best = None if findings.segments is None else most_valuable(findings.segments)
    if best is None or findings.profile is None:
        return None
    rows = findings.profile.filter(pl.col("segment") == best["segment"])
    return Sentence("profile", "Profile", profile(rows, best["name"])) if rows.height else None


def _rfm(findings: Findings) -> Sentence | None:
    if findings.rfm_segments is None or not (shown := people(findings.rfm_segments)[0]).height:
        return None
    best = shown.sort("spend_total", descending=True, maintain_order=True).row(0, named=True)
    return Sentence(
        "rfm",
        "Recency",
        f"By recency, frequency and spend, {text.quoted([text.clean(best['segment'], 40)])} "
        "is the group that carries the most: "
        f"{text.share(best['share'])} of customers and {text.share(best['spend_share'])} of spend.",
    )


def _quadrants(findings: Findings) -> Sentence | None:
    if findings.quadrants is None:
        return None
    rows = {row["quadrant"]: row for row in people(findings.quadrants)[0].iter_rows(named=True)}
    told = [
        f"{name} customers are {text.share(rows[key]['customers_share'])} of all and bring "
        f"{text.share(rows[key]['spend_share'])} of spend"
        for key, name in (("loyal", "Loyal"), ("big fish", "big fish, rare but large,"))
        if key in rows
    ]
    return Sentence("quadrants", "Quadrants", capital("; ".join(told)) + ".") if told else None


def capital(words: str) -> str:
    """Begin a sentence with a capital letter."""
    return words[:1].upper() + words[1:]


def tested(findings: Findings) -> str:
    """Say what became of the rules in the test."""
    frame = findings.validated_rules
    if frame is None:
        return ""
    verdicts = dict(frame["verdict"].value_counts().iter_rows())
    taste, calendar = (
        frame.filter(pl.col("reason").str.starts_with(f"explained by {what}")).height
        for what in ("taste", "the calendar")
    )
    parts = [
        f"{text.count(verdicts.get('kept', 0))} hold among baskets of the same customer and of the same week",
        f"{text.count(taste)} only tell that the same people like both",
    ]
    if calendar:
        parts.append(f"{text.count(calendar)} that both sell in the same weeks")
    if weak := verdicts.get("weak", 0):
        parts.append(f"of {text.count(weak)} the data are too few to tell")
    return f"Of {text.count(frame.height)} rules that were put to the test, {text.listed(parts)}."


def held_caption(shown: pl.DataFrame, frame: pl.DataFrame) -> str:
    """Say how to read the figure of rules."""
    kept = frame.filter(pl.col("verdict") == "kept").height
    words = (
        f"{shown.height} of the {text.count(kept)} that were kept. A bar is the confidence in one customer segment, under its "
        "number of figure 3; it is dark where the rule holds."
    )
    if frame["later_lift"].is_not_null().any():
        words += " The open mark is the lift in the later orders, in which no rule was looked for."
    return words
