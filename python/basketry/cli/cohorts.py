"""`basketry cohorts`: what customers do after the period of their first purchase."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger, PartitionedLedger


@partial(question, partitions=True)
def cohorts(
    ledger: "Ledger | PartitionedLedger",
    asked: Asked,
    period: Annotated[
        str, typer.Option("--period", help="day, week, month, quarter, half-year or year.")
    ] = "month",
) -> "pl.DataFrame":
    """Follow customers from the period of their first purchase on: who came back, orders, money."""
    from basketry.customers import cohorts as answer

    return answer(ledger, period=period, as_of=asked.as_of).table
