"""Segments, the RFM groups and the quadrants."""

from __future__ import annotations

import polars as pl

from basketry.report import text
from basketry.report.findings import FEWEST, people
from basketry.report.tables.table import Maker, Table, amount, bar, headed, largest, table_of


def hidden_note(hidden: int, what: str) -> str:
    """Say how many groups are too small to be shown."""
    if not hidden:
        return ""
    many = f"{hidden} {what}s have" if hidden > 1 else f"One {what} has"
    return f"{many} fewer than {FEWEST} customers and {'are' if hidden > 1 else 'is'} not shown in detail."


def has_margin(segments: pl.DataFrame) -> bool:
    """Tell whether the margin of any segment is known."""
    return "margin_total" in segments.columns and bool(segments["margin_total"].is_not_null().any())


def segment_bars(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the key of the bubbles: each segment's number and name with its bars of value and margin."""
    shown = people(frame)[0].sort("spend_total", descending=True, maintain_order=True)
    top = largest(shown, "spend_total")
    makers: dict[str, Maker] = {
        "Segment": lambda r: f"{text.count(r['segment'])}{text.NBSP} {text.clean(r['name'], 40)}",
        headed("Value", currency): lambda r: bar(r["spend_total"], top, text.compact(r["spend_total"])),
    }
    if has_margin(shown):
        most = largest(shown, "margin_total")
        makers[headed("Margin", currency)] = lambda r: bar(
            r["margin_total"], most, text.compact(r["margin_total"])
        )
    label = "Value and margin" if has_margin(shown) else "Value"
    return table_of(f"{label} of the segments", shown, makers)


def segments(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of segments."""
    shown, hidden = people(frame)
    return table_of(
        "The segments",
        shown.sort("spend_total", descending=True, maintain_order=True),
        {
            "Segment": lambda r: f"{text.count(r['segment'])}{text.NBSP} {text.clean(r['name'], 40)}",
            "Customers": lambda r: text.count(r["customers"]),
            "Share": lambda r: text.share(r["share"]),
            "Share of spend": lambda r: text.share(r["spend_share"]),
            "Orders each": lambda r: text.decimal(r["orders_mean"]),
            headed("Order value", currency): amount(shown, "order_value_mean"),
            "Recency, days": lambda r: text.count(r["recency_days_mean"]),
        },
        file="segments",
        notes=[hidden_note(hidden, "segment")],
    )


def profile(rows: pl.DataFrame) -> Table:
    """Make the table beside a segment's profile."""
    return table_of(
        "Means, and the place among 100 customers",
        rows,
        {
            "Feature": lambda r: text.plain(r["feature"]),
            "Segment": lambda r: text.quantity(r["mean"]),
            "Everyone": lambda r: text.quantity(r["everyone_mean"]),
            "Place": lambda r: text.count(r["percentile"]),
        },
        file="profile",
    )


def rfm_segments(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of named RFM segments."""
    shown, hidden = people(frame)
    top = max(largest(frame, "share"), largest(frame, "spend_share"))
    return table_of(
        "Named RFM segments",
        shown.sort("spend_total", descending=True, maintain_order=True),
        {
            "Segment": lambda r: text.clean(r["segment"], 40),
            "Customers": lambda r: text.count(r["customers"]),
            "Share": lambda r: bar(r["share"], top, text.share(r["share"])),
            "Share of spend": lambda r: bar(r["spend_share"], top, text.share(r["spend_share"])),
            headed("Spend", currency): amount(shown, "spend_total"),
            "Orders each": lambda r: text.decimal(r["orders_mean"]),
            "Recency, days": lambda r: text.count(r["recency_days_mean"]),
        },
        file="rfm_segments",
        notes=[hidden_note(hidden, "segment")],
    )


def quadrants(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of quadrants."""
    shown, hidden = people(frame)
    return table_of(
        "Quadrants",
        shown,
        {
            "Quadrant": lambda r: text.clean(r["quadrant"], 24),
            "Customers": lambda r: text.count(r["customers"]),
            "Orders": lambda r: text.count(r["orders"]),
            headed("Spend", currency): amount(shown, "spend_total"),
        },
        file="quadrants",
        notes=[hidden_note(hidden, "quadrant")],
    )
