"""`basketry rfm`: how long ago, how often and for how much each customer bought."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger, PartitionedLedger


@partial(question, partitions=True)
def rfm(
    ledger: "Ledger | PartitionedLedger",
    asked: Asked,
    ties: Annotated[
        str, typer.Option("--ties", help="Scores of equal values: together or apart.")
    ] = "together",
) -> "pl.DataFrame":
    """Tell for each customer recency, frequency, money, scores, segment and quadrant."""
    from basketry.customers import rfm as answer

    return answer(ledger, as_of=asked.as_of, ties=ties, n_threads=asked.threads)
