"""Pairs of items in time: which to follow, how long after the one the other is bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError
from basketry.ledger import Ledger
from basketry.patterns import time_to_next

HORIZON = 60
"""Weeks that are looked at, if the data are as long: a year and what lies around it."""


@dataclass(frozen=True)
class Followed:
    """A pair with its life table and its peaks."""

    antecedent: list[Any]
    consequent: list[Any]
    table: pl.DataFrame
    peaks: pl.DataFrame


def strongest_pairs(rules: pl.DataFrame, top: int) -> list[tuple[list[Any], list[Any]]]:
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
    chosen: dict[frozenset[Any], tuple[list[Any], list[Any]]] = {}
    for antecedent, consequent in ranked.select("antecedent", "consequent").iter_rows():
        chosen.setdefault(frozenset((*antecedent, *consequent)), (antecedent, consequent))
        if len(chosen) == top:
            break
    return list(chosen.values())


def followed(
    ledger: Ledger,
    antecedent: list[Any],
    consequent: list[Any],
    *,
    axis: str,
    seed: int,
    horizon: str | None = None,
    n_threads: int | None = None,
) -> Followed:
    """Follow a pair for the weeks that were asked for, or as far as the data reach.

    Parameters
    ----------
    ledger
        The shop.
    antecedent, consequent
        The items.
    axis, seed, horizon, n_threads
        As in `time_to_next`.
    """
    last, first = ledger.last_day, ledger.first_day
    weeks = HORIZON if last is None or first is None else min(HORIZON, max(1, (last - first).days // 7))
    while True:
        try:
            found = time_to_next(
                ledger, antecedent=antecedent, consequent=consequent, horizon=horizon or f"{weeks}w",
                item=None if axis == "item" else axis, rng=seed, n_threads=n_threads,
            )  # fmt: skip
            return Followed(antecedent, consequent, found.table, found.peaks)
        except ParameterError:
            # The first of these items was bought so late that nobody was followed as long.
            if horizon or weeks == 1:
                raise
            weeks //= 2


def lag_tables(lags: list[Followed]) -> dict[str, pl.DataFrame]:
    """Put the curves of several pairs into one table, and their peaks into another.

    Parameters
    ----------
    lags
        The curves.
    """
    if not lags:
        return {}
    frames: dict[str, list[pl.DataFrame]] = {"lags": [], "lag_peaks": []}
    for lag in lags:
        pair = [
            pl.lit(pl.Series([list(side)])).first().alias(name)
            for name, side in (("antecedent", lag.antecedent), ("consequent", lag.consequent))
        ]
        frames["lags"].append(lag.table.select(*pair, pl.all()))
        frames["lag_peaks"].append(lag.peaks.select(*pair, pl.all()))
    return {name: pl.concat(parts) for name, parts in frames.items()}
