"""`basketry rules`: what baskets that hold some items also hold."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Axis, MaxLength, MinCount, MinSupport
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def rules(
    ledger: "Ledger",
    asked: Asked,
    min_support: MinSupport = None,
    min_count: MinCount = None,
    min_confidence: Annotated[float, typer.Option("--min-confidence", help="The least confidence.")] = 0.1,
    max_length: MaxLength = 4,
    axis: Axis = "item",
) -> "pl.DataFrame":
    """Find which items are bought together. Without a threshold one is found that fits the data."""
    from basketry.cli._thresholds import fitting_rules
    from basketry.patterns import association_rules

    limits: dict[str, Any] = {
        "min_confidence": min_confidence,
        "max_length": max_length,
        "as_of": asked.as_of,
    }
    if min_support is None and min_count is None:
        return fitting_rules(ledger, axis=axis, n_threads=asked.threads, **limits)[1]
    return association_rules(
        ledger,
        item=None if axis == "item" else axis,
        min_support=min_support,
        min_count=min_count,
        max_consequent=1,
        n_threads=asked.threads,
        **limits,
    )
