"""What the questions about customers in time share: their data, durations and items."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from basketry import _core
from basketry.arguments import whole
from basketry.control import Reins
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger, read_ledger
from basketry.ledger.zones import Moment, instant, micros, zone_info
from basketry.patterns._baskets import TABLES, text_of

_DAYS = {"d": 1, "w": 7}
_PLAIN = (
    pl.Int8,
    pl.Int16,
    pl.Int32,
    pl.Int64,
    pl.UInt8,
    pl.UInt16,
    pl.UInt32,
    pl.String,
    pl.Categorical,
    pl.Enum,
)


def histories_of(
    data: object,
    customer: str | None,
    item: str | None,
    time: str | None,
    as_of: Moment | None,
    reins: Reins,
) -> _core.Histories:
    """Read a ledger, a table or a text of sequences into histories.

    A table whose three columns are complete and of usual types needs no ledger in between; any other is read into one
    first, which mends or refuses it.

    Parameters
    ----------
    data
        A `Ledger`, a table with one row per customer, item and time, or the path of a text in the format of SPMF.
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items; the others must be left out.
    as_of
        The instant before which a ledger is read.
    reins
        Threads, budget and progress.
    """
    if isinstance(data, Ledger):
        tree, axis = tree_of(data, customer, item, time)
        return _core.Histories.from_ledger(tree, axis, before(tree, as_of), reins)
    if as_of is not None:
        raise ParameterError.out_of_range("as_of", as_of, "only a ledger knows times; filter a table before")
    if isinstance(data, str | os.PathLike) and customer is item is time is None:
        path = Path(data)
        if path.is_file() and not {".ledger", *TABLES} & set(path.suffixes):
            return _core.Histories.from_text(text_of(path), reins)
    if isinstance(data, pl.DataFrame) or hasattr(data, "__arrow_c_stream__"):
        data = data if isinstance(data, pl.DataFrame) else pl.DataFrame(data)
        rows = _plain(data, customer or "customer", item or "item", time or "time")
        if rows is not None:
            return _core.Histories.from_rows(rows, reins)
    tree, axis = tree_of(data, customer, item, time)
    return _core.Histories.from_ledger(tree, axis, None, reins)


def _plain(frame: pl.DataFrame, customer: str, item: str, time: str) -> pl.DataFrame | None:
    """Take the three columns with days for times; None if a ledger has to look at them."""
    if not {customer, item, time} <= set(frame.columns):
        return None
    ids, when = (frame[customer], frame[item]), frame[time]
    if when.null_count() or not (when.dtype == pl.Date or isinstance(when.dtype, pl.Datetime)):
        return None
    for column in ids:
        if column.dtype not in _PLAIN or column.null_count():
            return None
        if column.dtype == pl.String and (column == "").any():
            return None
    if isinstance(when.dtype, pl.Datetime):
        if when.dtype.time_zone is not None:
            when = when.dt.convert_time_zone("UTC")
        when = when.dt.date()
    return pl.DataFrame([ids[0].alias("customer"), ids[1].alias("item"), when.alias("time")])


def tree_of(
    data: object, customer: str | None, item: str | None, time: str | None
) -> tuple[_core.Ledger, str]:
    """Take a ledger as it is, and read any other table into one; tell what counts as an item, too.

    Parameters
    ----------
    data
        A `Ledger`, or a table with one row per customer, item and time.
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items; the others must be left out.
    """
    if not isinstance(data, Ledger):
        columns = {"customer": customer or "customer", "item": item or "item", "time": time or "time"}
        return read_ledger(data, columns=columns, timezone="UTC").core, "item"
    for role, column in (("customer", customer), ("time", time)):
        if column is not None:
            raise ParameterError.out_of_range(
                role, column, "a ledger knows its columns; name them only for a table"
            )
    return data.core, item or "item"


def limit(name: str, value: int | None) -> int | None:
    """Check a whole number from 1 up that may be left out.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    """
    return None if value is None else whole(name, value, 1)


def days(name: str, value: str | int | None) -> int | None:
    """Read a duration: days as a number, or a text such as ``7d`` or ``8w``.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    parts = re.fullmatch(r"\s*(\d+)\s*([dw])\s*", value) if isinstance(value, str) else None
    if parts is None:
        raise ParameterError.out_of_range(name, value, "days as a number, or a text such as '7d' or '8w'")
    return int(parts[1]) * _DAYS[parts[2]]


def days_or_events(name: str, value: str | int | None) -> tuple[int | None, int | None]:
    """Read a duration or a number of events, such as ``3 events``; the one that was not given is None.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    """
    events = re.fullmatch(r"\s*(\d+)\s*events?\s*", value) if isinstance(value, str) else None
    if events is not None:
        return None, int(events[1])
    try:
        return days(name, value), None
    except ParameterError:
        expected = "days as a number, or a text such as '7d', '8w' or '3 events'"
        raise ParameterError.out_of_range(name, value, expected) from None


def distance(name: str, value: str | int | None) -> tuple[int, str] | None:
    """Read how far one event may lie behind another: days, calendar months such as ``2mo``, or ``3 events``.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    """
    months = re.fullmatch(r"\s*(\d+)\s*mo\s*", value) if isinstance(value, str) else None
    if months is not None:
        return int(months[1]), "months"
    try:
        in_days, in_events = days_or_events(name, value)
    except ParameterError:
        expected = "days as a number, or a text such as '7d', '8w', '2mo' or '3 events'"
        raise ParameterError.out_of_range(name, value, expected) from None
    if in_events is not None:
        return in_events, "events"
    return None if in_days is None else (in_days, "days")


def constraints(
    *,
    min_gap: str | int | None,
    max_gap: str | int | None,
    max_span: str | int | None,
    max_length: int | None = None,
    max_items: int | None = None,
) -> _core.Constraints:
    """Read the limits on a sequence and its matches.

    Parameters
    ----------
    min_gap, max_gap, max_span, max_length, max_items
        As in `frequent_sequences`.
    """
    return {
        "max_length": limit("max_length", max_length),
        "max_items": limit("max_items", max_items),
        "min_gap": distance("min_gap", min_gap),
        "max_gap": distance("max_gap", max_gap),
        "max_span": distance("max_span", max_span),
    }


def items_of(
    histories: _core.Histories, name: str, wanted: str | int | Sequence[str | int] | None
) -> list[int]:
    """Find the codes of items by their ids; none if none are given.

    Parameters
    ----------
    histories
        What has the items.
    name
        The argument that lists the items.
    wanted
        The ids.
    """
    if wanted is None:
        return []
    ids = [wanted] if isinstance(wanted, str | int) else list(wanted)
    codes = histories.codes(ids)
    if None in codes:
        known = pl.DataFrame(histories.items()).to_series().head(20)
        raise ParameterError.unknown(name, ids[codes.index(None)], [str(label) for label in known])
    return [code for code in codes if code is not None]


def places_of(tree: _core.Ledger, axis: str) -> dict[str | int, int]:
    """Give the code of each id of an item axis.

    Parameters
    ----------
    tree
        The ledger.
    axis
        What counts as an item.
    """
    labels = pl.DataFrame(_core.axis_labels(tree, axis)).to_series()
    return dict(zip(labels.to_list(), range(len(labels)), strict=True))


def codes_of(
    name: str, wanted: str | int | Sequence[str | int], places: Mapping[str | int, int]
) -> list[int]:
    """Find the codes of items by their ids.

    Parameters
    ----------
    name
        The argument that lists the items.
    wanted
        The ids.
    places
        Each id's code.
    """
    wanted = [wanted] if isinstance(wanted, str | int) else list(wanted)
    if not wanted:
        raise ParameterError.out_of_range(name, wanted, "name at least one item")
    for item in wanted:
        if item not in places:
            raise ParameterError.unknown(name, item, [str(label) for label in list(places)[:20]])
    return [places[item] for item in wanted]


def before(tree: _core.Ledger, as_of: Moment | None) -> int | None:
    """Turn a date into microseconds UTC; None stays None, the end of the data.

    Parameters
    ----------
    tree
        The ledger, for its time zone.
    as_of
        A date is its local midnight.
    """
    return None if as_of is None else micros(instant("as_of", as_of, tree.zone))


def end_of(tree: _core.Ledger) -> int:
    """Tell the midnight after the last order, in microseconds UTC.

    Parameters
    ----------
    tree
        The ledger.
    """
    if tree.span is None:
        return 0
    zone = zone_info(tree.zone)
    last = datetime.fromtimestamp(tree.span[1] // 1_000_000, UTC).astimezone(zone).date()
    return micros(instant("as_of", last + timedelta(days=1), tree.zone))


def weeks_of(name: str, value: str | int) -> int:
    """Read a duration of whole weeks, such as ``60w``.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    """
    weeks, rest = divmod(days(name, value) or 0, 7)
    if weeks == 0 or rest:
        raise ParameterError.out_of_range(name, value, "whole weeks from 1 up are needed, such as '60w'")
    return weeks
