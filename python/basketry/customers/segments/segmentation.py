"""Clusters of customers by how they buy, with value, stability, profile and a reading each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import polars as pl

from basketry.arguments import seed, whole
from basketry.customers.features import customer_features
from basketry.customers.purchases import item_attribute, needed
from basketry.customers.segments.cluster import cluster
from basketry.customers.segments.profile import names, profile, segments_of
from basketry.customers.segments.traits import Traits, checked_purpose, customer_traits, standard
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

SAME = 0.5
"""A segment is an earlier one if more than this share of the customers of either are in both (Jaccard index)."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Clusters of customers.

    Parameters
    ----------
    labels
        One row a customer, sorted by id: ``customer``, ``segment`` (1 is the most valuable), ``name``.
    segments
        One row a segment: ``segment``, ``name``, ``customers``, ``share``, ``orders_mean``, ``order_value_mean``,
        ``recency_days_mean``, ``spend_total``, ``spend_share``, ``margin_total`` (null where margin is not known),
        ``stability`` (mean Jaccard index with the most similar cluster of each bootstrap sample; null if not measured) and
        ``reading``, sentences made from these numbers and the profile.
    profile
        One row a segment and feature: ``segment``, ``feature``, ``family`` (features that say much the same), ``mean``,
        ``everyone_mean``, ``percentile`` (share of all customers, in percent, who lie below the segment's median; equal
        values count half), ``effect`` (how many deviations of the steadied feature its mean lies from everyone's).
    stability
        One row a number of clusters that was tried: ``k``, ``agreement`` (adjusted Rand index between the clusters and
        those of bootstrap samples, on all customers), ``standard_error``. Empty for segments that were given.
    matches
        One row a segment where earlier labels were given: ``segment``, ``earlier`` (the most similar earlier segment),
        ``jaccard``, ``kept`` (whether it is the same one, with its number and name). Empty otherwise.
    """

    labels: pl.DataFrame
    segments: pl.DataFrame
    profile: pl.DataFrame
    stability: pl.DataFrame
    matches: pl.DataFrame


def segment_customers(
    ledger: Ledger,
    *,
    as_of: Moment | None = None,
    purpose: str | Sequence[str] = "rfm",
    features: Sequence[str] | None = None,
    category: str | Sequence[str] | None = None,
    discount: str | None = None,
    k: int | None = 8,
    min_orders: int = 1,
    earlier: pl.DataFrame | None = None,
    replicates: int = 10,
    rng: int | np.random.Generator = 0,
    n_threads: int | None = None,
) -> Segmentation:
    """Cluster customers by the traits that a purpose needs.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        Orders at or after it are left out; None is the end of the data.
    purpose
        What customers are told apart by; one or several. ``rfm``: order count, average order, recency, order rate;
        ``taste``: shares of the labels of ``category``; ``sale``: share of orders on discount, depth, share of new items;
        ``calendar``: orders before the year's end and at weekends. RFM does not recover taste.
    features
        Columns of `customer_features` in place of a purpose.
    category
        An attribute of items, or several, whose labels are tastes.
    discount
        The measure of lines that holds discounts: shares of the list price if it never passes 1, else money.
    k
        How many clusters; fewer if there are fewer different customers. None chooses by stability: the most clusters, up to
        12, whose agreement with bootstrap samples is within one standard error of the best.
    min_orders
        Clusters are found among customers with so many orders; the others go to the nearest.
    earlier
        The labels of an earlier run. A segment that shares more than half of its customers with an earlier one keeps that
        one's number and name; the numbers of the others start above.
    replicates
        Bootstrap samples that stability is measured on; 0 for none.
    rng
        The seed of the starting points and samples.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    Segmentation
        Labels, segments and their profile. Segments are numbered by value, unless they are earlier ones.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    SchemaError
        If the ledger has no money, or lacks what the purpose needs.

    Notes
    -----
    k-means (Lloyd, ten starts) on standardised traits. Money and counts are taken as logarithms: they are skewed, and an
    order of 10,000 should not make a cluster of its own. Shares are drawn towards everyone's as far as a customer's few
    orders tell little (Dirichlet-multinomial by moments). Stability after Hennig (2007).

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=500, rng=7).ledger
    >>> found = bk.segment_customers(shop, k=3)
    >>> found.segments["customers"].sum() == bk.rfm(shop).height
    True
    >>> taste = bk.segment_customers(shop, purpose=["rfm", "taste"], category="category", k=3, replicates=0)
    >>> taste.profile["feature"].head(2).to_list()
    ['category: bags', 'category: coats']
    """
    ledger = needed(ledger)
    k = None if k is None else whole("k", k, 2)
    replicates = whole("replicates", replicates, 2 if k is None else 0)
    least = whole("min_orders", min_orders, 1)
    traits = _traits(ledger, purpose, features, category, discount, as_of=as_of, n_threads=n_threads)
    root, known = seed(rng), _earlier(earlier)
    found = cluster(traits.steady, k, root, replicates, fitted=traits.customers["orders"].to_numpy() >= least)
    rank = _by_value(found.labels, traits.customers["spend_total"])
    segment = np.array([rank[label] for label in found.labels.tolist()], dtype=np.int64)
    matches = _matches(traits.customers["customer"], segment, known)
    kept = {row["segment"]: row for row in matches.filter("kept").iter_rows(named=True)}
    free = count(max([0, *known["segment"].to_list()]) + 1 if kept else 1)
    number = {old: kept[old]["earlier"] if old in kept else next(free) for old in sorted(set(rank.values()))}
    segment = np.array([number[old] for old in segment.tolist()], dtype=np.int64)
    stability = {
        number[rank[label]]: float(value) for label, value in enumerate(found.stability) if label in rank
    }
    matches = matches.with_columns(segment=pl.col("segment").replace_strict(number, return_dtype=pl.Int64))
    held = {row["earlier"]: row["name"] for row in kept.values()}
    tried = pl.DataFrame(
        list(found.tried),
        schema={"k": pl.Int64, "agreement": pl.Float64, "standard_error": pl.Float64},
        orient="row",
    )
    return _told(traits, segment, stability, held, tried, matches.drop("name").sort("segment"))


def profile_segments(
    ledger: Ledger,
    segments: pl.DataFrame,
    *,
    as_of: Moment | None = None,
    purpose: str | Sequence[str] = "rfm",
    features: Sequence[str] | None = None,
    category: str | Sequence[str] | None = None,
    discount: str | None = None,
    n_threads: int | None = None,
) -> Segmentation:
    """Profile segments that are already known, wherever they come from.

    Parameters
    ----------
    ledger
        The shop.
    segments
        ``customer`` and ``segment`` (a number or a name), one row a customer; customers without a row are left out.
    as_of
        Orders at or after it are left out; None is the end of the data.
    purpose, features, category, discount
        What the profile tells, as in `segment_customers`; it may be more than what the segments were found by.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    Segmentation
        Segments keep their numbers; names are taken as given and numbered by value.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    SchemaError
        If the ledger or the segments lack what is needed.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> shop = bk.simulate(customers=500, rng=7).ledger
    >>> halves = shop.customers().select("customer", segment=pl.col("city"))
    >>> told = bk.profile_segments(shop, halves)
    >>> told.segments["name"].to_list()
    ['big', 'small']
    """
    ledger = needed(ledger)
    given = _given(segments)
    traits = _traits(ledger, purpose, features, category, discount, as_of=as_of, n_threads=n_threads)
    joined = traits.customers.join(given, on="customer", how="left", maintain_order="left")
    inside = joined["segment"].is_not_null().to_numpy()
    if not inside.any():
        raise SchemaError("the segments name none of the customers who bought before as_of.")
    traits = Traits(
        traits.customers.filter(inside), traits.plain.filter(inside), standard(traits.steady[inside])
    )
    label = joined["segment"].filter(inside)
    held: dict[int, str] = {}
    if label.dtype.is_integer():
        segment = label.to_numpy().astype(np.int64)
    else:
        codes = label.cast(pl.String).cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
        rank = _by_value(codes, traits.customers["spend_total"])
        segment = np.array([rank[code] for code in codes.tolist()], dtype=np.int64)
        held = dict(zip(segment.tolist(), label.cast(pl.String).to_list(), strict=True))
    empty = pl.DataFrame(schema={"k": pl.Int64, "agreement": pl.Float64, "standard_error": pl.Float64})
    none = _matches(traits.customers["customer"], segment, _earlier(None)).drop("name")
    return _told(traits, segment, {}, held, empty, none)


def _told(
    traits: Traits,
    segment: np.ndarray,
    stability: dict[int, float],
    held: dict[int, str],
    tried: pl.DataFrame,
    matches: pl.DataFrame,
) -> Segmentation:
    """Put the answer together; ``held`` are the names that are known already."""
    found = profile(traits, segment)
    numbers = sorted(set(segment.tolist()))
    fresh = dict(zip(numbers, names(found, numbers), strict=True))
    taken = set(held.values())
    for number, name in fresh.items():
        if number not in held and name in taken:
            fresh[number] = f"{name} ({number})"
    named = pl.DataFrame(
        {
            "segment": numbers,
            "name": [held.get(number, fresh[number]) for number in numbers],
            "stability": [stability.get(number) for number in numbers],
        },
        schema={"segment": pl.Int64, "name": pl.String, "stability": pl.Float64},
    ).with_columns(pl.col("stability").fill_nan(None))
    labels = traits.customers.select("customer", segment=pl.Series(segment, dtype=pl.Int64))
    labels = labels.join(named.select("segment", "name"), on="segment", how="left", maintain_order="left")
    return Segmentation(labels, segments_of(traits, segment, named, found), found, tried, matches)


def _traits(
    ledger: Ledger,
    purpose: str | Sequence[str],
    features: Sequence[str] | None,
    category: str | Sequence[str] | None,
    discount: str | None,
    *,
    as_of: Moment | None,
    n_threads: int | None,
) -> Traits:
    purposes = checked_purpose(purpose)
    several = (category,) if isinstance(category, str) else tuple(category or ())
    for attribute in several:
        item_attribute(ledger, attribute)
    if features is not None:
        return _chosen(ledger, features, several, discount, as_of=as_of, n_threads=n_threads)
    if "taste" in purposes and not several:
        known = sorted(ledger.items().columns[1:]) if ledger.n_items else []
        raise SchemaError(
            f"tastes are shares of labels: name an attribute of items with category=. Attributes: {', '.join(known) or 'none'}."
        )
    return customer_traits(
        ledger, purpose=purposes, category=several, discount=discount, as_of=as_of, n_threads=n_threads
    )


def _chosen(
    ledger: Ledger,
    features: Sequence[str],
    category: Sequence[str],
    discount: str | None,
    *,
    as_of: Moment | None,
    n_threads: int | None,
) -> Traits:
    """Take columns of `customer_features` as traits: logarithms of what is skewed, the mean for what is unknown."""
    table = customer_features(
        ledger,
        as_of=as_of,
        category=category[0] if category else None,
        discount=discount,
        n_threads=n_threads,
    )
    numeric = [name for name, dtype in table.schema.items() if dtype.is_numeric() and name != "customer"]
    if isinstance(features, str) or not features:
        raise ParameterError.out_of_range(
            "features", features, "a list of columns of customer_features is needed"
        )
    for name in features:
        if name not in numeric:
            raise ParameterError.unknown("features", name, numeric)
    base = customer_traits(
        ledger, purpose=("rfm",), category=(), discount=None, as_of=as_of, n_threads=n_threads
    ).customers
    plain = table.select(pl.col(features).cast(pl.Float64).fill_nan(None))
    values = plain.with_columns(pl.all().fill_null(pl.all().mean())).fill_null(0.0).to_numpy()
    skewed = (
        (values.min(axis=0) >= 0) & (values.max(axis=0) > 1) if len(values) else np.zeros(len(features), bool)
    )
    return Traits(base, plain, standard(np.where(skewed, np.log1p(np.maximum(values, 0)), values)))


def _by_value(labels: np.ndarray, spend: pl.Series) -> dict[int, int]:
    """Number the clusters by their money, the most valuable first."""
    sums = pl.DataFrame({"label": labels, "spend": spend}).group_by("label").agg(spend=exact_sum("spend"))
    order = sums.sort("spend", "label", descending=[True, False])["label"].to_list()
    return {label: number + 1 for number, label in enumerate(order)}


def _given(segments: pl.DataFrame) -> pl.DataFrame:
    for column in ("customer", "segment"):
        if column not in segments.columns:
            raise SchemaError.unknown_column(column, column, segments.columns)
    given = segments.select("customer", "segment")
    if given["customer"].is_duplicated().any():
        twice = given.filter(pl.col("customer").is_duplicated())["customer"][0]
        raise SchemaError(f"customer {twice!r} is in the segments more than once: give one row a customer.")
    return given


def _earlier(earlier: pl.DataFrame | None) -> pl.DataFrame:
    if earlier is None:
        return pl.DataFrame(schema={"customer": pl.Int64, "segment": pl.Int64, "name": pl.String})
    if "name" not in earlier.columns:
        raise SchemaError.unknown_column("name", "name", earlier.columns)
    _given(earlier)
    return earlier.select("customer", pl.col("segment").cast(pl.Int64), "name")


def _matches(customers: pl.Series, segment: np.ndarray, earlier: pl.DataFrame) -> pl.DataFrame:
    """Find for each segment the most similar earlier one, among the customers that both runs know."""
    schema = {
        "segment": pl.Int64,
        "earlier": pl.Int64,
        "name": pl.String,
        "jaccard": pl.Float64,
        "kept": pl.Boolean,
    }
    if not earlier.height:
        return pl.DataFrame(schema=schema)
    now = pl.DataFrame({"customer": customers, "now": segment})
    both = now.join(earlier, on="customer", how="inner")
    if not both.height:
        return pl.DataFrame(schema=schema)
    one, two = pl.len().over("now"), pl.len().over("segment")
    pairs = (
        both.with_columns(one=one, two=two)
        .group_by("now", "segment")
        .agg(pl.col("name").first(), both=pl.len(), one=pl.col("one").first(), two=pl.col("two").first())
    )
    jaccard = pl.col("both") / (pl.col("one") + pl.col("two") - pl.col("both"))
    best = pairs.with_columns(jaccard=jaccard).sort(
        "now", "jaccard", "segment", descending=[False, True, False]
    )
    # More than half of the union: then neither side can have another partner as good.
    return best.unique("now", keep="first", maintain_order=True).select(
        pl.col("now").alias("segment"), pl.col("segment").alias("earlier"), "name", "jaccard",
        kept=pl.col("jaccard") > SAME,
    )  # fmt: skip
