"""The compiled half of basketry. Its face is the package `basketry`."""

from typing import Any, Final, final
from typing import Final, TypedDict, final

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
    def from_ledger(
        ledger: Ledger, grain: str, axis: str, before: int | None, reins: Reins
    ) -> Baskets: ...
    def __len__(self) -> int: ...
    def codes(self, ids: list[int | str]) -> list[int | None]: ...

def frequent_itemsets(baskets: Baskets, options: ItemsetOptions, reins: Reins) -> Columns: ...
def count_itemsets(baskets: Baskets, options: ItemsetOptions, reins: Reins) -> Columns: ...
def association_rules(
    baskets: Baskets, itemset_options: ItemsetOptions, rule_options: RuleOptions, reins: Reins
) -> Columns: ...
