"""Patterns in what customers buy: sequences, sequential rules, time to the next purchase."""

from basketry.patterns.lags import TimeToNext, time_to_next
from basketry.patterns.sequences import frequent_sequences, sequence_rules

__all__ = ["TimeToNext", "frequent_sequences", "sequence_rules", "time_to_next"]
