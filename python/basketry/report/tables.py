"""Frames into tables of finished text: which columns are shown, in what words, in what order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from basketry.report import text
from basketry.report.findings import FEWEST, people

SHOWN = 10
"""Rows of a long table that the page shows; the file beside it holds all."""
_CANDIDATES = 5000
_MOST_MONTHS = 60


@dataclass(frozen=True)
class Cell:
    """One finished cell, in one line or several; ``bar`` (0 to 1) draws a bar before the number."""

    lines: tuple[str, ...]
    bar: float | None = None


@dataclass(frozen=True)
class Column:
    """One column's heading; names stand left, numbers right."""

    title: str
    number: bool = True


@dataclass(frozen=True)
class Table:
    """A table, what it is called, which file holds all of it, and what has been left out."""

    label: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    file: str | None = None
    notes: tuple[str, ...] = ()
    stacks: bool = False
    """On a phone, each row becomes a small card."""


_Maker = Callable[[dict[str, Any]], Cell | str]


def _table(label: str, frame: pl.DataFrame, makers: Mapping[str, _Maker], *, texts: Collection[str] = (), file: str | None = None,
           notes: Iterable[str] = (), stacks: bool = False) -> Table:  # fmt: skip
    rows = []
    for row in frame.iter_rows(named=True):
        cells = (make(row) for make in makers.values())
        rows.append(tuple(cell if isinstance(cell, Cell) else Cell((cell,)) for cell in cells))
    columns = tuple(Column(title, number=place > 0 and title not in texts) for place, title in enumerate(makers))
    return Table(label, columns, tuple(rows), file, tuple(note for note in notes if note), stacks)


def _headed(name: str, currency: str | None) -> str:
    return f"{name}, {text.clean(currency, 12)}" if currency else name


def _amount(frame: pl.DataFrame, column: str) -> _Maker:
    """Write a column of amounts alike: cents only where all are small."""
    places = 0 if _largest(frame, column) >= 100 else 2
    return lambda r: text.decimal(r[column], places)


def _largest(frame: pl.DataFrame, column: str) -> float:
    return max(float(frame[column].max() or 0), 1e-12)  # type: ignore[arg-type]


def _bar(value: float | None, top: float, words: str) -> Cell:
    return Cell((words,), None if value is None else min(max(value / top, 0.0), 1.0))


def hidden_note(hidden: int, what: str) -> str:
    """Say how many groups are too small to be shown."""
    if not hidden:
        return ""
    many = f"{hidden} {what}s have" if hidden > 1 else f"One {what} has"
    return f"{many} fewer than {FEWEST} customers and {'are' if hidden > 1 else 'is'} not shown in detail."


def quality(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of every reason a row was used, set aside or noted."""
    makers: dict[str, _Maker] = {
        "Reason": lambda r: text.clean(r["reason"], 80),
        "What happened": lambda r: text.clean(r["status"], 20),
        "Rows": lambda r: text.count(r["rows"]),
        "Share": lambda r: text.share(r["share"]),
    }
    if "amount" in frame.columns and frame["amount"].is_not_null().any():
        makers[_headed("Amount", currency)] = _amount(frame, "amount")
    if "first_row" in frame.columns and frame["first_row"].is_not_null().any():
        makers["First row"] = lambda r: text.count(r["first_row"])
    if "example" in frame.columns and frame["example"].is_not_null().any():
        makers["Example"] = lambda r: text.NOTHING if r["example"] is None else text.clean(r["example"], 40)
    if "mend" in frame.columns and frame["mend"].is_not_null().any():
        makers["Mend"] = lambda r: text.NOTHING if r["mend"] is None else text.clean(r["mend"], 120)
    return _table("Every row of the input, by reason", frame, makers, texts=("What happened", "Example", "Mend"),
                  file="quality", stacks=True)  # fmt: skip


def revenue(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of months."""
    last = frame.sort("period").tail(_MOST_MONTHS)
    older, write = frame.height - last.height, _amount(frame, "revenue")
    return _table(
        "Revenue by month", last,
        {
            "Month": lambda r: text.month(r["period"]),
            "Orders": lambda r: text.count(r["orders"]),
            "Customers": lambda r: text.count(r["customers"]) if r["customers"] >= FEWEST else f"<{FEWEST}",
            _headed("Revenue", currency): lambda r: write(r)
            if max(r["customers"], r["orders"]) >= FEWEST else text.NOTHING,
        },
        file="revenue", notes=[f"{older} earlier months are in the file." if older else ""],
    )  # fmt: skip


def strongest(rules: pl.DataFrame) -> pl.DataFrame:
    """Pick the rules worth reading: highest lift first, each set of items once, no item led to more than twice."""
    solid = pl.col("count") >= FEWEST
    if "q_value" in rules.columns:
        solid &= (pl.col("q_value") <= 0.05).fill_null(value=True)
    ranked = rules.filter(solid).sort("lift", "count", descending=True, maintain_order=True, nulls_last=True)
    ranked = ranked.head(_CANDIDATES)
    sets: set[frozenset[object]] = set()
    led_to: dict[tuple[object, ...], int] = {}
    chosen = []
    for index, (antecedent, consequent) in enumerate(ranked.select("antecedent", "consequent").iter_rows()):
        items, key = frozenset((*antecedent, *consequent)), tuple(consequent)
        if items not in sets and led_to.get(key, 0) < 2:
            sets.add(items)
            led_to[key] = led_to.get(key, 0) + 1
            chosen.append(index)
        if len(chosen) == SHOWN:
            break
    return ranked[chosen]


def rules(frame: pl.DataFrame, names: Mapping[Any, str] | None) -> Table:
    """Make figure 1: the strongest rules, with bars for confidence and lift."""
    shown = strongest(frame)
    top = _largest(shown, "lift")
    makers: dict[str, _Maker] = {
        "Who buys": lambda r: Cell(text.items(r["antecedent"], names, 48)),
        "also buys": lambda r: Cell(text.items(r["consequent"], names, 48)),
        "Confidence": lambda r: _bar(r["confidence"], 1.0, text.share(r["confidence"])),
        "Lift": lambda r: _bar(r["lift"], top, text.decimal(r["lift"])),
        "Baskets": lambda r: text.count(r["count"]),
    }
    return _table(
        "The strongest rules", shown, makers, texts=("also buys",), file="rules", stacks=True,
        notes=[
            f"{shown.height} of {text.count(frame.height)} rules: the highest lift first, each set of items once, "
            f"no item led to more than twice, none from fewer than {FEWEST} baskets"
            + (", none with a q-value above 0.05." if "q_value" in frame.columns else ".")
        ],
    )  # fmt: skip


def sequence_rules(frame: pl.DataFrame, names: Mapping[Any, str] | None) -> Table:
    """Make the table of what follows what, and how much later."""
    shown = strongest(frame)
    most, top = _largest(shown, "confidence"), _largest(shown, "lift")
    makers: dict[str, _Maker] = {
        "First": lambda r: Cell(text.items(r["antecedent"], names, 48)),
        "later": lambda r: Cell(text.items(r["consequent"], names, 48)),
        "Confidence": lambda r: _bar(r["confidence"], most, text.share(r["confidence"])),
        "Lift": lambda r: _bar(r["lift"], top, text.decimal(r["lift"])),
        "Customers": lambda r: text.count(r["count"]),
    }
    if "median_gap_days" in frame.columns:
        makers["Median gap, days"] = lambda r: text.count(r["median_gap_days"])
    if "q_value" in frame.columns:
        makers["q\u2011value"] = lambda r: text.chance(r["q_value"])
    return _table(
        "What follows what", shown, makers, texts=("later",), file="sequence_rules", stacks=True,
        notes=[f"{shown.height} of {text.count(frame.height)} sequence rules, chosen as in figure 1."],
    )  # fmt: skip


def sequences(frame: pl.DataFrame, names: Mapping[Any, str] | None) -> Table:
    """Make the table of the commonest sequences of more than one visit."""
    longer = frame.filter((pl.col("length") >= 2) & (pl.col("count") >= FEWEST))
    shown = longer.sort("count", descending=True, maintain_order=True).head(SHOWN)
    top = _largest(shown, "support")
    makers: dict[str, _Maker] = {
        "Sequence": lambda r: " → ".join(" + ".join(text.items(event, names, 40)) for event in r["sequence"]),
        "Customers": lambda r: text.count(r["count"]),
        "Support": lambda r: _bar(r["support"], top, text.share(r["support"])),
    }
    note = f"{shown.height} of {text.count(longer.height)} sequences of two or more orders, the commonest first."
    return _table("The commonest sequences", shown, makers, file="sequences", notes=[note], stacks=True)


def peaks(curves: Iterable[tuple[str, pl.DataFrame]]) -> Table:
    """Make one table of the peaks of several lag curves, each under its figure's number."""
    listed = [
        frame.head(4).select(pl.lit(f"Figure {number}").alias("curve"), pl.all()) for number, frame in curves if frame.height
    ]
    return _table(
        "Peaks of the curves", pl.concat(listed) if listed else pl.DataFrame(),
        {
            "Curve": lambda r: r["curve"],
            "Peak": lambda r: text.weeks(r["week"]),
            "Weeks": lambda r: f"{text.count(r['low'])} to {text.count(r['high'])}",
            "Kind": lambda r: text.NOTHING if r["kind"] is None else text.clean(r["kind"], 24),
            "Above chance": lambda r: text.count(r["excess"]),
            "Times chance": lambda r: text.decimal(r["rate_ratio"]),
            "p\u2011value": lambda r: text.chance(r["p_value"]),
            "Stability": lambda r: text.share(r["stability"]),
        },
        texts=("Peak", "Weeks", "Kind"), file="lags",
        notes=["Above chance: customers more than chance and the calendar give. Stability: share of resamples that "
               "show the peak within two weeks."],
    )  # fmt: skip


def segment_bars(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the key of the bubbles: each segment's number and name with its bars of value and margin."""
    shown = people(frame)[0].sort("spend_total", descending=True, maintain_order=True)
    top = _largest(shown, "spend_total")
    makers: dict[str, _Maker] = {
        "Segment": lambda r: f"{text.count(r['segment'])}{text.NBSP} {text.clean(r['name'], 40)}",
        _headed("Value", currency): lambda r: _bar(r["spend_total"], top, text.compact(r["spend_total"])),
    }
    if "margin_total" in frame.columns and shown["margin_total"].is_not_null().any():
        most = _largest(shown, "margin_total")
        makers[_headed("Margin", currency)] = lambda r: _bar(r["margin_total"], most, text.compact(r["margin_total"]))
    return _table("Value and margin of the segments", shown, makers)


def segments(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of segments."""
    shown, hidden = people(frame)
    return _table(
        "The segments", shown.sort("spend_total", descending=True, maintain_order=True),
        {
            "Segment": lambda r: f"{text.count(r['segment'])}{text.NBSP} {text.clean(r['name'], 40)}",
            "Customers": lambda r: text.count(r["customers"]),
            "Share": lambda r: text.share(r["share"]),
            "Share of spend": lambda r: text.share(r["spend_share"]),
            "Orders each": lambda r: text.decimal(r["orders_mean"]),
            _headed("Order value", currency): _amount(shown, "order_value_mean"),
            "Days since last order": lambda r: text.count(r["recency_days_mean"]),
        },
        file="segments", notes=[hidden_note(hidden, "segment")],
    )  # fmt: skip


def profile(rows: pl.DataFrame) -> Table:
    """Make the table beside a segment's profile."""
    return _table(
        "Means, and the place among 100 customers", rows,
        {
            "Feature": lambda r: text.plain(r["feature"]),
            "Segment": lambda r: text.quantity(r["mean"]),
            "Everyone": lambda r: text.quantity(r["everyone_mean"]),
            "Place": lambda r: text.count(r["percentile"]),
        },
        file="profile",
    )  # fmt: skip


def rfm_segments(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of named RFM segments."""
    shown, hidden = people(frame)
    top = max(_largest(frame, "share"), _largest(frame, "spend_share"))
    return _table(
        "Named RFM segments", shown.sort("spend_total", descending=True, maintain_order=True),
        {
            "Segment": lambda r: text.clean(r["segment"], 40),
            "Customers": lambda r: text.count(r["customers"]),
            "Share": lambda r: _bar(r["share"], top, text.share(r["share"])),
            "Share of spend": lambda r: _bar(r["spend_share"], top, text.share(r["spend_share"])),
            _headed("Spend", currency): _amount(shown, "spend_total"),
            "Orders each": lambda r: text.decimal(r["orders_mean"]),
            "Days since last order": lambda r: text.count(r["recency_days_mean"]),
        },
        file="rfm_segments", notes=[hidden_note(hidden, "segment")],
    )  # fmt: skip


def quadrants(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of quadrants."""
    shown, hidden = people(frame)
    return _table(
        "Quadrants", shown,
        {
            "Quadrant": lambda r: text.clean(r["quadrant"], 24),
            "Customers": lambda r: text.count(r["customers"]),
            "Orders": lambda r: text.count(r["orders"]),
            _headed("Spend", currency): _amount(shown, "spend_total"),
        },
        file="quadrants", notes=[hidden_note(hidden, "quadrant")],
    )  # fmt: skip


def run(details: Mapping[str, Any]) -> Table:
    """Make the table of how the report was made, nested parts flattened to dotted names."""
    flat = pl.DataFrame(
        {"name": [name for name, _ in _flatten(details)], "value": [value for _, value in _flatten(details)]},
        schema={"name": pl.String, "value": pl.String},
    )
    return _table(
        "How this was made", flat.head(200),
        {"What": lambda r: text.clean(r["name"], 60), "Value": lambda r: text.clean(r["value"], 200)},
        texts=("Value",),
    )  # fmt: skip


def _flatten(details: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in details.items():
        label = f"{before}{name}"
        if isinstance(value, Mapping):
            pairs += _flatten(value, f"{label}.")
        elif isinstance(value, float):
            pairs.append((label, f"{value:.6g}"))
        elif isinstance(value, (list, tuple)):
            pairs.append((label, ", ".join(map(str, value))))
        else:
            pairs.append((label, text.NOTHING if value is None else str(value)))
    return pairs
