"""`basketry lifetime`: how likely each customer is still there, how often he will buy, what that is worth."""

from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def lifetime(
    ledger: "Ledger",
    asked: Asked,
    model: Annotated[
        str, typer.Option("--model", help="pareto, bg or mbg: when customers may leave.")
    ] = "pareto",
    horizon: Annotated[float, typer.Option("--horizon", help="Weeks to look ahead.")] = 52.0,
    discount: Annotated[
        float,
        typer.Option("--discount", help="What money of today is worth more than in a year: 0.1 is 10 %."),
    ] = 0.1,
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="DATE",
            help="In place of forecasts: the model against plain rules from then on.",
        ),
    ] = None,
) -> "pl.DataFrame":
    """Foresee every customer: still there, purchases, money, value, the most valuable first."""
    import warnings

    from basketry.exceptions import ParameterError
    from basketry.models import (
        BetaGeoModel,
        GammaGammaModel,
        ModifiedBetaGeoModel,
        ParetoModel,
        lifetime_holdout,
    )

    models = {"pareto": ParetoModel, "bg": BetaGeoModel, "mbg": ModifiedBetaGeoModel}
    if model not in models:
        raise ParameterError.unknown("--model", model, models)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        chosen = models[model](n_threads=asked.threads)
        if holdout is not None:
            answer = lifetime_holdout(chosen, ledger, cut=holdout, as_of=asked.as_of).measures
        else:
            spend = GammaGammaModel(n_threads=asked.threads).fit(ledger, as_of=asked.as_of)
            chosen.fit(ledger, as_of=asked.as_of)
            answer = chosen.predict_value(
                ledger, spend=spend, horizon=horizon, discount=discount, as_of=asked.as_of
            ).sort("value", "customer", descending=[True, False], nulls_last=True)
    for warning in caught:
        typer.echo(f"basketry: {warning.message}", err=True)
    return answer
