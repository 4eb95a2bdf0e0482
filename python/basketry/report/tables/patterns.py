"""What is bought together, what follows what, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from basketry.report import text
from basketry.report.findings import FEWEST, Lag
from basketry.report.tables.table import Cell, Maker, Table, bar, largest, table_of

SHOWN = 10
"""Rows of a long table that the page shows; the file beside it holds all."""
_CANDIDATES = 5000


def strongest(rules: pl.DataFrame) -> pl.DataFrame:
    """Pick the rules to read: highest lift first, no item in more than two of them."""
    solid = pl.col("count") >= FEWEST
    if "q_value" in rules.columns:
        solid &= (pl.col("q_value") <= 0.05).fill_null(value=True)
    ranked = rules.filter(solid).sort("lift", "count", descending=True, maintain_order=True, nulls_last=True)
    ranked = ranked.head(_CANDIDATES)
    told: dict[object, int] = {}
    sets: set[frozenset[object]] = set()
    chosen = []
    for index, (antecedent, consequent) in enumerate(ranked.select("antecedent", "consequent").iter_rows()):
        items = frozenset((*antecedent, *consequent))
        if items not in sets and all(told.get(item, 0) < 2 for item in items):
            sets.add(items)
            told |= {item: told.get(item, 0) + 1 for item in items}
            chosen.append(index)
        if len(chosen) == SHOWN:
            break
    return ranked[chosen]


def held(validated: pl.DataFrame, many: int) -> pl.DataFrame:
    """Pick the rules that held, most of them where both directions are told once; local ones are never crowded out."""
    kept = validated.filter((pl.col("verdict") == "kept") & (pl.col("count") >= FEWEST))
    if "scope" not in kept.columns:
        return strongest(kept).head(many)
    local = strongest(kept.filter(pl.col("scope") == "local")).head(many // 2)
    return pl.concat([strongest(kept.filter(pl.col("scope") != "local")).head(many - local.height), local])


def rules(frame: pl.DataFrame, names: Mapping[Any, str] | None) -> Table:
    """Make figure 1: the strongest rules, with bars for confidence and lift."""
    shown = strongest(frame)
    top = largest(shown, "lift")
    makers: dict[str, Maker] = {
        "Who buys": lambda r: Cell(text.items(r["antecedent"], names, 48)),
        "also buys": lambda r: Cell(text.items(r["consequent"], names, 48)),
        "Confidence": lambda r: bar(r["confidence"], 1.0, text.share(r["confidence"])),
        "Lift": lambda r: bar(r["lift"], top, text.decimal(r["lift"])),
        "Baskets": lambda r: text.count(r["count"]),
    }
    return table_of(
        "The strongest rules",
        shown,
        makers,
        texts=("also buys",),
        file="rules",
        notes=[
            f"{shown.height} of {text.count(frame.height)} rules: the highest lift first, "
            f"no item in more than two of them, none from fewer than {FEWEST} baskets"
            + (", none with a q-value above 0.05." if "q_value" in frame.columns else ".")
        ],
    )


def sequence_rules(frame: pl.DataFrame, names: Mapping[Any, str] | None) -> Table:
    """Make the table of what follows what, and how much later."""
    shown = strongest(frame)
    most, top = largest(shown, "confidence"), largest(shown, "lift")
    makers: dict[str, Maker] = {
        "First": lambda r: Cell(text.items(r["antecedent"], names, 48)),
        "later": lambda r: Cell(text.items(r["consequent"], names, 48)),
        "Confidence": lambda r: bar(r["confidence"], most, text.share(r["confidence"])),
        "Lift": lambda r: bar(r["lift"], top, text.decimal(r["lift"])),
        "Customers": lambda r: text.count(r["count"]),
    }
    if "median_gap_days" in frame.columns:
        makers["Median gap, days"] = lambda r: text.count(r["median_gap_days"])
    if "q_value" in frame.columns:
        makers["q\u2011value"] = lambda r: text.chance(r["q_value"])
    return table_of(
        "What follows what",
        shown,
        makers,
        texts=("later",),
        file="sequence_rules",
        notes=[f"{shown.height} of {text.count(frame.height)} sequence rules, chosen as in figure 1."],
    )


def sequences(frame: pl.DataFrame, names: Mapping[Any, str] | None) -> Table:
    """Make the table of the commonest sequences of more than one visit."""
    longer = frame.filter((pl.col("length") >= 2) & (pl.col("count") >= FEWEST))
    shown = longer.sort("count", descending=True, maintain_order=True).head(SHOWN)
    top = largest(shown, "support")
    makers: dict[str, Maker] = {
        "Sequence": lambda r: " → ".join(" + ".join(text.items(event, names, 48)) for event in r["sequence"]),
        "Customers": lambda r: text.count(r["count"]),
        "Support": lambda r: bar(r["support"], top, text.share(r["support"])),
    }
    note = (
        f"{shown.height} of {text.count(longer.height)} sequences of two or more orders, the commonest first."
    )
    return table_of("The commonest sequences", shown, makers, file="sequences", notes=[note], cards=True)


def _span(first: int, last: int) -> str:
    return text.count(first) if first == last else f"{text.count(first)} to {text.count(last)}"


def peaks(curves: Iterable[tuple[str, Lag]]) -> Table:
    """Make one table of the peaks of several lag curves, each under its figure's number."""
    listed = [
        frame.head(4).select(pl.lit(f"Figure {number}").alias("curve"), pl.all())
        for number, lag in curves
        if (frame := pl.concat([lag.found, lag.calendar])).height
    ]
    return table_of(
        "Peaks of the curves",
        pl.concat(listed) if listed else pl.DataFrame(),
        {
            "Peak": lambda r: f"{r['curve']}, {text.week(r['week'])}",
            "Kind": lambda r: text.NOTHING if r["kind"] is None else text.clean(r["kind"], 24),
            "Weeks": lambda r: _span(r["low"], r["high"]),
            "Above chance": lambda r: text.count(r["excess"]),
            "Times chance": lambda r: text.decimal(r["rate_ratio"]),
            "p\u2011value": lambda r: text.chance(r["p_value"]),
            "Stability": lambda r: text.share(r["stability"]),
        },
        texts=("Kind",),
        file="lags",
        notes=[
            "Above chance: customers more than chance and the calendar give. "
            "Stability: share of resamples that "
            "show the peak within two weeks."
        ],
    )
