"""One sheet for all: models and baselines, trained earlier and tested strictly later, with intervals and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np
import polars as pl

from basketry.arguments import whole
from basketry.customers.labelled import Labelled
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.zones import Moment
from basketry.models.baselines import BASELINES, ONE_COLUMN, baseline
from basketry.models.expected import COLUMN, with_lifetime
from basketry.models.learners import LEARNERS, USUAL
from basketry.models.metrics import SHARES, Sheet
from basketry.models.propensity import PropensityModel

DRIFT = 0.15
"""The relative move of the base rate from which on probabilities are not to be trusted."""
FEWEST = 50
"""Positives below which nothing is learned."""
_FIGURES = (
    *(f"{name}_{100 * share:.0f}" for name in ("precision", "lift", "revenue") for share in SHARES),
    *("auc", "brier", "calibration_error"),
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came of a comparison.

    Parameters
    ----------
    sheet
        One row per test date and model: ``as_of``, ``model``, ``kind`` (model or baseline), ``people``, ``base_rate`` and for
        precision, lift and revenue at the best 5, 10 and 30 percent (``precision_5`` .. ``revenue_30``; revenue as a multiple
        of what as many people picked by lot bring), ``auc``, ``brier`` and ``calibration_error`` the figure with
        ``_low`` and ``_high`` (95 percent, bootstrap over customers); ``seconds`` of CPU, ``penalty``.
    drift
        One row per test date: ``as_of``, ``trained_rate``, ``base_rate``, ``move`` (relative), ``warning``.
    scored
        One row per test date and customer: ``as_of``, ``customer``, ``label``, ``label_value`` and a probability a model.
    chosen
        The model that was chosen without a look at the test: the simplest within one standard error of the best on customers
        who were held out of the training.
    offered
        What to use: the chosen model if it beats the best baseline, else that baseline.
    verdict
        The comparison in words.
    models
        The models and baselines of the last test date, by name.
    """

    sheet: pl.DataFrame
    drift: pl.DataFrame
    scored: pl.DataFrame
    chosen: str
    offered: str
    verdict: str
    models: dict[str, Any]

    @property
    def beats(self) -> bool:
        """Whether the chosen model surely beats the best baseline."""
        return self.chosen == self.offered


def compare(
    labelled: Labelled,
    *,
    tests: Sequence[Moment] | None = None,
    learners: Sequence[str] = USUAL,
    periods: int = 4,
    replicates: int = 200,
    rng: int = 0,
) -> Comparison:
    """Train on earlier dates, test on later ones, and set models beside what anybody could do without one.

    Parameters
    ----------
    labelled
        What a `Snapshot` of several instants built.
    tests
        Instants of the tests; None takes the last.
    learners
        Names of learners; see `PropensityModel`.
    periods
        How many instants to train on, the latest whose labels were known at the test.
    replicates
        Replicates of the bootstrap.
    rng
        The seed of all chance.

    Returns
    -------
    Comparison
        The sheet, the verdict and what is offered.

    Raises
    ------
    ParameterError
        If there is too little to learn from, or an argument is out of range.
    LeakError
        If the audit of the table fails.
    """
    seed = whole("rng", rng, 0, 2**32 - 1)
    whole("periods", periods, 1)
    whole("replicates", replicates, 20, 10_000)
    for name in learners:
        if name not in LEARNERS:
            raise ParameterError.unknown("learners", name, LEARNERS)
    labelled.audit().check()
    weeks = weeks_ahead(labelled)
    rows, drift, scored, kept = [], [], [], []
    models: dict[str, Any] = {}
    for test in [None] if tests is None else tests:
        train, held = labelled.split(test)
        latest = train["as_of"].unique().sort()[-periods:]
        train = train.filter(pl.col("as_of").is_in(latest.implode()))
        _refuse_thin(train, held)
        used = [*latest.dt.epoch("us"), held["as_of"].dt.epoch("us")[0]]
        train, held = _beside(replace(labelled, table=pl.concat([train, held])), weeks, used)
        known = train.filter(pl.col("as_of") == latest[-1])["label"].mean()
        models = _fitted(train, held, learners, known, seed)
        sheet = Sheet(
            held["label"].to_numpy(), held["label_value"].to_numpy(), held["customer"].to_numpy(),
            replicates=replicates, seed=seed,
        )  # fmt: skip
        figures: dict[str, dict[str, np.ndarray]] = {}
        columns: dict[str, np.ndarray] = {}
        for name, (model, seconds) in models.items():
            columns[name] = p = model.predict_proba(held)[:, 1]
            figures[name] = sheet.of(p, p)
            rows.append(_row(name, held, figures[name], seconds, model))
        scored.append(held.select("as_of", "customer", "label", "label_value").with_columns(**columns))
        drift.append(_drift(train, held))
        kept.append(figures)
    fitted = {name: model for name, (model, _) in models.items()}
    chosen = _chosen({name: fitted[name] for name in learners})
    offered, verdict = _verdict(kept, chosen, [name for name in fitted if name not in learners])
    drifts = pl.DataFrame(drift)
    for one in drifts.filter(pl.col("warning") != "").iter_rows(named=True):
        verdict += f" {one['warning']}"
    return Comparison(pl.DataFrame(rows), drifts, pl.concat(scored), chosen, offered, verdict, fitted)


def weeks_ahead(labelled: Labelled) -> float:
    """Tell how long the label windows are, from ``as_of`` to their end.

    Parameters
    ----------
    labelled
        A table with labels.
    """
    if "label" not in labelled.table.columns:
        raise SchemaError("there is no label to learn from: give the snapshot a label window.")
    first = labelled.periods.row(0, named=True)
    return float((first["label_end"] - first["as_of"]).total_seconds() / (7 * 86_400))


def _beside(labelled: Labelled, weeks: float, used: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add what the lifetime formula expects, and take training and test apart again."""
    table = with_lifetime(labelled, weeks, used).table
    last = pl.col("as_of") == pl.col("as_of").max()
    return table.filter(~last), table.filter(last)


def _refuse_thin(train: pl.DataFrame, held: pl.DataFrame) -> None:
    for name, rows in (("training", train), ("test", held)):
        hits = int(rows["label"].sum())
        if hits < FEWEST or rows.height - hits < FEWEST:
            raise ParameterError.out_of_range(
                "data", f"{hits} of {rows.height:,} in {name}",
                f"the base is too thin to foretell anything: {FEWEST} yes and {FEWEST} no are the least",
            )  # fmt: skip


def _fitted(
    train: pl.DataFrame, held: pl.DataFrame, learners: Sequence[str], known: Any, seed: int
) -> dict[str, tuple[Any, float]]:
    """Fit every baseline that the table allows and every learner, with the seconds of CPU that each takes."""
    found: dict[str, tuple[Any, float]] = {}
    columns = {name: ONE_COLUMN.get(name, "customer") for name in BASELINES}
    allowed = [name for name, one in columns.items() if one in train.columns and train[one].n_unique() > 1]
    for name in (*allowed, *learners):
        start = process_time()
        if name in BASELINES:
            model: Any = baseline(name).fit(train, train["label"])
        else:
            model = PropensityModel(name, rng=seed).fit(
                train.drop(COLUMN, strict=False), train["label"], groups=train["customer"]
            )
            model = model.recentred(held, float(known)) if 0 < float(known) < 1 else model
        found[name] = model, process_time() - start
    return found


def _row(
    name: str, held: pl.DataFrame, figures: dict[str, np.ndarray], seconds: float, model: Any
) -> dict[str, Any]:
    row: dict[str, Any] = {"as_of": held["as_of"][0], "model": name}
    row |= {"kind": "baseline" if name in BASELINES else "model", "people": held.height}
    row["base_rate"] = float(held["label"].mean())  # type: ignore[arg-type]
    for figure in _FIGURES:
        values = figures[figure]
        low, high = (
            np.nanquantile(values[1:], [0.025, 0.975]) if np.isfinite(values[1:]).any() else (np.nan, np.nan)
        )
        row |= {figure: float(values[0]), f"{figure}_low": float(low), f"{figure}_high": float(high)}
    return row | {"seconds": seconds, "penalty": getattr(model, "penalty_", None)}


def _drift(train: pl.DataFrame, held: pl.DataFrame) -> dict[str, Any]:
    before, after = float(train["label"].mean()), float(held["label"].mean())  # type: ignore[arg-type]
    move = after / before - 1
    warning = ""
    if abs(move) > DRIFT:
        warning = (
            f"The base rate moved by {move:+.0%} from training ({before:.1%}) to {held['as_of'][0]:%Y-%m-%d} ({after:.1%}): "
            f"trust the order of the people more than their probabilities."
        )
    return {
        "as_of": held["as_of"][0],
        "trained_rate": before,
        "base_rate": after,
        "move": move,
        "warning": warning,
    }


def _chosen(models: dict[str, PropensityModel]) -> str:
    """Choose the simplest model (the first of the usual ones) within one standard error of the best."""
    losses = {name: models[name].held_out_loss_ for name in LEARNERS if name in models}
    best = min(losses.values(), key=lambda loss: loss.mean() if len(loss) else 0.0)
    limit = best.mean() + best.std() / np.sqrt(len(best)) if len(best) else 0.0
    return next(
        (name for name, loss in losses.items() if not len(loss) or loss.mean() <= limit), next(iter(losses))
    )


def _verdict(
    folds: list[dict[str, dict[str, np.ndarray]]], chosen: str, baselines: list[str]
) -> tuple[str, str]:
    """Compare with the best baseline: which is offered, and why."""
    mean = {name: np.mean([fold[name]["auc"] for fold in folds], axis=0) for name in (chosen, *baselines)}
    best = max(baselines, key=lambda name: mean[name][0])
    apart = mean[chosen] - mean[best]
    low, high = np.quantile(apart[1:], [0.025, 0.975])
    picked = np.mean([fold[chosen]["precision_10"][0] / fold[best]["precision_10"][0] for fold in folds]) - 1
    lift = np.mean([fold[chosen]["lift_10"][0] for fold in folds])
    figures = (
        f"AUC {mean[chosen][0]:.3f} against {mean[best][0]:.3f}, difference {apart[0]:+.3f} ({low:+.3f} to {high:+.3f}); "
        f"{picked:+.0%} hits among the best 10%, {lift:.1f} times those of chance"
    )
    if low > 0:
        return chosen, f"The model {chosen!r} beats the best baseline, {best!r}: {figures}."
    word = "does not surely beat" if high > 0 else "is worse than"
    return (
        best,
        f"The model {chosen!r} {word} the best baseline, {best!r}: {figures}. Use {best!r}: it is simpler.",
    )


def gains(scored: pl.DataFrame, models: Sequence[str], *, steps: int = 50) -> pl.DataFrame:
    """Tell what the best share of the people brings, share by share.

    Parameters
    ----------
    scored
        Rows of `Comparison.scored` of one test date.
    models
        The columns to look at.
    steps
        How many shares.

    Returns
    -------
    DataFrame
        ``model``, ``share`` (of people, from 0 to 1), ``hits`` (share of all yes), ``lift``, ``revenue`` (share of all money).
    """
    hits, value = scored["label"].to_numpy().astype(float), scored["label_value"].to_numpy()
    shares = np.linspace(0, 1, steps + 1)
    frames = []
    for name in models:
        p = scored[name].to_numpy()
        order = np.argsort(-p, kind="stable")
        ends = np.r_[0, np.flatnonzero(np.r_[np.diff(p[order]) != 0, True]) + 1]
        sums = [np.r_[0.0, what[order].cumsum()][ends] for what in (hits, value)]
        yes, money = (np.interp(shares * len(p), ends, one) / (one[-1] or 1.0) for one in sums)
        lift = np.divide(yes, shares, out=np.full_like(yes, np.nan), where=shares > 0)
        columns = {"share": shares, "hits": yes, "lift": lift, "revenue": money}
        frames.append(pl.DataFrame({"model": [name] * len(shares), **columns}))
    return pl.concat(frames).with_columns(pl.col("lift").fill_nan(None))
