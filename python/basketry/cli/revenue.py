"""`basketry revenue`: where the revenue of each period comes from; `basketry concentration`: from how few."""

from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def revenue(
    ledger: "Ledger",
    asked: Asked,
    period: Annotated[
        str, typer.Option("--period", help="day, week, month, quarter, half-year or year.")
    ] = "month",
    against: Annotated[
        str, typer.Option("--against", help="previous, or year for the same period a year before.")
    ] = "previous",
) -> "pl.DataFrame":
    """Split revenue and its changes into customers, frequency and order value, to the cent."""
    from basketry.customers import revenue_tree

    return revenue_tree(ledger, period=period, against=against, as_of=asked.as_of)


@question
def concentration(
    ledger: "Ledger",
    asked: Asked,
    of: Annotated[str, typer.Option("--of", help="customer or item.")] = "customer",
    curve: Annotated[
        bool, typer.Option("--curve", help="A row a customer or item, in place of the top few per cent.")
    ] = False,
) -> "pl.DataFrame":
    """Tell how much of the money the top 1, 5, 10, 20 and 50 per cent bring."""
    from basketry.customers import concentration as answer

    found = answer(ledger, of=of, as_of=asked.as_of)
    return found.table if curve else found.tops
