"""Sections of who stays, who brings the money, what segments are like, and who buys what, when and how."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from basketry.report import text
from basketry.report.charts import heat
from basketry.report.charts.picture import Pictures
from basketry.report.findings import FEWEST, Findings, people
from basketry.report.section import Figure, Section
from basketry.report.tables.table import Maker, Table, headed, table_of

_Maker = Callable[[pl.DataFrame, Findings, str, Pictures], Section]
_CELLS = 20
_AXES = {
    "segment": ("who", "Who buys what", "Rows are customer segments."),
    "month": ("when", "When what is bought", "Rows are months, all years together."),
    "discount": ("how", "What is bought on discount", "Rows are lines with and without a discount."),
}


def sections(findings: Findings, pictures: Pictures) -> list[Section]:
    """Make the sections of which there is something to show, or a reason why there is not."""
    made = (
        _told(findings, "cohorts", "Cohorts", _cohorts, pictures),
        _told(findings, "concentration", "Who brings the money", _concentration, pictures),
        _readings(findings),
        _told(findings, "cube", "Who buys what, when and how", _cube, pictures),
    )
    return [section for section in made if section is not None]


def _told(findings: Findings, name: str, title: str, make: _Maker, pictures: Pictures) -> Section | None:
    frame: pl.DataFrame | None = getattr(findings, name)
    if frame is not None:
        return make(frame, findings, title, pictures)
    reason = findings.absent.get(name)
    return None if reason is None else Section(name, title, text.clean(reason, 300))


def _cohorts(frame: pl.DataFrame, _: Findings, title: str, pictures: Pictures) -> Section:
    if not frame.filter((pl.col("size") >= FEWEST) & (pl.col("age") > 0)).height:
        return Section("cohorts", title, f"No cohort has {FEWEST} customers and a second period.")
    picture = pictures.two("cohorts", lambda narrow: heat.triangle(frame, narrow=narrow))
    figure = Figure(
        "The share of each cohort that bought",
        "A row is the customers whose first purchase was in that period; a column, how many periods later.",
        picture,
        file="cohorts",
    )
    return Section("cohorts", title, "", (figure,))


def _concentration(tops: pl.DataFrame, findings: Findings, title: str, pictures: Pictures) -> Section:
    curve = findings.concentration_curve
    shown = tops.filter(pl.col("many") >= FEWEST)
    table = table_of(
        "The top customers",
        shown,
        {
            "Top": lambda r: f"{r['top_percent']}%",
            "Customers": lambda r: text.count(r["many"]),
            headed("Spend", findings.currency): lambda r: text.count(r["spend_total"]),
            "Share of spend": lambda r: text.share(r["share"]),
        },
        file="concentration",
    )
    if not shown.height:
        return Section("concentration", title, f"No top share of customers has {FEWEST} people.")
    picture = None if curve is None else pictures.one("concentration", heat.pareto(curve))
    figure = Figure(
        "How much the top customers bring",
        "The dashed line is what it would be if all brought the same.",
        picture,
        table,
    )
    return Section("concentration", title, "", (figure,))


def _readings(findings: Findings) -> Section | None:
    frame = findings.segments
    if frame is None or "reading" not in frame.columns:
        return None
    shown = people(frame)[0].sort("spend_total", descending=True, maintain_order=True)
    if not shown.height:
        return None
    table = table_of(
        "The segments in words",
        shown,
        {
            "Segment": lambda r: f"{text.count(r['segment'])}{text.NBSP} {text.clean(r['name'], 40)}",
            "What they are like": lambda r: text.clean(r["reading"], 500),
        },
        texts={"What they are like"},
        file="segments",
    )
    return Section("readings", "The segments in words", "", tables=(table,))


def _cube(frame: pl.DataFrame, findings: Findings, title: str, pictures: Pictures) -> Section:
    figures = []
    for axis, (name, heading, rows) in _AXES.items():
        cells = frame.filter(pl.col("axis") == axis)
        if not cells.filter(pl.col("customers") >= FEWEST).height:
            continue
        picture = pictures.two(f"cube-{name}", partial(_map, cells))
        figures.append(Figure(heading, rows, picture, file="cube"))
    lead = (
        "A number says how many times as much is bought as if the row made no difference; it stands only where that is "
        "surely more than a quarter away, with one in twenty of them false at most. White cells have too few lines to judge."
    )
    tables = [] if findings.cube_found is None else _stand_out(findings.cube_found)
    if not figures and not tables:
        return Section("cube", title, f"No cell has {FEWEST} customers.")
    return Section("cube", title, lead, tuple(figures), tuple(tables))


def _map(cells: pl.DataFrame, narrow: bool) -> dict[str, Any]:
    return heat.indices(cells, narrow=narrow)


def _stand_out(found: pl.DataFrame) -> list[Table]:
    shown = people(found)[0].head(_CELLS)
    axes = {"segment": "Segment", "group": "Group", "period": "Month", "discounted": "On discount"}
    makers: dict[str, Maker] = {
        head: partial(_name, name) for name, head in axes.items() if name in shown.columns
    }
    makers |= {
        "Lines": lambda r: text.count(r["lines"]),
        "Index": lambda r: text.decimal(r["index"]),
        "95% interval": lambda r: f"{text.decimal(r['low'])} to {text.decimal(r['high'])}",
    }
    if not shown.height:
        return []
    label = "What no axis explains on its own"
    return [table_of(label, shown, makers, texts=set(axes.values()), file="cube_found")]


def _name(column: str, row: dict[str, Any]) -> str:
    value = row[column]
    return ("yes" if value else "no") if isinstance(value, bool) else text.clean(value, 40)
