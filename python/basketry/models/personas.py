"""What sets a group of customers apart: odds ratios with all else held equal, and what is left after many tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from basketry.arguments import share, whole
from basketry.exceptions import ParameterError, SchemaError
from basketry.models.logistic import Floats, fit, independent

KEY = "customer"
BANDS = 10
"""Numbers that are held equal enter by as many bands of equal size, so that no shape of their effect is assumed."""
UNKNOWN = "unknown"
SCHEMA = {
    "trait": pl.String,
    "level": pl.String,
    "label": pl.String,
    "customers": pl.Int64,
    "target_share": pl.Float64,
    "other_share": pl.Float64,
    "times_as_likely": pl.Float64,
    "odds_ratio_crude": pl.Float64,
    "odds_ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "verdict": pl.String,
    "sentence": pl.String,
}


@dataclass(frozen=True)
class _Trait:
    """Something that one has or has not."""

    name: str
    level: str | None
    label: str
    held: np.ndarray


def personas(
    target: str | pl.Series | pl.DataFrame | Iterable[object],
    base: pl.DataFrame,
    *,
    traits: Sequence[str] | None = None,
    adjust: Sequence[str] = (),
    name: str = "the group",
    q: float = 0.05,
    level: float = 0.95,
    min_count: int = 10,
) -> pl.DataFrame:
    """Compare a group of customers with all others, trait by trait, with everything else held equal.

    Parameters
    ----------
    target
        Who is in the group: a column of yes and no in ``base``, or ids of customers that are in ``base``.
    base
        One row a customer: ``customer`` and the traits. Columns of yes and no are traits as they are; each label of a text
        or categorical column is a trait; a number is cut above its median.
    traits
        The columns to compare by. None takes all that are not named otherwise.
    adjust
        Columns to hold equal that are no traits themselves, such as the number of orders: who buys much does everything more
        often. Numbers enter by ten bands and their logarithm, texts by label.
    name
        What the group is called in sentences, such as ``"buyers of tea"``.
    q
        The share of false discoveries that is allowed among what is called a difference.
    level
        The coverage of the intervals.
    min_count
        A trait is tested if at least so many customers have it and as many have not, and if it is seen in the group.

    Returns
    -------
    DataFrame
        One row a trait, the surest differences first: ``trait`` (the column), ``level`` (the label, null for yes and no),
        ``label``, ``customers`` (who have it), ``target_share`` and ``other_share`` (how many of the group and of the others
        have it), ``times_as_likely`` (their quotient), ``odds_ratio_crude`` (as it looks), ``odds_ratio`` with its interval
        ``low`` to ``high`` (all other traits and what is held equal being the same), ``p_value``, ``q_value`` (Benjamini and
        Hochberg 1995, over all that were tested), ``verdict`` (``more``, ``less``, ``no difference``, or why it was not
        tested: ``too few``, ``same as others``) and ``sentence``.

    Raises
    ------
    SchemaError
        If a column is missing, ``customer`` is not unique, or the base does not hold all of the group.
    ParameterError
        If nobody or everybody is in the group.

    Notes
    -----
    One logistic regression of the group on all traits (`logistic.fit`), and for each column of labels one per label, so that
    a label is compared with all others and not with an arbitrary one. What is missing counts as not having the trait, and
    that it is missing is held equal.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=4_000, parts=["personas"])
    >>> found = bk.personas("target", shop.tables["personas"], adjust=["orders"], name="buyers")
    >>> found["trait"].head(3).sort().to_list()
    ['bought_earlier', 'bought_own', 'mobile']
    """
    quantile = float(ndtri(0.5 + float(share("level", level)) / 2))
    limit = float(share("q", q))
    least = whole("min_count", min_count, 1)
    hits, target_column = _members(target, base)
    for asked in (*(traits or ()), *adjust):
        if asked not in base.columns:
            raise SchemaError.unknown_column(asked, "traits", base.columns)
    outside = {KEY, target_column, *adjust}
    columns = [one for one in base.columns if one not in outside] if traits is None else list(traits)
    found, missing = _traits(base, columns)
    testable = [_enough(one.held, hits, least) for one in found]
    held_equal = [*_held_equal(base, adjust), *missing]
    usable = [one for one, enough in zip(found, testable, strict=True) if enough]
    results = _ratios(usable, held_equal, hits)
    rows, at = [], 0
    for one, enough in zip(found, testable, strict=True):
        estimate = results[at] if enough else None
        at += enough
        rows.append(_row(one, hits, estimate, quantile, tested=enough))
    table = pl.DataFrame(rows, schema={key: SCHEMA[key] for key in rows[0]} if rows else SCHEMA)
    return _told(table, name, limit, level) if rows else table


def _members(
    target: str | pl.Series | pl.DataFrame | Iterable[object], base: pl.DataFrame
) -> tuple[np.ndarray, str]:
    """Tell for every row of the base whether it is in the group."""
    if KEY not in base.columns:
        raise SchemaError.unknown_column(KEY, KEY, base.columns)
    twice = base[KEY].is_duplicated().sum()
    if twice:
        raise SchemaError(
            f"base has {twice:,} rows of customers that stand there more than once; one row each is needed."
        )
    column = ""
    if isinstance(target, str):
        if target not in base.columns:
            raise SchemaError.unknown_column(target, "target", base.columns)
        if base.schema[target] != pl.Boolean or base[target].null_count():
            raise SchemaError(
                f"column {target!r} is to tell who is in the group: yes or no in every row are needed."
            )
        column, hits = target, base[target].to_numpy()
    else:
        if isinstance(target, pl.DataFrame):
            if KEY not in target.columns:
                raise SchemaError.unknown_column(KEY, "target", target.columns)
            target = target[KEY]
        ids = pl.Series(KEY, target).cast(base.schema[KEY]).unique()
        strangers = ids.filter(~ids.is_in(base[KEY].implode()))
        if len(strangers):
            raise SchemaError(
                f"{len(strangers):,} of {len(ids):,} customers of the group are not in base, such as {strangers[0]!r}: "
                "add them, or leave them out of the group."
            )
        hits = base[KEY].is_in(ids.implode()).to_numpy()
    if not 0 < hits.sum() < len(hits):
        raise ParameterError.out_of_range(
            "target",
            f"{int(hits.sum()):,} of {len(hits):,} customers",
            "somebody has to be in it and somebody not",
        )
    return hits, column


def _traits(base: pl.DataFrame, columns: Sequence[str]) -> tuple[list[_Trait], list[Floats]]:
    """Make what one has or has not, and beside it columns that tell what is not known."""
    traits: list[_Trait] = []
    missing: list[Floats] = []
    for name in columns:
        column = base[name]
        if column.null_count():
            missing.append(column.is_null().cast(pl.Float64).to_numpy())
        words = name.replace("_", " ")
        if column.dtype == pl.Boolean:
            traits.append(_Trait(name, None, words, column.fill_null(value=False).to_numpy()))
        elif column.dtype.is_numeric():
            numbers = column.cast(pl.Float64)
            if numbers.is_nan().any():
                raise SchemaError(
                    f"column {name!r} holds {numbers.is_nan().sum():,} values that are not numbers (NaN)."
                )
            middle = _middle(numbers)
            held = (numbers > middle).fill_null(value=False).to_numpy()
            traits.append(_Trait(name, None, f"{words} above {middle:g}", held))
        elif column.dtype in (pl.String, pl.Categorical, pl.Enum):
            labels = column.cast(pl.String)
            for one in labels.drop_nulls().unique().sort():
                held = (labels == one).fill_null(value=False).to_numpy()
                traits.append(_Trait(name, one, f"{words}: {one}", held))
        else:
            raise SchemaError(
                f"column {name!r} holds {column.dtype}; yes and no, numbers or texts can be traits."
            )
    return traits, missing


def _middle(numbers: pl.Series) -> float:
    """Find the median of what is known; 0 where nothing is."""
    known = numbers.drop_nulls().to_numpy()
    return float(np.median(known)) if len(known) else 0.0


def _held_equal(base: pl.DataFrame, adjust: Sequence[str]) -> list[Floats]:
    columns: list[Floats] = []
    for name in adjust:
        column = base[name]
        if column.dtype.is_numeric():
            numbers = column.cast(pl.Float64).fill_nan(None)
            if numbers.null_count():
                columns.append(numbers.is_null().cast(pl.Float64).to_numpy())
            known = numbers.fill_null(_middle(numbers)).to_numpy()
            edges = np.unique(np.quantile(known, np.arange(1, BANDS) / BANDS))
            columns += [(known > edge).astype(np.float64) for edge in edges]
            columns.append(np.arcsinh(known))
        else:
            labels = column.cast(pl.String).fill_null(UNKNOWN)
            columns += [(labels == one).cast(pl.Float64).to_numpy() for one in labels.unique().sort()]
    return columns


def _enough(held: np.ndarray, hits: np.ndarray, least: int) -> bool:
    return bool(min(held.sum(), (~held).sum()) >= least and held[hits].any() and not held[hits].all())


def _ratios(
    traits: list[_Trait], held_equal: list[Floats], hits: np.ndarray
) -> list[tuple[float, float] | None]:
    """Estimate each trait's logarithm of the odds ratio and its error; None where the others tell all of it."""
    results: list[tuple[float, float] | None] = [None] * len(traits)
    names = [one.name for one in traits]
    plain = [at for at, one in enumerate(traits) if one.level is None]
    # Each label once against all others of its column; the plain traits of yes and no share one regression.
    for tested in [plain, *([at] for at, one in enumerate(traits) if one.level is not None)]:
        if not tested:
            continue
        own = {names[at] for at in tested if traits[at].level is not None}
        others = [at for at in range(len(traits)) if at not in tested and names[at] not in own]
        order = [*others, *tested]
        design = np.column_stack([*held_equal, *(traits[at].held.astype(np.float64) for at in order)])
        kept = independent(design)
        estimate = fit(design[:, kept], hits)
        place = np.cumsum(kept)
        start = len(held_equal) + len(others)
        for step, at in enumerate(tested):
            if kept[start + step]:
                where = place[start + step]
                results[at] = float(estimate.coefficients[where]), float(estimate.errors[where])
    return results


def _row(
    one: _Trait, hits: np.ndarray, estimate: tuple[float, float] | None, quantile: float, *, tested: bool
) -> dict[str, object]:
    held = one.held
    inside, outside = float(held[hits].mean()), float(held[~hits].mean())
    table = [[np.sum(held & hits), np.sum(held & ~hits)], [np.sum(~held & hits), np.sum(~held & ~hits)]]
    (a, b), (c, d) = np.asarray(table, dtype=np.float64) + 0.5
    row: dict[str, object] = {
        "trait": one.name,
        "level": one.level,
        "label": one.label,
        "customers": int(held.sum()),
        "target_share": inside,
        "other_share": outside,
        "times_as_likely": inside / outside if outside else None,
        "odds_ratio_crude": float(a * d / (b * c)),
    }
    if estimate is None:
        blank = dict.fromkeys(("odds_ratio", "low", "high", "p_value"))
        return row | blank | {"verdict": "same as others" if tested else "too few"}
    logarithm, error = estimate
    return row | {
        "odds_ratio": float(np.exp(logarithm)),
        "low": float(np.exp(logarithm - quantile * error)),
        "high": float(np.exp(logarithm + quantile * error)),
        "p_value": float(2 * ndtr(-abs(logarithm) / error)),
        "verdict": None,
    }


def _told(table: pl.DataFrame, name: str, limit: float, level: float) -> pl.DataFrame:
    """Add what is left after many tests, in words."""
    ranked = table.with_columns(
        q_value=_q_values(table["p_value"]), order=pl.int_range(pl.len())
    ).with_columns(
        verdict=pl.when(pl.col("verdict").is_not_null())
        .then("verdict")
        .when(pl.col("q_value") > limit)
        .then(pl.lit("no difference"))
        .when(pl.col("odds_ratio") > 1)
        .then(pl.lit("more"))
        .otherwise(pl.lit("less"))
    )
    ranked = ranked.sort("p_value", "order", nulls_last=True)
    sentences = [_sentence(row, name, level) for row in ranked.iter_rows(named=True)]
    return ranked.with_columns(sentence=pl.Series(sentences, dtype=pl.String)).select(*SCHEMA)


def _q_values(p_values: pl.Series) -> pl.Series:
    known = p_values.drop_nulls().to_numpy()
    order = np.argsort(known, kind="stable")[::-1]
    ranks = np.arange(len(known), 0, -1)
    values = np.empty(len(known))
    values[order] = np.minimum(np.minimum.accumulate(known[order] * len(known) / ranks), 1.0)
    filled = np.full(len(p_values), np.nan)
    filled[p_values.is_not_null().to_numpy()] = values
    return pl.Series("q_value", filled).fill_nan(None)


def _sentence(row: dict[str, object], name: str, level: float) -> str:
    name = name[:1].upper() + name[1:]
    seen = f"{row['target_share']:.0%} of them against {row['other_share']:.0%} of the others"
    if row["verdict"] == "too few":
        return (
            f"“{row['label']}” is too rare or too common among {row['customers']:,} customers to be compared."
        )
    if row["verdict"] == "same as others":
        return f"“{row['label']}” says nothing that the other traits do not say already."
    interval = f"{level:.0%} interval {row['low']:.2g} to {row['high']:.2g}"
    odds = f"{row['odds_ratio']:.2g} times as high ({interval})"
    if row["verdict"] == "no difference":
        return f"{name} do not differ in “{row['label']}” with all else equal: {seen}, the odds {odds}."
    times = row["times_as_likely"]
    likely = (
        f"{times:.2g} times as likely to show “{row['label']}”"
        if times
        else f"the only ones with “{row['label']}”"
    )
    return f"{name} are {likely}: {seen}. All else equal, the odds are {odds}."
