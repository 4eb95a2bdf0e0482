"""`basketry rules`: what baskets that hold some items also hold."""

from functools import partial as with_options
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import (
    Basket,
    Excludes,
    Items,
    Levels,
    MaxLength,
    MinCount,
    MinSupport,
    Names,
    each,
)
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger

_Segments = "an attribute of customers, or a csv or parquet file of customer and segment."


@with_options(question, texts=True)
def rules(
    data: "Ledger | str",
    asked: Asked,
    min_support: MinSupport = None,
    min_count: MinCount = None,
    min_confidence: Annotated[float, typer.Option("--min-confidence", help="The least confidence.")] = 0.1,
    min_lift: Annotated[float | None, typer.Option("--min-lift", help="The least lift.")] = None,
    min_improvement: Annotated[
        float | None,
        typer.Option("--min-improvement", help="The least gain in confidence over every simpler rule."),
    ] = None,
    max_length: MaxLength = 4,
    max_antecedent: Annotated[
        int | None, typer.Option("--max-antecedent", min=1, help="The most items that a rule begins with.")
    ] = None,
    max_consequent: Annotated[
        int, typer.Option("--max-consequent", min=1, help="The most items that a rule ends in.")
    ] = 1,
    consequent: Annotated[Names, each("--consequent", "ITEM", "Only rules that end in this")] = None,
    excludes: Excludes = None,
    redundant: Annotated[
        bool, typer.Option("--redundant", help="Keep rules that a simpler one makes needless.")
    ] = False,
    basket: Basket = None,
    item: Items = None,
    levels: Levels = None,
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="SEGMENTS", help=f"Look inside segments too: {_Segments}"),
    ] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Test the rules inside customers and weeks, with a verdict.")
    ] = False,
    holdout: Annotated[
        str | None,
        typer.Option("--holdout", metavar="DATE", help="Validate, and confirm on orders from this day on."),
    ] = None,
    strata: Annotated[
        str | None,
        typer.Option("--strata", metavar="SEGMENTS", help=f"Validate inside these as well: {_Segments}"),
    ] = None,
) -> "pl.DataFrame":
    """Find which items are bought together. Without a threshold one is found that fits the data.

    A file that ends in .dat or .baskets (or .gz behind it) is a text with a basket a line, items between blanks.
    """
    from basketry.cli._ledgers import before, segments
    from basketry.cli._thresholds import fitting_rules
    from basketry.exceptions import ParameterError
    from basketry.patterns import association_rules, validate_rules

    past = data if isinstance(data, str) else before(data, asked.as_of, asked.threads)
    axes: dict[str, Any] = {
        "basket": basket,
        "item": item or None,
        "levels": [level.split(",") for level in levels] if levels else None,
    }
    limits: dict[str, Any] = axes | {
        "min_confidence": min_confidence,
        "min_lift": min_lift,
        "min_improvement": min_improvement,
        "max_length": max_length,
        "max_antecedent": max_antecedent,
        "max_consequent": max_consequent,
        "consequents": consequent or None,
        "excludes": excludes,
        "redundant": redundant,
        "within": None if within is None else segments("--within", within),
        # What is to be confirmed later must not be found there.
        "as_of": holdout or asked.as_of,
        "n_threads": asked.threads,
    }
    if min_support is None and min_count is None:
        found = fitting_rules(past, **limits)[1]
    else:
        found = association_rules(past, min_support=min_support, min_count=min_count, top=asked.top, **limits)
    if not (validate or holdout or strata):
        return found
    if isinstance(past, str):
        raise ParameterError("--validate: a text file tells neither customers nor times, leave it out.")
    return validate_rules(
        found,
        past,
        holdout=holdout,
        strata=None if strata is None else segments("--strata", strata),
        n_threads=asked.threads,
        **axes,
    )
