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
    k: Annotated[int, typer.Option("--k", min=0, help="How many segments; 0 chooses by stability.")] = 8,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose", help="rfm, taste, sale or calendar; may come several times. rfm if not given."
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            "--category", metavar="ATTRIBUTE", help="Labels of items that are tastes; may come several times."
        ),
    ] = None,
    discount: Annotated[
        str | None, typer.Option("--discount", metavar="MEASURE", help="The measure that holds discounts.")
    ] = None,
    earlier: Annotated[
        str | None,
        typer.Option(
            "--earlier", metavar="FILE", help="The labels of an earlier run (parquet), whose names are kept."
        ),
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="A row a customer, in place of a row a segment.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="A row a segment and trait, in place of a row a segment.")
    ] = False,
) -> "pl.DataFrame":
    """Cluster the customers by how they buy, what they like and why they come."""
    import polars as pl

    from basketry.customers.segments import segment_customers

    found = segment_customers(
        ledger,
        as_of=asked.as_of,
        purpose=purpose or "rfm",
        category=category,
        discount=discount,
        k=k or None,
        earlier=None if earlier is None else pl.read_parquet(earlier),
        rng=asked.seed,
        n_threads=asked.threads,
    )
    if profile:
        return found.profile
    return found.labels if labels else found.segments
