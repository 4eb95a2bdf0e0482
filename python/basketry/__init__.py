"""From a shop's raw transactions to rules, sequences, segments, forecasts and lists of people."""

import warnings as _warnings
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from basketry import _core

if TYPE_CHECKING:
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
    from basketry.simulation import Simulation, simulate

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

_ROOMS = ("control", "customers", "exceptions", "faults", "ledger", "patterns", "simulation")


def __getattr__(name: str) -> object:
    """Open the rooms when the first public name is asked for: `basketry --help` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for room in _ROOMS:
        there = vars(_import_module(f"basketry.{room}"))
        globals().update({public: there[public] for public in __all__ if public in there})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if _core.DEBUG:
    _warnings.warn(
        "basketry was built without optimisation: build it with --release before timing anything.",
        stacklevel=2,
    )
