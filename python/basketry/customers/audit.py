"""The proof that features do not know the future: take it away, change it, and nothing may move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from basketry.exceptions import LeakError
from basketry.ledger import Ledger
from basketry.ledger.lines import with_lines
from basketry.schema import Schema

if TYPE_CHECKING:
    from basketry.customers.labelled import Labelled

_UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Audit:
    """What was compared, and what differed.

    Parameters
    ----------
    table
        One row per ``as_of`` and check: ``as_of``, ``check`` (``times``: every feature's last event lies before ``as_of`` and
        every label at or after it; ``deleted``: all that lies at or after ``as_of`` is gone; ``perturbed``: it is other
        people's, other items, other money and other times), ``rows``, ``columns``, ``events`` (lines that were taken away or
        changed), ``differing`` (the columns that moved; ``population`` if other people were chosen).
    """

    table: pl.DataFrame

    @property
    def passed(self) -> bool:
        """Whether nothing moved."""
        return not self.table["differing"].list.len().sum()

    def check(self) -> Audit:
        """Give the audit back, or raise.

        Raises
        ------
        LeakError
            If anything moved: the text names the columns.
        """
        failed = self.table.filter(pl.col("differing").list.len() > 0)
        if failed.height:
            names = failed["differing"].explode().unique(maintain_order=True).to_list()
            raise LeakError.found(names, str(failed["as_of"][0])[:10], failed["check"][0])
        return self

    def __repr__(self) -> str:
        rows = self.table.filter(check="deleted")["rows"].sum()
        return f"Audit({'passed' if self.passed else 'FAILED'}, {self.table.height} checks of {rows:,} rows)"


def audited(labelled: Labelled, n_threads: int | None = None) -> Audit:
    """Audit a table; see `Labelled.audit`.

    Parameters
    ----------
    labelled
        The table and what it was made from.
    n_threads
        How many threads to use; None for all.
    """
    ledger, lines = labelled.ledger, labelled.ledger.lines()
    found = []
    for (moment,), rows in labelled.table.group_by("as_of", maintain_order=True):
        cut = int(labelled.periods.filter(as_of=moment)["as_of"].dt.epoch("us").item())
        future = (pl.col("time").dt.epoch("us") >= cut) | _unknown(labelled, cut)
        events = lines.filter(future).height
        found.append((moment, "times", rows.height, 2, events, _wrong_times(rows)))
        for name, changed in (
            ("deleted", lines.filter(~future)),
            ("perturbed", _perturbed(lines, future, cut)),
        ):
            other = with_lines(ledger, changed, n_threads=n_threads)
            moved = _moved(labelled, rows, other, cut, n_threads)
            found.append((moment, name, rows.height, len(labelled.features), events, moved))
    schema: Schema = {
        "as_of": _UTC,
        "check": pl.String,
        "rows": pl.Int64,
        "columns": pl.Int64,
        "events": pl.Int64,
    }
    return Audit(pl.DataFrame(found, schema=schema | {"differing": pl.List(pl.String)}, orient="row"))


def _unknown(labelled: Labelled, cut: int) -> pl.Expr:
    """Mark the lines that became known only at or after an instant."""
    known_at = labelled.snapshot.known_at
    return pl.lit(value=False) if known_at is None else (pl.col(known_at) * 1e6).round() >= cut


def _wrong_times(rows: pl.DataFrame) -> list[str]:
    wrong = ["_feature_max_ts"] if rows.filter(pl.col("_feature_max_ts") >= pl.col("as_of")).height else []
    if "_label_min_ts" in rows.columns and rows.filter(pl.col("_label_min_ts") < pl.col("as_of")).height:
        wrong.append("_label_min_ts")
    return wrong


def _moved(
    labelled: Labelled, rows: pl.DataFrame, other: Ledger, cut: int, n_threads: int | None
) -> list[str]:
    """Make the rows of one instant again from another shop, and name the columns that are not the same."""
    again = labelled.snapshot.population(other, cut, n_threads)
    keys = ["customer", "as_of", "_feature_max_ts"]
    if not again.select(keys).equals(rows.select(keys)):
        return ["population"]
    seen = labelled.snapshot.seen(other, [cut], n_threads)
    again = again.join(seen, on=["customer", "as_of"], how="left", maintain_order="left")
    return [name for name in labelled.features if not rows[name].equals(again[name], check_names=False)]


def _perturbed(lines: pl.DataFrame, future: pl.Expr, cut: int) -> pl.DataFrame:
    """Give the orders of the future to other people at other times, some at the very instant, with other items and money."""
    past, later = lines.filter(~future), lines.filter(future)
    if later.is_empty():
        return lines
    key = ["order"] if "order" in lines.columns else ["customer", "time"]
    at = pl.lit(cut).cast(_UTC)
    orders = later.select(*{*key, "customer", "time"}).unique(key, keep="first", maintain_order=True)
    moved = pl.col("time") + pl.duration(hours=(pl.int_range(pl.len()) * 37) % 1000)
    # An order keeps its place among the known and the unknown: what is booked early is moved to the instant, too.
    orders = orders.select(
        *key,
        _customer=pl.col("customer").gather((pl.int_range(pl.len()) + 1) % pl.len()),
        _time=pl.when(pl.int_range(pl.len()) % 5 == 0).then(at).otherwise(pl.max_horizontal(moved, at)),
    )
    changed = later.join(orders, on=key, how="left", nulls_equal=True, maintain_order="left").with_columns(
        customer=pl.col("_customer"), time=pl.col("_time")
    )
    turned = pl.int_range(pl.len()) % 3 == 0
    columns = {}
    if "item" in lines.columns:
        columns["item"] = pl.col("item").gather((pl.int_range(pl.len()) + 1) % pl.len())
    for name in ("quantity", "amount"):
        if name in lines.columns:
            value = pl.col(name) * 3 + 1
            columns[name] = pl.when(turned).then(-value).otherwise(value)
    return pl.concat([past, changed.with_columns(**columns).select(past.columns)], how="vertical_relaxed")
