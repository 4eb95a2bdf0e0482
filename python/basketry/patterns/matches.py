"""Who has a sequence and when, and which of two groups has it more often."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from basketry import _core
from basketry.control import Budget, reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.zones import Moment
from basketry.patterns._baskets import least_count
from basketry.patterns._histories import constraints, histories_of, items_of
from basketry.patterns.sequences import SEQUENCES


def sequence_matches(
    data: object,
    sequence: Sequence[str | int | Sequence[str | int]],
    *,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    as_of: Moment | None = None,
    min_gap: str | int | None = None,
    max_gap: str | int | None = None,
    max_span: str | int | None = None,
    without: str | int | Sequence[str | int] | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """List the customers who have a sequence, with the days on which each of its events first matched.

    Parameters
    ----------
    data
        As in `frequent_sequences`. In a text a customer is the number of his line.
    sequence
        The events in order, each a list of items or one item alone; a row of `frequent_sequences`.
    customer, item, time, as_of, min_gap, max_gap, max_span
        As in `frequent_sequences`; under the same limits there are as many customers as its count says.
    without
        Items that may not come in between: no event strictly between two consecutive matched events has any of
        them, whatever the limits. The matched events themselves may have them. With ``["A", "B"]`` and
        ``without="C"`` these are the customers with A, then no C, then B.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        ``customer``, ``days`` (list of dates, one an event of the sequence), ``first_day``, ``last_day``, by
        customer. Of all matches of a customer the one with the earliest first event is told, of those with the
        same first event the one with the earliest second event, and so on.

    Raises
    ------
    ParameterError
        If an item is not known, or an argument is out of range.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "ann", "bob", "bob"], "item": ["hat", "hat", "cup", "hat", "cup"],
    ...     "time": [date(2024, 1, day) for day in (1, 5, 9, 2, 30)]})
    >>> bk.sequence_matches(lines, ["hat", "cup"]).select("customer", pl.col("last_day").cast(str)).rows()
    [('ann', '2024-01-09'), ('bob', '2024-01-30')]
    >>> bk.sequence_matches(lines, ["hat", "cup"], max_gap="5d")["days"].to_list()
    [[datetime.date(2024, 1, 5), datetime.date(2024, 1, 9)]]

    Cups that no other hat came before, since the first one:

    >>> bk.sequence_matches(lines, ["hat", "cup"], without="hat")["days"].to_list()[0]
    [datetime.date(2024, 1, 5), datetime.date(2024, 1, 9)]
    """
    if isinstance(sequence, str) or not sequence:
        raise ParameterError.out_of_range(
            "sequence", sequence, "a list of events is needed, each a list of items"
        )
    limits = constraints(min_gap=min_gap, max_gap=max_gap, max_span=max_span)
    held = reins(n_threads)
    histories = histories_of(data, customer, item, time, as_of, held)
    events = [items_of(histories, "sequence", event) for event in sequence]
    if [] in events:
        raise ParameterError.out_of_range("sequence", sequence, "each event needs at least one item")
    barriers = items_of(histories, "without", without)
    found = pl.DataFrame(_core.sequence_matches(histories, events, limits, barriers, held))
    return found.with_columns(first_day=pl.col("days").list.first(), last_day=pl.col("days").list.last())


def contrast_sequences(
    data: object,
    *,
    groups: pl.DataFrame,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    as_of: Moment | None = None,
    min_support: float | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
    max_items: int | None = None,
    min_gap: str | int | None = None,
    max_gap: str | int | None = None,
    max_span: str | int | None = None,
    budget: Budget | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Find the sequences that one group of customers has more often than another.

    Parameters
    ----------
    data
        A `Ledger`, a table or a text, as in `frequent_sequences`.
    groups
        ``customer`` and ``group``, of two different values; the first of them in their order is the first
        group. Customers who are not named are left out.
    min_support, min_count
        The smallest share or number of customers of both groups together; exactly one of the two.
    customer, item, time, as_of, max_length, max_items, min_gap, max_gap, max_span, budget, n_threads
        As in `frequent_sequences`.

    Returns
    -------
    DataFrame
        ``sequence``, ``length``, ``items``, ``first_count``, ``second_count`` (customers), ``first_support``,
        ``second_support`` (shares of the group), ``difference`` (first less second), ``p_value``, ``q_value``,
        by falling count of both together.

    Raises
    ------
    SchemaError
        If ``groups`` lacks a column, has other than two groups, or names a customer twice.
    ParameterError
        If an argument is out of range.
    CapacityError
        If the search would pass its budget; the text tells which count would fit.

    Notes
    -----
    ``p_value`` is Fisher's exact test, twice the smaller tail; ``q_value`` is corrected by Benjamini and Hochberg
    (1995) for all sequences that reach the minimal count. A group that is followed longer has more of every
    sequence: compare groups of equal history, or limit the span.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "ann", "bob", "bob", "eve", "eve"], "item": ["hat", "cup"] * 2 + ["cup", "hat"],
    ...     "time": [date(2024, 1, day) for day in (1, 5, 2, 9, 3, 8)]})
    >>> groups = pl.DataFrame({"customer": ["ann", "bob", "eve"], "group": ["new", "new", "old"]})
    >>> found = bk.contrast_sequences(lines, groups=groups, min_count=2)
    >>> found.select("sequence", "first_count", "second_count").rows()
    [([['cup']], 2, 1), ([['hat']], 2, 1), ([['hat'], ['cup']], 2, 0)]
    """
    limits = constraints(
        min_gap=min_gap, max_gap=max_gap, max_span=max_span, max_length=max_length, max_items=max_items
    )
    parcel = reins(n_threads, budget or SEQUENCES)
    histories = histories_of(data, customer, item, time, as_of, parcel)
    group_of = _group_of(groups, pl.DataFrame(histories.customers())["customer"])
    known = histories.known()
    if known is not None:
        group_of = [group if there else 2 for group, there in zip(group_of, known, strict=True)]
    count = least_count(min_support, min_count, sum(group < 2 for group in group_of))
    table, sizes = _core.contrast_sequences(histories, group_of, count, limits, parcel)
    first, second = pl.col("first_count") / sizes[0], pl.col("second_count") / sizes[1]
    return pl.DataFrame(table).select(
        "sequence",
        length=pl.col("sequence").list.len(),
        items=pl.col("sequence").list.eval(pl.element().list.len()).list.sum(),
        first_count="first_count",
        second_count="second_count",
        first_support=first,
        second_support=second,
        difference=first - second,
        p_value="p_value",
        q_value="q_value",
    )


def _group_of(groups: pl.DataFrame, customers: pl.Series) -> list[int]:
    """Number the groups of all customers: 0, 1, and 2 for those who are left out."""
    for column in ("customer", "group"):
        if column not in groups.columns:
            raise SchemaError.unknown_column(column, column, groups.columns)
    named = groups.select("customer", "group").drop_nulls()
    names = named["group"].unique().sort().to_list()
    if len(names) != 2:
        raise SchemaError(
            f"groups: two groups are compared, and column 'group' has {len(names)}: {names[:5]}."
        )
    if named["customer"].is_duplicated().any():
        twice = named.filter(pl.col("customer").is_duplicated())["customer"][0]
        raise SchemaError(f"groups: customer {twice!r} is named twice; name each once.")
    numbers = named.select(pl.col("customer").cast(customers.dtype), number=pl.col("group") == names[1])
    joined = customers.to_frame("customer").join(numbers, on="customer", how="left", maintain_order="left")
    return joined["number"].cast(pl.UInt32).fill_null(2).to_list()
