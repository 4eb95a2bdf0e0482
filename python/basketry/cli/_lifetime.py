"""The step of a run that foresees customers, and looks how well that would have gone."""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import TYPE_CHECKING

from basketry.exceptions import FitWarning, SchemaError
from basketry.models import GammaGammaModel, ParetoModel, lifetime_holdout

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger

SHORTEST = 182
"""Days of history below which nothing is foreseen."""
LATER = 1 / 3
"""Share of the history that the model does not see."""
HORIZON = 52
"""Weeks ahead for which customers are valued."""


def lifetime(ledger: Ledger, n_threads: int | None) -> dict[str, pl.DataFrame]:
    """Fit, hold against what came later, and value every customer.

    Parameters
    ----------
    ledger
        The shop as it is seen.
    n_threads
        How many threads to use; None for all.
    """
    first, end = ledger.first_day, ledger.end
    days = (end - first).days if first else 0
    if days < SHORTEST:
        raise SchemaError(
            f"The history spans {days} days, and {SHORTEST} are needed to foresee customers and to check that."
        )
    model = ParetoModel(n_threads=n_threads)
    with warnings.catch_warnings():
        # What they would say stands on the page, in numbers.
        warnings.simplefilter("ignore", FitWarning)
        held = lifetime_holdout(model, ledger, cut=end - timedelta(days=int(days * LATER)))
        model.fit(ledger)
        spend = GammaGammaModel(n_threads=n_threads).fit(ledger)
        valued = model.predict_value(ledger, spend=spend, horizon=HORIZON)
    return {
        "lifetime": valued,
        "lifetime_parameters": model.parameters_,
        "lifetime_measures": held.measures,
        "lifetime_by_frequency": held.by_frequency,
        "lifetime_tracking": held.tracking,
    }
