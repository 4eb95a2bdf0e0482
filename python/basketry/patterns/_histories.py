"""What the questions about customers in time share: their data, durations and thresholds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from basketry import _core
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger, read_ledger

_DAYS = {"d": 1, "w": 7}


def tree_of(data: object, customer: str | None, item: str | None, time: str | None) -> _core.Ledger:
    """Take a ledger as it is, and read any other table into one.

    Parameters
    ----------
    data
        A `Ledger`, or a table with one row per customer, item and time.
    customer, item, time
        The columns of a table; by default the names of the arguments.
    """
    named = {"customer": customer, "item": item, "time": time}
    if not isinstance(data, Ledger):
        columns = {role: column or role for role, column in named.items()}
        return read_ledger(data, columns=columns, timezone="UTC").core
    for role, column in named.items():
        if column is not None:
            raise ParameterError.out_of_range(
                role, column, "a ledger knows its columns; name them only for a table"
            )
    return data.core


def minimal_count(min_support: float | None, min_count: int | None, n_customers: int) -> int:
    """Turn a threshold into a number of customers.

    A share is taken as it was typed, so that 7 of 100 customers reach 0.07, whatever its double is.

    Parameters
    ----------
    min_support
        A share of all customers.
    min_count
        A number of customers.
    n_customers
        All customers.
    """
    if (min_support is None) == (min_count is None):
        given = "both" if min_count is not None else "none"
        raise ParameterError(f"min_support and min_count: {given} given, exactly one is needed.")
    if min_count is not None:
        return whole("min_count", min_count, "a whole number of customers from 1 up")
    if not 0 < float(min_support or 0) <= 1:
        raise ParameterError.out_of_range(
            "min_support", min_support, "a share of the customers, above 0 and up to 1"
        )
    return max(1, math.ceil(Fraction(repr(float(min_support or 0))) * n_customers))


def whole(name: str, value: object, expected: str = "a whole number from 1 up, or None for no limit") -> int:
    """Check a whole number from 1 up.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    expected
        What it takes, in words.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError.out_of_range(name, value, expected)
    return value


def limit(name: str, value: int | None) -> int | None:
    """Check a whole number from 1 up that may be left out.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    """
    return None if value is None else whole(name, value)


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


def codes_of(name: str, wanted: str | int | Sequence[str | int], labels: pl.Series) -> list[int]:
    """Find the codes of items by their ids.

    Parameters
    ----------
    name
        The argument that lists the items.
    wanted
        The ids.
    labels
        All ids in the order of their codes.
    """
    wanted = [wanted] if isinstance(wanted, str | int) else list(wanted)
    if not wanted:
        raise ParameterError.out_of_range(name, wanted, "name at least one item")
    place = dict(zip(labels.to_list(), range(len(labels)), strict=True))
    for item in wanted:
        if item not in place:
            raise ParameterError.unknown(name, item, [str(label) for label in labels.head(20)])
    return [place[item] for item in wanted]
