"""What customers buy together, what one after the other, and when."""

from basketry.patterns.cycles import just_bought, purchase_cycles
from basketry.patterns.due import due_list
from basketry.patterns.itemsets import FittingSupport, count_itemsets, frequent_itemsets, support_for
from basketry.patterns.lags import LagTables, TimeToNext, lag_tables, time_to_next
from basketry.patterns.matches import contrast_sequences, sequence_matches
from basketry.patterns.retention import RetentionTables, retention
from basketry.patterns.rules import association_rules
from basketry.patterns.sequences import frequent_sequences, sequence_rules
from basketry.patterns.validation import validate_rules

__all__ = [
    "FittingSupport",
    "LagTables",
    "RetentionTables",
    "TimeToNext",
    "association_rules",
    "contrast_sequences",
    "count_itemsets",
    "due_list",
    "frequent_itemsets",
    "frequent_sequences",
    "just_bought",
    "lag_tables",
    "purchase_cycles",
    "retention",
    "sequence_matches",
    "sequence_rules",
    "support_for",
    "time_to_next",
    "validate_rules",
]
