"""People who resemble a seed: scores of a pool, how far one can reach at which similarity, and seeds that learn by rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from basketry.arguments import seed as checked_seed
from basketry.arguments import whole
from basketry.exceptions import SchemaError
from basketry.models.logistic import Floats
from basketry.models.seeds import Seed

FOLDS = 5
"""Nobody is scored by a model that has seen him."""
LEAST_SEED = 20
REACHES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, eq=False)
class Lookalike:
    """A pool by its likeness to a seed.

    Parameters
    ----------
    scores
        One row per person of the pool who is not in the seed, most alike first: ``id``, ``score`` (the odds that a model gives
        him of being of the seed rather than of the pool, as a logarithm: a rank, no probability of buying), ``similarity``
        (the share of the seed that looks less like the seed than he), ``percentile`` (100 is the most alike), ``rank``.
    reach
        One row per ``share`` of the pool taken from the top: ``people``, ``similarity`` (mean) and ``least_similarity`` (of
        the last one taken).
    seed
        Of whom they are alike.
    excluded
        How many of the pool are of the seed and were left out.
    traits
        One row a feature, the most telling first: ``feature``, ``weight`` (change of the logarithm of the odds by one standard
        deviation).
    """

    scores: pl.DataFrame
    reach: pl.DataFrame
    seed: Seed
    excluded: int
    traits: pl.DataFrame

    def take(self, size: int) -> pl.DataFrame:
        """Take the most alike.

        Parameters
        ----------
        size
            How many.
        """
        return self.scores.head(whole("size", size, 1))


def lookalike(
    seed: Seed | Iterable[object],
    pool: pl.DataFrame,
    *,
    known: pl.DataFrame | None = None,
    key: str = "id",
    features: Sequence[str] | None = None,
    rng: int | np.random.Generator = 0,
) -> Lookalike:
    """Score a pool of people by how much they resemble a seed.

    Parameters
    ----------
    seed
        A `Seed`, or ids.
    pool
        One row a person: an id and what is known of each, such as visits, views and traits. Whoever is in the seed is left
        out of the answer.
    known
        The same columns for the members of the seed, with ``customer`` or ``key`` as id. None takes them from ``pool``.
    key
        The column of ids.
    features
        The columns to compare by. None takes all that both tables have.
    rng
        The seed of who goes into which fold.

    Returns
    -------
    Lookalike
        Scores and the curve of reach against similarity.

    Raises
    ------
    SchemaError
        If a column is missing or its type does not fit, an id stands twice, or fewer than 20 of the seed are known.

    Notes
    -----
    A ridge logistic regression of seed against pool. That the pool holds people like the seed makes the odds too small and
    leaves their order (Elkan and Noto 2008). Pool and seed are dealt into five parts, and each part is scored by a model of
    the four others. Counts enter by their logarithm and by their share of all counts of the person; texts by label; what is
    missing as the mean, with a column that tells so.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=2_000, parts=["prospects"])
    >>> people = shop.truth["segments"].filter(pl.col("segment") == "fashion_new")["customer"]
    >>> alike = bk.lookalike(people, shop.tables["prospects"], known=shop.tables["behaviour"])
    >>> best = alike.take(40).join(shop.truth["prospects"], left_on="id", right_on="prospect")
    >>> (best["segment"] == "fashion_new").mean() > 0.8
    True
    """
    chosen = seed if isinstance(seed, Seed) else Seed.own(seed)
    _check_key(pool, key, "pool")
    ids = chosen.members["customer"].cast(pool.schema[key])
    in_seed = pl.col(key).is_in(ids.implode())
    source, own_key = (pool, key) if known is None else (known, key if key in known.columns else "customer")
    _check_key(source, own_key, "known")
    members = source.filter(pl.col(own_key).cast(pool.schema[key]).is_in(ids.implode())).sort(own_key)
    if members.height < LEAST_SEED:
        raise SchemaError(
            f"something is known of {members.height:,} of {len(chosen):,} people of the seed; at least {LEAST_SEED} are "
            "needed to tell what they have in common."
        )
    others = pool.filter(~in_seed)
    if not others.height:
        raise SchemaError("everybody in the pool is in the seed; there is nobody to be found.")
    columns = _features(members, others, features, {key, own_key})
    design, names = _design(members.select(columns), others.select(columns))
    inside = np.arange(len(design)) < members.height
    scores, weights = _scored(design, inside, checked_seed(rng))
    return _answer(others[key], scores, inside, chosen, pool.height - others.height, names, weights)


def _check_key(frame: pl.DataFrame, key: str, role: str) -> None:
    if key not in frame.columns:
        raise SchemaError.unknown_column(key, role, frame.columns)
    column = frame[key]
    if column.null_count() or column.is_duplicated().any():
        raise SchemaError(
            f"column {key!r} of {role} must hold each id once: some are missing or stand there twice."
        )


def _features(
    members: pl.DataFrame, others: pl.DataFrame, asked: Sequence[str] | None, keys: set[str]
) -> list[str]:
    if asked is None:
        columns = [name for name in others.columns if name in members.columns and name not in keys]
    else:
        columns = list(asked)
    for name in columns:
        for frame, role in ((others, "pool"), (members, "known")):
            if name not in frame.columns:
                raise SchemaError.unknown_column(name, role, frame.columns)
    usable = (pl.Boolean, pl.String, pl.Categorical, pl.Enum)
    for name in columns:
        if not (others.schema[name].is_numeric() or others.schema[name] in usable):
            raise SchemaError(
                f"column {name!r} holds {others.schema[name]}; numbers, yes and no, or texts can be compared."
            )
    if not columns:
        raise SchemaError("pool and known have no column in common to compare people by.")
    return columns


def _design(members: pl.DataFrame, others: pl.DataFrame) -> tuple[Floats, list[str]]:
    """Make standardised columns of members and, below them, of the others."""
    made: list[tuple[str, Floats]] = []
    counts: list[tuple[str, Floats]] = []
    for name in others.columns:
        both = [frame[name] for frame in (members, others)]
        if both[1].dtype in (pl.String, pl.Categorical, pl.Enum):
            labels = pl.concat([column.cast(pl.String) for column in both])
            made += [(f"{name}: {one}", (labels == one).fill_null(value=False).to_numpy().astype(np.float64))
                     for one in labels.drop_nulls().unique().sort()]  # fmt: skip
            continue
        numbers = pl.concat([column.cast(pl.Float64) for column in both]).fill_nan(None)
        if numbers.null_count():
            made.append((f"{name}: missing", numbers.is_null().to_numpy().astype(np.float64)))
            numbers = numbers.fill_null(numbers.mean() or 0.0)
        values = numbers.to_numpy()
        made.append((name, np.arcsinh(values)))
        if both[1].dtype.is_integer() and values.min() >= 0:
            counts.append((name, values))
    if len(counts) > 1:
        total = np.maximum(sum(values for _, values in counts), 1.0)
        made += [(f"{name}: share", values / total) for name, values in counts]
    table = np.column_stack([values for _, values in made])
    spread = table.std(axis=0)
    varies = spread > 1e-12
    return (table[:, varies] - table[:, varies].mean(axis=0)) / spread[varies], [
        name for (name, _), keep in zip(made, varies, strict=True) if keep
    ]


def _scored(design: Floats, inside: np.ndarray, seed: int) -> tuple[Floats, Floats]:
    """Score everybody by models that have not seen him; also the mean weights of these models."""
    generator = np.random.default_rng(seed)
    fold = np.empty(len(inside), dtype=np.int64)
    for side in (inside, ~inside):
        fold[side] = generator.permutation(np.arange(side.sum()) % FOLDS)
    scores = np.empty(len(inside))
    weights = np.zeros(design.shape[1])
    for part in range(FOLDS):
        rest = fold != part
        model = LogisticRegression(C=0.05, max_iter=500, class_weight="balanced")
        model.fit(design[rest], inside[rest])
        scores[~rest] = model.decision_function(design[~rest])
        weights += model.coef_[0] / FOLDS
    return scores, weights


def _answer(
    ids: pl.Series,
    scores: Floats,
    inside: np.ndarray,
    seed: Seed,
    excluded: int,
    names: list[str],
    weights: Floats,
) -> Lookalike:
    own = np.sort(scores[inside])
    rest = scores[~inside]
    table = (
        pl.DataFrame({"id": ids, "score": rest, "similarity": np.searchsorted(own, rest) / len(own)})
        .sort("score", "id", descending=[True, False])
        .with_columns(
            percentile=100 * (1 - pl.int_range(pl.len()) / pl.len()), rank=pl.int_range(1, pl.len() + 1)
        )
    )
    people = [max(1, round(share * table.height)) for share in REACHES]
    similar = table["similarity"].to_numpy()
    reach = pl.DataFrame(
        {
            "share": list(REACHES),
            "people": people,
            "similarity": [float(similar[:n].mean()) for n in people],
            "least_similarity": [float(similar[n - 1]) for n in people],
        }
    )
    order = np.argsort(-np.abs(weights), kind="stable")
    traits = pl.DataFrame({"feature": [names[at] for at in order], "weight": weights[order]})
    return Lookalike(table, reach, seed, excluded, traits)
