"""`basketry score`: who will buy again, come back, leave; with probabilities, reasons and the channel that pays."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._targets import foretelling, read_channels

if TYPE_CHECKING:
    import polars as pl

    from basketry.models.programme import Programme


@foretelling
def score(
    programme: "Callable[..., Programme]",
    channel_costs: Annotated[
        Path | None, typer.Option("--channel-costs", metavar="FILE", help="csv of channel, cost and factor.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", min=0, help="What one yes earns; needed for channels.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="FILE", help="Save the model with its card to this file."),
    ] = None,
) -> "pl.DataFrame":
    """Score everybody who is asked at the date: probability, percentile, reasons and, with costs, the channel that pays."""
    from basketry.campaigns.channels import channel_policy
    from basketry.exceptions import ParameterError

    channels = None if channel_costs is None else read_channels(channel_costs)
    if channels is not None and margin is None:
        raise ParameterError.out_of_range("--margin", None, "channels need to know what one yes earns")
    found = programme()
    if model is not None:
        found.save(model)
    if channels is None or margin is None:
        return found.scores
    chosen = channel_policy(found.scores, channels, margin=margin).people
    return found.scores.with_columns(chosen["channel"], chosen["expected_profit"])
