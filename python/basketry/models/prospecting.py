"""A campaign that learns while it runs: score, write to the best, hear who responded, score again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from basketry.arguments import seed as checked_seed
from basketry.arguments import whole
from basketry.exceptions import ParameterError, SchemaError
from basketry.models.lookalike import Lookalike, lookalike
from basketry.models.seeds import Seed

LOG = {
    "round": pl.Int64,
    "seed_size": pl.Int64,
    "pool": pl.Int64,
    "contacted": pl.Int64,
    "responded": pl.Int64,
    "response_rate": pl.Float64,
    "similarity": pl.Float64,
    "least_similarity": pl.Float64,
}


class Prospecting:
    """Rounds of look-alike audiences whose seed grows by those who responded.

    Parameters
    ----------
    seed
        Whom to resemble in the first round.
    pool
        One row a person, as for `lookalike`.
    known
        What is known of the seed, as for `lookalike`.
    key
        The column of ids in ``pool``.
    rng
        The seed of all chance: the same calls give the same rounds.

    Attributes
    ----------
    latest
        The `Lookalike` of the newest round: all of the pool that is not in the seed by then.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2_000, parts=["prospects"])
    >>> truth = shop.truth["prospects"]
    >>> people = shop.truth["segments"].filter(pl.col("segment") == "fashion_new")["customer"]
    >>> rounds = bk.Prospecting(bk.Seed.own(people.head(60)), shop.tables["prospects"], known=shop.tables["behaviour"])
    >>> buyers = truth.filter(pl.col("segment") == "fashion_new", "buyer")["prospect"]
    >>> for _ in range(2):
    ...     contacted = rounds.next_round(50)
    ...     _ = rounds.feed(contacted.filter(pl.col("id").is_in(buyers.implode()))["id"])
    >>> rounds.log["round"].to_list(), rounds.log["seed_size"][1] == 60 + rounds.log["responded"][0]
    ([1, 2], True)
    """

    latest: Lookalike | None

    def __init__(
        self,
        seed: Seed,
        pool: pl.DataFrame,
        *,
        known: pl.DataFrame,
        key: str = "id",
        rng: int | np.random.Generator = 0,
    ) -> None:
        self._seed, self._pool, self._key = seed, pool, key
        own = key if key in known.columns else "customer"
        if own not in known.columns:
            raise SchemaError.unknown_column(own, "known", known.columns)
        self._known = known.rename({own: key}).with_columns(pl.col(key).cast(pool.schema[key]))
        self._rng = checked_seed(rng)
        self._done: list[Any] = []
        self._open: pl.DataFrame | None = None
        self._rows: list[dict[str, Any]] = []
        self.latest = None

    @property
    def seed(self) -> Seed:
        """The seed by now."""
        return self._seed

    @property
    def log(self) -> pl.DataFrame:
        """One row a round.

        ``round``, ``seed_size``, ``pool`` (people scored), ``contacted``, ``responded`` and ``response_rate`` (both null
        until heard), ``similarity`` (mean) and ``least_similarity`` of those contacted.
        """
        return pl.DataFrame(self._rows, schema=LOG)

    def next_round(self, size: int) -> pl.DataFrame:
        """Score the pool and take the most alike of those who were not contacted yet.

        Parameters
        ----------
        size
            How many.

        Returns
        -------
        DataFrame
            As `Lookalike.scores`, with ``round``.
        """
        if self._open is not None:
            raise ParameterError.out_of_range(
                "size", size, "the last round is open: call feed with those who responded first"
            )
        self.latest = lookalike(self._seed, self._pool, known=self._known, key=self._key, rng=self._rng)
        done = pl.Series(self._done, dtype=self._pool.schema[self._key])
        number = len(self._rows) + 1
        left = self.latest.scores.filter(~pl.col("id").is_in(done.implode()))
        taken = left.head(whole("size", size, 1)).with_columns(round=pl.lit(number, pl.Int64))
        self._open = taken
        self._done += taken["id"].to_list()
        self._rows.append(
            {
                "round": number,
                "seed_size": len(self._seed),
                "pool": self.latest.scores.height,
                "contacted": taken.height,
                "similarity": taken["similarity"].mean(),
                "least_similarity": taken["similarity"].min(),
            }
        )
        return taken

    def feed(self, responders: Iterable[object] | pl.Series) -> Seed:
        """Tell who of the last round responded; they join the seed.

        Parameters
        ----------
        responders
            Their ids, all of the last round.
        """
        if self._open is None:
            raise ParameterError.out_of_range("responders", "ids", "no round is open: call next_round first")
        contacted = self._open["id"]
        ids = pl.Series(self._key, responders, dtype=contacted.dtype).unique().sort()
        strangers = ids.filter(~ids.is_in(contacted.implode()))
        if len(strangers):
            raise ParameterError.out_of_range(
                "responders",
                strangers[0],
                f"{len(strangers):,} of {len(ids):,} were not contacted in this round",
            )
        self._open = None
        self._rows[-1] |= {"responded": len(ids), "response_rate": len(ids) / max(len(contacted), 1)}
        if len(ids):
            new = ids.filter(~ids.is_in(self._known[self._key].implode()))
            rows = self._pool.filter(pl.col(self._key).is_in(new.implode()))
            shared = [name for name in self._known.columns if name in rows.columns]
            self._known = pl.concat([self._known.select(shared), rows.select(shared)], how="vertical_relaxed")
            own = self._seed.members["customer"].cast(contacted.dtype)
            reason = f"{self._seed.reason.split(', and ')[0]}, and those who responded in rounds 1 to {len(self._rows)}"
            members = pl.concat(
                [
                    self._seed.members.with_columns(customer=own),
                    pl.DataFrame({"customer": ids}).with_columns(value=pl.lit(None, pl.Float64)),
                ]
            )
            self._seed = Seed(members, self._seed.strategy, reason)
        return self._seed
