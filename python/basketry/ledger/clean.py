"""From the columns of a dump to canonical columns, with a reason for every row that the dump itself disqualifies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from basketry.exceptions import SchemaError
from basketry.ledger.mapping import Resolved
from basketry.ledger.options import Options
from basketry.ledger.part import Part
from basketry.ledger.tables import JOINED
from basketry.ledger.times import time_column

BUILT_IN = {
    0: "used",
    1: "no time",
    2: "in the future",
    3: "no order id",
    4: "no quantity",
    5: "no amount",
    6: "no customer",
    7: "quantity of zero",
    8: "return",
    9: "price of zero",
    10: "negative price",
    11: "repeated line",
}
"""Reasons that the compiled half finds, by number."""

OWN = (
    "time does not parse",
    "quantity does not parse",
    "price does not parse",
    "amount does not parse",
    "customer does not parse",
    "order does not parse",
    "item does not parse",
    "order not in the orders table",
    "cancelled",
    "test customer",
    "another currency",
    "overlaps a later file",
)
"""Reasons that are found here, numbered from 128."""

FIRST_OWN = 128
UNPARSED = OWN[:7]
_WIDE = (pl.UInt64, pl.Int128, pl.UInt128)
_COMMA = "pass decimal=',' if the comma is the decimal mark, or on_bad_rows='drop'"
_WHOLE = "ids are texts, or whole numbers below 2^63: cast the column, or pass on_bad_rows='drop'"
MENDS = {
    "time does not parse": "pass date_format=, or on_bad_rows='drop'",
    "quantity does not parse": _COMMA,
    "price does not parse": _COMMA,
    "amount does not parse": _COMMA,
    "customer does not parse": _WHOLE,
    "order does not parse": _WHOLE,
    "item does not parse": _WHOLE,
    "order not in the orders table": "export lines and orders of the same period",
    "cancelled": "cancelled='keep' counts them as sales",
    "test customer": "they are no customers; change test_customers= if they are",
    "another currency": "convert them, or read them into a ledger of their own with currency=",
    "overlaps a later file": "overlap='keep' reads both",
    "no time": "a line without a time cannot be placed; mend the export",
    "in the future": "change until= if the dump is younger than that",
    "no order id": "a line without an order cannot be placed; mend the export",
    "no quantity": "missing, NaN or infinite; mend the export",
    "no amount": "missing, NaN, infinite or beyond 225 billion; mend the export",
    "quantity of zero": "nothing was bought",
    "no customer": "guests='keep' counts them as baskets without a customer",
    "return": "returns='net' or 'keep' keeps them apart from purchases",
    "price of zero": "zero_prices='keep' keeps gifts and samples",
    "negative price": "negative_prices='keep' keeps corrections",
    "repeated line": "duplicates='keep' keeps them: two of the same on one receipt are not unusual",
}
"""What to do about a reason."""


@dataclass(frozen=True)
class Recipe:
    """The expressions that make canonical columns of one part.

    Parameters
    ----------
    columns
        Canonical columns and, where the dump can disqualify rows, ``set_aside`` with the number of the reason.
    notes
        What is worth a word: reason -> expression that is true for such a row.
    """

    columns: list[pl.Expr]
    notes: Mapping[str, pl.Expr]


def recipe(part: Part, resolved: Resolved, options: Options, later: datetime | None) -> Recipe:
    """Write the expressions for one part.

    Parameters
    ----------
    part
        The file or frame.
    resolved
        Which column is what.
    options
        What becomes of unusual rows.
    later
        The first instant of a later file; rows from it on are set aside.
    """
    schema, roles = part.schema, resolved.columns
    ids, reasons, notes = dict[str, pl.Expr](), dict[str, pl.Expr](), dict[str, pl.Expr]()
    for role in ("customer", "order", "item"):
        if role in roles:
            ids[role], unparsed = _ids(roles[role], role, schema[roles[role]], options)
            if unparsed is not None:
                reasons[f"{role} does not parse"] = unparsed
    columns = [expr.alias(role) for role, expr in ids.items()]
    if "time" in roles:
        time, unparsed = time_column(part, roles["time"], options, notes)
        columns.append(time.alias("time"))
        if unparsed is not None:
            reasons["time does not parse"] = unparsed
        if later is not None:
            reasons["overlaps a later file"] = time >= pl.lit(later.replace(tzinfo=None)).cast(
                pl.Datetime("us")
            )
    numbers: dict[str, pl.Expr] = {}
    for role in ("quantity", "price", "amount"):
        if role in roles:
            numbers[role], unparsed = _number(roles[role], role, schema[roles[role]], options)
            if unparsed is not None:
                reasons[f"{role} does not parse"] = unparsed
    if "amount" not in numbers and "price" in numbers:
        numbers["amount"] = numbers["price"] * numbers.get("quantity", pl.lit(1.0))
    columns += [numbers[role].alias(role) for role in ("quantity", "amount") if role in numbers]
    for name, column in resolved.measures.items():
        if schema[column].is_temporal():
            # An instant is a number too: the seconds since 1970 UTC.
            instants, unparsed = time_column(part, column, options, {})
            value = instants.dt.epoch("us") / 1e6
        else:
            value, unparsed = _number(column, name, schema[column], options)
        columns.append(value.alias(name))
        if unparsed is not None:
            notes[f"{name} does not parse, left out"] = unparsed
    if JOINED["orders"] in schema:
        reasons["order not in the orders table"] = pl.col(JOINED["orders"]).is_null()
    if JOINED["customers"] in schema:
        # A line without its order has no customer to look for.
        known = pl.col(JOINED["orders"]).is_not_null() if JOINED["orders"] in schema else pl.lit(value=True)
        notes["customer not in the customers table"] = pl.col(JOINED["customers"]).is_null() & known
    if JOINED["products"] in schema:
        notes["item not in the products table"] = pl.col(JOINED["products"]).is_null()
    if options.cancelled == "drop":
        cancelled = _cancelled(roles, numbers, options)
        if cancelled is not None:
            reasons["cancelled"] = cancelled
    if options.test_customers is not None and "customer" in roles:
        texts, tests = ids["customer"].cast(pl.String), options.test_customers
        listed = [] if isinstance(tests, str) else [str(test) for test in tests]
        reasons["test customer"] = (
            texts.str.contains(tests) if isinstance(tests, str) else texts.is_in(listed)
        )
    if options.currency is not None and "currency" in roles:
        reasons["another currency"] = pl.col(roles["currency"]).cast(pl.String) != options.currency
    if reasons:
        verdict = pl.lit(0, dtype=pl.UInt8)
        for number in reversed(range(len(OWN))):
            if OWN[number] in reasons:
                hit = reasons[OWN[number]].fill_null(value=False)
                verdict = pl.when(hit).then(pl.lit(FIRST_OWN + number, dtype=pl.UInt8)).otherwise(verdict)
        columns.append(verdict.alias("set_aside"))
    return Recipe(columns, notes)


def _ids(column: str, role: str, kind: pl.DataType, options: Options) -> tuple[pl.Expr, pl.Expr | None]:
    ids = pl.col(column)
    if kind.is_float() and not options.float_ids:
        raise SchemaError(
            f"column {column!r} is mapped to {role!r} and holds floats (17850.0 instead of 17850): "
            f"pass float_ids=True to read them as whole numbers."
        )
    if kind.is_float() or kind in _WIDE:
        # NaN is how pandas writes a missing id; what has a fraction or is too large would become another id.
        present = ids.is_not_null() & ids.is_not_nan() if kind.is_float() else ids.is_not_null()
        whole = ids.cast(pl.Int64, strict=False)
        same = (whole.cast(kind, strict=False) == ids).fill_null(value=False)
        return pl.when(same).then(whole), present & ~same
    if kind.is_integer():
        return ids, None
    if kind in (pl.String, pl.Categorical, pl.Enum):
        # An empty text is a missing id: the compiled half sees to it.
        return ids, None
    if kind == pl.Null:
        return ids.cast(pl.Int64), None
    raise SchemaError(
        f"column {column!r} is mapped to {role!r} and holds {kind}: ids are texts or whole numbers."
    )


def _number(column: str, role: str, kind: pl.DataType, options: Options) -> tuple[pl.Expr, pl.Expr | None]:
    if kind.is_float() or kind in _WIDE or kind == pl.Null:
        # Money fits 53 bits wherever it fits a ledger.
        return pl.col(column).cast(pl.Float64), None
    if kind.is_numeric():
        return pl.col(column), None
    if kind != pl.String:
        raise SchemaError(f"column {column!r} is mapped to {role!r} and holds {kind}: a number is needed.")
    text = pl.col(column).str.strip_chars()
    if options.decimal == ",":
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    number = text.cast(pl.Float64, strict=False)
    return number, number.is_null() & text.is_not_null() & (text != "")


def _cancelled(roles: Mapping[str, str], numbers: Mapping[str, pl.Expr], options: Options) -> pl.Expr | None:
    hit: pl.Expr | None = None
    if "status" in roles:
        known = [status.lower() for status in options.cancelled_status]
        hit = pl.col(roles["status"]).cast(pl.String).str.to_lowercase().is_in(known)
    if options.cancelled_prefix is not None and "order" in roles:
        marked = pl.col(roles["order"]).cast(pl.String).str.starts_with(options.cancelled_prefix)
        if "quantity" in numbers:
            # A cancelled line of negative quantity is a return, and the policy for returns speaks.
            marked = marked & (numbers["quantity"] >= 0)
        hit = marked if hit is None else hit | marked
    return hit
