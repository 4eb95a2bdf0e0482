"""Thresholds that fit the data where nobody typed one: low enough to find something, high enough to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from basketry.control import Budget
from basketry.exceptions import CapacityError
from basketry.ledger import Ledger
from basketry.patterns import (
    association_rules,
    frequent_itemsets,
    frequent_sequences,
    sequence_rules,
    support_for,
)

LEAST = 5
"""What fewer baskets or customers share is told by nobody."""
FEW = 10
"""With fewer results than this a lower threshold is tried."""
MIN_CONFIDENCE = 0.1
_MOST = Budget(results=50_000)
_MOST_SEQUENCES = Budget(results=20_000)


def fitting(find: Callable[[int], pl.DataFrame], start: int) -> tuple[int, pl.DataFrame]:
    """Search a count whose result is neither next to nothing nor past its budget.

    The count is doubled while there is too much and halved while there is too little, so that it depends on
    the data alone.

    Parameters
    ----------
    find
        Finds what a count gives; CapacityError says that it is too much.
    start
        Where to begin.
    """
    count, found = max(LEAST, start), None
    while found is None:
        try:
            found = find(count)
        except CapacityError:
            if count > 2**31:
                raise
            count *= 2
    while found.height < FEW and count > LEAST:
        lower = max(LEAST, count // 2)
        try:
            found, count = find(lower), lower
        except CapacityError:
            break
    return count, found


def fitting_itemsets(data: Ledger | str, *, n_threads: int | None, **limits: Any) -> tuple[int, pl.DataFrame]:
    """Find itemsets from a five-hundredth of the orders on; of a text from the support on that gives few enough."""
    return fitting(
        lambda count: frequent_itemsets(data, min_count=count, budget=_MOST, n_threads=n_threads, **limits),
        _start(data, limits),
    )


def _start(data: Ledger | str, limits: dict[str, Any]) -> int:
    """Begin at a five-hundredth of the orders; with a text, at the support that gives few enough itemsets."""
    if not isinstance(data, str):
        return data.n_orders // 500
    where = ("min_length", "max_length", "contains", "excludes", "n_threads")
    few = {name: value for name, value in limits.items() if name in where}
    return support_for(data, _MOST.results or 0, **few).min_count


def fitting_rules(
    data: Ledger | str, *, n_threads: int | None, min_confidence: float = MIN_CONFIDENCE, **limits: Any
) -> tuple[int, pl.DataFrame]:
    """Find rules from a five-hundredth of the orders on; if nothing else is said of one consequent and above chance."""
    surprising = limits.get("min_lift") is None

    def find(count: int) -> pl.DataFrame:
        found = association_rules(
            data, min_count=count, min_confidence=min_confidence, budget=_MOST, n_threads=n_threads,
            **({"max_length": 4, "max_consequent": 1} | limits),
        )  # fmt: skip
        return found.filter(pl.col("lift") > 1) if surprising else found

    return fitting(find, _start(data, limits))


def fitting_sequences(
    ledger: Ledger, *, item: str | None, n_threads: int | None, **limits: Any
) -> tuple[int, pl.DataFrame]:
    """Find sequences of up to three orders, from a fiftieth of the customers on."""
    limits = {"max_length": 3} | {name: value for name, value in limits.items() if value is not None}
    return fitting(
        lambda count: frequent_sequences(
            ledger, item=item, min_count=count, budget=_MOST_SEQUENCES, n_threads=n_threads, **limits
        ),
        ledger.n_customers // 50,
    )


def fitting_sequence_rules(
    ledger: Ledger, *, item: str | None, n_threads: int | None, **limits: Any
) -> tuple[int, pl.DataFrame]:
    """Find which item follows which, one on each side if nothing else is said, from a fiftieth of the customers on."""
    return fitting(
        lambda count: sequence_rules(
            ledger, item=item, min_count=count, budget=_MOST_SEQUENCES, n_threads=n_threads,
            **({"max_antecedent": 1, "max_consequent": 1} | limits),
        ),
        ledger.n_customers // 50,
    )  # fmt: skip
