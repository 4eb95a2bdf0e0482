"""Where every row of a dump went: the compiled half's account and our own reasons, put into the quality sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from basketry import _core
from basketry.exceptions import SchemaError
from basketry.ledger.clean import BUILT_IN, FIRST_OWN, MENDS, OWN, UNPARSED
from basketry.ledger.mapping import Resolved
from basketry.ledger.part import Part
from basketry.ledger.quality import Quality
from basketry.ledger.reading import Reading
from basketry.money import UNIT
from basketry.schema import QUALITY


@dataclass(frozen=True)
class Tally:
    """Where rows went, as sums: the tally of two halves of a dump is that of the whole.

    Parameters
    ----------
    rows_in
        All rows.
    reasons
        By number of the reason: rows, the first of them (counted from 0) and their money in ten-thousandths.
    noted
        Rows in the ledger that are worth a word, as the compiled half counts them.
    notes
        What else is worth a word.
    """

    rows_in: int
    reasons: Mapping[int, tuple[int, int, int]]
    noted: Sequence[int]
    notes: Mapping[str, int]

    @classmethod
    def of(
        cls,
        account: _core.Account,
        rows_in: int,
        notes: Mapping[str, int],
        place: Callable[[int], int] | None = None,
    ) -> Tally:
        """Take over the account of the compiled half.

        Parameters
        ----------
        account
            Where every row went.
        rows_in
            All rows.
        notes
            What else is worth a word.
        place
            Tells the number in the whole dump of a row; None if that is the number under which it came.
        """
        reasons = {}
        found = pl.DataFrame(account.reasons()).filter((pl.col("rows") > 0) | (pl.col("reason") == 0))
        for number, rows, first, amount in found.iter_rows():
            at = first if number and first is not None else 0
            reasons[number] = (rows, place(at) if number and place else at, round(amount * UNIT))
        return cls(rows_in, reasons, account.noted(), dict(notes))

    def __add__(self, other: Tally) -> Tally:
        reasons = dict(self.reasons)
        for number, (rows, first, money) in other.reasons.items():
            known = reasons.get(number, (0, first, 0))
            reasons[number] = (known[0] + rows, min(known[1], first), known[2] + money)
        notes = dict(self.notes)
        for note, rows in other.notes.items():
            notes[note] = notes.get(note, 0) + rows
        return Tally(
            self.rows_in + other.rows_in,
            dict(sorted(reasons.items())),
            [a + b for a, b in zip(self.noted, other.noted, strict=True)],
            notes,
        )

    def to_json(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Tally:
        """Take what `to_json` gave.

        Parameters
        ----------
        held
            The tally.
        """
        reasons = {int(number): tuple(values) for number, values in held["reasons"].items()}
        return cls(held["rows_in"], reasons, held["noted"], held["notes"])


def examples(tally: Tally, reading: Reading, ends: Sequence[int]) -> dict[str, str]:
    """Look up the first value of every reason that is a value.

    Parameters
    ----------
    tally
        Where every row went.
    reading
        What was read.
    ends
        The rows of all parts up to and with each, from those before the first part on.
    """
    found = {}
    for number, (rows, first, _) in tally.reasons.items():
        reason = _name(number)
        if reason in UNPARSED and rows and first >= ends[0]:
            found[reason] = _example(reading.parts, ends, reading.resolved, reason, first)
    return found


def sheet(tally: Tally, reading: Reading, shown: Mapping[str, str], totals: Mapping[str, Any]) -> Quality:
    """Write the quality sheet.

    Parameters
    ----------
    tally
        Where every row went.
    reading
        What was read, and how.
    shown
        The first values, by reason.
    totals
        What is in the ledger.
    """
    resolved, options = reading.resolved, reading.options
    has_money = "amount" in resolved.numbers
    rows_in = tally.rows_in
    found = []
    for number, (rows, first_row, units) in tally.reasons.items():
        reason = _name(number)
        example = shown.get(reason)
        if reason in UNPARSED and options.on_bad_rows == "raise":
            raise _unparsed(resolved, reason, rows, rows_in, first_row, example)
        status = "used" if number == 0 else "set aside"
        cost = round(units / UNIT, 4) if has_money and reason not in UNPARSED else None
        found.append((reason, status, rows, cost, None if number == 0 else first_row, example))
    guests, returns, zero_prices, no_item, repeats = tally.noted
    noted = {
        "no customer, kept as a basket": guests,
        "return, kept apart from purchases": returns,
        "price of zero, kept": zero_prices,
        "no item": no_item,
        "no column for time, placed at 1970-01-01": 0 if "time" in resolved.columns else rows_in,
        "repeated line, kept": repeats if options.duplicates == "keep" else 0,
        **tally.notes,
    }
    found += [(reason, "noted", rows, None, None, None) for reason, rows in noted.items() if rows]
    frame = pl.DataFrame(
        [
            (
                reason,
                status,
                rows,
                rows / max(rows_in, 1),
                amount,
                None if row is None else row + 1,
                example,
                MENDS.get(reason),
            )
            for reason, status, rows, amount, row, example in found
        ],
        schema=QUALITY,
        orient="row",
    )
    used = int(frame.filter(pl.col("status") == "used")["rows"].sum())
    money = frame.filter(pl.col("status") == "used")["amount"].sum() if has_money else None
    counts = {"rows_in": rows_in, "rows_used": used, "rows_set_aside": rows_in - used, "amount": money}
    return Quality(frame, counts | dict(totals))


def _name(reason: int) -> str:
    return BUILT_IN[reason] if reason < FIRST_OWN else OWN[reason - FIRST_OWN]


def _example(parts: Sequence[Part], ends: Sequence[int], resolved: Resolved, reason: str, row: int) -> str:
    at = next(i for i in range(len(parts)) if row < ends[i + 1])
    value = parts[at].value(resolved.columns[reason.split(" ", 1)[0]], row - ends[at])
    where = f" in {parts[at].name}, row {row - ends[at] + 1:,}" if len(parts) > 1 else ""
    return f"{value!r}{where}"


def _unparsed(
    resolved: Resolved, reason: str, rows: int, rows_in: int, row: int, example: str | None
) -> SchemaError:
    role = reason.split(" ", 1)[0]
    numbers = dict.fromkeys(("quantity", "price", "amount"), "holds text, a number")
    needed = {"time": "holds text, a date", **numbers}.get(
        role, "holds what is no id, a text or a whole number"
    )
    verb, mend = "does" if rows == 1 else "do", MENDS[reason]
    return SchemaError(
        f"column {resolved.columns[role]!r} {needed} is needed for {role!r}. "
        f"{rows:,} of {rows_in:,} values {verb} not parse, first at row {row + 1:,}: {example}. "
        f"{mend[0].upper()}{mend[1:]}."
    )
