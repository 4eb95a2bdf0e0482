"""Time zones: the table of offsets that the compiled half needs, and instants from what users type."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from basketry.exceptions import ParameterError, SchemaError

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
_MICRO = timedelta(microseconds=1)

Moment = date | datetime | str
"""A calendar day (its local midnight), an instant, or either in ISO 8601."""


def zone_info(name: str) -> ZoneInfo:
    """Find a time zone by its name.

    Parameters
    ----------
    name
        A name of the IANA database, such as ``Europe/London`` or ``UTC``.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ParameterError.out_of_range(
            "timezone", name, "a name of the IANA database is needed, such as 'Europe/London' or 'UTC'"
        ) from error


@lru_cache(maxsize=32)
def offsets(name: str) -> tuple[str, list[int], list[int]]:
    """Tabulate a zone: since which instant (microseconds UTC) how many seconds ahead of UTC.

    Parameters
    ----------
    name
        The zone.
    """
    zone = zone_info(name)
    starts, seconds = [-(2**63)], [_ahead(zone, _FIRST)]
    if name == "UTC":
        return name, starts, seconds
    before = _FIRST
    while before < _LAST:
        after = before + _STEP
        if _ahead(zone, after) != seconds[-1]:
            low, high = before, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _ahead(zone, middle) == seconds[-1] else (low, middle)
            change = high.replace(microsecond=0)
            starts.append((change - _FIRST) // _MICRO)
            seconds.append(_ahead(zone, high))
        before = after
    return name, starts, seconds


def _ahead(zone: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds())


def instant(name: str, value: Moment, zone: str) -> datetime:
    """Turn what a user typed into an instant.

    Parameters
    ----------
    name
        The argument, for errors.
    value
        A date is its local midnight, a datetime without a zone is local time.
    zone
        The shop's time zone.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError as error:
            raise ParameterError.out_of_range(
                name, value, "a date or time in ISO 8601 is needed, such as '2011-12-10'"
            ) from error
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone_info(zone))
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone_info(zone))
    raise ParameterError.out_of_range(name, value, "a date, a datetime or a text in ISO 8601 is needed")


def micros(value: datetime) -> int:
    """Count the microseconds from 1970 to an instant.

    Parameters
    ----------
    value
        An instant with a zone.
    """
    return (value - _FIRST) // _MICRO


def local(at: int, zone: ZoneInfo) -> datetime:
    """Turn microseconds since 1970 UTC into local time.

    Parameters
    ----------
    at
        The microseconds.
    zone
        The time zone.
    """
    try:
        return (_FIRST + timedelta(microseconds=at)).astimezone(zone)
    except OverflowError as error:
        raise SchemaError(
            f"an order is placed {at:,} microseconds after 1970, outside of the years 1 to 9999: "
            f"check the unit of the column that is mapped to 'time'."
        ) from error
