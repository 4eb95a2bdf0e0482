"""From a ledger to a launch list: snapshots, comparison on later dates, what is offered, who is scored how and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from basketry.arguments import seed, whole
from basketry.customers.features import WINDOWS
from basketry.customers.labelled import Labelled
from basketry.customers.snapshots import Snapshot
from basketry.customers.tastes import Tastes
from basketry.customers.windows import Length, backward, length, shifted
from basketry.exceptions import ParameterError
from basketry.ledger import Ledger
from basketry.ledger.lines import with_lines
from basketry.ledger.zones import Moment, local, zone_info
from basketry.models.baselines import BASELINES, OneColumn, baseline
from basketry.models.evaluate import FEWEST, Comparison, compare, gains, weeks_ahead
from basketry.models.expected import with_lifetime
from basketry.models.learners import USUAL
from basketry.models.metrics import reliability
from basketry.models.propensity import PropensityModel
from basketry.models.reasons import reasons

TARGETS = ("reactivation", "repurchase", "churn", "sale", "return")
"""Targets with a name; the purchase of a product segment is a mapping such as ``{'category': 'tea'}``."""
_STEP = "30d"
_USUAL_WINDOWS = (30, 90, 180, 365)
_MOST_ROWS = 500_000
"""Rows of all dates that are learned from and tested on; of more customers a sample is drawn."""
_SHOWN = ("recency_days", "orders_all", "order_value_mean_all", "spend_gross_all")


@dataclass(frozen=True, eq=False)
class Programme:
    """What a programme found and whom it names.

    Parameters
    ----------
    target
        What is foretold.
    labelled
        The labelled table of all dates, with its periods.
    comparison
        Models beside baselines on dates later than their training.
    gains
        Cumulative gain, lift and revenue of what is offered, of the baselines and of chance, at the last test date.
    reliability
        Predicted against actual in ten equal parts, at the last test date: ``people``, ``predicted``, ``actual``.
    scores
        Everybody who is asked now, best first: ``customer``, ``p``, ``percentile`` (a place, no probability), ``recency_days``,
        ``orders_all``, ``order_value_mean_all`` and ``spend_gross_all`` (of money), ``reasons`` (of the first on the list).
    model
        What made the scores.
    card
        What is to be known of it: data, dates, figures.
    """

    target: str
    labelled: Labelled
    comparison: Comparison
    gains: pl.DataFrame
    reliability: pl.DataFrame
    scores: pl.DataFrame
    model: Any
    card: dict[str, Any]

    @property
    def tested(self) -> pl.DataFrame:
        """The last test date: ``customer``, ``p`` of what is offered, ``label``, ``label_value``."""
        last = self.comparison.scored.filter(pl.col("as_of") == pl.col("as_of").max())
        return last.select("customer", pl.col(self.comparison.offered).alias("p"), "label", "label_value")

    def save(self, path: str | Path) -> None:
        """Write the model with its card; see `PropensityModel.save`.

        Parameters
        ----------
        path
            The file.
        """
        learned = self.model.model_ if isinstance(self.model, OneColumn) else self.model
        if not isinstance(learned, PropensityModel):
            raise ParameterError.out_of_range(
                "path", str(path), "chance is no model: there is nothing to save"
            )
        learned.save(path, card=self.card)


def propensity_programme(
    ledger: Ledger,
    *,
    target: str | Mapping[str, Any] = "reactivation",
    as_of: Moment | None = None,
    window: Length = "90d",
    label: Length = "90d",
    gap: Length = 0,
    folds: int = 3,
    periods: int = 4,
    learners: Sequence[str] = USUAL,
    discount: str | None = None,
    category: str | None = None,
    explained: int = 1000,
    replicates: int = 200,
    rng: int = 0,
    n_threads: int | None = None,
) -> Programme:
    """Foretell who will do something, test it on the past, and list people with reasons.

    Parameters
    ----------
    ledger
        The shop.
    target
        ``reactivation`` (bought before, not in ``window``: will he buy?), ``repurchase`` and ``churn`` (bought in ``window``:
        will he buy, or not?), ``sale`` (will he buy at a discount?), ``return`` (will he bring back?), or attributes of items:
        will he buy such?
    as_of
        When people are scored; None is the end of the data. Nothing at or after it is seen.
    window, label, gap
        How long somebody has been silent or active, how far ahead is looked, and how long until anything can come of it.
    folds
        Test dates, a label apart.
    periods
        Instants to train on before each of them, thirty days apart.
    learners
        What to compare; see `PropensityModel`.
    discount
        The measure of lines that holds discounts; ``sale`` needs it.
    category
        The attribute of items whose labels are counted among the features: how many, the commonest, and of each how
        many lines (the 24 labels bought most before the first date).
    explained
        For how many of the first reasons are given.
    replicates
        Replicates of the bootstrap.
    rng
        The seed of all chance.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    Programme
        Comparison, scores and the model. It says so where a model does not beat its best baseline, and offers that.

    Raises
    ------
    ParameterError
        If the history is too short or the base too thin; the text says by how much.
    LeakError
        If a feature knows the future.
    """
    whole("folds", folds, 1)
    whole("periods", periods, 1)
    whole("explained", explained, 0)
    ahead = [one for one in (length("gap", gap), length("label", label)) if one != "0d"]
    asked = _snapshot(target, window, label, gap, discount, category)
    end = ledger.instant(as_of)
    dates = _dates(ledger, end, ahead, length("window", window), folds, periods)
    zone = zone_info(ledger.timezone)
    moments = {cut: local(cut, zone) for cut in dates.all}
    if category is not None:
        tastes = Tastes.known(ledger, category, as_of=moments[dates.all[0]])
        asked = replace(asked, features=tastes) if tastes.labels else asked
    sample = _sample(ledger, len(dates.all), seed(rng))
    labelled = asked.at(list(moments.values())).build(sample, n_threads=n_threads)
    tests = [cut for cut in dates.tests if _thick(labelled, cut)] or dates.tests[-1:]
    comparison = compare(
        labelled,
        tests=[moments[cut] for cut in tests],
        learners=learners,
        periods=periods,
        replicates=replicates,
        rng=rng,
    )
    latest = labelled.periods["as_of"].sort()[-periods:]
    scored = asked.to_score(local(end, zone)).build(ledger, n_threads=n_threads)
    offered = comparison.offered
    if offered == "BG/NBD":
        weeks = weeks_ahead(labelled)
        labelled, scored = with_lifetime(labelled, weeks), with_lifetime(scored, weeks)
    train = labelled.table.filter(pl.col("as_of").is_in(latest.implode()))
    people = scored.table
    if offered in BASELINES:
        model: Any = baseline(offered).fit(train, train["label"])
    else:
        model = PropensityModel(offered, rng=rng).fit(train, train["label"])
        known = labelled.periods.filter(as_of=latest[-1])["base_rate"].item()
        model = model.recentred(people, known) if people.height and 0 < known < 1 else model
    last = comparison.scored.filter(pl.col("as_of") == pl.col("as_of").max())
    names = [offered, *(name for name in BASELINES if name in last.columns and name != offered)]
    hits = last["label"].to_numpy().astype(float)
    told = target if isinstance(target, str) else str(asked.to_score()._target)
    return Programme(
        told, labelled, comparison, gains(last, names), pl.DataFrame(reliability(last[offered].to_numpy(), hits)),
        _scores(model, people, explained), model, _card(ledger, told, labelled, comparison, model),
    )  # fmt: skip


@dataclass(frozen=True)
class _Dates:
    tests: list[int]
    all: list[int]


def _dates(ledger: Ledger, end: int, ahead: list[str], window: str, folds: int, periods: int) -> _Dates:
    """Lay out test dates a label apart, and before each the training dates whose labels close in time."""
    span = ledger.core.span
    back = [backward(one) for one in reversed(ahead)]
    first = shifted(span[0] if span else end, (window, _STEP), ledger.timezone)
    tests: list[int] = []
    training: set[int] = set()
    test = end
    for _ in range(folds):
        test = shifted(test, back, ledger.timezone)
        own: list[int] = []
        at = shifted(test, back, ledger.timezone)
        while len(own) < periods and at >= first:
            own.append(at)
            at = shifted(at, (backward(_STEP),), ledger.timezone)
        if not own:
            break
        tests.insert(0, test)
        training |= set(own)
    if not tests:
        have = 0 if span is None else (end - span[0]) // 86_400_000_000
        need = end - shifted(
            shifted(end, back * 2, ledger.timezone), (backward(window), backward(_STEP)), ledger.timezone
        )
        raise ParameterError.out_of_range(
            "data", f"{have} days of history",
            f"too short to learn on one date and test on a later one: {need // 86_400_000_000} days are needed",
        )  # fmt: skip
    # The last test is also what the final model learns from, with instants thirty days apart before it.
    final: list[int] = []
    at = tests[-1]
    while len(final) < periods and at >= first:
        final.append(at)
        at = shifted(at, (backward(_STEP),), ledger.timezone)
    return _Dates(tests, sorted({*tests, *training, *final}))


def _snapshot(
    target: str | Mapping[str, Any],
    window: Length,
    label: Length,
    gap: Length,
    discount: str | None,
    category: str | None,
) -> Snapshot:
    shared: dict[str, Any] = {"label": label, "gap": gap, "discount": discount, "category": category}
    shared["windows"] = _USUAL_WINDOWS
    if isinstance(target, Mapping):
        return Snapshot(target=target, **shared)
    if target not in TARGETS:
        raise ParameterError.unknown("target", target, [*TARGETS, "a mapping such as {'category': 'tea'}"])
    if target == "reactivation":
        # Who bought nothing in the window has nothing in shorter ones.
        longer = [one for one in WINDOWS if one > _days(window)] or [2 * _days(window)]
        return Snapshot(dormant=window, **shared | {"windows": longer})
    if target in ("repurchase", "churn", "return"):
        return Snapshot(base=window, target="purchase" if target == "repurchase" else target, **shared)
    return Snapshot(target="sale", **shared)


def _days(window: Length) -> int:
    at = 1_000_000_000_000_000
    return (at - shifted(at, (backward(length("window", window)),), "UTC")) // 86_400_000_000


def _sample(ledger: Ledger, dates: int, root: int) -> Ledger:
    share = _MOST_ROWS / max(ledger.n_customers * dates, 1)
    if share >= 1:
        return ledger
    lines = ledger.lines()
    # Whoever ordered last stays: he says where the data end.
    last = lines.filter(pl.col("time") == pl.col("time").max())
    kept = ledger.customers().select("customer").sample(fraction=share, seed=root % 2**32)
    kept = pl.concat([kept, last.select("customer")]).unique()
    return with_lines(
        ledger, lines.join(kept, on="customer", how="semi", nulls_equal=last["customer"].null_count() > 0)
    )


def _thick(labelled: Labelled, cut: int) -> bool:
    """Tell whether a test date, and what is trained for it, holds enough of yes and no."""
    at = pl.lit(cut).cast(pl.Datetime("us", "UTC"))
    one = labelled.periods.filter(as_of=at)
    early = labelled.periods.filter(pl.col("label_end") <= at)
    hits, people = one["positives"].item(), one["population"].item()
    return min(hits, people - hits) >= FEWEST and early["positives"].sum() >= FEWEST


def _scores(model: Any, people: pl.DataFrame, explained: int) -> pl.DataFrame:
    learned = model.model_ if isinstance(model, OneColumn) else model
    if isinstance(learned, PropensityModel):
        ranked = learned.rank(people)
    else:
        ranked = (
            people.select("customer")
            .with_columns(p=model.predict_proba(people)[:, 1])
            .sort("p", descending=True)
        )
        ranked = ranked.with_columns(percentile=pl.lit(50.0))
    kept = [name for name in _SHOWN if name in people.columns]
    ranked = ranked.join(people.select("customer", *kept), on="customer", how="left", maintain_order="left")
    first = (
        ranked.select("customer")
        .head(explained)
        .join(people, on="customer", how="left", maintain_order="left")
    )
    if not isinstance(learned, PropensityModel) or not first.height:
        return ranked.with_columns(reasons=pl.lit(None, pl.List(pl.String)))
    why = reasons(learned, first, among=people).select("customer", "reasons")
    return ranked.join(why, on="customer", how="left", maintain_order="left")


def _card(
    ledger: Ledger, target: str, labelled: Labelled, comparison: Comparison, model: Any
) -> dict[str, Any]:
    learned = model.model_ if isinstance(model, OneColumn) else model
    figures = comparison.sheet.filter(model=comparison.offered)
    return {
        "target": target,
        "data": ledger.fingerprint,
        "trained_on": [str(at) for at in labelled.periods["as_of"]],
        "base_rates": labelled.periods["base_rate"].to_list(),
        "offered": comparison.offered,
        "verdict": comparison.verdict,
        "features": list(learned.prepare_.names_out_) if isinstance(learned, PropensityModel) else [],
        "figures": figures.select(
            pl.col("as_of").cast(pl.String), "people", "base_rate", "precision_10", "lift_10", "auc", "brier",
            "calibration_error",
        ).to_dicts(),
    }  # fmt: skip
