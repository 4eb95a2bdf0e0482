"""The reactivation programme of a run: who comes back, tested on the past; or why that cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from basketry.campaigns.channels import Channel, band_table, channel_policy
from basketry.models.programme import propensity_programme

if TYPE_CHECKING:
    from basketry.cli._analysis import Analysis

_LEARNERS = ("ridge", "lasso", "forest")
_EXAMPLES = {"e-mail": Channel(0.01, 0.6), "video": Channel(0.25, 1.0), "letter": Channel(0.90, 1.4)}


def predictions(result: Analysis) -> None:
    """Ask who comes back of those who have been silent for ninety days.

    Parameters
    ----------
    result
        The answers so far.
    """
    asked = result.parameters
    ledger = result.ledger
    found = propensity_programme(
        ledger, as_of=asked.as_of, learners=_LEARNERS, rng=asked.seed, n_threads=asked.n_threads
    )
    told = [(found.target, found.comparison.verdict, found.comparison.offered, found.scores.height)]
    result.tables |= {
        "prediction": pl.DataFrame(told, schema=["target", "verdict", "offered", "people"], orient="row"),
        # A run says the same each time, and seconds never do.
        "comparison": found.comparison.sheet.drop("seconds"),
        "periods": found.labelled.periods,
        "gains": found.gains,
        "reliability": found.reliability,
        "bands": band_table(found.tested, label="label"),
        "scores": found.scores,
    }
    if "margin" in ledger.core.measures:
        lines = (
            ledger.lines().filter(pl.col("quantity") > 0)
            if "quantity" in ledger.core.measures
            else ledger.lines()
        )
        orders = ledger.orders().filter("purchase").height
        margin = float(lines["margin"].sum()) / max(orders, 1)
        result.tables["cutoffs"] = channel_policy(found.scores, _EXAMPLES, margin=margin).cutoffs
