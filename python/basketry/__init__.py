"""From a shop's raw transactions to rules, sequences, segments, forecasts and lists of people."""

import warnings as _warnings
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from basketry import _core

if TYPE_CHECKING:
    from basketry.control import Budget, showing
    from basketry.customers.cohorts import Cohorts, cohorts
    from basketry.customers.features import customer_features, feature_dictionary
    from basketry.customers.migration import rfm_migration
    from basketry.customers.rfm import quadrants, rfm, rfm_map, rfm_segments
    from basketry.customers.scoring import RfmCuts, rfm_cuts, rfm_segment_table
    from basketry.customers.segments import Segmentation, segment_customers
    from basketry.exceptions import (
        BasketryError,
        CapacityError,
        CapacityWarning,
        InternalError,
        MissingExtraError,
        ParameterError,
        SchemaError,
    )
    from basketry.faults import Faults
    from basketry.ledger import Ledger, Quality, price_bands, read_ledger
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
    "Budget",
    "CapacityError",
    "CapacityWarning",
    "Cohorts",
    "Faults",
    "FittingSupport",
    "InternalError",
    "LagTables",
    "Ledger",
    "MissingExtraError",
    "ParameterError",
    "Quality",
    "RetentionTables",
    "RfmCuts",
    "SchemaError",
    "Segmentation",
    "Simulation",
    "TimeToNext",
    "association_rules",
    "cohorts",
    "contrast_sequences",
    "count_itemsets",
    "customer_features",
    "due_list",
    "feature_dictionary",
    "frequent_itemsets",
    "frequent_sequences",
    "just_bought",
    "lag_tables",
    "price_bands",
    "purchase_cycles",
    "quadrants",
    "read_ledger",
    "retention",
    "rfm",
    "rfm_cuts",
    "rfm_map",
    "rfm_migration",
    "rfm_segment_table",
    "rfm_segments",
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
    "control": ("Budget", "showing"),
    "customers": (
        *(
            "Cohorts",
            "RfmCuts",
            "cohorts",
            "customer_features",
            "feature_dictionary",
            "quadrants",
            "rfm",
            "rfm_cuts",
            "rfm_map",
            "rfm_migration",
            "rfm_segment_table",
            "rfm_segments",
        ),
    ),
    "customers.segments": ("Segmentation", "segment_customers"),
    "faults": ("Faults",),
    "ledger": ("Ledger", "Quality", "price_bands", "read_ledger"),
    "patterns": (
        *("FittingSupport", "LagTables", "RetentionTables", "TimeToNext", "association_rules"),
        *("contrast_sequences", "count_itemsets", "due_list", "frequent_itemsets", "frequent_sequences"),
        *("just_bought", "lag_tables", "purchase_cycles", "retention", "sequence_matches"),
        *("sequence_rules", "support_for", "time_to_next", "validate_rules"),
    ),
    "simulation": ("Simulation", "simulate"),
}
_ROOM_OF = dict.fromkeys(__all__, "exceptions") | {
    name: room for room, names in _ROOMS.items() for name in names
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
