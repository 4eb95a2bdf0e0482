"""Segments of customers: whose basket is in which, and what a rule is worth in each."""

from __future__ import annotations

from typing import Any

import polars as pl

from basketry import _core
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.patterns._baskets import framed

NORMAL_95 = 1.959963984540054
HETEROGENEOUS = 0.05
"""The largest q-value with which odds ratios are said to differ between segments."""
STRONG = 0.5
"""Where they differ, a rule holds in a segment whose lift or confidence is at least this share of the strongest segment's."""


def segments_of(ledger: Ledger, name: str, within: Any) -> tuple[pl.Series, list[str]]:
    """Give each customer's segment as a code, null without one, and the segments' names in order.

    Parameters
    ----------
    ledger
        The shop.
    name
        The argument.
    within
        An attribute of customers, or a table of ``customer`` and ``segment``.
    """
    customers = ledger.customers()
    if isinstance(within, str):
        if within not in customers.columns[1:]:
            raise ParameterError.unknown(name, within, customers.columns[1:])
        return coded(customers[within])
    frame = framed(name, within)
    for column in ("customer", "segment"):
        if column not in frame.columns:
            raise SchemaError.unknown_column(column, f"{name}.{column}", frame.columns)
    kind = customers.schema["customer"]
    known = frame.select(pl.col("customer").cast(kind, strict=False), "segment", given="customer")
    unread = known.filter(pl.col("customer").is_null() & pl.col("given").is_not_null())
    if unread.height:
        raise SchemaError(
            f"{name}: customer {unread['given'][0]!r} is no {kind} as the ids of the ledger are: "
            "use the ids of ledger.customers()."
        )
    known = known.drop("given").drop_nulls("customer")
    twice = known.filter(pl.col("customer").is_duplicated())
    if twice.height:
        raise SchemaError(
            f"{name}: customer {twice['customer'][0]!r} is in it more than once: give each customer one segment."
        )
    joined = customers.select("customer").join(known, on="customer", how="left", maintain_order="left")
    if known["segment"].count() and not joined["segment"].count():
        raise SchemaError(
            f"{name}: none of its customers is in the ledger, for instance {known['customer'][0]!r}: "
            "use the ids of ledger.customers()."
        )
    return coded(joined["segment"])


def coded(labels: pl.Series) -> tuple[pl.Series, list[str]]:
    """Turn labels into codes in the order of the labels, and name these.

    Parameters
    ----------
    labels
        Texts, numbers or categories.
    """
    if labels.dtype.is_nested():
        raise SchemaError(
            f"{labels.name!r} holds {labels.dtype}: a segment is a text, a number or a category."
        )
    plain = labels.cast(pl.String) if labels.dtype in (pl.Categorical, pl.Enum) else labels
    distinct = plain.drop_nulls().unique().sort()
    if distinct.is_empty():
        raise SchemaError(f"{labels.name!r} names no segment: all of it is empty.")
    codes = plain.replace_strict(
        distinct, pl.Series(range(distinct.len()), dtype=pl.UInt32), default=None, return_dtype=pl.UInt32
    )
    return codes.alias("code"), distinct.cast(pl.String).to_list()


def segments_of_baskets(
    data: Any, baskets: _core.Baskets, basket: str | None, within: Any
) -> tuple[pl.Series, list[str]]:
    """Give the segment of every basket, in the order of the baskets.

    Parameters
    ----------
    data
        A ledger or a table, as the miners take it.
    baskets
        What was made of it.
    basket
        The column of baskets of a table; None if each row is one.
    within
        As in `segments_of`; of a table the column that holds the segment of each basket.
    """
    if isinstance(data, Ledger):
        codes, names = segments_of(data, "within", within)
        owner = pl.DataFrame(baskets.customers())["customer"]
        owner = owner.set(owner == 2**32 - 1, None)
        return codes.gather(owner).alias("code"), names
    if not isinstance(within, str):
        raise ParameterError.out_of_range(
            "within", within, "of a table it is the column of each basket's segment"
        )
    frame = framed("data", data)
    if within not in frame.columns:
        raise SchemaError.unknown_column(within, "within", frame.columns)
    if basket is None:
        return coded(frame[within])
    # Baskets are numbered as they appear.
    once = frame.group_by(basket, maintain_order=True).agg(pl.col(within).drop_nulls().unique().sort())
    torn = once.filter(pl.col(within).list.len() > 1)
    if torn.height:
        raise SchemaError(
            f"within: basket {torn[basket][0]!r} is in the segments {torn[within][0].to_list()}: give each basket one."
        )
    return coded(once[within].list.first())


def log_lift(
    count: pl.Expr, antecedent: pl.Expr, consequent: pl.Expr, baskets: pl.Expr
) -> tuple[pl.Expr, pl.Expr]:
    """Give the logarithm of lift and its variance, by the delta method.

    Parameters
    ----------
    count, antecedent, consequent, baskets
        In how many baskets both sides and each of them are, and how many there are.
    """
    n = baskets.cast(pl.Float64)
    lift = count * n / (antecedent.cast(pl.Float64) * consequent)
    variance = 1 / count - 1 / antecedent - 1 / consequent + (2 * lift - 1) / n
    # Where every basket has both sides nothing is left but rounding.
    return lift.log(), variance.clip(lower_bound=1e-12)


def lift_interval(
    count: pl.Expr, antecedent: pl.Expr, consequent: pl.Expr, baskets: pl.Expr
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Give lift and the ends of its interval of 95 %: null where a side is in no basket, no upper end where both never are.

    Parameters
    ----------
    count, antecedent, consequent, baskets
        As in `log_lift`.
    """
    lift = count * baskets.cast(pl.Float64) / (antecedent.cast(pl.Float64) * consequent)
    _, variance = log_lift(count, antecedent, consequent, baskets)
    factor = (NORMAL_95 * variance.sqrt()).exp()
    known, some = (antecedent > 0) & (consequent > 0), count > 0
    return (
        pl.when(known).then(lift),
        pl.when(some).then(lift / factor).when(known).then(0.0),
        pl.when(some).then(lift * factor),
    )


def with_segments(rules: pl.DataFrame, counts: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Add to rules what they are worth in every segment, and whether they hold in some of them only.

    Parameters
    ----------
    rules
        The table, with ``heterogeneity_p`` and ``heterogeneity_q``.
    counts
        A row for each rule and segment: ``baskets``, ``count``, ``antecedent_count``, ``consequent_count``.
    names
        The segments.
    """
    lift, low, high = lift_interval(
        pl.col("count"), pl.col("antecedent_count"), pl.col("consequent_count"), pl.col("baskets")
    )
    known = pl.col("antecedent_count") > 0
    each = counts.with_row_index("row").select(
        rule=pl.col("row") // max(len(names), 1),
        segment=pl.lit(pl.Series(names, dtype=pl.String)).gather(pl.col("row") % max(len(names), 1)),
        baskets=pl.col("baskets"),
        antecedent_count=pl.col("antecedent_count").cast(pl.UInt64),
        count=pl.col("count").cast(pl.UInt64),
        confidence=pl.when(known).then(pl.col("count") / pl.col("antecedent_count")),
        lift=lift, lift_low=low, lift_high=high,
    )  # fmt: skip
    sure = pl.col("lift_low") > 1
    # Lift alone would call a rule weak where its consequent is bought often anyway, confidence alone where it is bought seldom.
    near = [
        pl.col(measure) >= STRONG * pl.col(measure).filter(sure).max() for measure in ("lift", "confidence")
    ]
    strong = sure & pl.any_horizontal(near)
    told = each.group_by("rule", maintain_order=True).agg(
        sure=pl.col("segment").filter(sure),
        strong=pl.col("segment").filter(strong),
        seen=pl.col("confidence").is_not_null().sum(),
        segments=pl.struct(pl.exclude("rule")),
    )
    differs = pl.col("heterogeneity_q") <= HETEROGENEOUS
    some = pl.col("strong").list.len().is_between(1, pl.col("seen"), closed="left")
    return pl.concat([rules, told], how="horizontal").select(
        *rules.columns[:-2],
        scope=pl.when(differs & some).then(pl.lit("local")).otherwise(pl.lit("global")),
        heterogeneity_p="heterogeneity_p",
        heterogeneity_q="heterogeneity_q",
        holds_in=pl.when(differs).then("strong").otherwise("sure"),
        segments="segments",
    )
