"""What the lifetime formula expects of each row of a labelled table, as a column to rank by."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from basketry.customers.labelled import Labelled
from basketry.exceptions import BasketryError, FitWarning
from basketry.ledger.zones import local, zone_info
from basketry.models.lifetime import BetaGeoModel

COLUMN = "bgnbd_orders"
"""Expected purchases by BG/NBD, fitted at each instant on what lies before it."""


def with_lifetime(labelled: Labelled, weeks: float, dates: Sequence[int] | None = None) -> Labelled:
    """Set beside each row what BG/NBD expects of it; without the column where the model cannot be fitted at some instant.

    Parameters
    ----------
    labelled
        The table. One of what was known at the time (``known_at``) stays as it is: the formula looks at the whole shop.
    weeks
        How far ahead to look.
    dates
        Which instants, in microseconds; the others get null. None takes all.
    """
    if labelled.snapshot.known_at is not None or COLUMN in labelled.table.columns:
        return labelled
    ledger, zone = labelled.ledger, zone_info(labelled.ledger.timezone)
    found = []
    for cut in labelled.periods["as_of"].dt.epoch("us").to_list() if dates is None else dates:
        moment = local(cut, zone)
        try:
            with warnings.catch_warnings():
                # As a baseline it is judged beside the others; what it thinks of itself is told by its own section.
                warnings.simplefilter("ignore", FitWarning)
                expected = (
                    BetaGeoModel().fit(ledger, as_of=moment).predict(ledger, horizon=weeks, as_of=moment)
                )
        except BasketryError:
            return labelled
        at = pl.lit(cut).cast(pl.Datetime("us", "UTC"))
        found.append(
            expected.select("customer", at.alias("as_of"), pl.col("expected_purchases").alias(COLUMN))
        )
    both = labelled.table.join(pl.concat(found), on=["customer", "as_of"], how="left", maintain_order="left")
    return replace(labelled, table=both)
