"""What a customer is like: traits for a purpose, each a number with a meaning, and the same made steady for clustering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from basketry.customers.purchases import bought_lines, depth, item_attribute
from basketry.customers.rfm import rfm
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import exact_sum

PURPOSES = ("rfm", "taste", "sale", "calendar")
"""What customers may be told apart by."""
NEW_DAYS = 91
"""An item is new for so many days after it was first sold."""
LABELS = 60
"""The commonest labels of an attribute that become traits; the rest are too rare to tell customers apart."""

WORDS = {
    "orders": ("few orders", "many orders"),
    "order_value": ("small orders", "large orders"),
    "recency_days": ("bought lately", "long silent"),
    "order_rate": ("slow rhythm", "quick rhythm"),
    "discount_share": ("full price", "on discount"),
    "discount_depth": ("shallow discounts", "deep discounts"),
    "new_share": ("established items", "new items"),
    "year_end_share": ("not for the year's end", "before the year's end"),
    "weekend_share": ("on weekdays", "at weekends"),
}
"""How a low and a high value are said."""
_FAMILY = {
    "orders": "rhythm", "order_rate": "rhythm", "recency_days": "rhythm", "order_value": "value",
    "discount_share": "sale", "discount_depth": "sale", "new_share": "novelty",
    "year_end_share": "season", "weekend_share": "weekday",
}  # fmt: skip


def words(trait: str, high: bool) -> str:
    """Say a trait in words.

    Parameters
    ----------
    trait
        Its name; that of a taste is ``attribute: label``.
    high
        Whether the value is above everyone's.
    """
    known = WORDS.get(trait)
    attribute, _, label = trait.partition(": ")
    if label:
        return f"{'much' if high else 'little'} {label}"
    return known[high] if known else f"{'high' if high else 'low'} {attribute.replace('_', ' ')}"


def family(trait: str) -> str:
    """Name the family of a trait: traits of one family say much the same.

    Parameters
    ----------
    trait
        Its name.
    """
    attribute, _, label = trait.partition(": ")
    return _FAMILY.get(trait) or (f"taste: {attribute}" if label else trait)


@dataclass(frozen=True, eq=False)
class Traits:
    """Traits of customers.

    Parameters
    ----------
    customers
        One row a customer, sorted by id: ``customer``, ``spend_total``, ``margin``, ``orders``, ``order_value``,
        ``recency_days``.
    plain
        The traits as they are, one column each; null where a customer has nothing to tell one from.
    steady
        The traits in the same order, made comparable: logarithms of what is skewed, shares drawn towards everyone's as
        far as few orders tell little, each with mean 0 and deviation 1.
    """

    customers: pl.DataFrame
    plain: pl.DataFrame
    steady: np.ndarray


def customer_traits(
    ledger: Ledger,
    *,
    purpose: Sequence[str],
    category: Sequence[str],
    discount: str | None,
    as_of: Moment | None,
    n_threads: int | None,
) -> Traits:
    """Describe every customer for these purposes.

    Parameters
    ----------
    ledger
        The shop.
    purpose
        Of `PURPOSES`.
    category
        Attributes of items, for taste.
    discount
        The measure of discounts, for sale.
    as_of
        Orders at or after it are left out.
    n_threads
        How many threads to use; None for all.
    """
    base = rfm(ledger, as_of=as_of, n_threads=n_threads).select(
        "customer",
        "spend_total",
        pl.col("orders").cast(pl.Float64),
        (pl.col("spend_total") / pl.col("orders")).alias("order_value"),
        pl.col("recency_days").cast(pl.Float64),
        (pl.col("orders") / (pl.col("tenure_days").clip(lower_bound=30) / 365.25)).alias("order_rate"),
    )
    found = _Columns()
    if "rfm" in purpose:
        values = base.select(pl.exclude("customer", "spend_total")).to_numpy()
        found.add(base.columns[2:], values, np.log1p(np.maximum(values, 0)))
    lines = pl.DataFrame()
    if set(purpose) - {"rfm"}:
        lines = bought_lines(ledger, as_of=as_of).join(base.select("customer"), on="customer", how="semi")
    if "sale" in purpose:
        _sale(found, ledger, base, lines, discount)
    if "calendar" in purpose:
        orders = lines.unique("order", maintain_order=True)
        month, weekday = pl.col("day").dt.month(), pl.col("day").dt.weekday()
        found.add(["year_end_share"], *_share(base, _counted(orders, month >= 11)))
        found.add(["weekend_share"], *_share(base, _counted(orders, weekday >= 6)))
    if "taste" in purpose:
        for attribute in category:
            found.add(*_taste(ledger, base, lines, attribute))
    customers = base.drop("order_rate").insert_column(2, _margins(ledger, as_of, base))
    return Traits(customers, found.plain(), standard(np.column_stack(found.steady)))


class _Columns:
    """Traits as they are collected."""

    def __init__(self) -> None:
        self.values: dict[str, np.ndarray] = {}
        self.steady: list[np.ndarray] = []

    def add(self, names: Sequence[str], plain: np.ndarray, steady: np.ndarray) -> None:
        self.values.update(zip(names, plain.T, strict=True))
        self.steady.append(steady)

    def plain(self) -> pl.DataFrame:
        return pl.DataFrame(self.values, schema=dict.fromkeys(self.values, pl.Float64), nan_to_null=True)


def standard(values: np.ndarray) -> np.ndarray:
    """Give every column mean 0 and deviation 1; a constant one becomes 0.

    Parameters
    ----------
    values
        One row a customer.
    """
    if not len(values):
        return values
    deviation = values.std(axis=0)
    scaled: np.ndarray = (values - values.mean(axis=0)) / np.where(deviation > 1e-12, deviation, 1.0)
    return scaled


def concentration_of(counts: np.ndarray) -> float:
    """Tell how many observations everyone's shares are worth beside a customer's own.

    The concentration of a Dirichlet-multinomial law by the method of moments (Weir and Hill 2002): small where customers
    differ much, large where what differs is chance.

    Parameters
    ----------
    counts
        One row a customer, one column a kind.
    """
    counts = counts[counts.sum(axis=1) > 0]
    n, total = counts.sum(axis=1), counts.sum()
    if len(counts) < 2 or total <= len(counts):
        return 1.0
    shares, pooled = counts / n[:, None], counts.sum(axis=0) / total
    between = (n[:, None] * (shares - pooled) ** 2).sum() / (len(counts) - 1)
    within = (n[:, None] * shares * (1 - shares)).sum() / (total - len(counts))
    size = (total - (n**2).sum() / total) / (len(counts) - 1)
    spread = between + (size - 1) * within
    alike = (between - within) / spread if spread > 0 else 0.0
    return float(np.clip((1 - alike) / alike if alike > 1e-4 else 1e4, 0.1, 1e4))


def _shrunk(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    pooled = counts.sum(axis=0) / total if total else np.zeros(counts.shape[1])
    weight = concentration_of(counts)
    drawn: np.ndarray = (counts + weight * pooled) / (counts.sum(axis=1, keepdims=True) + weight)
    return drawn


def _share(base: pl.DataFrame, counted: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Turn ``hits`` of ``of`` into the plain share and the one drawn towards everyone's."""
    found = (
        base.select("customer").join(counted, on="customer", how="left", maintain_order="left").fill_null(0)
    )
    hits, of = found["hits"].to_numpy().astype(float), found["of"].to_numpy().astype(float)
    plain = np.divide(hits, of, out=np.full(len(of), np.nan), where=of > 0)
    return plain[:, None], _shrunk(np.column_stack([hits, of - hits]))[:, :1]


def _counted(rows: pl.DataFrame, hit: pl.Expr) -> pl.DataFrame:
    return rows.group_by("customer").agg(hits=hit.sum(), of=pl.len())


def _discounted(ledger: Ledger, lines: pl.DataFrame, discount: str | None) -> pl.DataFrame:
    orders = lines.group_by("customer", "order").agg(off=(depth(ledger, discount) > 0).any())
    return _counted(orders, pl.col("off"))


def _depths(ledger: Ledger, lines: pl.DataFrame, discount: str | None) -> pl.DataFrame:
    off = lines.with_columns(depth=depth(ledger, discount)).filter(pl.col("depth") > 0)
    # Whole millionths, so that no order of rows shows in the last digit of a mean.
    deep = (pl.col("depth") * 1e6).round().cast(pl.Int64)
    return off.group_by("customer").agg(depth=deep.sum() / (pl.len() * 1e6))


def _sale(
    found: _Columns, ledger: Ledger, base: pl.DataFrame, lines: pl.DataFrame, discount: str | None
) -> None:
    found.add(["discount_share"], *_share(base, _discounted(ledger, lines, discount)))
    deep = base.join(_depths(ledger, lines, discount), on="customer", how="left", maintain_order="left")
    usual = deep["depth"].mean()
    found.add(
        ["discount_depth"],
        deep.select("depth").to_numpy(),
        deep.select(pl.col("depth").fill_null(usual or 0.0)).to_numpy(),
    )
    if ledger.n_items:
        found.add(["new_share"], *_share(base, counted_new(lines)))


def counted_new(lines: pl.DataFrame) -> pl.DataFrame:
    """Count lines of new items, a customer at a time, among those of which it can be known.

    What was there from the beginning may be of any age, so the first `NEW_DAYS` of the data do not count.

    Parameters
    ----------
    lines
        Lines with ``customer``, ``item`` and ``day``.

    Returns
    -------
    DataFrame
        ``customer``, ``hits`` and ``of``.
    """
    days = pl.col("day") - pl.col("day").min()
    age = (pl.col("day") - pl.col("day").min().over("item")).dt.total_days()
    told = lines.select("customer", known=days.dt.total_days() >= NEW_DAYS, fresh=age < NEW_DAYS)
    return _counted(told.filter("known"), pl.col("fresh"))


def _taste(
    ledger: Ledger, base: pl.DataFrame, lines: pl.DataFrame, attribute: str
) -> tuple[list[str], np.ndarray, np.ndarray]:
    labelled = lines.join(item_attribute(ledger, attribute), on="item").drop_nulls("label")
    common = (
        labelled.group_by("label").agg(n=pl.len()).sort("n", "label", descending=[True, False]).head(LABELS)
    )
    labels = sorted(common["label"].to_list())
    counted = labelled.group_by("customer", "label").agg(n=pl.len())
    wide = base.select("customer").join(
        counted.pivot("label", index="customer", values="n", on_columns=labels),
        on="customer", how="left", maintain_order="left",
    )  # fmt: skip
    counts = wide.select(pl.exclude("customer").fill_null(0)).to_numpy().astype(float)
    n = counts.sum(axis=1, keepdims=True)
    plain = np.divide(counts, n, out=np.full(counts.shape, np.nan), where=n > 0)
    return [f"{attribute}: {label}" for label in labels], plain, _shrunk(counts)


def _margins(ledger: Ledger, as_of: Moment | None, base: pl.DataFrame) -> pl.Series:
    """Sum the margin of each customer, null throughout where the ledger knows none."""
    if "margin" not in ledger.core.measures:
        return pl.Series("margin", [None] * base.height, dtype=pl.Float64)
    before = pl.from_epoch(pl.lit(ledger.instant(as_of)), "us").dt.replace_time_zone("UTC")
    sums = (
        ledger.lines()
        .lazy()
        .filter(pl.col("customer").is_not_null(), pl.col("time") < before)
        .group_by("customer")
        .agg(margin=exact_sum("margin"))
        .collect()
    )
    return base.join(sums, on="customer", how="left", maintain_order="left")["margin"]


def checked_purpose(purpose: str | Sequence[str]) -> tuple[str, ...]:
    """Refuse what is no purpose.

    Parameters
    ----------
    purpose
        One of `PURPOSES` or several.
    """
    several = (purpose,) if isinstance(purpose, str) else tuple(purpose)
    for one in several:
        if one not in PURPOSES:
            raise ParameterError.unknown("purpose", one, PURPOSES)
    if not several:
        raise ParameterError.out_of_range("purpose", purpose, "at least one is needed, such as 'rfm'")
    return several
