"""From a shop's raw transactions to rules, sequences, segments, forecasts and lists of people."""

import warnings as _warnings
from typing import TYPE_CHECKING as _TYPE_CHECKING

from basketry import _core
from basketry.control import Budget, showing
from basketry.customers import quadrants, rfm, rfm_map, rfm_segments
from basketry.exceptions import (
    BasketryError,
    CapacityError,
    InternalError,
    MissingExtraError,
    ParameterError,
    SchemaError,
)
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

if _TYPE_CHECKING:
    from basketry.customers.segments import Segmentation, segment_customers
    from basketry.faults import Faults

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

# What needs numpy is imported when it is first asked for: it would add half to the cost of the import.
_LATER = {
    "Faults": "basketry.faults",
    "Segmentation": "basketry.customers.segments",
    "segment_customers": "basketry.customers.segments",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module 'basketry' has no attribute {name!r}")
    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


if _core.DEBUG:
    _warnings.warn(
        "basketry was built without optimisation: build it with --release before timing anything.",
        stacklevel=2,
    )
