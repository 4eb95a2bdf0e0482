"""From a shop's raw transactions to rules, sequences, segments, forecasts and lists of people."""

import warnings as _warnings
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from basketry import _core

if TYPE_CHECKING:
    from basketry.campaigns.channels import Channel, band_table, channel_policy
    from basketry.control import Budget, showing
    from basketry.customers.cohorts import Cohorts, cohorts
    from basketry.customers.concentration import Concentration, concentration
    from basketry.customers.features import customer_features, feature_dictionary
    from basketry.customers.migration import rfm_migration
    from basketry.customers.revenue import PriceVolumeMix, price_volume_mix, revenue_tree
    from basketry.customers.rfm import quadrants, rfm, rfm_map, rfm_segments
    from basketry.customers.sale import sale_motivation
    from basketry.customers.scoring import RfmCuts, rfm_cuts, rfm_segment_table
    from basketry.customers.segments import (
        BuyingCube,
        Missions,
        ProductGroups,
        Segmentation,
        basket_missions,
        buying_cube,
        product_groups,
        profile_segments,
        segment_customers,
    )
    from basketry.customers.snapshots import Snapshot
    from basketry.exceptions import (
        BasketryError,
        CapacityError,
        CapacityWarning,
        ConvergenceError,
        FitWarning,
        InternalError,
        LeakError,
        MissingExtraError,
        ParameterError,
        SchemaError,
    )
    from basketry.faults import Faults
    from basketry.ledger import (
        Ledger,
        PartitionedLedger,
        Quality,
        partition_ledger,
        price_bands,
        read_ledger,
    )
    from basketry.models import (
        BetaGeoBetaBinomialModel,
        BetaGeoModel,
        GammaGammaModel,
        LifetimeHoldout,
        ModifiedBetaGeoModel,
        ParetoModel,
        lifetime_holdout,
        lifetime_summary,
        opportunity_summary,
    )
    from basketry.models.evaluate import Comparison, compare
    from basketry.models.lookalike import Lookalike, lookalike
    from basketry.models.personas import personas
    from basketry.models.programme import Programme, propensity_programme
    from basketry.models.propensity import PropensityModel
    from basketry.models.prospecting import Prospecting
    from basketry.models.reasons import reasons
    from basketry.models.seeds import Seed
    from basketry.models.traits import buyers, first_order_traits, persona_traits
    from basketry.patterns import (
        FittingSupport,
        LagTables,
        TimeToNext,
        association_rules,
        contrast_sequences,
        count_itemsets,
        due_list,
        frequent_itemsets,
        frequent_sequences,
        just_bought,
        lag_tables,
        purchase_cycles,
        sequence_matches,
        sequence_rules,
        support_for,
        time_to_next,
        validate_rules,
    )
    from basketry.patterns.retention import RetentionTables, retention
    from basketry.simulation import Simulation, simulate

__all__ = [
    "BasketryError",
    "BetaGeoBetaBinomialModel",
    "BetaGeoModel",
    "Budget",
    "BuyingCube",
    "CapacityError",
    "CapacityWarning",
    "Channel",
    "Cohorts",
    "Comparison",
    "Concentration",
    "ConvergenceError",
    "Faults",
    "FitWarning",
    "FittingSupport",
    "GammaGammaModel",
    "InternalError",
    "LagTables",
    "LeakError",
    "Ledger",
    "LifetimeHoldout",
    "Lookalike",
    "MissingExtraError",
    "Missions",
    "ModifiedBetaGeoModel",
    "ParameterError",
    "ParetoModel",
    "PartitionedLedger",
    "PriceVolumeMix",
    "ProductGroups",
    "Programme",
    "PropensityModel",
    "Prospecting",
    "Quality",
    "RetentionTables",
    "RfmCuts",
    "SchemaError",
    "Seed",
    "Segmentation",
    "Simulation",
    "Snapshot",
    "TimeToNext",
    "association_rules",
    "band_table",
    "basket_missions",
    "buyers",
    "buying_cube",
    "channel_policy",
    "cohorts",
    "compare",
    "concentration",
    "contrast_sequences",
    "count_itemsets",
    "customer_features",
    "due_list",
    "feature_dictionary",
    "first_order_traits",
    "frequent_itemsets",
    "frequent_sequences",
    "just_bought",
    "lag_tables",
    "lifetime_holdout",
    "lifetime_summary",
    "lookalike",
    "opportunity_summary",
    "partition_ledger",
    "persona_traits",
    "personas",
    "price_bands",
    "price_volume_mix",
    "product_groups",
    "profile_segments",
    "propensity_programme",
    "purchase_cycles",
    "quadrants",
    "read_ledger",
    "reasons",
    "retention",
    "revenue_tree",
    "rfm",
    "rfm_cuts",
    "rfm_map",
    "rfm_migration",
    "rfm_segment_table",
    "rfm_segments",
    "sale_motivation",
    "segment_customers",
    "sequence_matches",
    "sequence_rules",
    "showing",
    "simulate",
    "support_for",
    "time_to_next",
    "validate_rules",
]

# A room is opened when one of its names is first asked for: `basketry --help` needs none, few need numpy.
_ROOMS = {
    "control": """
        Budget
        showing
    """,
    "campaigns.channels": """
        Channel
        band_table
        channel_policy
    """,
    "customers": """
        Cohorts
        Concentration
        PriceVolumeMix
        cohorts
        concentration
        customer_features
        feature_dictionary
        price_volume_mix
        quadrants
        revenue_tree
        RfmCuts
        rfm
        rfm_cuts
        rfm_map
        rfm_migration
        rfm_segment_table
        rfm_segments
        sale_motivation
    """,
    "customers.segments": """
        BuyingCube
        Missions
        ProductGroups
        Segmentation
        basket_missions
        buying_cube
        product_groups
        profile_segments
        segment_customers
    """,
    "customers.snapshots": """
        Snapshot
    """,
    "faults": """
        Faults
    """,
    "ledger": """
        Ledger
        PartitionedLedger
        Quality
        partition_ledger
        price_bands
        read_ledger
    """,
    "models": """
        BetaGeoBetaBinomialModel
        BetaGeoModel
        GammaGammaModel
        LifetimeHoldout
        ModifiedBetaGeoModel
        ParetoModel
        lifetime_holdout
        lifetime_summary
        opportunity_summary
    """,
    "models.evaluate": """
        Comparison
        compare
    """,
    "models.programme": """
        Programme
        propensity_programme
    """,
    "models.propensity": """
        PropensityModel
    """,
    "models.reasons": """
        reasons
    """,
    "models.lookalike": "Lookalike lookalike",
    "models.personas": "personas",
    "models.prospecting": "Prospecting",
    "models.seeds": "Seed",
    "models.traits": "buyers first_order_traits persona_traits",
    "patterns": """
        FittingSupport
        LagTables
        RetentionTables
        TimeToNext
        association_rules
        contrast_sequences
        count_itemsets
        due_list
        frequent_itemsets
        frequent_sequences
        just_bought
        lag_tables
        purchase_cycles
        retention
        sequence_matches
        sequence_rules
        support_for
        time_to_next
        validate_rules
    """,
    "simulation": """
        Simulation
        simulate
    """,
}
_ROOM_OF = dict.fromkeys(__all__, "exceptions") | {
    name: room for room, names in _ROOMS.items() for name in names.split()
}


def __getattr__(name: str) -> object:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_import_module(f"basketry.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if _core.DEBUG:
    _warnings.warn(
        "basketry was built without optimisation: build it with --release before timing anything.",
        stacklevel=2,
    )
