"""`basketry due`: who is likely to buy what in the next weeks, because of what he bought before."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Item
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def due(
    ledger: "Ledger",
    asked: Asked,
    weeks: Annotated[int, typer.Option("--weeks", min=1, help="How many weeks ahead.")] = 4,
    per_customer: Annotated[
        int | None, typer.Option("--per-customer", min=1, help="At most so many rows a customer.")
    ] = 3,
    min_lift: Annotated[
        float, typer.Option("--min-lift", min=0, help="The least lift over the calendar.")
    ] = 1.0,
    every_rule: Annotated[
        bool, typer.Option("--every-rule", help="Rules without a peak in the weeks ahead, too.")
    ] = False,
    item: Item = None,
) -> "pl.DataFrame":
    """List who is due for what: the rules that are open for each customer, with a peak in the weeks ahead."""
    from basketry.cli._ledgers import before
    from basketry.cli._pairs import FOLLOWED, due_rows, followed, strongest_pairs
    from basketry.cli._thresholds import fitting_sequence_rules
    from basketry.patterns import due_list

    past = before(ledger, asked.as_of, asked.threads)
    shared: dict[str, Any] = {"item": item, "n_threads": asked.threads}
    found = followed(
        past, strongest_pairs(fitting_sequence_rules(past, **shared)[1], FOLLOWED), rng=asked.seed, **shared
    )
    list_rows = due_list if every_rule else due_rows
    return list_rows(
        past, found, as_of=asked.as_of, within_weeks=weeks, min_lift=min_lift, peaks_only=not every_rule,
        top=per_customer, **shared,
    ).drop("rule")  # fmt: skip
