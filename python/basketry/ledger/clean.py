"""From the columns of a dump to canonical columns, with a reason for every row that the dump itself disqualifies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.mapping import Resolved
from basketry.ledger.sources import JOINED, Part

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
    "order not in the orders table",
    "cancelled",
    "test customer",
    "another currency",
    "overlaps a later file",
)
"""Reasons that are found here, numbered from 128."""

FIRST_OWN = 128
UNPARSED = OWN[:4]
MENDS = {
    "time does not parse": "pass date_format=, or on_bad_rows='drop'",
    "quantity does not parse": "pass decimal=',' if the comma is the decimal mark, or on_bad_rows='drop'",
    "price does not parse": "pass decimal=',' if the comma is the decimal mark, or on_bad_rows='drop'",
    "amount does not parse": "pass decimal=',' if the comma is the decimal mark, or on_bad_rows='drop'",
    "order not in the orders table": "export lines and orders of the same period",
    "cancelled": "cancelled='keep' counts them as sales",
    "test customer": "they are no customers; change test_customers= if they are",
    "another currency": "convert them, or read them into a ledger of their own with currency=",
    "overlaps a later file": "overlap='keep' reads both",
    "no time": "a line without a time cannot be placed; mend the export",
    "in the future": "change until= if the dump is younger than that",
    "no customer": "guests='keep' counts them as baskets without a customer",
    "return": "returns='net' or 'keep' keeps them apart from purchases",
    "price of zero": "zero_prices='keep' keeps gifts and samples",
    "negative price": "negative_prices='keep' keeps corrections",
    "repeated line": "duplicates='keep' keeps them: two of the same on one receipt are not unusual",
}
"""What to do about a reason."""

_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
)
_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
_TIMED_OFFSET = rf"\d{{2}}:\d{{2}}.*{_OFFSET}"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What becomes of rows that are not plain purchases; see `read_ledger`."""

    timezone: str | None = None
    returns: str = "net"
    guests: str = "keep"
    cancelled: str = "drop"
    cancelled_prefix: str | None = None
    cancelled_status: tuple[str, ...] = ("cancelled", "canceled", "void")
    zero_prices: str = "keep"
    negative_prices: str = "drop"
    duplicates: str = "keep"
    overlap: str = "keep"
    currency: str | None = None
    test_customers: str | Sequence[str] | None = None
    until: Any = None
    on_bad_rows: str = "raise"
    date_format: str | None = None
    decimal: str = "."
    float_ids: bool = False

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ParameterError.unknown(name, value, known)


_CHOICES = {
    "returns": ("net", "keep", "drop"),
    "guests": ("keep", "drop"),
    "cancelled": ("drop", "keep"),
    "zero_prices": ("keep", "drop"),
    "negative_prices": ("drop", "keep"),
    "duplicates": ("keep", "drop"),
    "overlap": ("keep", "later"),
    "on_bad_rows": ("raise", "drop"),
    "decimal": (".", ","),
}


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
    columns, reasons, notes = [], dict[str, pl.Expr](), dict[str, pl.Expr]()
    for role in ("customer", "order", "item"):
        if role in roles:
            columns.append(_ids(roles[role], role, schema[roles[role]], options).alias(role))
    if "time" in roles:
        time, unparsed = _time(part, roles["time"], options, notes)
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
        columns.append(_number(column, name, schema[column], options)[0].alias(name))
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
        ids = pl.col(roles["customer"]).cast(pl.String)
        tests = options.test_customers
        reasons["test customer"] = (
            ids.str.contains(tests) if isinstance(tests, str) else ids.is_in(list(tests))
        )
    if options.currency is not None and "currency" in roles:
        reasons["another currency"] = pl.col(roles["currency"]) != options.currency
    if reasons:
        verdict = pl.lit(0, dtype=pl.UInt8)
        for number in reversed(range(len(OWN))):
            if OWN[number] in reasons:
                hit = reasons[OWN[number]].fill_null(value=False)
                verdict = pl.when(hit).then(pl.lit(FIRST_OWN + number, dtype=pl.UInt8)).otherwise(verdict)
        columns.append(verdict.alias("set_aside"))
    return Recipe(columns, notes)


def time_column(part: Part, column: str, options: Options) -> pl.Expr:
    """Write the expression for the instants of a part, in microseconds UTC.

    Parameters
    ----------
    part
        The file or frame.
    column
        Its time column.
    options
        Time zone and format.
    """
    return _time(part, column, options, {})[0]


def _ids(column: str, role: str, kind: pl.DataType, options: Options) -> pl.Expr:
    if kind.is_float():
        if not options.float_ids:
            raise SchemaError(
                f"column {column!r} is mapped to {role!r} and holds floats (17850.0 instead of 17850): "
                f"pass float_ids=True to read them as whole numbers."
            )
        return pl.col(column).cast(pl.Int64)
    if kind.is_integer() or kind in (pl.String, pl.Categorical, pl.Enum):
        # An empty text is a missing id, as csv files write it.
        return pl.when(pl.col(column) != "").then(pl.col(column)) if kind == pl.String else pl.col(column)
    raise SchemaError(
        f"column {column!r} is mapped to {role!r} and holds {kind}: ids are texts or whole numbers."
    )


def _number(column: str, role: str, kind: pl.DataType, options: Options) -> tuple[pl.Expr, pl.Expr | None]:
    if kind.is_numeric():
        return (pl.col(column).cast(pl.Float64) if kind == pl.Float32 else pl.col(column)), None
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
        hit = pl.col(roles["status"]).cast(pl.String).str.to_lowercase().is_in(list(options.cancelled_status))
    if options.cancelled_prefix is not None and "order" in roles:
        marked = pl.col(roles["order"]).cast(pl.String).str.starts_with(options.cancelled_prefix)
        if "quantity" in numbers:
            # A cancelled line of negative quantity is a return, and the policy for returns speaks.
            marked = marked & (numbers["quantity"] >= 0)
        hit = marked if hit is None else hit | marked
    return hit


def _time(
    part: Part, column: str, options: Options, notes: dict[str, pl.Expr]
) -> tuple[pl.Expr, pl.Expr | None]:
    kind = part.schema[column]
    raw = pl.col(column)
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is not None:
            return _instant(raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None)), None
        return _localised(raw, column, options, notes), None
    if kind == pl.Date:
        return _localised(raw.cast(pl.Datetime("us")), column, options, {}), None
    if kind != pl.String:
        raise SchemaError(
            f"column {column!r} is mapped to 'time' and holds {kind}: a date, a datetime or a text is needed."
        )
    text = raw.str.strip_chars()
    form = options.date_format or _format_of(part, column)
    zoned = text.str.contains(_TIMED_OFFSET)
    plain = text.str.to_datetime(form, strict=False, time_unit="us", exact=True)
    own_offset = (
        pl.when(zoned)
        .then(text.str.replace("Z$", "+00:00").str.replace("T", " ", literal=True))
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f%z", strict=False, time_unit="us", time_zone="UTC")
        .dt.replace_time_zone(None)
    )
    local = _localised(plain, column, options, notes, only_if=_any(part, ~zoned & text.is_not_null()))
    time = pl.when(zoned).then(own_offset).otherwise(local)
    notes["time with an offset of its own"] = zoned
    return time, time.is_null() & text.is_not_null() & (text != "")


def _any(part: Part, condition: pl.Expr) -> bool:
    return not isinstance(part.rows, pl.LazyFrame) or bool(part.rows.select(condition.any()).collect().item())


def _instant(time: pl.Expr) -> pl.Expr:
    return time.dt.cast_time_unit("us")


def _localised(
    time: pl.Expr, column: str, options: Options, notes: dict[str, pl.Expr], *, only_if: bool = True
) -> pl.Expr:
    if not only_if:
        return _instant(time)
    if options.timezone is None:
        raise SchemaError(
            f"column {column!r} holds times without a zone: pass timezone=, such as timezone='Europe/London'."
        )
    if options.timezone == "UTC":
        return _instant(time)

    def to_utc(local: pl.Expr) -> pl.Expr:
        zoned = local.dt.replace_time_zone(options.timezone, ambiguous="earliest", non_existent="null")
        return _instant(zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None))

    # Local times that the change to summer time leaves out are an hour late clocks: read as an hour later.
    left_out = time.is_not_null() & to_utc(time).is_null()
    notes["time left out by the change to summer time"] = left_out
    return pl.coalesce(to_utc(time), to_utc(time.dt.offset_by("1h")))


def _format_of(part: Part, column: str) -> str:
    """Find the one format that reads a sample; two that read it differently are a question to the user."""
    if not isinstance(part.rows, pl.LazyFrame):
        raise SchemaError(f"column {column!r} holds times as text in a stream: pass date_format=.")
    text = pl.col(column).str.strip_chars()
    naive = pl.col(column).is_not_null() & (text != "") & ~text.str.contains(_TIMED_OFFSET)
    sample = part.rows.select(pl.col(column)).filter(naive).head(2000).collect()
    if sample.is_empty():
        return _FORMATS[0]
    reads = {
        form: sample.select(text.str.to_datetime(form, strict=False, time_unit="us").alias("t"))["t"]
        for form in _FORMATS
    }
    best = max(_FORMATS, key=lambda form: reads[form].count())
    if reads[best].count() == 0:
        raise SchemaError(
            f"column {column!r} holds text, a date is needed for 'time', and {sample[column][0]!r} is in no known format: "
            f"pass date_format=, such as date_format='%d-%b-%Y'."
        )
    for form in _FORMATS:
        if (
            form != best
            and reads[form].count() == reads[best].count()
            and not reads[form].equals(reads[best])
        ):
            raise SchemaError(
                f"column {column!r} can be read as {best!r} and as {form!r}, first where {sample[column][0]!r} stands: "
                f"pass date_format= with the right one."
            )
    return best
