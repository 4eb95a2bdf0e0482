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
    partial: Annotated[
        bool, typer.Option("--partial", help="If there are too many, give those of fewer items.")
    ] = False,
    rules: Annotated[
        bool,
        typer.Option("--rules", help="Which single item follows which, in place; --max-gap for all of it."),
    ] = False,
    max_antecedent: Annotated[
        int | None, typer.Option("--max-antecedent", min=1, help="With --rules: the most items first; 1.")
    ] = None,
    max_consequent: Annotated[
        int | None, typer.Option("--max-consequent", min=1, help="With --rules: the most items later; 1.")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option("--min-confidence", help="With --rules: the least confidence; 0.")
    ] = None,
    item: Item = None,
) -> "pl.DataFrame":
    """Find what customers buy one after the other. Without a threshold one is found that fits the data."""
    import warnings

    from basketry.cli._ledgers import before
    from basketry.cli._thresholds import fitting_sequence_rules, fitting_sequences
    from basketry.exceptions import ParameterError
    from basketry.patterns import frequent_sequences, sequence_rules

    sides: dict[str, Any] = {
        "max_antecedent": max_antecedent, "max_consequent": max_consequent, "min_confidence": min_confidence,
    }  # fmt: skip
    others: dict[str, Any] = {
        "min_gap": min_gap, "max_span": max_span, "contains": contains or None,
        "excludes": excludes or None, "partial": partial or None,
    }  # fmt: skip
    for name, value in (others if rules else sides).items():
        if value is not None:
            expected = "rules have no such limit, leave it out" if rules else "it limits rules; add --rules"
            raise ParameterError.out_of_range(name, value, expected)
    past = before(ledger, asked.as_of, asked.threads)
    fitting = min_support is None and min_count is None
    shared: dict[str, Any] = {"item": item, "n_threads": asked.threads}
    limits: dict[str, Any] = {
        "max_length": max_length, "max_gap": max_gap, "min_gap": min_gap, "max_span": max_span,
        "contains": contains or None, "excludes": excludes or None,
    }  # fmt: skip
    if rules:
        sides |= {
            "max_antecedent": max_antecedent or 1, "max_consequent": max_consequent or 1,
            "min_confidence": min_confidence or 0.0, "window": max_gap,
        }  # fmt: skip
        if fitting:
            return fitting_sequence_rules(past, **sides, **shared)[1]
        return sequence_rules(past, min_support=min_support, min_count=min_count, **sides, **shared)
    if fitting:
        return fitting_sequences(past, **limits, **shared)[1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = frequent_sequences(
            past, min_support=min_support, min_count=min_count, partial=partial, **limits, **shared
        )
    for warning in caught:
        typer.echo(f"basketry: {warning.message}", err=True)
    return frame
