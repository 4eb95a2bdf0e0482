"""`basketry groups`, `missions`, `cube`: what is bought together, what for, and by whom, when, how."""

from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger

_Category = Annotated[
    str | None,
    typer.Option(
        "--category", metavar="ATTRIBUTE", help="Labels of items; groups are found from baskets if not given."
    ),
]
_Discount = Annotated[
    str | None, typer.Option("--discount", metavar="MEASURE", help="The measure that holds discounts.")
]
_Number = Annotated[int | None, typer.Option("--k", min=2, help="How many; chosen if not given.")]


def _found(ledger: "Ledger", asked: Asked, category: str | None) -> "pl.DataFrame | str":
    from basketry.customers.segments import product_groups

    if category is not None:
        return category
    found = product_groups(ledger, as_of=asked.as_of, replicates=0, rng=asked.seed).labels
    return found.select("item", group="name")


@question
def groups(
    ledger: "Ledger",
    asked: Asked,
    k: _Number = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="A row a product, in place of a row a group.")
    ] = False,
) -> "pl.DataFrame":
    """Group products by what they are bought together with."""
    from basketry.customers.segments import product_groups

    found = product_groups(ledger, as_of=asked.as_of, k=k, rng=asked.seed)
    return found.labels if labels else found.groups


@question
def missions(
    ledger: "Ledger",
    asked: Asked,
    k: _Number = None,
    category: _Category = None,
    discount: _Discount = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="A row a basket, in place of a row a mission.")
    ] = False,
) -> "pl.DataFrame":
    """Sort baskets by what they seem to be made for."""
    from basketry.customers.segments import basket_missions

    what = _found(ledger, asked, category)
    found = basket_missions(ledger, groups=what, as_of=asked.as_of, discount=discount, k=k, rng=asked.seed)
    return found.labels if labels else found.missions


@question
def cube(
    ledger: "Ledger",
    asked: Asked,
    category: _Category = None,
    period: Annotated[
        str | None, typer.Option("--period", help="month, quarter or weekday; left out if not given.")
    ] = None,
    discount: _Discount = None,
    k: Annotated[int, typer.Option("--k", min=2, help="How many segments of customers.")] = 8,
    whole: Annotated[bool, typer.Option("--all", help="All cells, not only those that stand out.")] = False,
) -> "pl.DataFrame":
    """Tell who buys what, when, under which discount, beyond what each of these explains on its own."""
    from basketry.customers.segments import buying_cube, segment_customers

    who = segment_customers(
        ledger, as_of=asked.as_of, k=k, replicates=0, rng=asked.seed, n_threads=asked.threads
    )
    found = buying_cube(
        ledger,
        groups=_found(ledger, asked, category),
        segments=who.labels.select("customer", segment="name"),
        period=period,
        discount=discount,
        as_of=asked.as_of,
    )
    return found.cells if whole else found.found
