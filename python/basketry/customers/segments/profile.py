"""Segments in words: how each differs from everyone, its name, and a reading made from numbers only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from basketry.customers.segments.traits import Traits, family, words
from basketry.money import exact_sum

SAID = 3
"""Traits that a reading tells, each of another family."""
_CLEAR = 0.2
"""Deviations from everyone's mean from which a trait is worth saying."""


def profile(traits: Traits, segment: np.ndarray) -> pl.DataFrame:
    """Hold each segment against everyone, trait by trait.

    Parameters
    ----------
    traits
        What customers are like.
    segment
        The segment of each of them.

    Returns
    -------
    DataFrame
        Sorted by ``segment`` and ``feature``: see `Segmentation`.
    """
    rows = []
    for at, feature in enumerate(traits.plain.columns):
        values = traits.plain[feature].to_numpy().astype(float)
        known = ~np.isnan(values)
        everyone = np.sort(values[known])
        for number in np.unique(segment):
            inside = segment == number
            mine = values[inside & known]
            middle = float(np.median(mine)) if len(mine) else float("nan")
            below = (
                np.searchsorted(everyone, middle, "left") + np.searchsorted(everyone, middle, "right")
            ) / 2
            rows.append(
                (
                    int(number),
                    feature,
                    family(feature),
                    float(mine.mean()) if len(mine) else None,
                    float(everyone.mean()) if len(everyone) else None,
                    100 * below / len(everyone) if len(mine) else None,
                    float(traits.steady[inside, at].mean()),
                )
            )
    schema = {"segment": pl.Int64, "feature": pl.String, "family": pl.String}
    schema |= dict.fromkeys(("mean", "everyone_mean", "percentile", "effect"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").sort("segment", "feature")


def telling(profile: pl.DataFrame, segment: int) -> list[dict[str, object]]:
    """List the traits of a segment, the one that sets it furthest apart first, one of each family.

    Parameters
    ----------
    profile
        The frame of `profile`.
    segment
        Which.
    """
    mine = profile.filter(pl.col("segment") == segment, pl.col("mean").is_not_null())
    far = mine.sort(pl.col("effect").abs(), "feature", descending=[True, False])
    return far.unique("family", keep="first", maintain_order=True).to_dicts()


def names(profile: pl.DataFrame, numbers: Sequence[int]) -> list[str]:
    """Name each segment by the two traits that set it furthest apart, and a third where two have the same two.

    Parameters
    ----------
    profile
        The frame of `profile`.
    numbers
        The segments.
    """
    said = [
        [words(str(trait["feature"]), float(str(trait["effect"])) > 0) for trait in telling(profile, number)]
        for number in numbers
    ]
    found: list[str] = []
    for mine in said:
        rivals = [other for other in said if other is not mine and set(other[:2]) == set(mine[:2])]
        own = [word for word in mine[2:] if any(word not in other[:3] for other in rivals)]
        name = ", ".join([*mine[:2], *(own[:1] if rivals else [])])
        again = sum(one == name or one.startswith(f"{name} (") for one in found)
        found.append(f"{name} ({again + 1})" if again else name)
    return found


def segments_of(traits: Traits, segment: np.ndarray, named: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Sum up each segment: size, habits, money, stability and a reading.

    Parameters
    ----------
    traits
        What customers are like.
    segment
        The segment of each of them.
    named
        ``segment``, ``name`` and ``stability``.
    told
        The frame of `profile`.
    """
    table = traits.customers.with_columns(segment=pl.Series(segment, dtype=pl.Int64))
    means = [f"{name}_mean" for name in ("orders", "order_value", "recency_days")]
    sums = table.group_by("segment", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("customers"),
        (pl.len() / table.height).alias("share"),
        *(pl.col(name.removesuffix("_mean")).mean().alias(name) for name in means),
        exact_sum("spend_total"),
        (exact_sum("spend_total") / (table.select(exact_sum("spend_total")).item() or 1.0)).alias(
            "spend_share"
        ),
        margin_total=pl.when(pl.col("margin").is_not_null().any()).then(exact_sum("margin")),
    )
    joined = named.select("segment", "name").join(sums, on="segment", how="left").sort("segment")
    joined = joined.join(named.select("segment", "stability"), on="segment", how="left")
    readings = [reading(row, telling(told, row["segment"])) for row in joined.iter_rows(named=True)]
    return joined.with_columns(reading=pl.Series(readings, dtype=pl.String))


def reading(segment: dict[str, object], traits: Sequence[dict[str, object]]) -> str:
    """Put a segment in sentences; every word follows from a number.

    Parameters
    ----------
    segment
        A row of the segments.
    traits
        Its traits, the most telling first.
    """
    customers, share, brings = (float(str(segment[name])) for name in ("customers", "share", "spend_share"))
    parts = [f"{customers:,.0f} customers ({share:.1%}) bring {brings:.1%} of the money."]
    clear = [trait for trait in traits if abs(float(str(trait["effect"]))) >= _CLEAR][:SAID]
    if clear:
        told = [
            f"{words(str(one['feature']), float(str(one['effect'])) > 0)} "
            f"({_plain(str(one['feature']))} {_number(one, 'mean')} against {_number(one, 'everyone_mean')})"
            for one in clear
        ]
        first, *others = told
        parts.append(f"What sets them apart: {'; '.join([first, *others])}.")
    else:
        parts.append("In every trait they stand close to everyone.")
    stability = segment["stability"]
    if isinstance(stability, float) and not np.isnan(stability):
        parts.append(
            f"Found again in samples of the customers to {stability:.0%}"
            + ("." if stability >= 0.75 else ", so its border is not firm.")
        )
    return " ".join(parts)


def _plain(feature: str) -> str:
    attribute, _, label = feature.partition(": ")
    return f"share of {label}" if label else attribute.replace("_", " ")


def _number(trait: dict[str, object], column: str) -> str:
    value = float(str(trait[column]))
    feature = str(trait["feature"])
    if ": " in feature or feature.endswith("_share") or feature == "discount_depth":
        return f"{value:.0%}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}"
