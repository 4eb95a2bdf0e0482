"""The hesitant band, and the channel that pays for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import polars as pl

from basketry.arguments import share
from basketry.exceptions import ParameterError, SchemaError

BAND = (0.15, 0.50)
"""Who is hesitant: below it hardly anybody buys, above it most do anyway."""
NONE = "none"


@dataclass(frozen=True)
class Channel:
    """A way to reach people.

    Parameters
    ----------
    cost
        Money for one person.
    factor
        How many times as likely he answers as the probability says; 1 is the channel that the scores were learned from.

    Examples
    --------
    >>> from basketry.campaigns.channels import Channel
    >>> Channel(cost=0.90, factor=1.4)
    Channel(cost=0.9, factor=1.4)
    """

    cost: float
    factor: float = 1.0

    def __post_init__(self) -> None:
        for name in ("cost", "factor"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < float("inf"):
                raise ParameterError.out_of_range(name, value, "a number from 0 up is needed")


@dataclass(frozen=True, eq=False)
class Policy:
    """Who is reached how, and what that is expected to bring.

    Parameters
    ----------
    people
        One row a person, in the order given: ``customer``, ``p``, ``channel`` (``none`` where nothing pays),
        ``expected_profit``, ``cost``.
    channels
        One row a policy, the best first: ``policy`` (``chosen``, or one channel for everybody), ``people``, ``cost``,
        ``expected_profit``.
    cutoffs
        Profit by cut-off: ``channel`` (``chosen`` or one), ``share`` (of people, the likeliest first), ``p`` (least
        probability among them), ``expected_profit``.
    """

    people: pl.DataFrame
    channels: pl.DataFrame
    cutoffs: pl.DataFrame


def channel_policy(
    scored: pl.DataFrame,
    channels: Mapping[str, Channel],
    *,
    margin: float | str,
    score: str = "p",
    steps: int = 50,
) -> Policy:
    """Choose for each person the channel that pays most: a dearer one only where what it adds pays for what it costs more.

    Parameters
    ----------
    scored
        ``customer`` and a column of probabilities.
    channels
        Name -> cost and factor.
    margin
        What one yes earns: a number, or a column.
    score
        The column of probabilities: that a person says yes because he is reached by a channel of factor 1.
    steps
        How many cut-offs.

    Returns
    -------
    Policy
        People, comparison with single channels, profit by cut-off.

    Raises
    ------
    ParameterError
        If a probability lies outside of 0 to 1, or there is no channel.
    SchemaError
        If a column is not there.

    Examples
    --------
    >>> import polars as pl
    >>> from basketry.campaigns.channels import Channel, channel_policy
    >>> people = pl.DataFrame({"customer": ["ann", "bob", "cid"], "p": [0.001, 0.05, 0.4]})
    >>> ways = {"mail": Channel(0.01, 0.6), "letter": Channel(0.9, 1.4)}
    >>> channel_policy(people, ways, margin=10.0).people["channel"].to_list()
    ['none', 'mail', 'letter']
    """
    for column in ("customer", score, *([margin] if isinstance(margin, str) else [])):
        if column not in scored.columns:
            raise SchemaError.unknown_column(column, "channel policy", scored.columns)
    if not channels or NONE in channels:
        raise ParameterError.out_of_range(
            "channels", sorted(channels), "at least one is needed, and none named 'none'"
        )
    chance = scored[score].cast(pl.Float64).to_numpy()
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ParameterError.out_of_range(
            score, "a value outside of 0 to 1, or null", "probabilities are needed"
        )
    earned = (
        scored[margin].cast(pl.Float64).to_numpy()
        if isinstance(margin, str)
        else np.full(len(chance), float(margin))
    )
    # From cheap to dear, so that of two that pay the same the cheaper is taken.
    names = sorted(channels, key=lambda name: (channels[name].cost, name))
    profit = np.stack(
        [np.minimum(1, chance * channels[name].factor) * earned - channels[name].cost for name in names]
    )
    best = profit.argmax(0)
    most = profit[best, np.arange(len(chance))]
    pays = most > 0
    costs = np.array([channels[name].cost for name in names])
    people = pl.DataFrame({
        "customer": scored["customer"], "p": chance,
        "channel": np.where(pays, np.array(names, dtype=object)[best], NONE).astype(str),
        "expected_profit": np.where(pays, most, 0.0), "cost": np.where(pays, costs[best], 0.0),
    })  # fmt: skip
    rows = [("chosen", int(pays.sum()), float(people["cost"].sum()), float(people["expected_profit"].sum()))]
    rows += [
        (name, len(chance), channels[name].cost * len(chance), float(profit[at].sum()))
        for at, name in enumerate(names)
    ]
    table = pl.DataFrame(
        rows,
        schema={"policy": pl.String, "people": pl.Int64, "cost": pl.Float64, "expected_profit": pl.Float64},
        orient="row",
    ).sort("expected_profit", descending=True, maintain_order=True)
    order = np.argsort(-chance, kind="stable")
    lines = {"chosen": np.where(pays, most, 0.0)} | {name: profit[at] for at, name in enumerate(names)}
    ends = np.unique(np.linspace(0, len(chance), steps + 1).astype(int))
    cutoffs = [
        pl.DataFrame({
            "channel": [name] * len(ends), "share": ends / max(len(chance), 1),
            "p": [1.0 if not end else float(chance[order[end - 1]]) for end in ends],
            "expected_profit": np.r_[0.0, line[order].cumsum()][ends],
        })
        for name, line in lines.items()
    ]  # fmt: skip
    return Policy(people, table, pl.concat(cutoffs))


def band_table(
    scored: pl.DataFrame, *, score: str = "p", band: Sequence[float] = BAND, label: str | None = None
) -> pl.DataFrame:
    """Tell who is hopeless, hesitant and sure, and whether what was foretold of them came.

    Parameters
    ----------
    scored
        A column of probabilities and, where it is known, what came.
    score
        The column of probabilities.
    band
        The least and the first too large probability of the hesitant.
    label
        The column of outcomes; None where they are not known yet.

    Returns
    -------
    DataFrame
        ``band`` (``below``, ``hesitant``, ``above``), ``low``, ``high``, ``people``, ``share``, ``predicted`` and with a label
        ``actual``, ``ratio`` (predicted over actual), ``share_of_yes``.

    Examples
    --------
    >>> import polars as pl
    >>> from basketry.campaigns.channels import band_table
    >>> people = pl.DataFrame({"p": [0.1, 0.2, 0.4, 0.9], "label": [False, False, True, True]})
    >>> band_table(people, label="label").select("band", "people", "predicted", "actual").row(1)
    ('hesitant', 2, 0.3..., 0.5)
    """
    for column in (score, *([label] if label else [])):
        if column not in scored.columns:
            raise SchemaError.unknown_column(column, "band", scored.columns)
    low, high = (float(share("band", edge)) for edge in band)
    if not low < high:
        raise ParameterError.out_of_range("band", list(band), "the first is the smaller")
    rows = []
    for name, start, end in (("below", 0.0, low), ("hesitant", low, high), ("above", high, 1.0)):
        inside = (pl.col(score) >= start) & ((pl.col(score) < end) | (pl.lit(end == 1.0)))
        part = scored.filter(inside)
        row: dict[str, Any] = {"band": name, "low": start, "high": end, "people": part.height}
        row |= {"share": part.height / max(scored.height, 1), "predicted": part[score].mean()}
        if label is not None:
            hits = int(part[label].sum())
            row["actual"] = hits / part.height if part.height else None
            row["ratio"] = row["predicted"] / row["actual"] if hits else None
            row["share_of_yes"] = hits / max(int(scored[label].sum()), 1)
        rows.append(row)
    return pl.DataFrame(rows)
