"""Rules put to the test: inside customers, inside weeks, and in a later time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from numbers import Real
from typing import Any

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment, instant
from basketry.patterns._baskets import Level, baskets_of, framed
from basketry.patterns._within import NORMAL_95, lift_interval, log_lift, segments_of

ALPHA = 0.05
"""The largest q-value of a kept rule, and the largest p-value that confirms it later."""
PERIODS = (7, 28, 91, 364)
"""Days that may be compared with each other: the shortest that holds enough baskets."""
PER_STRATUM = 40
"""Baskets that a period should hold, for each stratum of customers."""

_OWN = ("confidence", "scope", "heterogeneity_p", "heterogeneity_q", "holds_in", "segments")
"""What a rule keeps of its own."""
_TESTS = ("count", "expected", "odds_ratio", "low", "high", "p_value", "enough")


def validate_rules(
    rules: pl.DataFrame,
    ledger: Ledger,
    *,
    strata: Any = None,
    holdout: Moment | None = None,
    item: Level | None = None,
    levels: Sequence[Level] | None = None,
    basket: str | None = None,
    min_odds_ratio: float = 1.5,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Tell which rules are more than taste, season and large baskets, and which hold again later.

    Two things are bought together by chance, because the same people like both, because both sell in the same
    weeks, because large baskets hold more of everything, or because one draws the other. Only the last is a rule to
    act on. So each rule is tested twice, always among baskets that hold as many *other* items:

    - inside customers: are both sides in one basket more often than the baskets of the same customer would have
      it? Whatever a customer always likes is the same in all of them, whether anybody knows it or not;
    - inside weeks, and inside `strata` if given: a season or a sale is the same for all baskets of a week.

    A rule is kept if both tests find it, at a q-value of at most 0.05 and with an odds ratio surely above
    `min_odds_ratio`, and if both find it again in the orders from `holdout` on.

    Parameters
    ----------
    rules
        A table with ``antecedent`` and ``consequent``, as `association_rules` makes it. Rules to be confirmed later
        should be found before: pass it ``as_of=holdout``.
    ledger
        The orders to test on, of known customers for the most part.
    strata
        What else should be the same in baskets that are compared, such as the segments of
        `segment_customers`: a table of ``customer`` and ``segment``, or an attribute of customers.
    holdout
        The later period begins with the first full day from here on. None leaves out the confirmation.
    item, levels, basket
        As the rules were found: what counts as an item, and ``order`` (or None) or ``day``.
    min_odds_ratio
        What the interval of the common odds ratio must lie above. Strata do not see everything: what is unseen could
        make an odds ratio a little larger than 1, but hardly a large one. 1 asks for significance alone.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        One row a rule, in the order given: ``antecedent``, ``consequent``; of the time before `holdout`
        ``count``, ``lift``, ``lift_low``, ``lift_high`` (95 %, all baskets), ``customers_odds_ratio`` and
        ``periods_odds_ratio`` (common odds ratios inside customers and inside weeks, null without enough
        baskets), ``odds_ratio``, ``odds_ratio_low``, ``odds_ratio_high`` (the lower of the two, with its
        interval of 95 %), ``p_value`` (the larger of the two tests'), ``q_value`` (Benjamini-Hochberg over this
        table), ``foretold_low``, ``foretold_high`` (where 95 % of later lifts should lie: by the earlier lift,
        by how much it moved and by the number of later baskets); of the later time ``later_count``,
        ``later_lift``, ``later_lift_low``, ``later_lift_high``, ``later_odds_ratio``, ``later_p_value``; then
        ``verdict`` (``kept``, ``weak``: the data cannot tell, or ``rejected``), ``reason`` in words, and of the rules'
        own columns ``confidence``, ``scope``, ``heterogeneity_p``, ``heterogeneity_q``, ``holds_in`` and ``segments``
        where they have them.

    Raises
    ------
    SchemaError
        If a column is missing, or an item or a customer is unknown.
    ParameterError
        If an argument is out of range.

    Notes
    -----
    The tests are those of Cochran, Mantel and Haenszel with correction for continuity, one-sided; intervals are
    those of Robins, Breslow and Greenland. There are enough baskets where the criterion of Mantel and Fleiss is
    met. A week becomes four weeks, a quarter or a year where it holds fewer than 40 baskets a stratum. Baskets
    that hold nothing but items of the rule are left out: those without any of them would be empty, and are never seen.
    That other items are as many makes the tests a little too strict for very popular items.

    Guests and customers of one order say nothing inside customers. Where too few customers return, no rule is kept unless
    `strata` stand for their tastes.

    References
    ----------
    N. Mantel, W. Haenszel: Statistical aspects of the analysis of data from retrospective studies of disease.
    J. Natl. Cancer Inst. 22 (1959). J. Robins, N. Breslow, S. Greenland: Estimators of the Mantel-Haenszel variance.
    Biometrics 42 (1986). N. Mantel, J. L. Fleiss: Minimum expected cell size requirements. Am. J. Epidemiol. 112 (1980).

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(world="easy", customers=2000, rng=7).ledger
    >>> found = bk.association_rules(shop, item="product_segment", min_count=40, min_confidence=0.1, as_of="2024-06-01")
    >>> tested = validate_rules(found, shop, item="product_segment", holdout="2024-06-01")
    >>> sorted(tested["verdict"].unique())
    ['kept', 'rejected', 'weak']
    """
    grain = basket or "order"
    if grain not in ("order", "day"):
        raise ParameterError.unknown("basket", grain, ("order", "day"))
    if isinstance(min_odds_ratio, bool) or not isinstance(min_odds_ratio, Real) or not min_odds_ratio >= 1:
        raise ParameterError.out_of_range("min_odds_ratio", min_odds_ratio, "a number from 1 up")
    if not isinstance(ledger, Ledger):
        raise ParameterError.out_of_range("ledger", type(ledger).__name__, "rules are tested on a Ledger")
    rules = framed("rules", rules)
    for column in ("antecedent", "consequent"):
        if column not in rules.columns:
            raise SchemaError.unknown_column(column, f"rules.{column}", rules.columns)
        if not isinstance(rules[column].dtype, pl.List):
            raise SchemaError(f"rules.{column} holds {rules[column].dtype}: lists of item ids are needed.")
    parcel = reins(n_threads)
    sets = baskets_of(ledger, basket=grain, item=item, levels=levels, as_of=None, reins=parcel)
    codes, names = (None, [""]) if strata is None else segments_of(ledger, "strata", strata)
    trial: _core.Trial = {
        "later": None if holdout is None else _first_full_day(ledger, holdout),
        "period": _period(ledger, len(names)),
    }
    answer = _core.test_rules(
        sets, _sides(rules, sets), None if codes is None else codes.to_frame(), trial, parcel
    )
    counted, own, weeks, later_own, later_weeks = map(pl.DataFrame, answer)
    before, after = _by_time(counted, rules.height)
    numbers = pl.concat(
        [
            _numbers(before, own, weeks, ""),
            _numbers(after, later_own, later_weeks, "later_"),
            _foretold(counted, rules.height, before, after),
        ],
        how="horizontal",
    )
    judged = _judged(numbers, min_odds_ratio, holdout is not None, strata is not None, trial["period"])
    kept = [name for name in _OWN if name in rules.columns]
    return pl.concat([rules.select("antecedent", "consequent"), judged, rules.select(kept)], how="horizontal")


def _sides(rules: pl.DataFrame, sets: _core.Baskets) -> list[tuple[list[int], list[int]]]:
    """Give both sides of every rule as codes."""
    for row, (antecedent, consequent) in enumerate(rules.select("antecedent", "consequent").iter_rows(), 1):
        if not antecedent or not consequent:
            raise SchemaError(
                f"rules: row {row} lacks a side ({antecedent} => {consequent}): both need an item."
            )
        both = [*antecedent, *consequent]
        if None in both or len(set(both)) < len(both):
            raise SchemaError(
                f"rules: row {row} ({antecedent} => {consequent}) names an item twice, or none."
            )
    items = {
        one for name in ("antecedent", "consequent") for one in rules[name].explode().drop_nulls().unique()
    }
    known = list(items)
    code = dict(zip(known, sets.codes(known), strict=True))
    unknown = next((one for one in known if code[one] is None), None)
    if unknown is not None:
        raise SchemaError(
            f"rules: the ledger has no item {unknown!r}: pass item= or levels= as the rules were found."
        )
    return [
        ([code[one] for one in antecedent], [code[one] for one in consequent])
        for antecedent, consequent in rules.select("antecedent", "consequent").iter_rows()
    ]


def _first_full_day(ledger: Ledger, holdout: Moment) -> int:
    moment = instant("holdout", holdout, ledger.timezone)
    day = moment.date() + timedelta(days=moment.time() > time())
    if ledger.first_day is None or not ledger.first_day < day <= (ledger.last_day or day):
        raise ParameterError.out_of_range(
            "holdout", str(holdout), f"a day after {ledger.first_day} and up to {ledger.last_day}"
        )
    return day.toordinal() - 719_163


def _period(ledger: Ledger, strata: int) -> int:
    """Choose the shortest period that holds enough baskets."""
    days = (ledger.end - (ledger.first_day or ledger.end)).days or 1
    enough = (period for period in PERIODS if ledger.n_orders * period >= PER_STRATUM * strata * days)
    return next(enough, PERIODS[-1])


def _by_time(counted: pl.DataFrame, rules: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sum the counts of every rule before the later period, and take those of the later one."""
    stretches = counted.height // max(rules, 1)
    placed = counted.with_row_index("row").with_columns(
        rule=pl.col("row") // max(stretches, 1), later=pl.col("row") % max(stretches, 1) == stretches - 1
    )
    sums = placed.group_by("rule", "later", maintain_order=True).agg(pl.exclude("row").cast(pl.UInt64).sum())
    return tuple(sums.filter(pl.col("later") == later).drop("rule", "later") for later in (False, True))  # type: ignore[return-value]


def _foretold(counted: pl.DataFrame, rules: int, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Tell where the later lift should lie: by chance in both parts of time, and by how much lift moves of itself.

    The latter is the variance between stretches of the earlier time (DerSimonian and Laird), as in the prediction interval
    of a meta-analysis (Higgins, Thompson and Spiegelhalter).
    """
    stretches = counted.height // max(rules, 1)
    lift, variance = log_lift(
        pl.col("count"), pl.col("antecedent_count"), pl.col("consequent_count"), pl.col("baskets")
    )
    each = (
        counted.with_row_index("row")
        .with_columns(rule=pl.col("row") // max(stretches, 1))
        .filter(pl.col("row") % max(stretches, 1) < stretches - 1)
        .with_columns(at=lift, weight=1 / variance)
        .with_columns(pl.when(pl.col("count") > 0).then(name).alias(name) for name in ("at", "weight"))
    )
    weight, at = pl.col("weight"), pl.col("at")
    mean = (weight * at).sum() / weight.sum()
    excess = (weight * (at - mean) ** 2).sum() - (weight.count() - 1)
    moved = each.group_by("rule", maintain_order=True).agg(
        moved=(excess / (weight.sum() - (weight**2).sum() / weight.sum())).clip(lower_bound=0)
    )
    wide = pl.concat(
        [before.select(pl.all()), moved.select("moved"), after.select(later="baskets")], how="horizontal"
    )
    total = variance * (1 + pl.col("baskets") / pl.col("later")) + pl.col("moved").fill_nan(0).fill_null(0)
    ends = [(lift + sign * NORMAL_95 * total.sqrt()).exp() for sign in (-1, 1)]
    some = (pl.col("count") > 0) & (pl.col("later") > 0)
    return wide.select(
        pl.when(some).then(end).alias(name)
        for name, end in zip(("foretold_low", "foretold_high"), ends, strict=True)
    )


def _numbers(plain: pl.DataFrame, own: pl.DataFrame, weeks: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Put counts and tests of one part of time beside each other; the lower odds ratio speaks for the rule."""
    lift, low, high = lift_interval(
        pl.col("count"), pl.col("antecedent_count"), pl.col("consequent_count"), pl.col("baskets")
    )
    counts = plain.select(count=pl.col("count").cast(pl.UInt64), lift=lift, lift_low=low, lift_high=high)
    tests = pl.concat(
        [
            test.select(pl.when("enough").then(name).alias(f"{side}_{name}") for name in _TESTS[2:-1])
            for side, test in (("customers", own), ("periods", weeks))
        ],
        how="horizontal",
    )
    weaker = (
        pl.col("periods_odds_ratio").is_null()
        | (pl.col("customers_odds_ratio") <= pl.col("periods_odds_ratio"))
    ) & pl.col("customers_odds_ratio").is_not_null()
    lower = {
        name: pl.when(weaker).then(f"customers_{part}").otherwise(f"periods_{part}")
        for name, part in (
            ("odds_ratio", "odds_ratio"),
            ("odds_ratio_low", "low"),
            ("odds_ratio_high", "high"),
        )
    }
    joined = pl.concat([counts, tests], how="horizontal").select(
        *counts.columns,
        "customers_odds_ratio", "customers_low", "customers_p_value",
        "periods_odds_ratio", "periods_low", "periods_p_value",
        **lower,
        p_value=pl.max_horizontal("customers_p_value", "periods_p_value"),
    )  # fmt: skip
    return joined.rename({name: prefix + name for name in joined.columns})


def _false_discovery(p_value: pl.Expr) -> pl.Expr:
    """Adjust p-values by Benjamini and Hochberg; missing ones were no tests."""
    rank = p_value.rank("ordinal")
    raw = p_value * p_value.count() / rank
    return (
        raw.sort_by(rank, descending=True, nulls_last=True)
        .cum_min()
        .gather(rank.rank("ordinal", descending=True).cast(pl.UInt32) - 1)
        .clip(upper_bound=1.0)
    )


def _judged(
    numbers: pl.DataFrame, least: float, confirmed: bool, stratified: bool, period: int
) -> pl.DataFrame:
    """Give each rule its verdict and the reason of it."""
    spans = {7: "weeks", 28: "four weeks", 91: "quarters", 364: "years"}
    inside = f"strata and {spans[period]}" if stratified else spans[period]
    sides = (("customers", "customers"), ("periods", inside))
    passes, fails = {}, {}
    for side, _ in sides:
        ratio = pl.col(f"{side}_odds_ratio")
        clear = (pl.col(f"{side}_q") <= ALPHA) & (pl.col(f"{side}_low") > least)
        passes[side] = clear.fill_null(value=False)
        fails[side] = (ratio <= least).fill_null(value=False)
    told = {side: pl.col(f"{side}_odds_ratio").is_not_null() for side, _ in sides}
    # What the strata stand for need not be seen inside customers.
    seen = passes["customers"] | (~told["customers"] if stratified else pl.lit(value=False))

    def say(text: str, *names: str) -> pl.Expr:
        return pl.format(text, *(pl.col(name).round(2).cast(pl.String) for name in names))

    weak, rejected, kept = pl.lit("weak"), pl.lit("rejected"), pl.lit("kept")
    cases = [
        (
            pl.col("lift").is_null() | ((pl.col("lift_low") <= 1) & (fails["customers"] | fails["periods"])),
            rejected,
            say("no more than chance: lift {}", "lift"),
        ),
        (
            fails["customers"],
            rejected,
            say(
                "explained by taste: the same customers buy both, but hardly in the same basket "
                "(odds ratio {} inside customers, {} inside " + inside + ")",
                "customers_odds_ratio",
                "periods_odds_ratio",
            ),
        ),
        (
            fails["periods"],
            rejected,
            say(
                "explained by " + ("the strata or " if stratified else "") + "the calendar: "
                "odds ratio {} inside " + inside + ", lift {} overall",
                "periods_odds_ratio",
                "lift",
            ),
        ),
        (
            ~told["periods"] | ~(told["customers"] | pl.lit(stratified)),
            weak,
            pl.when(told["periods"])
            .then(pl.lit("too few baskets of returning customers to tell it from taste"))
            .otherwise(pl.lit(f"too few baskets to compare inside {inside}")),
        ),
        (
            ~(seen & passes["periods"]),
            weak,
            say("too few baskets: the odds ratio {} may be as low as {}", "odds_ratio", "odds_ratio_low"),
        ),
    ]  # fmt: skip
    if confirmed:
        later = pl.col("later_odds_ratio")
        again = (pl.col("later_p_value") <= ALPHA).fill_null(value=False) & (
            pl.col("later_customers_odds_ratio").is_not_null() | pl.lit(stratified)
        )
        cases += [
            (later.is_null(), weak, pl.lit("too few later baskets to confirm it")),
            (
                later <= least,
                rejected,
                say("did not hold later: odds ratio {} before, {} after", "odds_ratio", "later_odds_ratio"),
            ),
            (
                ~again,
                weak,
                say("later baskets are too few to confirm it: odds ratio {}", "later_odds_ratio"),
            ),
        ]  # fmt: skip
    good = "holds inside customers" if not stratified else "holds"
    reason = (
        say(f"{good} and inside {inside}: odds ratio {{}}, {{}} later", "odds_ratio", "later_odds_ratio")
        if confirmed
        else say(f"{good} and inside {inside}: odds ratio {{}}; not confirmed on later orders", "odds_ratio")
    )
    verdict: pl.Expr = kept
    for condition, outcome, words in reversed(cases):
        verdict = pl.when(condition).then(outcome).otherwise(verdict)
        reason = pl.when(condition).then(words).otherwise(reason)
    with_q = numbers.with_columns(
        customers_q=_false_discovery(pl.col("customers_p_value")),
        periods_q=_false_discovery(pl.col("periods_p_value")),
        q_value=_false_discovery(pl.col("p_value")),
    )
    later_names = [
        "foretold_low", "foretold_high", "later_count", "later_lift", "later_lift_low", "later_lift_high",
        "later_odds_ratio", "later_p_value",
    ]  # fmt: skip
    return with_q.select(
        "count", "lift", "lift_low", "lift_high", "customers_odds_ratio", "periods_odds_ratio",
        "odds_ratio", "odds_ratio_low", "odds_ratio_high", "p_value", "q_value",
        *(name if confirmed else pl.lit(None, dtype=pl.UInt64 if name == "later_count" else pl.Float64).alias(name)
          for name in later_names),
        verdict=verdict,
        reason=reason,
    )  # fmt: skip
