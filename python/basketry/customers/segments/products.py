"""Groups of products that are bought together, found from baskets alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from basketry.arguments import seed, whole
from basketry.customers.purchases import bought_lines, item_attribute, needed
from basketry.customers.segments.cluster import MOST, adjusted_rand
from basketry.exceptions import SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class ProductGroups:
    """Groups of products.

    Parameters
    ----------
    labels
        One row a product, sorted: ``item``, ``group`` (1 sells most lines; null for a product that was never bought with
        one that has a group), ``name``.
    groups
        One row a group: ``group``, ``name`` (its three best sellers), ``items``, ``lines``, ``share`` (of the lines that
        have a group), ``spend_total`` (if there is money), ``inside`` (share of the meetings of its products that are with
        each other), ``stability`` (mean Jaccard index with the most similar group of each bootstrap sample of baskets).
    agreement
        Mean adjusted Rand index with the groups of bootstrap samples of baskets; None if not measured.
    """

    labels: pl.DataFrame
    groups: pl.DataFrame
    agreement: float | None


def product_groups(
    ledger: Ledger,
    *,
    as_of: Moment | None = None,
    item: str | None = None,
    k: int | None = None,
    min_count: int = 10,
    replicates: int = 10,
    rng: int | np.random.Generator = 0,
) -> ProductGroups:
    """Group products by what they are bought together with.

    Parameters
    ----------
    ledger
        The shop.
    as_of
        Orders at or after it are left out; None is the end of the data.
    item
        An attribute of items whose labels are the products; None is the items themselves.
    k
        How many groups; None takes as many as stand out: the largest gap of the spectrum from 2 to 12.
    min_count
        Groups are found among products in so many baskets of two or more; others go where they are met most.
    replicates
        Bootstrap samples of baskets that stability is measured on; 0 for none.
    rng
        The seed of the starting points and samples.

    Returns
    -------
    ProductGroups
        Groups are numbered by lines.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    SchemaError
        If the ledger has no items or no attribute ``item``, or too few products are bought together.

    Notes
    -----
    What is liked by the same people is not yet bought for the same end: of the meetings of two products in a basket those in
    different baskets of one customer are taken away, weighted to as many. What is left, beside how often each product meets
    any, has one large eigenvalue less than there are groups, and products that belong together stand close in its
    eigenvectors, best seller or not (regularised spectral clustering, Qin and Rohe 2013). Where no customer comes twice plain
    meetings count. A coarse attribute such as a product segment shows groups in far fewer baskets than single items do.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate("missions", customers=400, rng=7).ledger
    >>> found = bk.product_groups(shop, item="product_segment", k=5, replicates=2)
    >>> found.groups["items"].sum() <= 40
    True
    """
    ledger = needed(ledger)
    k = None if k is None else whole("k", k, 2)
    least, replicates = whole("min_count", min_count, 1), whole("replicates", replicates, 0)
    root = seed(rng)
    lines = bought_lines(ledger, as_of=as_of)
    if "item" not in lines.columns:
        raise SchemaError("the ledger holds no items: map a column to 'item' when it is read.")
    if item is not None:
        lines = lines.join(item_attribute(ledger, item), on="item").drop("item").rename({"label": "item"})
    lines = lines.drop_nulls("item")
    pairs = lines.select("order", "item", "customer").unique(["order", "item"], maintain_order=True)
    products = pairs["item"].unique().sort()
    baskets = _Baskets.of(pairs, products)
    meetings = _without_diagonal(baskets.held.T @ baskets.held)
    often = np.asarray(baskets.held[baskets.sizes > 1].sum(axis=0)).ravel() >= least
    if often.sum() < 3:
        raise SchemaError(
            f"only {int(often.sum())} products are in {least} baskets of two or more: at least 3 are needed; lower min_count."
        )
    k, labels = _grouped(baskets, often, k, root)
    agreements, jaccards = [], []
    for replicate in range(replicates):
        drawn = baskets.drawn(np.random.default_rng([root, replicate]))
        _, other = _grouped(drawn, often, k, root + replicate + 1)
        crossed = np.bincount(labels * k + other, minlength=k * k).reshape(k, k)
        agreements.append(adjusted_rand(crossed))
        either = crossed.sum(axis=1)[:, None] + crossed.sum(axis=0)[None, :] - crossed
        jaccards.append((crossed / np.maximum(either, 1)).max(axis=1))
    group = np.full(len(products), -1)
    group[often] = labels
    member = np.zeros((len(products), k))
    member[np.flatnonzero(often), labels] = 1.0
    met = np.asarray(meetings @ member)
    rare = ~often & (met.sum(axis=1) > 0)
    group[rare] = met[rare].argmax(axis=1)
    member[rare, group[rare]] = 1.0
    inside = (member * (meetings @ member)).sum(axis=0) / np.maximum(
        (member * meetings.sum(axis=1)[:, None]).sum(axis=0), 1
    )
    found = pl.DataFrame({"item": products, "code": group}).filter(pl.col("code") >= 0)
    told = pl.DataFrame(
        {
            "code": np.arange(k),
            "inside": inside,
            "stability": np.mean(jaccards, axis=0) if jaccards else [None] * k,
        },
        schema_overrides={"stability": pl.Float64},
    )
    return _told(lines, found, told, float(np.mean(agreements)) if agreements else None)


@dataclass(frozen=True, eq=False)
class _Baskets:
    """Which products each basket holds, how many, and whose it is; a guest has one basket."""

    held: csr_array
    owner: np.ndarray

    @classmethod
    def of(cls, pairs: pl.DataFrame, products: pl.Series) -> _Baskets:
        from scipy.sparse import csr_array

        codes = pl.DataFrame({"item": products}).with_row_index("code")
        coded = pairs.join(codes, on="item", how="left", maintain_order="left").select(
            "code",
            row=pl.col("order").rank("dense").cast(pl.Int64) - 1,
            owner=pl.coalesce(
                pl.col("customer").rank("dense").cast(pl.Int64), -1 - pl.col("order").cast(pl.Int64)
            ),
        )
        rows = coded["row"].to_numpy()
        shape = (int(rows.max()) + 1 if len(rows) else 0, len(products))
        held = csr_array((np.ones(len(rows)), (rows, coded["code"].to_numpy())), shape=shape)
        owners = coded.unique("row", maintain_order=True).sort("row")["owner"]
        return cls(held, owners.rank("dense").to_numpy().astype(np.int64) - 1)

    @property
    def sizes(self) -> np.ndarray:
        return np.diff(self.held.indptr)

    def drawn(self, random: np.random.Generator) -> _Baskets:
        rows = random.integers(len(self.owner), size=len(self.owner))
        return _Baskets(self.held[rows], self.owner[rows])


def _without_diagonal(square: csr_array) -> csr_array:
    found = square.tocsr()
    found.setdiag(0)
    found.eliminate_zeros()
    return found


def _beyond_taste(held: csr_array, owner: np.ndarray) -> csr_array | None:
    """Count meetings less those of different baskets of one customer, scaled to as many; None without such baskets."""
    from scipy.sparse import csr_array, diags_array

    many = np.bincount(owner)
    again = many[owner] > 1
    if not again.any():
        return None
    kept, whose = held[again], owner[again]
    weight = 1.0 / np.maximum(many - 1, 1)
    whole = (
        csr_array((np.ones(len(whose)), (whose, np.arange(len(whose)))), shape=(len(many), len(whose))) @ kept
    )
    together = _without_diagonal(kept.T @ kept)
    own = kept.T @ diags_array(weight[whose]) @ kept
    apart = _without_diagonal(whole.T @ diags_array(weight) @ whole - own)
    return together - apart * (together.sum() / apart.sum()) if apart.sum() > 0 else None


def _grouped(baskets: _Baskets, often: np.ndarray, k: int | None, root: int) -> tuple[int, np.ndarray]:
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import eigsh
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    held = baskets.held[:, often]
    meetings = _without_diagonal(held.T @ held)
    tied = _beyond_taste(held, baskets.owner)
    # Plain meetings have one large eigenvalue more, which only tells how often products meet anything.
    plain = int(tied is None)
    degree = np.asarray(meetings.sum(axis=1)).ravel()
    scale = diags_array(1 / np.sqrt(degree + max(degree.mean(), 1e-9)))
    affinity = scale @ (meetings if tied is None else tied) @ scale
    n = affinity.shape[0]
    with threadpool_limits(1):
        many = min(MOST + plain if k is None else k - 1 + plain, n - 1)
        values, vectors = eigsh(affinity, k=many, which="LA", v0=np.full(n, 1 / np.sqrt(n)), tol=1e-9)
        order = np.argsort(-values)
        values, vectors = values[order][plain:], vectors[:, order]
        if k is None:
            k = 2 + int(np.argmax(values[:-1] - values[1:])) if len(values) > 1 else 2
        rows = vectors[:, : k - 1 + plain]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(length > 1e-12, length, 1.0)
        k = min(k, len(np.unique(rows, axis=0)))
        labels = KMeans(k, n_init=10, random_state=root % 2**32).fit_predict(rows)
    return k, np.asarray(labels, dtype=np.int64)


def _told(
    lines: pl.DataFrame, found: pl.DataFrame, told: pl.DataFrame, agreement: float | None
) -> ProductGroups:
    money = [exact_sum("amount").alias("spend_total")] if "amount" in lines.columns else []
    sold = lines.join(found, on="item")
    best = sold.group_by("code", "item").agg(n=pl.len()).sort("n", "item", descending=[True, False])
    best = best.group_by("code").agg(name=pl.col("item").head(3).cast(pl.String).str.join(", "))
    sums = sold.group_by("code").agg(pl.len().cast(pl.Int64).alias("lines"), *money)
    items = found.group_by("code").agg(pl.len().cast(pl.Int64).alias("items"))
    groups = sums.join(items, on="code").join(best, on="code").join(told, on="code")
    groups = groups.sort("lines", "code", descending=[True, False]).with_columns(
        group=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), share=pl.col("lines") / pl.col("lines").sum()
    )
    everything = lines.select("item").unique()
    labels = everything.join(found, on="item", how="left").join(
        groups.select("code", "group", "name"), on="code", how="left"
    )
    kept = [column for column in ("spend_total",) if column in groups.columns]
    return ProductGroups(
        labels.select("item", "group", "name").sort("item"),
        groups.select("group", "name", "items", "lines", "share", *kept, "inside", "stability"),
        agreement,
    )
