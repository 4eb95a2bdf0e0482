"""`basketry sequences`: what customers buy one after the other."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Axis, MaxLength, MinCount, MinSupport
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def sequences(
    ledger: "Ledger",
    asked: Asked,
    min_support: MinSupport = None,
    min_count: MinCount = None,
    max_length: MaxLength = 3,
    max_gap: Annotated[
        str | None, typer.Option("--max-gap", help="The longest gap, such as 8w or 60d.")
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="Which single item follows which, in place.")
    ] = False,
    axis: Axis = "item",
) -> "pl.DataFrame":
    """Find what customers buy one after the other. Without a threshold one is found that fits the data."""
    from basketry.cli._ledgers import before
    from basketry.cli._thresholds import fitting_sequence_rules, fitting_sequences
    from basketry.patterns import frequent_sequences, sequence_rules

    past = before(ledger, asked.as_of, asked.threads)
    fitting = min_support is None and min_count is None
    shared: dict[str, Any] = {"axis": axis, "n_threads": asked.threads}
    if rules:
        if fitting:
            return fitting_sequence_rules(past, window=max_gap, **shared)[1]
        return sequence_rules(
            past, min_support=min_support, min_count=min_count, max_antecedent=1, max_consequent=1,
            window=max_gap, **shared,
        )  # fmt: skip
    if fitting:
        return fitting_sequences(past, max_length=max_length, max_gap=max_gap, **shared)[1]
    return frequent_sequences(
        past, min_support=min_support, min_count=min_count, max_length=max_length, max_gap=max_gap, **shared
    )
