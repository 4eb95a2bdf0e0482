"""`basketry compare`: models beside their baselines, on dates later than their training."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from basketry.cli._targets import foretelling

if TYPE_CHECKING:
    import polars as pl

    from basketry.models.programme import Programme


@foretelling
def compare(programme: "Callable[..., Programme]") -> "pl.DataFrame":
    """Set models beside chance, recency and frequency: precision, lift, AUC, Brier, revenue, with intervals and a verdict."""
    return programme(explained=0).comparison.sheet
