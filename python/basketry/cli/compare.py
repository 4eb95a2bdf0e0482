"""`basketry compare`: models beside their baselines, on dates later than their training."""

from typing import TYPE_CHECKING

from basketry.cli._question import Asked, question
from basketry.cli._targets import (
    Category,
    Discount,
    Folds,
    Gap,
    Label,
    Learners,
    Target,
    Window,
    programme_of,
)

if TYPE_CHECKING:
    import polars as pl

    from basketry.ledger import Ledger


@question
def compare(
    ledger: "Ledger",
    asked: Asked,
    target: Target = "reactivation",
    learner: Learners = None,
    window: Window = "90d",
    label: Label = "90d",
    gap: Gap = "0d",
    folds: Folds = 3,
    category: Category = None,
    discount: Discount = None,
) -> "pl.DataFrame":
    """Set models beside chance, recency and frequency: precision, lift, AUC, Brier, revenue, with intervals and a verdict."""
    own = {
        "window": window,
        "label": label,
        "gap": gap,
        "folds": folds,
        "category": category,
        "discount": discount,
    }
    return programme_of(ledger, asked, target, learner, own | {"explained": 0}).comparison.sheet
