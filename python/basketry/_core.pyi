"""The compiled half of basketry. Its face is the package `basketry`."""

from typing import Final, TypedDict, final

from basketry.control import Reins

DEBUG: Final[bool]

@final
class Columns:
    """The columns of a result. `polars.DataFrame(columns)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

@final
class Ledger:
    """A shop's transactions as a tree in flat columns."""

    @property
    def n_customers(self) -> int: ...

class Constraints(TypedDict):
    """Limits on the shape of a sequence and on the times of a match."""

    max_length: int | None
    max_items: int | None
    min_gap: int | None
    max_gap: int | None
    max_gap_events: int | None
    max_span: int | None

class RuleLimits(TypedDict):
    """What rules to find."""

    min_count: int
    min_confidence: tuple[int, int]
    max_antecedent: int | None
    max_consequent: int | None
    window_days: int | None
    window_events: int | None

def axis_labels(ledger: Ledger, axis: str) -> Columns: ...
def frequent_sequences(
    ledger: Ledger, axis: str, min_count: int, kind: str, constraints: Constraints, reins: Reins
) -> Columns: ...
def sequence_rules(ledger: Ledger, axis: str, limits: RuleLimits, reins: Reins) -> Columns: ...
def time_to_next(
    ledger: Ledger, axis: str, antecedent: list[int], consequent: list[int], horizon: int, seed: int, reins: Reins
) -> tuple[Columns, Columns]: ...
