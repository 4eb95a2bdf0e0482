"""`basketry motivation`: discount seekers against those who want the new at list price."""

from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def motivation(
    ledger: "Ledger",
    asked: Asked,
    discount: Annotated[
        str, typer.Option("--discount", metavar="MEASURE", help="The measure that holds discounts.")
    ] = "discount",
) -> "pl.DataFrame":
    """Place every customer between buying on discount and buying the new at list price."""
    from basketry.customers import sale_motivation

    return sale_motivation(ledger, discount=discount, as_of=asked.as_of)
