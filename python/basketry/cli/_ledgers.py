"""What is asked of a ledger before any question: its past, the names of its items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError
from basketry.ledger import Ledger
from basketry.ledger.lines import with_lines
from basketry.ledger.zones import Moment

_NAMES = ("description", "name", "title", "product_name")


def before(ledger: Ledger, as_of: Moment | None, n_threads: int | None = None) -> Ledger:
    """Take the orders before an instant as a ledger of their own.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        The instant; None takes the ledger as it is.
    n_threads
        How many threads to use; None for all.
    """
    if as_of is None or ledger.instant(as_of) >= ledger.instant(None):
        return ledger
    cut = pl.from_epoch(pl.lit(ledger.instant(as_of)), "us").dt.replace_time_zone("UTC")
    return with_lines(ledger, ledger.lines().filter(pl.col("time") < cut), n_threads=n_threads)


def segments(option: str, value: str) -> str | pl.DataFrame:
    """Read who is in which segment from a file, or take the value for the name of an attribute.

    Parameters
    ----------
    option
        The option, for errors.
    value
        A csv or parquet file, or a name.
    """
    path = Path(value)
    match path.suffix.lower():
        case ".csv" | ".parquet" if not path.is_file():
            raise ParameterError.out_of_range(option, value, "there is no such file")
        case ".csv":
            return pl.read_csv(path, infer_schema=False)
        case ".parquet":
            return pl.read_parquet(path)
        case _:
            return value


def item_names(ledger: Ledger) -> dict[Any, str]:
    """Find for each item the name that a person knows; empty if the data hold none.

    Parameters
    ----------
    ledger
        The shop.
    """
    items = ledger.items() if ledger.n_items else pl.DataFrame({"item": []})
    ids = items["item"].to_list()
    column = next((name for name in _NAMES if name in items.columns), None)
    if column is None:
        # An id that nobody can read stands behind its category.
        if "category" not in items.columns or not any(len(str(one)) > 16 for one in ids):
            return {}
        kinds = items["category"].to_list()
        return {one: f"{kind} ({str(one)[:6]})" for one, kind in zip(ids, kinds, strict=True) if kind}
    names = items[column].str.strip_chars().to_list()
    if sum(name is not None and name.isupper() for name in names) > 0.8 * len(names):
        names = [None if name is None else name.capitalize() for name in names]
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return {
        one: name if seen[name] == 1 else f"{one} {name}"
        for one, name in zip(ids, names, strict=True)
        if name
    }
