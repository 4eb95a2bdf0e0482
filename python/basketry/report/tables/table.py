"""A table of finished text, and the few ways its cells are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import polars as pl

from basketry.report import text


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
    cards: bool = False
    """On a phone each row becomes a small card, because the columns would not fit beside each other."""


Maker = Callable[[dict[str, Any]], Cell | str]


def table_of(
    label: str,
    frame: pl.DataFrame,
    makers: Mapping[str, Maker],
    *,
    texts: Collection[str] = (),
    file: str | None = None,
    notes: Iterable[str] = (),
    cards: bool = False,
) -> Table:
    """Make a table of a frame: one column for each heading and the function that writes its cells."""
    rows = []
    for row in frame.iter_rows(named=True):
        cells = (make(row) for make in makers.values())
        rows.append(tuple(cell if isinstance(cell, Cell) else Cell((cell,)) for cell in cells))
    columns = tuple(
        Column(title, number=place > 0 and title not in texts) for place, title in enumerate(makers)
    )
    return Table(
        label, columns, tuple(rows), file, tuple(note for note in notes if note), cards or len(makers) > 4
    )


def headed(name: str, currency: str | None) -> str:
    """Head a column of amounts with their unit."""
    return f"{name}, {text.clean(currency, 12)}" if currency else name


def amount(frame: pl.DataFrame, column: str) -> Maker:
    """Write a column of amounts alike: cents only where all are small."""
    places = 0 if largest(frame, column) >= 100 else 2
    return lambda r: text.decimal(r[column], places)


def largest(frame: pl.DataFrame, column: str) -> float:
    """Give the largest value of a column, a little over zero when there is none, to divide by."""
    top = frame[column].cast(pl.Float64).fill_nan(None).max()
    return max(float(top or 0), 1e-12)  # type: ignore[arg-type]


def bar(value: float | None, top: float, words: str) -> Cell:
    """Make a cell with a bar, full at ``top``."""
    if value is None or not isfinite(value):
        return Cell((words,))
    return Cell((words,), min(max(value / top, 0.0), 1.0))
