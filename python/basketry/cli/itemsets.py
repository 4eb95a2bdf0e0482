"""`basketry itemsets`: sets of items that many baskets hold."""

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


@with_options(question, texts=True)
def itemsets(
    data: "Ledger | str",
    asked: Asked,
    min_support: MinSupport = None,
    min_count: MinCount = None,
    support_for: Annotated[
        int | None, typer.Option("--support-for", help="Only tell the least support with so many sets.")
    ] = None,
    min_length: Annotated[int, typer.Option("--min-length", help="The least items of a set.")] = 1,
    max_length: MaxLength = None,
    kind: Annotated[str, typer.Option("--kind", help="all, closed or maximal.")] = "all",
    contains: Annotated[Names, each("--contains", "ITEM", "An item of every set")] = None,
    excludes: Excludes = None,
    values: Annotated[Names, each("--value", "MEASURE", "Sum it, such as amount, over the baskets")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="If there are too many, give the shorter ones.")
    ] = False,
    basket: Basket = None,
    item: Items = None,
    levels: Levels = None,
) -> "pl.DataFrame":
    """Find the sets of items that many baskets hold. Without a threshold one is found that fits the data.

    A file that ends in .dat or .baskets (or .gz behind it) is a text with a basket a line, items between blanks.
    """
    import warnings

    import polars as pl

    from basketry import patterns
    from basketry.cli._ledgers import before
    from basketry.cli._thresholds import fitting_itemsets
    from basketry.exceptions import ParameterError

    limits: dict[str, Any] = {
        "basket": basket,
        "item": item or None,
        "levels": [level.split(",") for level in levels] if levels else None,
        "min_length": min_length,
        "max_length": max_length,
        "contains": contains or [],
        "excludes": excludes or [],
        "n_threads": asked.threads,
    }
    past = data if isinstance(data, str) else before(data, asked.as_of, asked.threads)
    if isinstance(data, str):
        limits["as_of"] = asked.as_of
    whole = {"--kind": kind != "all", "--value": bool(values), "--partial": partial, "--top": bool(asked.top)}
    if support_for is not None:
        if ignored := [name for name, given in whole.items() if given]:
            raise ParameterError(f"{ignored[0]}: --support-for tells a support only, so leave it out.")
        found = patterns.support_for(past, support_for, **limits)
        return pl.DataFrame([vars(found)])
    limits |= {"kind": kind, "values": values or [], "top": asked.top}
    if min_support is None and min_count is None:
        if partial:
            raise ParameterError("--partial: without a threshold one is found that fits, so leave it out.")
        return fitting_itemsets(past, **limits)[1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = patterns.frequent_itemsets(
            past, min_support=min_support, min_count=min_count, partial=partial, **limits
        )
    for warning in caught:
        typer.echo(f"basketry: {warning.message}", err=True)
    return frame
