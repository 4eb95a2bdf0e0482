"""What was read: its quality, its months, and how the report was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from basketry.report import text
from basketry.report.findings import FEWEST
from basketry.report.tables.table import Maker, Table, amount, headed, table_of

_MOST_MONTHS = 60


def quality(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of every reason a row was used, set aside or noted."""
    makers: dict[str, Maker] = {
        "Reason": lambda r: text.clean(r["reason"], 80),
        "What happened": lambda r: text.clean(r["status"], 20),
        "Rows": lambda r: text.count(r["rows"]),
        "Share": lambda r: text.share(r["share"]),
    }
    if "amount" in frame.columns and frame["amount"].is_not_null().any():
        makers[headed("Amount", currency)] = amount(frame, "amount")
    if "first_row" in frame.columns and frame["first_row"].is_not_null().any():
        makers["First row"] = lambda r: text.count(r["first_row"])
    if "example" in frame.columns and frame["example"].is_not_null().any():
        makers["Example"] = lambda r: text.NOTHING if r["example"] is None else text.clean(r["example"], 40)
    if "mend" in frame.columns and frame["mend"].is_not_null().any():
        makers["Mend"] = lambda r: text.NOTHING if r["mend"] is None else text.clean(r["mend"], 120)
    return table_of(
        "Every row of the input, by reason",
        frame,
        makers,
        texts=("What happened", "Example", "Mend"),
        file="quality",
    )


def revenue(frame: pl.DataFrame, currency: str | None) -> Table:
    """Make the table of months."""
    last = frame.sort("period").tail(_MOST_MONTHS)
    older, write = frame.height - last.height, amount(frame, "revenue")
    return table_of(
        "Revenue by month",
        last,
        {
            "Month": lambda r: text.month(r["period"]),
            "Orders": lambda r: text.count(r["orders"]),
            "Customers": lambda r: text.count(r["customers"]) if r["customers"] >= FEWEST else f"<{FEWEST}",
            headed("Revenue", currency): lambda r: (
                write(r) if max(r["customers"], r["orders"]) >= FEWEST else text.NOTHING
            ),
        },
        file="revenue",
        notes=[f"{older} earlier months are in the file." if older else ""],
    )


def run(details: Mapping[str, Any]) -> Table:
    """Make the table of how the report was made, nested parts flattened to dotted names."""
    flat = pl.DataFrame(
        {"name": [name for name, _ in _flatten(details)], "value": [value for _, value in _flatten(details)]},
        schema={"name": pl.String, "value": pl.String},
    )
    return table_of(
        "Versions, parameters and fingerprint",
        flat.head(200),
        {
            "What": lambda r: text.clean(r["name"].replace("_", " ").replace(".", ": "), 60),
            "Value": lambda r: text.clean(r["value"], 200),
        },
        texts=("Value",),
    )


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
