"""What a run asks about groups of customers: who buys the leading category, and who looks like the best."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

if TYPE_CHECKING:
    from basketry.cli._analysis import Analysis

LATER_DAYS = 91
"""The group of a run are those who bought in so many last days."""
MOST_LABELS = 60
"""An attribute of more labels is no category."""
SEED = 400
LEAST_SEED = 50


def label_of(text: str) -> dict[str, str]:
    """Read ``attribute=label``.

    Parameters
    ----------
    text
        What was typed.
    """
    name, _, label = text.partition("=")
    if not name or not label:
        raise ParameterError.out_of_range(
            "--bought", text, "an attribute of items and a label, such as category=tea"
        )
    return {name: label}


def compared(
    ledger: Ledger, what: dict[str, str], *, since: Moment, category: str | None, q: float = 0.05
) -> pl.DataFrame:
    """Compare those who bought something from a day on with all others who were customers by then.

    Parameters
    ----------
    ledger
        The shop.
    what
        Attribute of items -> label.
    since
        The day.
    category
        The attribute of items that traits tell of.
    q
        The share of false discoveries that is allowed.
    """
    from basketry.models.personas import personas
    from basketry.models.traits import HELD_EQUAL, buyers, persona_traits

    base = persona_traits(ledger, as_of=since, category=category)
    bought = buyers(ledger, what, since=since)
    target = bought.filter(bought.is_in(base["customer"].implode()))
    name = f"buyers of {' and '.join(what.values())}"
    return personas(target, base, adjust=HELD_EQUAL, name=name, q=q).select(
        pl.lit(name).alias("group"), pl.all()
    )


def personas_of(result: Analysis) -> None:
    """Tell what sets the buyers of the leading category apart.

    Parameters
    ----------
    result
        The run.
    """
    ledger = result.ledger
    category = _category(ledger)
    if category is None:
        raise SchemaError(
            "Items have no attribute such as a category, so there are no buyers of one to compare."
        )
    first, since = ledger.first_day, ledger.end - timedelta(days=LATER_DAYS)
    if first is None or since - first < timedelta(days=LATER_DAYS):
        raise SchemaError(
            f"The history is shorter than {2 * LATER_DAYS} days, too short to compare buyers by what came before."
        )
    labels = ledger.items().select("item", pl.col(category).cast(pl.String))
    seen = ledger.lines().filter(pl.col("customer").is_not_null(), pl.col("time").dt.date() >= since)
    leading = (
        seen.join(labels, on="item")
        .drop_nulls(category)
        .group_by(category)
        .agg(pl.col("customer").n_unique())
    )
    if not leading.height:
        raise SchemaError("Nobody bought anything of a known category in the last quarter.")
    label = leading.sort("customer", category, descending=[True, False])[category][0]
    result.tables["personas"] = compared(ledger, {category: label}, since=since, category=category)


def lookalike_of(result: Analysis) -> None:
    """Find among those who bought once people whose first order looks like that of the best customers.

    Parameters
    ----------
    result
        The run.
    """
    from basketry.models.lookalike import lookalike
    from basketry.models.seeds import Seed
    from basketry.models.traits import first_order_traits

    category = _category(result.ledger)
    table = first_order_traits(result.ledger, category=category)
    again = table.filter(pl.col("orders") >= 2)
    size = min(SEED, again.height // 4)
    pool = table.filter(pl.col("orders") == 1)
    if size < LEAST_SEED or pool.height < size:
        raise SchemaError(
            f"{again.height:,} customers came back and {pool.height:,} did not, too few to find people like the best."
        )
    seed = Seed.smart(again, size=size, column="spend_total")
    both = pl.concat([again.filter(pl.col("customer").is_in(seed.members["customer"].implode())), pool])
    found = lookalike(seed, both.drop("orders", "spend_total"), key="customer", rng=result.parameters.seed)
    words = f"the {size} who spent most of {again.height:,} customers who came back, as they were at their first order"
    result.tables["lookalike"] = found.reach.select(pl.lit(words).alias("seed"), pl.all())
    result.tables["lookalike_scores"] = found.scores.rename({"id": "customer"})


def _category(ledger: Ledger) -> str | None:
    """Choose the attribute of items that is a category: the one called so, else the first of few labels."""
    items = ledger.items() if ledger.n_items else pl.DataFrame()
    known = [name for name in items.columns[1:] if 2 <= items[name].n_unique() <= MOST_LABELS]
    return "category" if "category" in known else next(iter(known), None)
