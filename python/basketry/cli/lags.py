"""`basketry lags`: how long after one purchase another follows."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._options import Axis
from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

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
    peaks: Annotated[bool, typer.Option("--peaks", help="The peaks, in place of the weeks.")] = False,
    axis: Axis = "item",
) -> "pl.DataFrame":
    """Tell week by week how long after one item another is bought. Without a pair the strongest are taken."""
    from basketry.cli._ledgers import before
    from basketry.cli._pairs import followed, lag_tables, strongest_pairs
    from basketry.cli._thresholds import fitting_sequence_rules
    from basketry.exceptions import ParameterError

    past = before(ledger, asked.as_of, asked.threads)
    wanted: list[tuple[list[Any], list[Any]]]
    if antecedent and consequent:
        wanted = [(_ids(past, antecedent, axis), _ids(past, consequent, axis))]
    elif antecedent or consequent:
        raise ParameterError("--antecedent and --consequent: one is given, name both or none.")
    else:
        found = fitting_sequence_rules(past, axis=axis, n_threads=asked.threads)[1]
        wanted = strongest_pairs(found, pairs)
    shared: dict[str, Any] = {
        "axis": axis,
        "horizon": horizon,
        "seed": asked.seed,
        "n_threads": asked.threads,
    }
    answers = [followed(past, first, then, **shared) for first, then in wanted]
    return lag_tables(answers)["lag_peaks" if peaks else "lags"]


def _ids(ledger: "Ledger", typed: list[str], axis: str) -> list[Any]:
    """Read ids as the ledger has them: a number where its items are numbers."""
    if axis != "item" or not ledger.n_items or not ledger.items()["item"].dtype.is_integer():
        return list(typed)
    return [int(one) if one.lstrip("-").isdigit() else one for one in typed]
