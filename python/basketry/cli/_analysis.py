"""Everything that a run asks of a ledger: from the tree to findings and tables, without a word to anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from basketry.cli._buying import money_of_customers, who_what_when
from basketry.cli._ledgers import before, item_names
from basketry.cli._lifetime import lifetime
from basketry.cli._pairs import FOLLOWED, clearest, due_rows, followed, named, strongest_pairs
from basketry.cli._personas import lookalike_of, personas_of
from basketry.cli._predictions import predictions
from basketry.cli._thresholds import fitting_rules, fitting_sequence_rules, fitting_sequences
from basketry.customers import quadrants, rfm, rfm_map, rfm_segments
from basketry.customers.segments import segment_customers
from basketry.exceptions import CapacityError, ConvergenceError, ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.zones import Moment, instant
from basketry.money import exact_sum
from basketry.patterns import frequent_itemsets, retention, validate_rules
from basketry.report import Findings, Lag
from basketry.report.findings import COLUMNS

LAGS = 3
"""Pairs whose time to next is looked at."""
TESTED = 1000
"""Rules that are put to the test: those of highest lift among the sure ones."""
LATER = 0.25
"""Share of the time that is kept for confirmation, where it is at least a quarter of a year."""
_NO_ITEMS = "The data do not tell which items were bought, so nothing can be said about them."
_NO_MONEY = "The data hold no money, so customers cannot be valued."
_NO_CUSTOMERS = "The data do not tell who bought, so nothing can be said about customers."


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What may be asked otherwise.

    Parameters
    ----------
    as_of
        Orders at or after it are left out; None is the end of the data.
    item
        What counts as an item: an attribute of items, or None for the item itself.
    k
        How many segments.
    seed
        Seed of all chance.
    n_threads
        How many threads to use; None for all.
    """

    as_of: Moment | None = None
    item: str | None = None
    k: int = 8
    seed: int = 0
    n_threads: int | None = None


@dataclass
class Analysis:
    """The answers: frames by name, lag curves, why an answer is missing, the thresholds that were found."""

    ledger: Ledger
    parameters: Parameters
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    lags: list[Lag] | None = None
    absent: dict[str, str] = field(default_factory=dict)
    thresholds: dict[str, int] = field(default_factory=dict)

    def findings(self, title: str, run: Mapping[str, Any]) -> Findings:
        """Put the answers together as a report takes them.

        Parameters
        ----------
        title
            The report's headline.
        run
            How it was made.
        """
        ledger, seen = self.ledger, self.parameters.as_of
        day = ledger.end if seen is None else instant("as_of", seen, ledger.timezone).date()
        names = item_names(ledger) if self.parameters.item is None else None
        return Findings(
            title=title,
            as_of=day,
            currency=ledger.currency,
            run=run,
            totals=_totals(ledger, self.tables),
            lags=self.lags,
            item_names=names,
            absent=self.absent,
            **{name: self.tables.get(name) for name in COLUMNS},
        )


def analyse(
    ledger: Ledger,
    parameters: Parameters,
    step: Callable[[str], AbstractContextManager[None]] = lambda name: nullcontext(),
) -> Analysis:
    """Ask everything. What the data cannot answer is told in ``absent``, and the rest goes on.

    Parameters
    ----------
    ledger
        The shop.
    parameters
        What may be asked otherwise.
    step
        Opens each step of the work under its name.
    """
    result = Analysis(before(ledger, parameters.as_of, parameters.n_threads), parameters)
    result.tables["quality"] = ledger.quality.frame
    items = result.ledger.items() if result.ledger.n_items else pl.DataFrame()
    if items.width > 1:
        result.tables["items"] = items
    for name, parts, work in (
        ("revenue", ("revenue",), _revenue),
        ("rfm", ("rfm_map", "rfm_segments", "quadrants"), _rfm),
        ("segments", ("segments", "profile"), _segments),
        ("rules", ("rules",), _rules),
        ("sequences", ("sequences",), _sequences),
        ("sequence rules", ("sequence_rules",), _sequence_rules),
        ("lags", ("lags",), _lags),
        ("retention", ("retention",), _retention),
        ("personas", ("personas",), personas_of),
        ("lookalike", ("lookalike",), lookalike_of),
        ("money of customers", ("cohorts", "concentration"), money_of_customers),
        ("who, what, when", ("cube",), who_what_when),
        ("lifetime", ("lifetime_tracking",), _lifetime),
        ("predictions", ("prediction",), predictions),
    ):
        with step(name), _telling(result, parts):
            work(result)
    return result


@contextmanager
def _telling(result: Analysis, parts: tuple[str, ...]) -> Iterator[None]:
    try:
        yield
    except (SchemaError, ParameterError, CapacityError, ConvergenceError) as error:
        result.absent |= dict.fromkeys(parts, str(error))


def _need(result: Analysis, *, items: bool = False, money: bool = False, people: bool = True) -> None:
    for needed, there, why in (
        (items, result.ledger.n_items, _NO_ITEMS),
        (people, result.ledger.n_customers, _NO_CUSTOMERS),
        (money, "amount" in result.ledger.core.measures, _NO_MONEY),
    ):
        if needed and not there:
            raise SchemaError(why)


def _revenue(result: Analysis) -> None:
    _need(result, money=True, people=False)
    money = "net" if result.ledger.money_is_net else "gross"
    bought = pl.col("purchase")
    result.tables["revenue"] = (
        result.ledger.orders()
        .group_by(period=pl.col("day").dt.truncate("1mo"))
        .agg(
            orders=bought.sum().cast(pl.Int64),
            customers=pl.col("customer").filter(bought).drop_nulls().n_unique().cast(pl.Int64),
            revenue=exact_sum(money),
        )
        .sort("period")
    )


def _rfm(result: Analysis) -> None:
    _need(result, money=True)
    table = rfm(result.ledger, as_of=result.parameters.as_of, n_threads=result.parameters.n_threads)
    result.tables |= {
        "rfm": table,
        "rfm_map": rfm_map(table),
        "rfm_segments": rfm_segments(table),
        "quadrants": quadrants(table),
    }


def _segments(result: Analysis) -> None:
    _need(result, money=True)
    asked = result.parameters
    found = segment_customers(
        result.ledger, as_of=asked.as_of, k=asked.k, rng=asked.seed, n_threads=asked.n_threads
    )
    result.tables |= {
        "segments": found.segments,
        "profile": found.profile,
        "segment_labels": found.labels,
    }


def _rules(result: Analysis) -> None:
    _need(result, items=True, people=False)
    asked, ledger = result.parameters, result.ledger
    within = result.tables.get("segment_labels")
    if within is not None:
        within = within.select("customer", segment=pl.format("{} {}", "segment", "name"))
    holdout = _later(ledger)
    least, found = fitting_rules(
        ledger, item=asked.item, n_threads=asked.n_threads, within=within, as_of=holdout
    )
    result.thresholds["rules_min_count"] = least
    result.tables["rules"] = found
    sure = found.filter(pl.col("q_value") <= 0.05).sort("lift", descending=True, maintain_order=True)
    sure = sure.head(TESTED)
    result.tables["validated_rules"] = validate_rules(
        sure, ledger, item=asked.item, holdout=holdout, n_threads=asked.n_threads
    )
    result.tables["itemsets"] = frequent_itemsets(
        ledger, item=asked.item, min_count=least, max_length=4,
        n_threads=asked.n_threads,
    )  # fmt: skip


def _later(ledger: Ledger) -> date | None:
    """Choose the day from which orders confirm what was found before; None if there are too few days."""
    first, end = ledger.first_day, ledger.end
    days = (end - first).days if first else 0
    return end - timedelta(days=int(days * LATER)) if days * LATER >= 91 else None


def _sequences(result: Analysis) -> None:
    _need(result, items=True)
    asked = result.parameters
    least, found = fitting_sequences(result.ledger, item=asked.item, n_threads=asked.n_threads)
    result.thresholds["sequences_min_count"] = least
    result.tables["sequences"] = found


def _sequence_rules(result: Analysis) -> None:
    _need(result, items=True)
    asked = result.parameters
    least, found = fitting_sequence_rules(result.ledger, item=asked.item, n_threads=asked.n_threads)
    result.thresholds["sequence_rules_min_count"] = least
    result.tables["sequence_rules"] = found


def _lags(result: Analysis) -> None:
    _need(result, items=True)
    if "sequence_rules" not in result.tables:
        raise SchemaError("Without sequence rules there is no pair to follow.")
    asked = result.parameters
    shared: dict[str, Any] = {"item": asked.item, "n_threads": asked.n_threads}
    pairs = strongest_pairs(result.tables["sequence_rules"], FOLLOWED)
    found = followed(result.ledger, pairs, rng=asked.seed, **shared)
    result.lags = []
    for rule in clearest(found, LAGS):
        antecedent, consequent = found.rules.select("antecedent", "consequent").row(rule)
        result.lags.append(Lag(antecedent, consequent, found[rule].table, found[rule].peaks))
    result.tables |= {
        "lag_rules": found.rules.drop("rule"),
        "lags": named(found, found.table),
        "lag_peaks": named(found, found.peaks),
        "due": due_rows(
            result.ledger, found, as_of=asked.as_of, min_lift=1.0, peaks_only=True, top=3, **shared
        ).drop("rule"),
    }


def _retention(result: Analysis) -> None:
    _need(result)
    asked = result.parameters
    result.tables["retention"] = pl.concat(
        retention(result.ledger, since=since, as_of=asked.as_of, n_threads=asked.n_threads).curve.select(
            pl.lit(since).alias("since"), pl.exclude("segment")
        )
        for since in ("first", "every")
    )


def _lifetime(result: Analysis) -> None:
    _need(result, money=True)
    result.tables |= lifetime(result.ledger, result.parameters.n_threads)


def _totals(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    totals = {name: ledger.quality.totals[name] for name in ("rows_in", "rows_used", "rows_set_aside")}
    orders = ledger.orders()
    bought = orders.filter(pl.col("purchase"))
    totals |= {"customers": ledger.n_customers, "orders": bought.height, "items": ledger.n_items or None}
    totals |= {"lines": ledger.n_lines, "anonymous_orders": bought["customer"].null_count() or None}
    totals |= {"first_order": ledger.first_day, "last_order": ledger.last_day}
    if "revenue" in tables:
        totals |= {"revenue_gross": orders["gross"].sum()}
        if ledger.money_is_net and ledger.quality.rows("return, kept apart from purchases"):
            totals |= {"revenue_net": orders["net"].sum()}
    return totals
