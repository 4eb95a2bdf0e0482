"""Models that foresee: what each customer will do and be worth."""

from basketry.models.holdout import LifetimeHoldout, lifetime_holdout
from basketry.models.lifetime import (
    BetaGeoBetaBinomialModel,
    BetaGeoModel,
    ModifiedBetaGeoModel,
    ParetoModel,
)
from basketry.models.spend import GammaGammaModel
from basketry.models.summary import lifetime_summary, opportunity_summary

__all__ = [
    "BetaGeoBetaBinomialModel",
    "BetaGeoModel",
    "GammaGammaModel",
    "LifetimeHoldout",
    "ModifiedBetaGeoModel",
    "ParetoModel",
    "lifetime_holdout",
    "lifetime_summary",
    "opportunity_summary",
]
