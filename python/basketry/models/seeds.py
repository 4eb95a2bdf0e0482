"""Whom a look-alike audience is to look like: prepared audiences, a list of one's own, the most valuable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from basketry.arguments import seed as checked_seed
from basketry.arguments import whole
from basketry.customers import rfm
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

KEY = "customer"
CANNED = {
    "recent": ("recency_days", "bought last"),
    "frequent": ("orders", "bought most often"),
    "high_spend": ("spend_total", "spent most"),
}
"""Prepared audiences by rank; beside them each quadrant and each named segment of RFM is one."""


@dataclass(frozen=True, eq=False)
class Seed:
    """The people to find more of.

    Parameters
    ----------
    members
        One row each: ``customer`` and ``value`` (null where it is not known), most valuable first.
    strategy
        ``canned``, ``own`` or ``smart``.
    reason
        Why these, in words.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2_000)
    >>> len(bk.Seed.canned(shop.ledger, "big fish", size=20))
    20
    >>> bk.Seed.own([3, 1, 3]).members["customer"].to_list()
    [1, 3]
    """

    members: pl.DataFrame
    strategy: str
    reason: str

    @classmethod
    def canned(
        cls, ledger: Ledger, audience: str, *, size: int | None = None, as_of: Moment | None = None
    ) -> Seed:
        """Take a prepared audience.

        Parameters
        ----------
        ledger
            The shop.
        audience
            ``recent``, ``frequent`` or ``high_spend``; a quadrant such as ``big fish``; a named segment of `rfm`.
        size
            At most so many, those who spent most (for the first three: the first by rank). None takes 400 by rank, or all.
        as_of
            Orders at or after it are left out; None is the end of the data.
        """
        table = rfm(ledger, as_of=as_of)
        most = whole("size", size, 1) if size is not None else None
        if audience in CANNED:
            column, words = CANNED[audience]
            falling = audience != "recent"
            ranked = table.sort(column, KEY, descending=[falling, False])
            chosen, reason = ranked.head(most or 400), f"{words} of {table.height:,} customers"
        else:
            named = {name: column for column in ("quadrant", "segment") for name in _labels(table[column])}
            if audience not in named:
                raise ParameterError.unknown("audience", audience, [*CANNED, *named])
            group = table.filter(pl.col(named[audience]).cast(pl.String) == audience)
            ranked = group.sort("spend_total", KEY, descending=[True, False])
            chosen = ranked if most is None else ranked.head(most)
            reason = f"of {group.height:,} customers of the audience {audience}, those who spent most"
        members = chosen.select(KEY, value=pl.col("spend_total").cast(pl.Float64))
        return cls(_ordered(members), "canned", f"{members.height:,} {reason}")

    @classmethod
    def own(cls, customers: Iterable[object] | pl.Series, *, reason: str = "a list of one's own") -> Seed:
        """Take a list of ids; ids that stand twice count once.

        Parameters
        ----------
        customers
            The ids.
        reason
            Why these, in words.
        """
        ids = pl.Series(KEY, customers).drop_nulls().unique()
        if not len(ids):
            raise ParameterError.out_of_range("customers", "nobody", "a seed needs people")
        members = pl.DataFrame({KEY: ids}).with_columns(value=pl.lit(None, pl.Float64))
        return cls(_ordered(members), "own", reason)

    @classmethod
    def smart(cls, values: pl.DataFrame, *, size: int = 400, column: str = "value") -> Seed:
        """Take those of the highest predicted value.

        Parameters
        ----------
        values
            ``customer`` and a prediction of what each will be worth, in money.
        size
            How many.
        column
            The column of the prediction.
        """
        for needed in (KEY, column):
            if needed not in values.columns:
                raise SchemaError.unknown_column(needed, "values", values.columns)
        size = whole("size", size, 1)
        known = values.select(KEY, value=pl.col(column).cast(pl.Float64).fill_nan(None)).drop_nulls()
        members = _ordered(known).head(size)
        if not members.height:
            raise SchemaError(f"no customer has a prediction in column {column!r}.")
        reason = f"the {members.height:,} of highest predicted {column} among {known.height:,} customers"
        return cls(members, "smart", reason)

    @classmethod
    def random(cls, customers: pl.Series, *, size: int = 400, rng: int = 0) -> Seed:
        """Take buyers by lot: what a seed by strategy is to be measured against.

        Parameters
        ----------
        customers
            The ids.
        size
            How many.
        rng
            The seed of the lot.
        """
        ids = customers.rename(KEY).drop_nulls().unique().sort()
        drawn = ids.sample(min(whole("size", size, 1), len(ids)), seed=checked_seed(rng), shuffle=True)
        return cls.own(drawn, reason=f"{len(drawn):,} of {len(ids):,} customers by lot")

    def __len__(self) -> int:
        return self.members.height


def _labels(column: pl.Series) -> list[str]:
    return [str(label) for label in column.cast(pl.String).drop_nulls().unique().sort()]


def _ordered(members: pl.DataFrame) -> pl.DataFrame:
    return members.sort("value", KEY, descending=[True, False], nulls_last=True)
