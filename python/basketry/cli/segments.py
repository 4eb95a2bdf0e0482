"""`basketry segments`: clusters of customers by how they buy."""

from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def segments(
    ledger: "Ledger",
    asked: Asked,
    k: Annotated[int, typer.Option("--k", min=2, help="How many segments.")] = 8,
    labels: Annotated[
        bool, typer.Option("--labels", help="A row a customer, in place of a row a segment.")
    ] = False,
) -> "pl.DataFrame":
    """Cluster the customers by order count, order value, recency and order rate."""
    from basketry.customers.segments import segment_customers

    found = segment_customers(ledger, as_of=asked.as_of, k=k, rng=asked.seed, n_threads=asked.threads)
    return found.labels if labels else found.segments
