"""What baskets are made for: missions, found from what lies together, how much of it, and on which condition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basketry.arguments import seed, whole
from basketry.customers.purchases import bought_lines, depth, item_groups, needed
from basketry.customers.segments.cluster import MOST
from basketry.exceptions import SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

LARGEST = 6
"""Baskets of so many products or more are of one size."""
_STARTS = 5
_ROUNDS = 500


@dataclass(frozen=True, eq=False)
class Missions:
    """Missions of baskets.

    Parameters
    ----------
    labels
        One row a basket that holds a product with a group: ``basket`` (its row in `Ledger.orders`, from 0), ``customer``
        (null without one), ``time``, ``mission`` (1 is the most frequent), ``name``, ``probability`` (that it is this
        mission and no other).
    missions
        One row a mission: ``mission``, ``name``, ``baskets``, ``share``, ``products_mean`` (of a basket),
        ``discount_share`` (of its baskets; null if no discounts were named), ``spend_mean`` and ``spend_total`` (if there
        is money), ``certainty`` (mean probability of its baskets) and ``reading``.
    mix
        One row a mission and group: ``mission``, ``group``, ``share`` (of what its baskets hold), ``everyone_share``,
        ``index`` (their ratio).
    tried
        One row a number of missions that was tried: ``k``, ``bic`` (less is better).
    """

    labels: pl.DataFrame
    missions: pl.DataFrame
    mix: pl.DataFrame
    tried: pl.DataFrame


def basket_missions(
    ledger: Ledger,
    *,
    groups: pl.DataFrame | str,
    as_of: Moment | None = None,
    discount: str | None = None,
    k: int | None = None,
    rng: int | np.random.Generator = 0,
) -> Missions:
    """Sort baskets by what they seem to be made for.

    Parameters
    ----------
    ledger
        The shop; orders without a customer count.
    groups
        What baskets are made of: an attribute of items, or a frame of ``item`` and ``group``, such as the labels of
        `product_groups`. Products without a group do not count.
    as_of
        Orders at or after it are left out; None is the end of the data.
    discount
        The measure of lines that holds discounts; then a mission is also told by how often it has one.
    k
        How many missions; None takes the number of least BIC from 2 to 12.
    rng
        The seed of the starting points.

    Returns
    -------
    Missions
        Missions are numbered by how many baskets they have.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    SchemaError
        If the ledger lacks what was named.

    Notes
    -----
    A latent class model, fitted by EM from five starts: a mission has a mix of groups, a law of basket sizes and a share of
    discounts, and every basket one mission. Baskets that are alike are one row with a weight, so the cost is that of the
    different baskets.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate("missions", customers=400, rng=7).ledger
    >>> found = bk.basket_missions(shop, groups="category", discount="discount", k=5)
    >>> found.missions["baskets"].sum() == shop.n_orders
    True
    """
    ledger = needed(ledger)
    k = None if k is None else whole("k", k, 2)
    root = seed(rng)
    lines = bought_lines(ledger, as_of=as_of)
    if "item" not in lines.columns:
        raise SchemaError("the ledger holds no items: map a column to 'item' when it is read.")
    off = (depth(ledger, discount) > 0).any() if discount is not None else pl.lit(False)
    named = item_groups(ledger, groups).with_columns(pl.col("group").cast(pl.String))
    lines = lines.join(named, on="item", how="inner", maintain_order="left")
    money = [exact_sum("amount").alias("spend")] if "amount" in lines.columns else []
    baskets = lines.group_by("order", maintain_order=True).agg(
        pl.col("customer", "time").first(), *money, products=pl.col("item").n_unique(), off=off
    )
    if not baskets.height:
        raise SchemaError("no basket holds a product that has a group.")
    counts = lines.group_by("order", "group").agg(n=pl.col("item").n_unique().cast(pl.Int64))
    names = sorted(counts["group"].unique().to_list())
    wide = counts.pivot("group", index="order", values="n", on_columns=names).fill_null(0)
    table = baskets.join(wide, on="order", how="left", maintain_order="left")
    size = pl.col("products").clip(upper_bound=LARGEST)
    key = [*(str(name) for name in names), "size", "off"]
    table = table.with_columns(size=size)
    patterns = table.group_by(key).agg(weight=pl.len()).sort(key)
    data = _Patterns(
        patterns.select(key[:-2]).to_numpy().astype(float),
        patterns["size"].to_numpy().astype(int) - 1,
        patterns["off"].to_numpy().astype(int),
        patterns["weight"].to_numpy().astype(float),
    )
    tried = []
    many = range(2, min(MOST, patterns.height) + 1) if k is None else [min(k, patterns.height)]
    for one in many:
        tried.append(_fitted(data, one, root))
    best = min(tried, key=lambda model: model.bic)
    likely = best.likely(data)
    found = patterns.select(key).with_columns(
        code=pl.Series(likely.argmax(axis=1)), probability=pl.Series(likely.max(axis=1))
    )
    told = table.join(found, on=key, how="left", maintain_order="left")
    bic = pl.DataFrame(
        [(len(model.mix), model.bic) for model in tried],
        schema={"k": pl.Int64, "bic": pl.Float64},
        orient="row",
    )
    return _told(told, lines, discount is not None, bic)


@dataclass(frozen=True, eq=False)
class _Patterns:
    """The different baskets: what they hold by group, how large they are, whether on discount, how many are like it."""

    counts: np.ndarray
    size: np.ndarray
    off: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class _Model:
    """Mission shares, mixes, laws of size and discount shares, and how well they fit."""

    share: np.ndarray
    mix: np.ndarray
    size: np.ndarray
    off: np.ndarray
    bic: float = np.inf
    fit: float = -np.inf

    def joint(self, data: _Patterns) -> np.ndarray:
        found: np.ndarray = np.log(self.share) + data.counts @ np.log(self.mix.T)
        found += np.log(self.size.T)[data.size]
        found += np.where(data.off[:, None] == 1, np.log(self.off), np.log1p(-self.off))
        return found

    def likely(self, data: _Patterns) -> np.ndarray:
        joint = self.joint(data)
        weights = np.exp(joint - joint.max(axis=1, keepdims=True))
        shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
        return shares


def _fitted(data: _Patterns, k: int, root: int) -> _Model:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    mixes = np.sqrt(data.counts / data.counts.sum(axis=1, keepdims=True))
    best = None
    with threadpool_limits(1):
        for start in range(_STARTS):
            means = KMeans(
                min(k, len(np.unique(mixes, axis=0))), n_init=1, random_state=(root + start) % 2**32
            )
            labels = means.fit(mixes, sample_weight=data.weight).labels_
            random = np.random.default_rng([root, start, k])
            model = _climbed(data, 0.8 * np.eye(k)[labels] + 0.2 * random.dirichlet(np.ones(k), len(mixes)))
            if best is None or model.fit > best.fit:
                best = model
    assert best is not None
    return best


def _climbed(data: _Patterns, likely: np.ndarray) -> _Model:
    """Climb by EM from these probabilities of missions. One basket of everyone's kind is added to each mission."""
    k, total = likely.shape[1], data.weight.sum()
    pooled = data.weight @ data.counts
    pooled = pooled / pooled.sum()
    sizes = np.bincount(data.size, data.weight, LARGEST) / total
    off = (data.weight @ data.off + 0.5) / (total + 1)
    before = -np.inf
    for _ in range(_ROUNDS):
        weight = likely * data.weight[:, None]
        share = weight.sum(axis=0)
        mix = weight.T @ data.counts + pooled
        size = np.stack([np.bincount(data.size, column, LARGEST) for column in weight.T]) + sizes
        size = np.maximum(size, 1e-12)
        model = _Model(
            (share + 1) / (total + k),
            mix / mix.sum(axis=1, keepdims=True),
            size / size.sum(axis=1, keepdims=True),
            (weight.T @ data.off + off) / (share + 1),
        )
        joint = model.joint(data)
        most = joint.max(axis=1)
        whole = most + np.log(np.exp(joint - most[:, None]).sum(axis=1))
        fit = float(data.weight @ whole)
        likely = np.exp(joint - whole[:, None])
        if fit - before < 1e-8 * abs(fit):
            break
        before = fit
    free = k - 1 + k * (data.counts.shape[1] - 1) + k * (LARGEST - 1) + k * int(data.off.any())
    return _Model(model.share, model.mix, model.size, model.off, free * np.log(total) - 2 * fit, fit)


def _told(table: pl.DataFrame, lines: pl.DataFrame, discounts: bool, tried: pl.DataFrame) -> Missions:
    often = table.group_by("code").agg(n=pl.len()).sort("n", "code", descending=[True, False])
    number = {code: at + 1 for at, code in enumerate(often["code"].to_list())}
    table = table.with_columns(mission=pl.col("code").replace_strict(number, return_dtype=pl.Int64))
    held = lines.join(table.select("order", "mission"), on="order").unique(["order", "item"])
    every = held.group_by("group").agg(all=pl.len())
    mix = held.group_by("mission", "group").agg(n=pl.len()).join(every, on="group")
    mix = mix.with_columns(
        share=pl.col("n") / pl.col("n").sum().over("mission"), everyone_share=pl.col("all") / held.height
    )
    mix = mix.with_columns(index=pl.col("share") / pl.col("everyone_share"))
    mix = mix.sort("mission", "share", "group", descending=[False, True, False])
    has_money = "spend" in table.columns
    money = [exact_sum("spend").alias("spend_total")] if has_money else []
    off = pl.col("off").mean() if discounts else pl.lit(None, pl.Float64)
    found = (
        table.group_by("mission")
        .agg(
            pl.len().cast(pl.Int64).alias("baskets"),
            (pl.len() / table.height).alias("share"),
            pl.col("products").mean().alias("products_mean"),
            off.alias("discount_share"),
            *money,
            ((pl.col("probability") * 1e6).round().cast(pl.Int64).sum() / (pl.len() * 1e6)).alias(
                "certainty"
            ),
        )
        .sort("mission")
    )
    if has_money:
        found = found.insert_column(5, (found["spend_total"] / found["baskets"]).alias("spend_mean"))
    names = [_name(mix.filter(mission=number)) for number in found["mission"]]
    found.insert_column(1, pl.Series("name", names, dtype=pl.String))
    everyone = (float(table["products"].mean() or 0), float(table["off"].mean() or 0))  # type: ignore[arg-type]
    readings = [
        _reading(row, mix.filter(mission=row["mission"]), *everyone) for row in found.iter_rows(named=True)
    ]
    found = found.with_columns(reading=pl.Series(readings, dtype=pl.String))
    labels = table.join(found.select("mission", "name"), on="mission", how="left", maintain_order="left")
    labels = labels.select(
        pl.col("order").cast(pl.Int64).alias("basket"), "customer", "time", "mission", "name", "probability"
    )
    return Missions(labels, found, mix.select("mission", "group", "share", "everyone_share", "index"), tried)


def _name(mix: pl.DataFrame) -> str:
    """Name a mission by the groups that make half of it, at most three."""
    before = pl.col("share").cum_sum().shift(1, fill_value=0.0)
    return ", ".join(mix.filter(before < 0.5)["group"].head(3).to_list())


def _reading(row: dict[str, object], mix: pl.DataFrame, products: float, off: float) -> str:
    share, mean = float(str(row["share"])), float(str(row["products_mean"]))
    top = mix.head(2)
    held = " and ".join(
        f"{group} ({part:.0%} of it, against {whole:.0%})"
        for group, part, whole in top.select("group", "share", "everyone_share").iter_rows()
    )
    told = f"{share:.1%} of the baskets, of {mean:.1f} products against {products:.1f}, hold mostly {held}."
    if row["discount_share"] is not None:
        told += f" {float(str(row['discount_share'])):.0%} are on discount, against {off:.0%}."
    return told
