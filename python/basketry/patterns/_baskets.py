"""From what the caller has to baskets that the miners take."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Sequence
from math import ceil
from numbers import Integral
from pathlib import Path
from typing import Any

import polars as pl

from basketry import _core
from basketry.arguments import share, whole
from basketry.control import Reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

GRAINS = ("order", "day", "customer")
"""What a basket of a ledger is the set of items of."""
TABLES = (".csv", ".parquet", ".json", ".ndjson", ".xlsx", ".ledger")
"""Endings of files that are no texts of one basket a line."""
_AND = " | "
"""What stands between the values of a combination, in the core as well."""


Level = str | Sequence[str]
"""``item``, an attribute of items, or several attributes: the combinations that items have."""


def baskets_of(
    data: Any,
    *,
    basket: str | None,
    item: Level | None,
    as_of: Moment | None,
    reins: Reins,
    levels: Sequence[Level] | None = None,
    values: Iterable[str] = (),
) -> _core.Baskets:
    """Read a ledger, a table of basket and item ids, a column of lists, or a text file into baskets.

    Parameters
    ----------
    data
        A ledger, any Arrow table, or the path of a text file with a basket a line.
    basket
        The column of basket ids; None if `item` holds lists, one basket a row.
        Of a ledger: order, day or customer.
    item
        The column of item ids, or several columns for their combinations. Of a ledger: None for the items, or one or
        several of their attributes.
    as_of
        The instant before which a ledger is read.
    reins
        Threads, budget and progress.
    levels
        Of a ledger, in place of `item`: several of what `item` can be, all at once.
    values
        Measures of a ledger or columns of a table whose sums are wanted.

    Notes
    -----
    A row of a table without an item makes its basket known and counts for nothing else.
    """
    wanted = _names("values", values)
    reserved = [name for name in wanted if name in ("itemset", "length", "count", "support")]
    if reserved:
        raise ParameterError.out_of_range("values", reserved[0], "the result has a column of this name")
    if isinstance(data, Ledger):
        return _of_ledger(data, basket, item, as_of, reins, levels, wanted)
    if as_of is not None:
        raise ParameterError.out_of_range("as_of", as_of, "only a ledger knows times; filter a table before")
    if levels is not None:
        raise ParameterError.out_of_range("levels", levels, "only a ledger knows levels of its items")
    if isinstance(data, str | os.PathLike):
        for name, value in (("basket", basket), ("item", item), ("values", wanted or None)):
            if value is not None:
                raise ParameterError.out_of_range(name, value, "a text file has no columns, leave it out")
        return _core.Baskets.from_text(text_of(Path(data)), reins)
    parts = [] if item is None else _names("item", item)
    if not parts:
        raise ParameterError.out_of_range("item", item, "a table needs the name of its column of items")
    frame = framed("data", data)
    roles = ((basket, "basket"), *((name, "item") for name in parts), *((name, "values") for name in wanted))
    for column, role in roles:
        if column is not None and column not in frame.columns:
            raise SchemaError.unknown_column(column, role, frame.columns)
    items = frame[parts[0]] if len(parts) == 1 else _combined(frame.select(parts))
    if items.dtype in (pl.Null, pl.List(pl.Null)):
        # Nothing but missing items: whatever type they are of.
        items = items.cast(pl.List(pl.String) if items.dtype == pl.List else pl.String)
    if isinstance(items.dtype, pl.List | pl.Array):
        if basket is not None:
            raise ParameterError.out_of_range(
                "basket", basket, f"each list of the column {parts[0]!r} is a basket, so leave it out"
            )
        if wanted:
            raise ParameterError.out_of_range("values", wanted, "a table of lists has no row for each item")
        if isinstance(items.dtype, pl.Array):
            items = items.arr.to_list()
        if items.null_count():
            empty = pl.lit(pl.Series([[]], dtype=items.dtype))
            items = pl.select(pl.when(items.is_not_null()).then(items).otherwise(empty)).to_series()
        return _core.Baskets.from_rows(items.alias("item").to_frame(), "", [], reins)
    if basket is None:
        raise ParameterError.out_of_range(
            "basket", basket, "a table of one item a row needs its column of baskets"
        )
    # Columns are renamed by their place, so that one column may serve twice.
    columns = [pl.col(name).alias(f"value {at}") for at, name in enumerate(wanted)]
    baskets = frame[basket].cast(pl.String) if frame[basket].dtype == pl.Null else frame[basket]
    rows = frame.select(baskets.alias("basket"), items.alias("item"), *columns)
    return _core.Baskets.from_rows(rows, basket, wanted, reins)


def _combined(columns: pl.DataFrame) -> pl.Series:
    """Name the combination of columns in each row, as a ledger names that of attributes; none where one is missing."""
    for name, kind in columns.schema.items():
        if kind.is_nested():
            raise SchemaError(f"column {name!r}: a combination is one of single values, not of {kind}.")
    texts = columns.select(pl.all().cast(pl.String))
    named = texts.with_columns(item=pl.concat_str(texts.columns, separator=_AND)).drop_nulls("item")
    twice = named.unique().filter(pl.col("item").is_duplicated()).sort(pl.all())
    if twice.height:
        raise SchemaError(
            f"the combination of {', '.join(columns.columns)} would call two different things "
            f"{twice['item'][0]!r}: rename a value."
        )
    return texts.select(pl.concat_str(pl.all(), separator=_AND)).to_series()


def framed(name: str, data: Any) -> pl.DataFrame:
    """Take a table as a frame.

    Parameters
    ----------
    name
        The argument.
    data
        A frame, or anything that polars makes one of.
    """
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        raise ParameterError.out_of_range(name, "LazyFrame", "a table in memory: collect() it first")
    try:
        return pl.DataFrame(data)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ParameterError.out_of_range(name, type(data).__name__, f"it is no table: {error}") from error


def _of_ledger(
    ledger: Ledger,
    basket: str | None,
    item: Level | None,
    as_of: Moment | None,
    reins: Reins,
    levels: Sequence[Level] | None,
    values: list[str],
) -> _core.Baskets:
    grain = basket or "order"
    if grain not in GRAINS:
        raise ParameterError.unknown("basket", grain, GRAINS)
    if levels is not None and item is not None:
        raise ParameterError.out_of_range("levels", levels, "they stand in place of item=, so leave it out")
    if levels is not None and (isinstance(levels, str) or not levels):
        raise ParameterError.out_of_range("levels", levels, "a list such as ['item', 'category']")
    axes = [_names("item", level) for level in ([item or "item"] if levels is None else levels)]
    for axis in axes:
        if not axis:
            raise ParameterError.out_of_range("item", axis, "at least one attribute makes an axis")
        if axes.count(axis) > 1:
            raise ParameterError.out_of_range("levels", levels, f"{axis[0]!r} stands there twice")
    for name in values:
        if name not in ledger.core.measures:
            raise ParameterError.unknown("values", name, ledger.core.measures)
    before = None if as_of is None else ledger.instant(as_of)
    return _core.Baskets.from_ledger(ledger.core, grain, axes, before, values, reins)


def _names(argument: str, given: object) -> list[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        raise ParameterError.out_of_range(argument, given, "names are needed")
    names = list(names)
    for name in names:
        if not isinstance(name, str):
            raise ParameterError.out_of_range(argument, name, "a name is a text")
        if names.count(name) > 1:
            raise ParameterError.out_of_range(argument, names, f"{name!r} stands there twice")
    return names


def text_of(path: Path) -> bytes:
    """Read a text file, unpacked if it is packed: the standard library does that as fast as anything here could.

    Parameters
    ----------
    path
        Ends in ``.gz`` if it is packed.
    """
    if path.suffix in TABLES:
        raise ParameterError.out_of_range(
            "data",
            str(path),
            "a text file has a basket or a customer a line; read a table with polars and pass the frame",
        )
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise SchemaError(f"{path}: {getattr(error, 'strerror', None) or error}.") from error


def least_count(min_support: float | None, min_count: int | None, n_baskets: int) -> int:
    """Tell in how many baskets a set must be.

    A share is taken as it was typed, not as the nearest double: at 0.07 of 100 baskets a set in 7 is found.

    Parameters
    ----------
    min_support
        A share of all baskets.
    min_count
        A number of baskets.
    n_baskets
        How many baskets there are.
    """
    if (min_support is None) == (min_count is None):
        given = "both" if min_support is not None else "neither"
        raise ParameterError(f"min_support and min_count: {given} given, exactly one is needed.")
    if min_support is not None:
        return max(1, ceil(share("min_support", min_support) * n_baskets))
    return whole("min_count", min_count, 1)


def codes_of(baskets: _core.Baskets, name: str, items: object, *, known: bool) -> list[int]:
    """Give the codes of items.

    Parameters
    ----------
    baskets
        The baskets that have them.
    name
        The argument.
    items
        The ids that were given.
    known
        Whether an item that no basket has is a mistake; else it is left out.
    """
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise ParameterError.out_of_range(name, items, "a list of item ids")
    ids = list(items)
    wrong = [one for one in ids if isinstance(one, bool) or not isinstance(one, str | Integral)]
    if wrong:
        raise ParameterError.out_of_range(name, wrong[0], "item ids are texts or whole numbers")
    plain = [one if isinstance(one, str) else int(one) for one in ids]
    codes = [_code(baskets, one) for one in dict.fromkeys(plain)]
    if known and None in codes:
        missing = list(dict.fromkeys(plain))[codes.index(None)]
        raise ParameterError.out_of_range(name, missing, "no basket has this item")
    return [code for code in codes if code is not None]


def _code(baskets: _core.Baskets, one: str | int) -> int | None:
    """Look an item up as it was given, and then as the other kind of id: a command line knows texts only."""
    if isinstance(one, int):
        ways: list[str | int] = [one, str(one)]
    else:
        ways = (
            [one, int(one)]
            if one.removeprefix("-").isascii() and one.removeprefix("-").isdecimal()
            else [one]
        )
    fitting = [way for way in ways if isinstance(way, str) or -(2**63) <= way < 2**63]
    return next((code for code in baskets.codes(fitting) if code is not None), None)
