"""One reading, resolved: the files, which column is what, what becomes of unusual rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from basketry import _core
from basketry.exceptions import SchemaError
from basketry.ledger.clean import Recipe, recipe
from basketry.ledger.mapping import Resolved
from basketry.ledger.options import Options
from basketry.ledger.part import Part
from basketry.ledger.times import time_column
from basketry.ledger.zones import instant, micros, offsets


@dataclass(frozen=True)
class Reading:
    """What is read and how. Questions that need all rows, such as the currency, have been answered.

    Parameters
    ----------
    parts
        The files or frames.
    resolved
        Which column is what.
    options
        What becomes of unusual rows.
    starts
        For each part the first instant from which on its rows are left to a later file, if there is one.
    """

    parts: list[Part]
    resolved: Resolved
    options: Options
    starts: list[datetime | None]

    @classmethod
    def of(cls, parts: list[Part], resolved: Resolved, options: Options) -> Reading:
        """Answer the questions that need a look at all rows.

        Parameters
        ----------
        parts, resolved, options
            As for the class.
        """
        # An unknown zone is refused before any row is looked at.
        offsets(options.timezone or "UTC")
        options = _one_currency(parts, resolved, options)
        return cls(parts, resolved, options, _later_starts(parts, resolved, options))

    @property
    def zone(self) -> tuple[str, list[int], list[int]]:
        """The table of the shop's time zone."""
        return offsets(self.options.timezone or "UTC")

    def recipes(self) -> Iterator[tuple[Part, Recipe]]:
        """Give every part with the expressions that make canonical columns of it."""
        for part, later in zip(self.parts, self.starts, strict=True):
            yield part, recipe(part, self.resolved, self.options, later)

    def builder(self) -> _core.LedgerBuilder:
        """Make a builder that takes canonical columns of this reading."""
        options = self.options
        until = None if options.until is None else micros(instant("until", options.until, self.zone[0]))
        return _core.LedgerBuilder(
            [*self.resolved.numbers, *self.resolved.measures],
            {
                "keep_guests": options.guests == "keep",
                "keep_returns": options.returns != "drop",
                "keep_zero_prices": options.zero_prices == "keep",
                "keep_negative_prices": options.negative_prices == "keep",
                "keep_duplicates": options.duplicates == "keep",
                "until": until,
            },
        )

    def no_rows(self) -> pl.DataFrame:
        """Give canonical columns without rows: the columns of no rows are columns all the same."""
        columns = recipe(self.parts[0], self.resolved, self.options, None).columns
        return self.parts[0].rows.select(columns).clear().collect()


def push_part(builder: _core.LedgerBuilder, part: Part, steps: Recipe, notes: Counter[str]) -> int:
    """Give the rows of a part to a builder, and count them.

    Parameters
    ----------
    builder
        Takes the rows.
    part
        The file or frame.
    steps
        What makes canonical columns of it.
    notes
        Counts what is worth a word.
    """
    marks = [expr.alias(reason) for reason, expr in steps.notes.items()]
    rows = 0
    for batch in part.batches([*steps.columns, *marks]):
        try:
            builder.push(batch)
        except SchemaError as error:
            raise SchemaError(f"{part.name}: {error}") from error
        rows += batch.height
        notes.update(batch.select(pl.col(list(steps.notes)).sum()).row(0, named=True) if marks else {})
    return rows


def _one_currency(parts: list[Part], resolved: Resolved, options: Options) -> Options:
    column = resolved.columns.get("currency")
    if column is None or options.currency is not None:
        return options
    found: dict[str, int] = {}
    for part in parts:
        counts = part.collect(part.rows.group_by(pl.col(column).cast(pl.String)).len().drop_nulls())
        for name, rows in counts.iter_rows():
            found[name] = found.get(name, 0) + rows
    if len(found) > 1:
        listed = ", ".join(
            f"{name} ({rows:,} rows)" for name, rows in sorted(found.items(), key=lambda x: (-x[1], x[0]))
        )
        raise SchemaError(
            f"column {column!r} holds several currencies: {listed}. Pass currency= with the one to read."
        )
    return replace(options, currency=next(iter(found), None))


def _later_starts(parts: list[Part], resolved: Resolved, options: Options) -> list[datetime | None]:
    """Find for each part the first instant of the next later one, from which on its own rows are left to that."""
    column = resolved.columns.get("time")
    if options.overlap != "later" or len(parts) < 2 or column is None:
        return [None] * len(parts)
    firsts = [
        part.collect(part.rows.select(time_column(part, column, options, {})[0].min())).item()
        for part in parts
    ]
    return [
        min(
            (other for other in firsts if other is not None and first is not None and other > first),
            default=None,
        )
        for first in firsts
    ]
