"""`basketry sequences`: what customers buy one after the other."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Item, MaxLength, MinCount, MinSupport
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
    min_gap: Annotated[str | None, typer.Option("--min-gap", help="The shortest gap, such as 1w.")] = None,
    max_span: Annotated[
        str | None, typer.Option("--max-span", help="The longest time from first to last, such as 26w.")
    ] = None,
    contains: Annotated[
        list[str] | None, typer.Option("--contains", help="An item that must be there; may be repeated.")
    ] = None,
    excludes: Annotated[
        list[str] | None, typer.Option("--excludes", help="An item that may not be there; may be repeated.")
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="Which single item follows which, in place.")
    ] = False,
    item: Item = None,
) -> "pl.DataFrame":
    """Find what customers buy one after the other. Without a threshold one is found that fits the data."""
    from basketry.cli._ledgers import before
    from basketry.cli._thresholds import fitting_sequence_rules, fitting_sequences
    from basketry.patterns import frequent_sequences, sequence_rules

    past = before(ledger, asked.as_of, asked.threads)
    fitting = min_support is None and min_count is None
    shared: dict[str, Any] = {"item": item, "n_threads": asked.threads}
    limits: dict[str, Any] = {
        "max_length": max_length, "max_gap": max_gap, "min_gap": min_gap, "max_span": max_span,
        "contains": contains or None, "excludes": excludes or None,
    }  # fmt: skip
    if rules:
        if fitting:
            return fitting_sequence_rules(past, window=max_gap, **shared)[1]
        return sequence_rules(
            past, min_support=min_support, min_count=min_count, max_antecedent=1, max_consequent=1,
            window=max_gap, **shared,
        )  # fmt: skip
    if fitting:
        return fitting_sequences(past, **limits, **shared)[1]
    return frequent_sequences(past, min_support=min_support, min_count=min_count, **limits, **shared)
