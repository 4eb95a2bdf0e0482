"""`basketry features`: the wide table of what each customer did, in nested windows."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger, PartitionedLedger


@partial(question, partitions=True)
def features(
    ledger: "Ledger | PartitionedLedger",
    asked: Asked,
    window: Annotated[
        list[int] | None, typer.Option("--window", min=1, help="Days of a window; may come several times.")
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", metavar="ATTRIBUTE", help="Labels of items that are counted.")
    ] = None,
    discount: Annotated[
        str | None, typer.Option("--discount", metavar="MEASURE", help="The measure that holds discounts.")
    ] = None,
) -> "pl.DataFrame | pl.LazyFrame":
    """Describe every customer by what he did before a date, in windows that end there."""
    from basketry.customers.features import WINDOWS, customer_features

    return customer_features(
        ledger, as_of=asked.as_of, windows=window or WINDOWS, category=category, discount=discount,
        n_threads=asked.threads,
    )  # fmt: skip
