"""What a run asks of customers in depth: cohorts, concentration, and the cube of who buys what, when and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from basketry.customers import cohorts, concentration
from basketry.customers.segments import buying_cube, product_groups
from basketry.exceptions import SchemaError

if TYPE_CHECKING:
    from basketry.cli._analysis import Analysis

GROUPS = 24
"""An attribute of more labels is too wide for a map."""
POINTS = 100


def money_of_customers(result: Analysis) -> None:
    """Tell what cohorts do, and how few bring how much.

    Parameters
    ----------
    result
        Where the answers go.
    """
    ledger, as_of = result.ledger, result.parameters.as_of
    if not ledger.n_customers:
        raise SchemaError("The data do not tell who bought, so nothing can be said about customers.")
    result.tables["cohorts"] = cohorts(ledger, as_of=as_of).table
    spread = concentration(ledger, as_of=as_of)
    result.tables |= {"concentration": spread.tops, "concentration_curve": spread.curve(POINTS)}


def who_what_when(result: Analysis) -> None:
    """Tell who buys what, when and how, each beside what, and all together.

    Parameters
    ----------
    result
        Where the answers go.
    """
    ledger, asked = result.ledger, result.parameters
    if not ledger.n_items:
        raise SchemaError("The data do not tell which items were bought, so nothing can be said about them.")
    groups = _groups(result)
    labels = result.tables.get("segment_labels")
    who = None if labels is None else labels.select("customer", segment=pl.format("{} {}", "segment", "name"))
    off = "discount" if "discount" in ledger.core.measures else None
    shared: dict[str, Any] = {"groups": groups, "as_of": asked.as_of}
    single = [("month", "period", buying_cube(ledger, period="month", **shared))]
    if who is not None:
        single.insert(0, ("segment", "segment", buying_cube(ledger, segments=who, **shared)))
    if off is not None:
        single.append(("discount", "discounted", buying_cube(ledger, discount=off, **shared)))
    result.tables["cube"] = pl.concat(
        cube.cells.select(
            pl.lit(axis).alias("axis"), pl.col(column).cast(pl.String).alias("level"), pl.exclude(column)
        )
        for axis, column, cube in single
    )
    if who is not None:
        result.tables["cube_found"] = buying_cube(
            ledger, segments=who, period="month", discount=off, **shared
        ).found


def _groups(result: Analysis) -> pl.DataFrame | str:
    items = result.ledger.items()
    named = [result.parameters.item, "category"]
    for attribute in named:
        if attribute in items.columns[1:] and items[attribute].n_unique() <= GROUPS:
            return str(attribute)
    found = product_groups(
        result.ledger, as_of=result.parameters.as_of, replicates=0, rng=result.parameters.seed
    )
    return found.labels.select("item", group="name")
