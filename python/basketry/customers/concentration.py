"""How unevenly money is spread: the Pareto curve, the share of the top few, the Gini index."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from basketry.customers.purchases import bought_lines, item_groups, needed
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment
from basketry.money import UNIT

TOPS = (1, 5, 10, 20, 50)
"""Top per cent whose share is told."""


@dataclass(frozen=True, eq=False)
class Concentration:
    """How money is spread over customers or products.

    Parameters
    ----------
    table
        One row each, the one of most money first: ``customer`` or ``item``, ``rank``, ``spend_total``, ``share``,
        ``cumulative`` (share of it and all before).
    tops
        One row a top: ``top_percent``, ``many`` (how many that are, rounded up), ``spend_total``, ``share``.
    gini
        0 if all have the same, near 1 if one has everything; null without money.
    """

    table: pl.DataFrame
    tops: pl.DataFrame
    gini: float | None

    def curve(self, points: int = 100) -> pl.DataFrame:
        """Thin the curve out to at most so many points: ``many_share`` (of customers or products), ``share`` (of money).

        Parameters
        ----------
        points
            How many, beside the origin.
        """
        n = self.table.height
        ranks = sorted({max(1, round(n * at / points)) for at in range(1, points + 1)}) if n else []
        kept = self.table.filter(pl.col("rank").is_in(ranks))
        origin = pl.DataFrame({"many_share": [0.0], "share": [0.0]})
        return pl.concat([origin, kept.select(many_share=pl.col("rank") / n, share="cumulative")])


def concentration(
    ledger: Ledger, *, of: str = "customer", item: str | None = None, as_of: Moment | None = None
) -> Concentration:
    """Tell how much of the money the top customers, or the best-selling products, bring.

    Parameters
    ----------
    ledger
        The shop.
    of
        ``customer`` or ``item``.
    item
        An attribute of items whose labels are the products.
    as_of
        Orders at or after it are left out; None is the end of the data.

    Returns
    -------
    Concentration
        What was bought, returns left out, so that nobody has less than nothing. Orders without a customer do not count
        among customers.

    Raises
    ------
    ParameterError
        If ``of`` is neither.
    SchemaError
        If the ledger has no money, or no items where they are needed.

    Notes
    -----
    Sums are whole ten-thousandths and shares one division of them, so nothing depends on the order of rows.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "cid", "ann"], "order": [1, 2, 3, 4],
    ...     "time": [date(2024, 1, 1)] * 4, "amount": [2.0, 1.0, 1.0, 4.0]})
    >>> answer = bk.concentration(bk.read_ledger(lines, timezone="UTC"))
    >>> answer.tops.row(3), round(answer.gini, 4)
    ((20, 1, 6.0, 0.75), 0.4167)
    """
    ledger = needed(ledger)
    if of not in ("customer", "item"):
        raise ParameterError.unknown("of", of, ("customer", "item"))
    if "amount" not in ledger.core.measures:
        raise SchemaError("the ledger holds no money: map a column to 'amount' when it is read.")
    lines = bought_lines(ledger, as_of=as_of)
    if of not in lines.columns:
        raise SchemaError(f"the ledger holds no {of}s: map a column to '{of}' when it is read.")
    if of == "item" and item is not None:
        named = item_groups(ledger, item)
        lines = lines.join(named, on="item").drop("item").rename({"group": "item"})
    whole = (pl.col("amount") * UNIT).round().cast(pl.Int64)
    sums = lines.drop_nulls(of).group_by(of).agg(whole=whole.sum()).filter(pl.col("whole") >= 0)
    sums = sums.sort("whole", of, descending=[True, False])
    total = int(sums["whole"].sum())
    share = pl.col("whole") / max(total, 1)
    table = sums.select(
        of,
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("rank"),
        (pl.col("whole") / UNIT).alias("spend_total"),
        share.alias("share"),
        (pl.col("whole").cum_sum() / max(total, 1)).alias("cumulative"),
    )
    n = table.height
    rows = []
    for top in TOPS:
        many = -(-n * top // 100)
        money = int(sums["whole"].head(many).sum())
        rows.append((top, many, money / UNIT, money / max(total, 1)))
    schema = {"top_percent": pl.Int64, "many": pl.Int64, "spend_total": pl.Float64, "share": pl.Float64}
    return Concentration(table, pl.DataFrame(rows, schema=schema, orient="row"), _gini(sums["whole"], total))


def _gini(falling: pl.Series, total: int) -> float | None:
    """Compute the Gini index of sums that fall, as one fraction of whole numbers."""
    n = len(falling)
    if not total:
        return None
    weighted = sum(
        value * weight for value, weight in zip(falling.to_list(), range(n - 1, -n, -2), strict=True)
    )
    return float(Fraction(weighted, n * total))
