"""Clusters of customers by how they buy, with value, profile and a sentence each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basketry.arguments import seed, whole
from basketry.customers.rfm import rfm
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

FEATURES = ("orders", "order_value", "recency_days", "order_rate")
"""What customers are clustered by: number of orders, average order, days since the last, orders a year of tenure."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Clusters of customers.

    Parameters
    ----------
    labels
        One row a customer, sorted by id: ``customer``, ``segment`` (1 is the most valuable), ``name``.
    segments
        One row a segment: ``segment``, ``name``, ``customers``, ``share``, ``orders_mean``, ``order_value_mean``,
        ``recency_days_mean``, ``spend_total``, ``spend_share``, ``margin_total`` (null where margin is not known).
    profile
        One row a segment and feature: ``segment``, ``feature``, ``mean``, ``everyone_mean``, ``percentile`` (share of all
        customers, in percent, who lie below the segment's median; equal values count half).
    """

    labels: pl.DataFrame
    segments: pl.DataFrame
    profile: pl.DataFrame


def segment_customers(
    ledger: Ledger,
    *,
    as_of: Moment | None = None,
    k: int = 8,
    rng: int | np.random.Generator = 0,
    n_threads: int | None = None,
) -> Segmentation:
    """Cluster customers by order count, average order, recency and order rate.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        Orders at or after it are left out; None is the end of the data.
    k
        How many clusters; fewer if there are fewer different customers.
    rng
        The seed of the starting points.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    Segmentation
        Labels, segments and their profile. Segments are numbered by value, so that names keep their order.

    Raises
    ------
    ParameterError
        If ``k`` is below 2.
    SchemaError
        If the ledger has no money.

    Notes
    -----
    k-means (Lloyd, ten starts) on standardised logarithms: money and counts are skewed, and an order of 10,000 should
    not make a cluster of its own.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=500, rng=7).ledger
    >>> bk.segment_customers(shop, k=3).segments["customers"].sum() == bk.rfm(shop).height
    True
    """
    k = whole("k", k, 2)
    table = rfm(ledger, as_of=as_of, n_threads=n_threads).select(
        "customer",
        pl.col("orders").cast(pl.Float64),
        (pl.col("spend_total") / pl.col("orders")).alias("order_value"),
        pl.col("recency_days").cast(pl.Float64),
        (pl.col("orders") / (pl.col("tenure_days").clip(lower_bound=30) / 365.25)).alias("order_rate"),
        "spend_total",
    )
    table = table.with_columns(_margins(ledger, as_of, table))
    table = table.with_columns(segment=_by_value(_cluster(table, k, seed(rng)), table["spend_total"]))
    profile = _profile(table)
    names = _names(profile)
    segments = _segments(table, names)
    labels = table.select("customer", "segment").join(names, on="segment", how="left", maintain_order="left")
    return Segmentation(labels, segments, profile)


def _segments(table: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    sums = table.group_by("segment", maintain_order=True).agg(
        customers=pl.len().cast(pl.Int64),
        share=pl.len() / table.height,
        orders_mean=pl.col("orders").mean(),
        order_value_mean=pl.col("order_value").mean(),
        recency_days_mean=pl.col("recency_days").mean(),
        spend_total=exact_sum("spend_total"),
        spend_share=exact_sum("spend_total") / (table.select(exact_sum("spend_total")).item() or 1.0),
        margin_total=pl.when(pl.col("margin").is_not_null().any()).then(exact_sum("margin")),
    )
    return names.join(sums, on="segment", how="left").sort("segment")


def _margins(ledger: Ledger, as_of: Moment | None, table: pl.DataFrame) -> pl.Series:
    """Sum the margin of each customer, null throughout where the ledger knows none."""
    if "margin" not in ledger.core.measures:
        return pl.Series("margin", [None] * table.height, dtype=pl.Float64)
    before = pl.from_epoch(pl.lit(ledger.instant(as_of)), "us").dt.replace_time_zone("UTC")
    sums = (
        ledger.lines()
        .lazy()
        .filter(pl.col("customer").is_not_null(), pl.col("time") < before)
        .group_by("customer")
        .agg(margin=exact_sum("margin"))
        .collect()
    )
    return table.join(sums, on="customer", how="left", maintain_order="left")["margin"]


def _cluster(table: pl.DataFrame, k: int, root: int) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    values = np.log1p(table.select(pl.col(FEATURES).clip(lower_bound=0)).to_numpy())
    different = len(np.unique(values, axis=0))
    if different < 2:
        return np.zeros(table.height, dtype=np.int64)
    scaled = StandardScaler().fit_transform(values)
    means = KMeans(min(k, different), n_init=10, random_state=root % 2**32)
    # One thread: the sums do not depend on how many there are, and small steps lose more by waiting for others.
    with threadpool_limits(1):
        return np.asarray(means.fit_predict(scaled), dtype=np.int64)


def _by_value(labels: np.ndarray, spend: pl.Series) -> pl.Series:
    """Number the clusters by their money, the most valuable first."""
    sums = pl.DataFrame({"label": labels, "spend": spend}).group_by("label").agg(spend=exact_sum("spend"))
    order = sums.sort("spend", "label", descending=[True, False])["label"].to_list()
    rank = {label: number + 1 for number, label in enumerate(order)}
    return pl.Series("segment", [rank[label] for label in labels.tolist()], dtype=pl.Int64)


def _profile(table: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for feature in FEATURES:
        everyone = np.sort(table[feature].to_numpy())
        for segment, part in sorted(
            table.group_by("segment", maintain_order=True), key=lambda group: group[0]
        ):
            middle = float(np.median(part[feature].to_numpy()))
            below = (
                np.searchsorted(everyone, middle, "left") + np.searchsorted(everyone, middle, "right")
            ) / 2
            rows.append(
                (
                    segment[0],
                    feature,
                    part[feature].mean(),
                    float(everyone.mean()),
                    100 * below / len(everyone),
                )
            )
    schema = {"segment": pl.Int64, "feature": pl.String}
    schema |= dict.fromkeys(("mean", "everyone_mean", "percentile"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").sort("segment", "feature")


_WORDS = {
    "orders": ("few orders", "many orders"),
    "order_value": ("small orders", "large orders"),
    "recency_days": ("bought lately", "long silent"),
    "order_rate": ("slow rhythm", "quick rhythm"),
}


def _names(profile: pl.DataFrame) -> pl.DataFrame:
    """Name each segment by the features in which it lies furthest from the middle: two, or three."""
    rows = []
    for segment, part in sorted(profile.group_by("segment", maintain_order=True), key=lambda group: group[0]):
        far = part.with_columns(far=(pl.col("percentile") - 50).abs()).sort(
            "far", "feature", descending=[True, False]
        )
        words = [_WORDS[row["feature"]][row["percentile"] > 50] for row in far.iter_rows(named=True)]
        rows.append((segment[0], words))
    # Two words are enough, unless another segment has the same two: then one more that it does not have.
    rivals: dict[frozenset[str], list[list[str]]] = {}
    for _, words in rows:
        rivals.setdefault(frozenset(words[:2]), []).append(words)
    named = []
    for number, words in rows:
        same = rivals[frozenset(words[:2])]
        own = [word for word in words[2:] if any(word not in other for other in same)]
        named.append((number, ", ".join([*words[:2], *own[:1]])))
    return pl.DataFrame(named, schema={"segment": pl.Int64, "name": pl.String}, orient="row")
