"""From a shop's raw transactions to rules, sequences, segments, forecasts and lists of people."""

import warnings as _warnings

from basketry import _core
from basketry.control import Budget, showing
from basketry.customers import Segmentation, quadrants, rfm, rfm_map, rfm_segments, segment_customers
from basketry.exceptions import (
    BasketryError,
    CapacityError,
    InternalError,
    MissingExtraError,
    ParameterError,
    SchemaError,
)
from basketry.faults import Faults
from basketry.ledger import Ledger, Quality, read_ledger
from basketry.patterns import (
    TimeToNext,
    association_rules,
    count_itemsets,
    frequent_itemsets,
    frequent_sequences,
    sequence_rules,
    time_to_next,
)
from basketry.simulate import Simulation, simulate

__all__ = [
    "BasketryError",
    "Budget",
    "CapacityError",
    "Faults",
    "InternalError",
    "Ledger",
    "MissingExtraError",
    "ParameterError",
    "Quality",
    "SchemaError",
    "Segmentation",
    "Simulation",
    "TimeToNext",
    "association_rules",
    "count_itemsets",
    "frequent_itemsets",
    "frequent_sequences",
    "quadrants",
    "read_ledger",
    "rfm",
    "rfm_map",
    "rfm_segments",
    "segment_customers",
    "sequence_rules",
    "showing",
    "simulate",
    "time_to_next",
]

if _core.DEBUG:
    _warnings.warn(
        "basketry was built without optimisation: build it with --release before timing anything.",
        stacklevel=2,
    )
