"""`basketry itemsets`: sets of items that many baskets hold."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Axis, MaxLength, MinCount, MinSupport
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def itemsets(
    ledger: "Ledger",
    asked: Asked,
    min_support: MinSupport = None,
    min_count: MinCount = None,
    max_length: MaxLength = None,
    basket: Annotated[str, typer.Option("--basket", help="order, day or customer.")] = "order",
    axis: Axis = "item",
) -> "pl.DataFrame":
    """Find the sets of items that many baskets hold. Without a threshold one is found that fits the data."""
    from basketry.cli._thresholds import fitting_itemsets
    from basketry.patterns import frequent_itemsets

    limits: dict[str, Any] = {"basket": basket, "max_length": max_length, "as_of": asked.as_of}
    if min_support is None and min_count is None:
        return fitting_itemsets(ledger, axis=axis, n_threads=asked.threads, **limits)[1]
    return frequent_itemsets(
        ledger,
        item=None if axis == "item" else axis,
        min_support=min_support,
        min_count=min_count,
        n_threads=asked.threads,
        **limits,
    )
