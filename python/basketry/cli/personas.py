"""`basketry personas`: what sets a group of customers apart, all else being equal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def personas(
    ledger: "Ledger",
    asked: Asked,
    target: Annotated[
        Path | None,
        typer.Option(
            "--target", metavar="FILE", help="Who is in the group: a csv or parquet with a column customer."
        ),
    ] = None,
    bought: Annotated[
        str | None,
        typer.Option(
            "--bought",
            metavar="ATTRIBUTE=LABEL",
            help="The group are those who buy this from --as-of on, such as category=tea; traits are of the time before.",
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option("--category", metavar="ATTRIBUTE", help="The attribute of items that traits tell of."),
    ] = None,
    q: Annotated[float, typer.Option("--q", help="The share of false discoveries that is allowed.")] = 0.05,
) -> "pl.DataFrame":
    """Compare a group of customers with all others: odds ratios with all else held equal, and in words."""
    from basketry.cli._personas import compared, label_of
    from basketry.exceptions import ParameterError

    if bought is not None and target is None:
        what = label_of(bought)
        if asked.as_of is None:
            raise ParameterError.out_of_range(
                "--as-of", None, "it tells from when on the group bought; traits are what was known before"
            )
        return compared(ledger, what, since=asked.as_of, category=category or next(iter(what)), q=q)
    if target is None or bought is not None:
        raise ParameterError.out_of_range(
            "--target", target, "exactly one of --target and --bought is needed"
        )
    from basketry.cli._source import ids_in
    from basketry.models.personas import personas as answer
    from basketry.models.traits import HELD_EQUAL, persona_traits

    base = persona_traits(ledger, as_of=asked.as_of, category=category)
    return answer(ids_in(target, "customer"), base, adjust=HELD_EQUAL, q=q)
