"""The compiled half of basketry. Its face is the package `basketry`."""

from typing import Any, Final, TypedDict, final, type_check_only

from basketry.control import Reins

__all__ = [
    "DEBUG",
    "Account",
    "Baskets",
    "Columns",
    "Histories",
    "Ledger",
    "LedgerBuilder",
    "LifetimeTable",
    "association_rules",
    "axis_labels",
    "contrast_sequences",
    "count_itemsets",
    "customer_features",
    "due_list",
    "frequent_itemsets",
    "frequent_sequences",
    "just_bought",
    "lag_tables",
    "lifetime_forecast",
    "local_rules",
    "purchase_cycles",
    "quintiles",
    "retention",
    "rfm",
    "sequence_matches",
    "sequence_rules",
    "simulate",
    "support_for",
    "test_rules",
]

DEBUG: Final[bool]

@final
class Columns:
    """The columns of a result. `polars.DataFrame(columns)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

def simulate(
    world: str, customers: int, items: int, weeks: int, root: int, asked: dict[str, Any], reins: Reins
) -> dict[str, Any]:
    """Simulate a shop: its tables and truths with codes for names, the names, and the whole configuration."""

@type_check_only
class ItemsetOptions(TypedDict):
    """What to look for; items as codes."""

    min_count: int
    min_length: int
    max_length: int | None
    top: int | None
    contains: list[int]
    excludes: list[int]
    kind: str

@type_check_only
class RuleOptions(TypedDict):
    """Which rules to make; items as codes."""

    min_confidence: tuple[int, int]
    min_lift: tuple[int, int] | None
    min_improvement: tuple[int, int] | None
    consequents: list[int] | None
    max_antecedent: int | None
    max_consequent: int | None
    redundant: bool
    top: int | None

@type_check_only
class Trial(TypedDict):
    """What rules are tested on: days since 1970, days of a period."""

    later: int | None
    period: int

@final
class Baskets:
    """Sets of items, and the ids that their codes stand for."""

    @staticmethod
    def from_rows(rows: object, basket: str, values: list[str], reins: Reins) -> Baskets: ...
    @staticmethod
    def from_text(text: bytes, reins: Reins) -> Baskets: ...
    @staticmethod
    def from_ledger(
        ledger: Ledger,
        grain: str,
        levels: list[list[str]],
        before: int | None,
        values: list[str],
        reins: Reins,
    ) -> Baskets: ...
    def __len__(self) -> int: ...
    def customers(self) -> Columns: ...
    def codes(self, ids: list[int | str]) -> list[int | None]: ...

def frequent_itemsets(
    baskets: Baskets, options: ItemsetOptions, partial: bool, reins: Reins
) -> tuple[Columns, str | None]: ...
def support_for(
    baskets: Baskets, most: int, options: ItemsetOptions, reins: Reins
) -> tuple[int, int] | None: ...
def count_itemsets(baskets: Baskets, options: ItemsetOptions, reins: Reins) -> Columns: ...
def association_rules(
    baskets: Baskets, itemset_options: ItemsetOptions, rule_options: RuleOptions, reins: Reins
) -> Columns: ...
def local_rules(
    baskets: Baskets,
    segments: object,
    least: list[int],
    itemset_options: ItemsetOptions,
    rule_options: RuleOptions,
    reins: Reins,
) -> tuple[Columns, Columns]: ...
def test_rules(
    baskets: Baskets,
    rules: list[tuple[list[int], list[int]]],
    strata: object | None,
    trial: Trial,
    reins: Reins,
) -> list[Columns]: ...

@type_check_only
class Policy(TypedDict):
    """Which rows are kept."""

    keep_guests: bool
    keep_returns: bool
    keep_zero_prices: bool
    keep_negative_prices: bool
    keep_duplicates: bool
    until: int | None

_Zone = tuple[str, list[int], list[int]]
"""Its name, the instants at which the offset changes (microseconds UTC) and the seconds ahead of UTC from then on."""

@final
class Ledger:
    """A shop's transactions as a tree in flat columns."""

    @property
    def n_customers(self) -> int: ...
    def known(self, before: int) -> list[bool]: ...
    @property
    def n_orders(self) -> int: ...
    @property
    def n_guest_orders(self) -> int: ...
    @property
    def n_lines(self) -> int: ...
    @property
    def n_items(self) -> int: ...
    @property
    def span(self) -> tuple[int, int] | None: ...
    @property
    def zone(self) -> str: ...
    @property
    def measures(self) -> list[str]: ...
    @property
    def has_items(self) -> bool: ...
    @property
    def has_orders(self) -> bool: ...
    @property
    def attributes(self) -> tuple[list[str], list[str]]: ...
    def customers(self) -> Columns: ...
    def items(self) -> Columns: ...
    def orders(self) -> Columns: ...
    def lines(self) -> Columns: ...
    def with_attributes(self, items: object, customers: object) -> Ledger: ...
    def slice(self, start: int, end: int) -> Ledger: ...
    def merge(self, other: Ledger, reins: Reins) -> Ledger: ...
    def save(self, path: str, note: str) -> None: ...
    def fingerprint(self) -> str: ...
    @staticmethod
    def open(path: str) -> tuple[Ledger, str]: ...

@final
class LedgerBuilder:
    """Takes canonical columns in batches and makes a ledger of them."""

    def __new__(cls, measures: list[str], policy: Policy) -> LedgerBuilder: ...
    def push(self, rows: object) -> None: ...
    def finish(self, zone: _Zone, reins: Reins) -> tuple[Ledger, Account]: ...

@final
class Account:
    """Where every row went."""

    def reasons(self) -> Columns: ...
    def noted(self) -> tuple[int, int, int, int, int]: ...

def customer_features(
    ledger: Ledger,
    cuts: list[tuple[int, list[int]]],
    windows: list[str],
    category: str | None,
    discount: str | None,
    wanted: list[str],
    reins: Reins,
) -> Columns: ...
def quintiles(values: object, ties_apart: bool, reins: Reins) -> Columns: ...
def rfm(ledger: Ledger, as_of: int, money: str, reins: Reins) -> Columns: ...

@final
class Histories:
    """Per customer his events in time order, and the ids that codes stand for."""

    @staticmethod
    def from_rows(rows: object, reins: Reins) -> Histories: ...
    @staticmethod
    def from_text(text: bytes, reins: Reins) -> Histories: ...
    @staticmethod
    def from_ledger(ledger: Ledger, axis: str, before: int | None, reins: Reins) -> Histories: ...
    @property
    def n_customers(self) -> int: ...
    def known(self) -> list[bool] | None: ...
    def customers(self) -> Columns: ...
    def items(self) -> Columns: ...
    def codes(self, ids: list[int | str]) -> list[int | None]: ...

@type_check_only
class Constraints(TypedDict):
    """Limits on the shape of a sequence and on the times of a match."""

    max_length: int | None
    max_items: int | None
    min_gap: tuple[int, str] | None
    max_gap: tuple[int, str] | None
    max_span: tuple[int, str] | None

@type_check_only
class Selection(TypedDict):
    """Which of the sequences are wanted."""

    top: int | None
    contains: list[int]
    excludes: list[int]

@type_check_only
class RuleLimits(TypedDict):
    """What rules to find."""

    min_count: int
    min_confidence: tuple[int, int]
    max_antecedent: int | None
    max_consequent: int | None
    window_days: int | None
    window_events: int | None

def axis_labels(ledger: Ledger, axis: str) -> Columns: ...
def contrast_sequences(
    histories: Histories,
    group_of: list[int],
    min_count: int,
    constraints: Constraints,
    reins: Reins,
) -> tuple[Columns, list[int]]: ...
def frequent_sequences(
    histories: Histories,
    min_count: int,
    kind: str,
    constraints: Constraints,
    selection: Selection,
    partial: bool,
    reins: Reins,
) -> tuple[Columns, tuple[int, str] | None]: ...
def sequence_matches(
    histories: Histories,
    sequence: list[list[int]],
    constraints: Constraints,
    without: list[int],
    reins: Reins,
) -> Columns: ...
def sequence_rules(histories: Histories, limits: RuleLimits, reins: Reins) -> Columns: ...

@type_check_only
class LagOptions(TypedDict):
    """What to follow: rules as pairs of lists of codes, or else all ordered pairs of so many events."""

    rules: list[tuple[list[int], list[int]]] | None
    min_events: int
    horizon: int
    before: int | None
    seed: int

@type_check_only
class Clock(TypedDict):
    """A rule of the due list."""

    antecedent: list[int]
    consequent: list[int]
    cumulative: list[float]
    chance: list[float]
    peaks: list[tuple[int, int]]

@type_check_only
class DueLimits(TypedDict):
    """What to list."""

    before: int
    within_weeks: int
    min_lift: float
    peaks_only: bool
    top: int | None

def lag_tables(
    ledger: Ledger, axis: str, options: LagOptions, reins: Reins
) -> tuple[Columns, Columns, Columns]: ...
def due_list(ledger: Ledger, axis: str, clocks: list[Clock], limits: DueLimits, reins: Reins) -> Columns: ...
def purchase_cycles(
    ledger: Ledger, axis: str, horizon_days: int, before: int | None, reins: Reins
) -> Columns: ...
def just_bought(ledger: Ledger, axis: str, wait_days: list[int], before: int, reins: Reins) -> Columns: ...
def retention(
    ledger: Ledger, groups: list[int], n_groups: int, before: int, every: bool, reins: Reins
) -> Columns: ...

@final
class LifetimeTable:
    """The distinct figures of customers, ready for the likelihood of a model."""

    def __new__(cls, model: str, figures: object, n_rate: int, reins: Reins) -> LifetimeTable: ...
    @property
    def n_rows(self) -> int:
        """How many distinct rows there are."""

    def log_likelihood(self, point: list[float], reins: Reins) -> tuple[float, list[float]]:
        """Give the log-likelihood and its slopes, at the logarithms of the parameters and the coefficients of covariates."""

def lifetime_forecast(
    model: str,
    figures: object,
    n_rate: int,
    point: list[float],
    covariance: list[float],
    horizons: list[float],
    reins: Reins,
) -> Columns:
    """Forecast customers: p_alive, expected by each horizon, and with a covariance the errors of both."""
