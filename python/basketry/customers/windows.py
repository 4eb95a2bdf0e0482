"""Half-open windows of time that are told relative to an instant, in days or in calendar months."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from basketry.exceptions import ParameterError
from basketry.ledger.zones import instant, local, micros, zone_info

Length = int | str
"""Days, or a text such as ``'90d'``, ``'12w'``, ``'3mo'``, ``'1y'`` or ``'36h'``."""
Span = Length | Sequence[Length]
"""A length, or the start and the end of a window relative to an instant, such as ``('-6mo', '-3mo')``."""

_LENGTH = re.compile(r"(-?)(\d{1,5})(h|d|w|mo|q|y)")


def length(name: str, value: object) -> str:
    """Check a length and give it as polars writes it.

    Parameters
    ----------
    name
        The argument, for errors.
    value
        What was given.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 100_000:
        return f"{value}d"
    if isinstance(value, str) and _LENGTH.fullmatch(value):
        return value
    if value == "0":
        return "0d"
    raise ParameterError.out_of_range(
        name, value, "a number of days or a length is needed, such as 90, '90d', '12w', '3mo' or '1y'"
    )


def backward(offset: str) -> str:
    """Turn a length round."""
    return offset[1:] if offset.startswith("-") else f"-{offset}"


def is_nothing(offset: str) -> bool:
    """Tell whether a length is zero."""
    return not int(_parts(offset)[1])


def looks_back(offset: str) -> bool:
    """Tell whether an offset lies before the instant."""
    return offset.startswith("-") and not is_nothing(offset)


def span(name: str, value: object) -> tuple[str, str] | str | None:
    """Check a window: None, a length, or a pair of offsets.

    Parameters
    ----------
    name
        The argument, for errors.
    value
        What was given.
    """
    if value is None:
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 2:
            raise ParameterError.out_of_range(
                name, value, "a window has a start and an end, such as ('-6mo', '-3mo')"
            )
        return length(name, value[0]), length(name, value[1])
    one = length(name, value)
    if one.startswith("-") or is_nothing(one):
        raise ParameterError.out_of_range(name, value, "the length of a window is above 0")
    return one


def shifted(at: int, offsets: Sequence[str], timezone: str) -> int:
    """Move an instant by one offset after the other in local time, months by the calendar.

    Parameters
    ----------
    at
        Microseconds since 1970 UTC.
    offsets
        What to move by. The 31st becomes the last day of a shorter month.
    timezone
        The shop's time zone.
    """
    moment = local(at, zone_info(timezone)).replace(tzinfo=None)
    try:
        times = pl.Series([moment], dtype=pl.Datetime("us"))
        for offset in offsets:
            times = times.dt.offset_by(offset)
        moved = times.item()
        if not isinstance(moved, datetime):
            raise OverflowError
        return micros(instant("window", moved, timezone))
    except (OverflowError, ValueError, pl.exceptions.PolarsError) as error:
        raise ParameterError.out_of_range(
            "window", " ".join(offsets), f"from {moment} that leaves the calendar"
        ) from error


def _parts(offset: str) -> tuple[str, str, str]:
    sign, number, unit = _LENGTH.fullmatch(offset).groups()  # type: ignore[union-attr]
    return sign, number, unit
