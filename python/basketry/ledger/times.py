"""Instants: from naive, zoned and written times to microseconds UTC."""

from __future__ import annotations

import polars as pl

from basketry.exceptions import SchemaError
from basketry.ledger.options import Options
from basketry.ledger.part import Part

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


def time_column(
    part: Part, column: str, options: Options, notes: dict[str, pl.Expr]
) -> tuple[pl.Expr, pl.Expr | None]:
    """Write the expression for the instants of a part, in microseconds UTC, and for those that do not parse.

    Parameters
    ----------
    part
        The file or frame.
    column
        Its time column.
    options
        Time zone and format.
    notes
        Takes what is worth a word.
    """
    kind = part.schema[column]
    raw = pl.col(column)
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is not None:
            return _instant(raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None)), None
        return _localised(raw, column, options, notes), None
    if kind == pl.Date:
        return _localised(raw.cast(pl.Datetime("us")), column, options, {}), None
    if kind == pl.Null:
        return raw.cast(pl.Datetime("us")), None
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
    return bool(part.collect(part.rows.select(condition.any())).item())


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
    text = pl.col(column).str.strip_chars()
    naive = pl.col(column).is_not_null() & (text != "") & ~text.str.contains(_TIMED_OFFSET)
    sample = part.collect(part.rows.select(pl.col(column)).filter(naive).head(2000))
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
