"""`basketry rfm`: how long ago, how often and for how much each customer bought."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger, PartitionedLedger


@partial(question, partitions=True)
def rfm(
    ledger: "Ledger | PartitionedLedger",
    asked: Asked,
    ties: Annotated[
        str, typer.Option("--ties", help="Scores of equal values: together or apart.")
    ] = "together",
    money: Annotated[
        str | None, typer.Option("--money", help="Which money counts: gross, net or margin.")
    ] = None,
    big_fish_value: Annotated[
        float | None, typer.Option("--big-fish-value", help="An average order above it is large.")
    ] = None,
    loyal_orders: Annotated[
        int | None, typer.Option("--loyal-orders", min=2, help="From how many orders on one is loyal.")
    ] = None,
    cuts: Annotated[
        Path | None,
        typer.Option("--cuts", metavar="FILE", help="Score by the cut points of this file.", exists=True),
    ] = None,
    save_cuts: Annotated[
        Path | None,
        typer.Option("--save-cuts", metavar="FILE", help="Write the cut points, to score later dates alike."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Count who moved between segments since this date."),
    ] = None,
) -> "pl.DataFrame":
    """Tell for each customer recency, frequency, money, scores, segment and quadrant."""
    from basketry.customers import RfmCuts, rfm_cuts, rfm_migration
    from basketry.customers import rfm as answer
    from basketry.files import whole_file

    held = RfmCuts.from_json(cuts.read_text()) if cuts else None
    table = answer(
        ledger, as_of=asked.as_of, money=money, ties=ties, cuts=held, big_fish_value=big_fish_value,
        loyal_orders=loyal_orders, n_threads=asked.threads,
    )  # fmt: skip
    if save_cuts:
        learned = held or rfm_cuts(table, big_fish_value=big_fish_value, loyal_orders=loyal_orders)
        with whole_file(save_cuts) as path:
            path.write_text(learned.to_json())
    if since is None:
        return table
    return rfm_migration(
        ledger, before=since, after=asked.as_of, money=money, cuts=held, n_threads=asked.threads
    )
