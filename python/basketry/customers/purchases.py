"""What was bought, line by line, as the analyses of segments, clusters and cells take it."""

from __future__ import annotations

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment


def needed(ledger: object) -> Ledger:
    """Refuse what is no ledger.

    Parameters
    ----------
    ledger
        What was given.
    """
    if not isinstance(ledger, Ledger):
        raise ParameterError.out_of_range(
            "ledger", type(ledger).__name__, "a Ledger is needed: see read_ledger"
        )
    return ledger


def bought_lines(ledger: Ledger, *, as_of: Moment | None = None) -> pl.DataFrame:
    """List the lines that were bought, in the ledger's order; returns are left out.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        Orders at or after it are left out; None is the end of the data.

    Returns
    -------
    DataFrame
        ``customer`` (null without one), ``order`` (the order's number, from 0), ``time``, ``day`` (local), ``item`` (if lines
        have items) and the measures.
    """
    orders = ledger.orders().select("lines", "day").with_row_index("order")
    repeated = orders.select(pl.exclude("lines").repeat_by("lines").explode())
    lines = ledger.lines()
    lines = lines.drop("order", strict=False).with_columns(repeated["order"], repeated["day"])
    cut = pl.lit(ledger.instant(as_of)).cast(pl.Datetime("us", "UTC"))
    kept = lines.filter(pl.col("time") < cut)
    for measure in ("quantity", "amount"):
        if measure in kept.columns:
            return kept.filter(pl.col(measure) > 0)
    return kept


def item_attribute(ledger: Ledger, attribute: str) -> pl.DataFrame:
    """Give every item its label, as text.

    Parameters
    ----------
    ledger
        The shop.
    attribute
        An attribute of items.

    Returns
    -------
    DataFrame
        ``item`` and ``label``, null where an item has none.
    """
    known = ledger.items().columns[1:] if ledger.n_items else []
    if attribute not in known:
        raise SchemaError.unknown_column(attribute, "category", sorted(known))
    return ledger.items().select("item", label=pl.col(attribute).cast(pl.String))


def depth(ledger: Ledger, discount: str | None) -> pl.Expr:
    """Tell how deep the discount of a line is: a share of the price before it.

    Parameters
    ----------
    ledger
        The shop.
    discount
        The measure of discounts. If it never passes 1 it holds shares of the list price; else money taken off the line.
    """
    measures = sorted(ledger.core.measures)
    if discount is None:
        raise SchemaError(
            f"discounts are needed: name the measure that holds them with discount=. Measures: {', '.join(measures)}."
        )
    if discount not in measures:
        raise SchemaError.unknown_column(discount, "discount", measures)
    off = pl.col(discount).clip(lower_bound=0).fill_null(0)
    if not (ledger.lines()[discount] > 1).any():
        return off
    if "amount" not in measures:
        raise SchemaError(f"the discounts in {discount!r} are money: their depth needs the column 'amount'.")
    return pl.when(off > 0).then(off / (pl.col("amount") + off)).otherwise(0.0)


def item_groups(ledger: Ledger, groups: pl.DataFrame | str) -> pl.DataFrame:
    """Give every item its group.

    Parameters
    ----------
    ledger
        The shop.
    groups
        An attribute of items, or a frame of ``item`` and ``group``.

    Returns
    -------
    DataFrame
        ``item`` and ``group``, items without one left out.
    """
    if isinstance(groups, str):
        labels = item_attribute(ledger, groups).rename({"label": "group"})
    else:
        for column in ("item", "group"):
            if column not in groups.columns:
                raise SchemaError.unknown_column(column, column, groups.columns)
        labels = groups.select(pl.col("item").cast(ledger.items().schema["item"]), pl.col("group"))
    return labels.drop_nulls("group")
