"""A table of labelled rows, its split in time, and the proof that it does not know the future."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from basketry.customers.audit import Audit, audited
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment, local, zone_info

if TYPE_CHECKING:
    from basketry.customers.snapshots import Snapshot

KEYS = ("customer", "as_of")
OUTCOME = ("label", "label_value", "_label_min_ts")
_NOT_FEATURES = {*KEYS, *OUTCOME, "_feature_max_ts"}


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows for a model: what was known of a customer at an instant and, if asked for, what came of it.

    Parameters
    ----------
    snapshot
        What was asked.
    ledger
        The shop.
    table
        One row per customer and ``as_of``, sorted by ``as_of`` and ``customer``: both, ``_feature_max_ts`` (last order seen,
        before ``as_of``), the features, and with a label ``label`` (yes or no), ``label_value`` (money of what made it so)
        and ``_label_min_ts`` (the first such event, at or after ``as_of``; null without one).
    periods
        One row per ``as_of``: the bounds of its windows (null: from the beginning, or not asked for), ``known`` (customers
        with a purchase before) and where they are: ``outside_base``, ``still_active`` (not dormant) or in the ``population``;
        ``positives`` and ``base_rate``; ``new_customers`` (first purchase between ``as_of`` and the end of the label window:
        no model of the past can know them).
    """

    snapshot: Snapshot
    ledger: Ledger
    table: pl.DataFrame
    periods: pl.DataFrame

    @property
    def features(self) -> list[str]:
        """The columns that a model may see."""
        return [name for name in self.table.columns if name not in _NOT_FEATURES]

    def split(
        self, test: Moment | None = None, *, apart: bool = False, rng: int = 0
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Take one instant for the test, and for training those whose labels were known by then.

        Instants in between are purged: what they foretell reaches into the time of the test.

        Parameters
        ----------
        test
            The ``as_of`` of the test; None is the last.
        apart
            Put every customer on one side only, half of them on each. Fewer rows, and a test on strangers.
        rng
            The seed of who goes where.

        Returns
        -------
        tuple
            The rows for training and those for the test.
        """
        if "label" not in self.table.columns:
            raise SchemaError("there is no label to learn from: give the snapshot a label window.")
        cuts = self.periods["as_of"].dt.epoch("us").to_list()
        cut = cuts[-1] if test is None else self.ledger.instant(test, "test")
        if cut not in cuts:
            zone = zone_info(self.ledger.timezone)
            raise ParameterError.unknown("test", str(test), [f"{local(one, zone):%Y-%m-%d}" for one in cuts])
        at = pl.lit(cut).cast(pl.Datetime("us", "UTC"))
        early = self.periods.filter(pl.col("label_end") <= at)["as_of"]
        if early.is_empty():
            needed = self.periods.row(cuts.index(cut), named=True)
            days = (needed["label_end"] - needed["as_of"]).days
            raise ParameterError.out_of_range(
                "test", f"{needed['as_of']:%Y-%m-%d}",
                f"no as_of has its label window closed by then: add one that lies {days} days earlier or more",
            )  # fmt: skip
        train = self.table.filter(pl.col("as_of").is_in(early.implode()))
        tested = self.table.filter(pl.col("as_of") == at)
        if apart:
            side = _sides(self.table["customer"], rng)
            train = train.join(side.filter(~pl.col("test")), on="customer", how="semi", maintain_order="left")
            tested = tested.join(side.filter("test"), on="customer", how="semi", maintain_order="left")
        return train, tested

    def audit(self, *, n_threads: int | None = None) -> Audit:
        """Make all features again from a shop without a future, and from one with another future, and compare.

        Parameters
        ----------
        n_threads
            How many threads to use; None for all.

        Returns
        -------
        Audit
            What was compared and what differed. Its `check` raises if anything did.
        """
        return audited(self, n_threads)


def _sides(customers: pl.Series, rng: int) -> pl.DataFrame:
    import numpy as np

    names = customers.unique().sort()
    return pl.DataFrame({"customer": names, "test": np.random.default_rng(rng).random(len(names)) < 0.5})
