"""Findings into sections: what the page shows, in its order, and what it says where something is absent."""

from __future__ import annotations

import polars as pl

from basketry.report import buying, lifetime, lookalike, personas, sentences, text
from basketry.report.charts import lags, retention, revenue, rfm, rules, segments, style
from basketry.report.charts.picture import Pictures
from basketry.report.findings import FEWEST, Findings, Lag, people
from basketry.report.predictions import predictions
from basketry.report.section import Figure, Section, absent
from basketry.report.tables import customers, ledger, patterns
from basketry.report.tables.table import headed

_LAGS_DRAWN = 3


def sections(findings: Findings, pictures: Pictures) -> list[Section]:
    """Make every section of the page, in its order."""
    return [
        _quality(findings),
        _revenue(findings, pictures),
        _rules(findings, pictures),
        _timing(findings, pictures),
        _retention(findings, pictures),
        _segments(findings, pictures),
        _profile(findings, pictures),
        _rfm(findings, pictures),
        _quadrants(findings, pictures),
        personas.section(findings, pictures),
        lookalike.section(findings, pictures),
        *buying.sections(findings, pictures),
        lifetime.section(findings, pictures),
        predictions(findings, pictures),
        _run(findings),
    ]


def _quality(findings: Findings) -> Section:
    lead = sentences.accounting(dict(findings.totals))
    if findings.quality is None:
        missing = absent(findings, "quality")
        return Section("quality", "Data quality", f"{lead} {missing}".strip())
    return Section(
        "quality", "Data quality", lead, tables=(ledger.quality(findings.quality, findings.currency),)
    )


def _revenue(findings: Findings, pictures: Pictures) -> Section:
    title, frame = "Revenue over time", findings.revenue
    if frame is None:
        return Section("revenue", title, absent(findings, "revenue"))
    shown = frame.filter(pl.max_horizontal("orders", "customers") >= FEWEST)
    if not shown.height:
        return Section("revenue", title, f"No month has {FEWEST} orders, too few to be shown.")
    picture = pictures.two("revenue", lambda n: revenue.months(shown, currency=findings.currency, narrow=n))
    figure = Figure("Revenue by month", "The first and the last month may be incomplete.", picture)
    return Section("revenue", title, "", (figure,), folded=ledger.revenue(frame, findings.currency))


def _rules(findings: Findings, pictures: Pictures) -> Section:
    title = "What is bought together"
    if findings.rules is None:
        return Section("rules", title, absent(findings, "rules"))
    table = patterns.rules(findings.rules, findings.item_names)
    if not table.rows:
        return Section("rules", title, f"No rule rests on at least {FEWEST} baskets and passes its test.")
    lead = (
        "Confidence is the share of baskets with the first items that also hold the last one. Lift is how "
        "many times more often that is than in all baskets: 1 means no connection."
    )
    figure = _validated(findings, pictures)
    if figure is not None:
        return Section("rules", title, f"{lead} {sentences.tested(findings)}", (figure,), folded=table)
    strongest = Figure("The strongest rules", "A full bar of confidence is 100%.", table=table, number="1")
    return Section("rules", title, f"{lead} {sentences.tested(findings)}".strip(), (strongest,))


def _validated(findings: Findings, pictures: Pictures) -> Figure | None:
    """Draw the rules that held, if segments were looked into."""
    frame = findings.validated_rules
    if frame is None or findings.rules is None or "segments" not in frame.columns:
        return None
    shown = patterns.held(frame, rules.SHOWN)
    if not shown.height:
        return None
    known = people(findings.segments)[0]["segment"].to_list() if findings.segments is not None else []
    told = [one["segment"] for one in shown["segments"][0] if one["baskets"] >= FEWEST]
    named = [name for number in known for name in told if name.split(" ")[0] == str(number)]
    confirmed = frame["later_lift"].is_not_null().any()
    funnel = {
        "generated": findings.rules.height,
        "tested": frame.height,
        "kept": frame.filter(pl.col("verdict") == "kept").height,
    }
    picture = pictures.two(
        "rules",
        lambda narrow: rules.validated(
            shown.to_dicts(),
            funnel,
            names=findings.item_names,
            segments=named,
            confirmed=confirmed,
            narrow=narrow,
        ),
    )
    return Figure(
        "Rules that hold, and for whom", sentences.held_caption(shown, frame), picture, number="1",
        file="validated_rules",
    )  # fmt: skip


def _timing(findings: Findings, pictures: Pictures) -> Section:
    lead, found, shown = [], [], []
    if findings.lags is None:
        lead.append(absent(findings, "lags"))
    followed = [lag for lag in findings.lags or () if lag.table.filter(pl.col("at_risk") >= FEWEST).height]
    drawn = followed[:_LAGS_DRAWN]
    numbers = ["2"] if len(drawn) == 1 else ["2a", "2b", "2c"]
    for number, lag in zip(numbers, drawn, strict=False):
        found.append(_curve(findings, pictures, lag, number))
    if found:
        lead.append(
            "Each bar is a week after the first purchase: the share who come for the second item in that "
            "week, of those who have not come yet and are still observed. The dashed line is what chance "
            "and the calendar alone would give. Peaks are named, under the name lies the 95% interval of the "
            "week; faint bars are weeks with too few data to judge."
        )
        shown.append(patterns.peaks(zip(numbers, drawn, strict=False)))
    elif findings.lags is not None:
        lead.append(f"No pair of items has {FEWEST} customers to follow, so no lag curve is drawn.")
    if findings.sequence_rules is None:
        lead.append(absent(findings, "sequence_rules"))
    else:
        shown.append(patterns.sequence_rules(findings.sequence_rules, findings.item_names))
    if findings.sequences is not None:
        shown.append(patterns.sequences(findings.sequences, findings.item_names))
    kept = tuple(table for table in shown if table.rows)
    return Section(
        "timing", "What follows, and when", " ".join(dict.fromkeys(lead)), tuple(found), kept, columns=2
    )


def _curve(findings: Findings, pictures: Pictures, lag: Lag, number: str) -> Figure:
    name = f"lag{number}"
    if number in ("2", "2a"):
        widths = {False: style.WIDE, True: style.NARROW}
        picture = pictures.two(name, lambda narrow: lags.curve(lag, width=widths[narrow]))
    else:
        picture = pictures.one(name, lags.curve(lag, width=style.HALF))
    return Figure(sentences.lag_title(lag, findings), sentences.lag_caption(lag), picture, number=number)


def _retention(findings: Findings, pictures: Pictures) -> Section:
    title, frame = "Who comes back, and when", findings.retention
    if frame is None:
        return Section("retention", title, absent(findings, "retention"))
    if not frame.filter(pl.col("at_risk") >= FEWEST).height:
        return Section("retention", title, f"Fewer than {FEWEST} orders can be followed to the next.")
    picture = pictures.two("retention", lambda narrow: retention.curve(frame, narrow=narrow))
    figure = Figure(
        "The share that has ordered again",
        sentences.retention_caption(frame),
        picture,
        file="retention",
    )
    lead = (
        "Customers whose time runs out with the data count as long as they could be followed, so a short "
        "history does not make them look lost. The pale bands are 95% intervals."
    )
    return Section("retention", title, lead, (figure,))


def _segments(findings: Findings, pictures: Pictures) -> Section:
    title, frame = "Customer segments", findings.segments
    if frame is None:
        return Section("segments", title, absent(findings, "segments"))
    placed = pl.col("orders_mean", "order_value_mean", "spend_total").cast(pl.Float64).is_finite()
    shown = people(frame)[0].filter(pl.all_horizontal(placed))
    if not shown.height:
        return Section("segments", title, f"No segment has {FEWEST} customers, too few to be shown.")
    picture = pictures.one("segments", segments.bubbles(shown, currency=findings.currency))
    figure = Figure(
        "Frequency and value of the segments",
        "Each bubble is a segment: how often its customers order, how much an order is worth, and, as area, "
        "what they spent in all. Beside it the same segments by value"
        + (", and by margin." if customers.has_margin(shown) else "; margin is not known."),
        picture,
        customers.segment_bars(frame, findings.currency),
        "3",
    )
    return Section("segments", title, "", (figure,), (customers.segments(frame, findings.currency),))


def _profile(findings: Findings, pictures: Pictures) -> Section:
    title = "The most valuable segment"
    if findings.profile is None:
        return Section("profile", title, absent(findings, "profile"))
    best = None if findings.segments is None else sentences.most_valuable(findings.segments)
    if best is None:
        return Section("profile", title, "No segment is large enough to be profiled.")
    rows = findings.profile.filter(pl.col("segment") == best["segment"])
    telling = segments.telling(rows)
    if not telling.height:
        return Section("profile", title, "The profile of the most valuable segment is empty.")
    name = text.quoted([text.clean(best["name"], 60)])
    figure = Figure(
        f"{name} against everyone",
        f"Where the {text.count(best['customers'])} customers of {name} stand among all customers, "
        "from 0 (lowest) to 100 (highest); 50 is the middle.",
        pictures.one("profile", segments.profile(telling)),
        customers.profile(telling),
        "4",
    )
    return Section("profile", title, sentences.profile(rows, best["name"]), (figure,))


def _rfm(findings: Findings, pictures: Pictures) -> Section:
    title = "Recency, frequency and spend"
    lead, figures, shown = "", [], []
    if findings.rfm_map is None:
        lead = absent(findings, "rfm_map")
    elif findings.rfm_map.height:
        for column, what in (("customers", "Customers"), ("monetary_mean", "Mean spend per customer")):
            unit = None if column == "customers" else findings.currency
            picture = pictures.one(f"rfm-{column.replace('_', '-')}", rfm.score_map(findings.rfm_map, column))
            caption = "By recency score (across) and frequency score (up)."
            figures.append(Figure(headed(what, unit), caption, picture, file="rfm_map"))
    if findings.rfm_segments is None:
        lead = f"{lead} {absent(findings, 'rfm_segments')}".strip()
    else:
        shown.append(customers.rfm_segments(findings.rfm_segments, findings.currency))
    return Section("rfm", title, lead, tuple(figures), tuple(shown), columns=2)


def _quadrants(findings: Findings, pictures: Pictures) -> Section:
    title, frame = "Value and frequency quadrants", findings.quadrants
    if frame is None:
        return Section("quadrants", title, absent(findings, "quadrants"))
    shown = people(frame)[0]
    if not shown.height:
        return Section("quadrants", title, f"No quadrant has {FEWEST} customers, too few to be shown.")
    figure = Figure(
        "Share of customers, orders and spend",
        "Loyal: many orders. Big fish: few, but large. One-time: a single order. Regular: a few of usual size.",
        pictures.one("quadrants", rfm.quadrants(shown)),
        customers.quadrants(frame, findings.currency),
    )
    return Section("quadrants", title, "", (figure,))


def _run(findings: Findings) -> Section:
    title = "How this was made"
    if not findings.run:
        return Section("run", title, absent(findings, "run"))
    return Section("run", title, "", tables=(ledger.run(findings.run),))
