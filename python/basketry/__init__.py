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
from basketry.ledger import Ledger, Quality, read_ledger
from basketry.patterns import TimeToNext, frequent_sequences, sequence_rules, time_to_next

__all__ = [
    "BasketryError",
    "Budget",
    "CapacityError",
    "InternalError",
    "Ledger",
    "MissingExtraError",
    "ParameterError",
    "Quality",
    "SchemaError",
    "Segmentation",
    "TimeToNext",
    "frequent_sequences",
    "quadrants",
    "read_ledger",
    "rfm",
    "rfm_map",
    "rfm_segments",
    "segment_customers",
    "sequence_rules",
    "showing",
    "time_to_next",
]

if _core.DEBUG:
    _warnings.warn(
        "basketry was built without optimisation: build it with --release before timing anything.",
        stacklevel=2,
    )
