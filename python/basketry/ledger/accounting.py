"""Where every row of a dump went: the compiled half's account and our own reasons, put into the quality sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from basketry import _core
from basketry.exceptions import SchemaError
from basketry.ledger.clean import BUILT_IN, FIRST_OWN, MENDS, OWN, UNPARSED
from basketry.ledger.ledger import tree_totals
from basketry.ledger.mapping import Resolved
from basketry.ledger.options import Options
from basketry.ledger.part import Part
from basketry.ledger.quality import Quality
from basketry.schema import QUALITY


def sheet(
    core: _core.Ledger,
    account: _core.Account,
    parts: Sequence[Part],
    ends: Sequence[int],
    resolved: Resolved,
    options: Options,
    notes: Mapping[str, int],
) -> Quality:
    """Write the quality sheet.

    Parameters
    ----------
    core
        What was built.
    account
        Where every row went.
    parts
        Where the rows came from.
    ends
        The rows of all parts up to and with each, from 0.
    resolved
        Which column is what.
    options
        The policies.
    notes
        What else is worth a word: reason and rows.
    """
    has_money = "amount" in resolved.numbers
    rows_in = ends[-1]
    found = []
    reasons = pl.DataFrame(account.reasons()).filter((pl.col("rows") > 0) | (pl.col("reason") == 0))
    for number, rows, first_row, amount in reasons.iter_rows():
        reason = BUILT_IN[number] if number < FIRST_OWN else OWN[number - FIRST_OWN]
        example = None
        if reason in UNPARSED:
            example = _example(parts, ends, resolved, reason, first_row)
            if options.on_bad_rows == "raise":
                raise _unparsed(resolved, reason, rows, rows_in, first_row, example)
        status = "used" if number == 0 else "set aside"
        money = round(amount, 4) if has_money and reason not in UNPARSED else None
        found.append((reason, status, rows, money, None if number == 0 else first_row, example))
    guests, returns, zero_prices, no_item, repeats = account.noted()
    noted = {
        "no customer, kept as a basket": guests,
        "return, kept apart from purchases": returns,
        "price of zero, kept": zero_prices,
        "no item": no_item,
        "no column for time, placed at 1970-01-01": 0 if "time" in resolved.columns else rows_in,
        "repeated line, kept": repeats if options.duplicates == "keep" else 0,
        **notes,
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
    totals = {"rows_in": rows_in, "rows_used": used, "rows_set_aside": rows_in - used, "amount": money}
    return Quality(frame, totals | tree_totals(core))


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
