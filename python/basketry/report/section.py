"""What a page is made of: sections with their figures, and what is said where one is absent."""

from __future__ import annotations

from dataclasses import dataclass

from basketry.report import text
from basketry.report.charts.picture import Picture
from basketry.report.findings import Findings
from basketry.report.tables.table import Table


@dataclass(frozen=True)
class Figure:
    """A picture, a table or both beside each other, that tell one thing."""

    title: str
    caption: str = ""
    picture: Picture | None = None
    table: Table | None = None
    number: str = ""
    file: str | None = None
    """Which file holds the numbers, where no table beside the picture does."""


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    anchor: str
    title: str
    lead: str = ""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: Table | None = None
    """A long table that opens on demand."""
    columns: int = 1
    """Figures side by side on a wide page; where one is left over, the first takes the whole width."""


_NOT_MADE = {
    "quality": "No quality sheet was given, so it cannot be told which rows were left out.",
    "revenue": "Revenue by month was not computed in this run.",
    "rules": "Association rules were not computed in this run.",
    "lags": "Lag curves were not computed in this run.",
    "retention": "Retention was not computed in this run.",
    "sequence_rules": "Sequence rules were not computed in this run.",
    "segments": "Segments were not computed in this run.",
    "profile": "Segment profiles were not computed in this run.",
    "rfm_map": "The RFM map was not computed in this run.",
    "rfm_segments": "Named RFM segments were not computed in this run.",
    "quadrants": "Quadrants were not computed in this run.",
    "personas": "Personas were not computed in this run.",
    "lookalike": "Look-alike audiences were not computed in this run.",
    "lifetime_tracking": "Customer lifetimes were not computed in this run.",
    "prediction": "Predictions were not computed in this run.",
    "run": "No run information was given.",
}


def absent(findings: Findings, name: str) -> str:
    """Say why a part is not on the page."""
    return text.clean(findings.absent.get(name, _NOT_MADE[name]), 300)
