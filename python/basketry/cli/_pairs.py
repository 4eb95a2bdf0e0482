"""Rules in time: which to follow, and how long after the one the other is bought."""

from __future__ import annotations

from typing import Any

import polars as pl

from basketry.exceptions import ParameterError
from basketry.ledger import Ledger
from basketry.patterns import LagTables, due_list, lag_tables

HORIZON = 60
"""Weeks that are looked at, if the data are as long: a year and what lies around it."""
FOLLOWED = 200
"""Rules that are followed, where none is named."""
SURE = 0.05
"""Peaks of rules with a larger q-value are not told of many rules: one in twenty is false."""

Pair = tuple[list[Any], list[Any]]


def strongest_pairs(rules: pl.DataFrame, top: int) -> list[Pair]:
    """Pick the sequence rules to follow: least likely by chance first, each set of items once.

    Parameters
    ----------
    rules
        A frame of `sequence_rules`.
    top
        How many.
    """
    ranked = rules.filter(pl.col("lift") > 1).sort(
        "p_value", "leverage", descending=[False, True], maintain_order=True
    )
    chosen: dict[frozenset[Any], Pair] = {}
    for antecedent, consequent in ranked.select("antecedent", "consequent").iter_rows():
        chosen.setdefault(frozenset((*antecedent, *consequent)), (antecedent, consequent))
        if len(chosen) == top:
            break
    return list(chosen.values())


def followed(
    ledger: Ledger, pairs: list[Pair] | None, *, horizon: str | None = None, **options: Any
) -> LagTables:
    """Follow rules for the weeks that were asked for, or as far as the data reach.

    Parameters
    ----------
    ledger
        The shop.
    pairs
        The rules; None takes all pairs of items.
    horizon
        The weeks; None takes as many as there are.
    options
        As in `lag_tables`.
    """
    last, first = ledger.last_day, ledger.first_day
    weeks = HORIZON if last is None or first is None else min(HORIZON, max(1, (last - first).days // 7))
    while True:
        try:
            return lag_tables(ledger, pairs, horizon=horizon or f"{weeks}w", **options)
        except ParameterError:
            # The first of these items was bought so late that nobody was followed as long.
            if horizon or weeks == 1:
                raise
            weeks //= 2


def clearest(lags: LagTables, top: int) -> list[int]:
    """Pick the rules to show: those with a sure peak by the chance of it, then the others as they come.

    Parameters
    ----------
    lags
        The rules.
    top
        How many.
    """
    sure = (pl.col("peaks") > 0) & (pl.col("q_value") <= SURE)
    ranked = lags.rules.sort(
        ~sure.fill_null(value=False), pl.when(sure).then("p_value"), "rule", nulls_last=True
    )
    return ranked["rule"].head(top).to_list()


def named(lags: LagTables, frame: pl.DataFrame) -> pl.DataFrame:
    """Put the items of the rules in front of the rows of a frame.

    Parameters
    ----------
    lags
        The rules.
    frame
        Their weeks or their peaks, by ``rule``.
    """
    sides = lags.rules.select("rule", "antecedent", "consequent")
    return frame.join(sides, on="rule", how="left", maintain_order="left").select(
        "antecedent", "consequent", pl.exclude("rule", "antecedent", "consequent")
    )


def due_rows(ledger: Ledger, lags: LagTables, **options: Any) -> pl.DataFrame:
    """List who is due for what by the rules that have a sure peak.

    Parameters
    ----------
    ledger
        The shop.
    lags
        The rules.
    options
        As in `due_list`.
    """
    kept = lags.rules.filter((pl.col("peaks") > 0) & (pl.col("q_value") <= SURE)).select("rule")
    solid = LagTables(
        kept.join(lags.rules, on="rule", maintain_order="left"),
        kept.join(lags.table, on="rule", maintain_order="left_right"),
        kept.join(lags.peaks, on="rule", maintain_order="left_right"),
    )
    return due_list(ledger, solid, **options)
