"""What customers buy together, what one after the other, and when."""

from basketry.patterns.itemsets import FittingSupport, count_itemsets, frequent_itemsets, support_for
from basketry.patterns.lags import TimeToNext, time_to_next
from basketry.patterns.matches import contrast_sequences, sequence_matches
from basketry.patterns.rules import association_rules
from basketry.patterns.sequences import frequent_sequences, sequence_rules
from basketry.patterns.validation import validate_rules

__all__ = [
    "FittingSupport",
    "TimeToNext",
    "association_rules",
    "contrast_sequences",
    "count_itemsets",
    "frequent_itemsets",
    "frequent_sequences",
    "sequence_matches",
    "sequence_rules",
    "support_for",
    "time_to_next",
    "validate_rules",
]
