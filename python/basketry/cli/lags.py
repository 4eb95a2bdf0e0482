"""`basketry lags`: how long after one purchase another follows."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Item
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.cli._pairs import Pair
    from basketry.ledger import Ledger


@question
def lags(
    ledger: "Ledger",
    asked: Asked,
    antecedent: Annotated[
        list[str] | None, typer.Option("--antecedent", help="An item that comes first; may be repeated.")
    ] = None,
    consequent: Annotated[
        list[str] | None, typer.Option("--consequent", help="An item that follows; may be repeated.")
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option("--horizon", help="Weeks to look at, such as 60w; as many as the data reach."),
    ] = None,
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many pairs, where none is named.")] = 3,
    min_events: Annotated[
        int | None,
        typer.Option("--min-events", min=1, help="All ordered pairs that so many customers buy, in place."),
    ] = None,
    peaks: Annotated[bool, typer.Option("--peaks", help="The peaks, in place of the weeks.")] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="One row a pair with its p- and q-value, in place of the weeks.")
    ] = False,
    item: Item = None,
) -> "pl.DataFrame":
    """Tell week by week how long after one item another is bought. Without a pair the strongest are taken."""
    from basketry.cli._ledgers import before
    from basketry.cli._pairs import followed, named, strongest_pairs
    from basketry.cli._thresholds import fitting_sequence_rules
    from basketry.exceptions import ParameterError

    past = before(ledger, asked.as_of, asked.threads)
    wanted: list[Pair] | None
    shared: dict[str, Any] = {"item": item, "n_threads": asked.threads}
    if bool(antecedent) != bool(consequent):
        raise ParameterError("--antecedent and --consequent: one is given, name both or none.")
    if antecedent and consequent:
        wanted = [(_ids(past, antecedent, item), _ids(past, consequent, item))]
    elif min_events is not None:
        wanted, shared = None, shared | {"min_events": min_events}
    else:
        wanted = strongest_pairs(fitting_sequence_rules(past, **shared)[1], pairs)
    found = followed(past, wanted, horizon=horizon, rng=asked.seed, **shared)
    return found.rules if rules else named(found, found.peaks if peaks else found.table)


def _ids(ledger: "Ledger", typed: list[str], item: str | None) -> list[Any]:
    """Read ids as the ledger has them: a number where its items are numbers."""
    if item is not None or not ledger.n_items or not ledger.items()["item"].dtype.is_integer():
        return list(typed)
    return [int(one) if one.lstrip("-").isdigit() else one for one in typed]
