"""What each customer likes to buy, as features: bought lines by label of an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from basketry.customers.purchases import bought_lines, item_attribute
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment

_MOST = 24


@dataclass(frozen=True)
class Tastes:
    """Makes the features of taste for `Snapshot`: how many lines of each label were bought before an instant.

    Parameters
    ----------
    attribute
        The attribute of items.
    labels
        The labels that are counted. They are named, so that the columns are the same at every instant.

    Examples
    --------
    >>> import basketry as bk
    >>> from datetime import date
    >>> from basketry.customers.tastes import Tastes
    >>> shop = bk.simulate(customers=500, rng=7).ledger
    >>> tastes = Tastes.known(shop, "price_band", as_of=date(2023, 4, 1))
    >>> tastes(shop, date(2023, 4, 1)).columns
    ['customer', 'lines_of_mid', 'lines_of_low', 'lines_of_top']
    """

    attribute: str
    labels: tuple[str, ...]

    @classmethod
    def known(cls, ledger: Ledger, attribute: str, *, as_of: Moment, most: int = _MOST) -> Tastes:
        """Take the labels that were bought most often before an instant, which is that of the first training.

        Parameters
        ----------
        ledger
            The shop.
        attribute
            The attribute of items.
        as_of
            Lines at or after it are not looked at.
        most
            How many labels.
        """
        counts = _labelled(ledger, attribute, as_of).group_by("label").len()
        return cls(
            attribute, tuple(counts.sort("len", "label", descending=[True, False])["label"].head(most))
        )

    def __call__(self, ledger: Ledger, as_of: datetime) -> pl.DataFrame:
        """Count: ``customer``, ``lines_of_<label>`` for each label."""
        label = pl.col("label")
        counts = {f"lines_of_{name}": (label == name).sum().cast(pl.Int64) for name in self.labels}
        return (
            _labelled(ledger, self.attribute, as_of).group_by("customer").agg(**counts).drop_nulls("customer")
        )


def _labelled(ledger: Ledger, attribute: str, as_of: Moment) -> pl.DataFrame:
    lines = bought_lines(ledger, as_of=as_of)
    return lines.join(item_attribute(ledger, attribute), on="item", how="left").drop_nulls("label")
