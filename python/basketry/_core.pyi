"""The compiled half of basketry. Its face is the package `basketry`."""

from typing import Any, Final, TypedDict, final

from basketry.control import Reins

DEBUG: Final[bool]

@final
class Columns:
    """The columns of a result. `polars.DataFrame(columns)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

def simulate(world: str, customers: int, items: int, weeks: int, root: int, reins: Reins) -> dict[str, Any]:
    """Simulate a shop: its tables and truths with codes for names, the names, and the whole configuration."""

class ItemsetOptions(TypedDict):
    """What to look for; items as codes."""

    min_count: int
    min_length: int
    max_length: int | None
    top: int | None
    contains: list[int]
    excludes: list[int]
    kind: str

class RuleOptions(TypedDict):
    """Which rules to make; items as codes."""

    min_confidence: tuple[int, int]
    consequents: list[int] | None
    max_antecedent: int | None
    max_consequent: int | None
    redundant: bool

@final
class Baskets:
    """Sets of items, and the ids that their codes stand for."""

    @staticmethod
    def from_rows(rows: object, reins: Reins) -> Baskets: ...
    @staticmethod
    def from_ledger(ledger: Ledger, grain: str, axis: str, before: int | None, reins: Reins) -> Baskets: ...
    def __len__(self) -> int: ...
    def codes(self, ids: list[int | str]) -> list[int | None]: ...

def frequent_itemsets(baskets: Baskets, options: ItemsetOptions, reins: Reins) -> Columns: ...
def count_itemsets(baskets: Baskets, options: ItemsetOptions, reins: Reins) -> Columns: ...
def association_rules(
    baskets: Baskets, itemset_options: ItemsetOptions, rule_options: RuleOptions, reins: Reins
) -> Columns: ...

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
    ledger: Ledger,
    axis: str,
    antecedent: list[int],
    consequent: list[int],
    horizon: int,
    seed: int,
    reins: Reins,
) -> tuple[Columns, Columns]: ...
