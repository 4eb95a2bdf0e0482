"""Tables for models that cannot see the future: who is asked, what was known then, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl

from basketry.arguments import whole
from basketry.customers.features import WINDOWS, customer_features
from basketry.customers.labelled import Labelled
from basketry.customers.targets import Target, counted, target_of
from basketry.customers.windows import Length, Span, backward, is_nothing, length, looks_back, shifted, span
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger
from basketry.ledger.lines import with_lines
from basketry.ledger.zones import Moment, local, zone_info

Maker = Callable[[Ledger, datetime], pl.DataFrame]
"""Makes features of one's own: of the shop and the instant a frame with ``customer`` and further columns."""

_UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Windows relative to one instant or several: whom to look at, what may be known of them, what is to be foretold.

    All windows are half-open. Features see what lies before ``as_of`` and nothing else, labels what lies at or after it.

    Parameters
    ----------
    as_of
        One instant or several. A date is its local midnight; None is the end of the data.
    base
        Only customers with a purchase in this window: a length that ends where ``dormant`` begins (at ``as_of`` without it),
        or a pair of offsets such as ``('-6mo', '-3mo')``. None reaches back to the beginning.
    dormant
        Only customers without a purchase in this window: a length that ends at ``as_of``, or a pair. None asks for nothing.
    label
        Where the outcome is looked up: a length that begins ``gap`` after ``as_of``, or a pair. None makes no label: scoring.
    gap
        How long it takes from ``as_of`` until anything can come of it.
    target
        ``purchase``, ``churn`` (no purchase), ``sale``, ``return``, or attributes of items such as ``{'category': 'tea'}``.
    discount
        The measure of lines that holds discounts, for ``sale`` and for features.
    category
        The attribute of items whose labels are counted among the features.
    min_orders
        The fewest orders in the base window.
    windows
        Days of the windows of features, as in `customer_features`.
    attributes
        Attributes of customers to join in.
    features
        Makes features of one's own from the shop and the instant. `Labelled.audit` tells whether it keeps to the past.
    known_at
        The measure of lines that tells (in seconds since 1970 UTC: map a column of instants) when a line became known. Before
        that it is no feature, whatever day it is booked on. 0 and nothing mean at once.

    Examples
    --------
    >>> import basketry as bk
    >>> from datetime import date
    >>> shop = bk.simulate(customers=500, rng=7).ledger
    >>> dormant = bk.Snapshot(as_of=date(2023, 10, 1), dormant="90d", label="90d", windows=[180])
    >>> labelled = dormant.build(shop)
    >>> labelled.periods.select("population", "positives").row(0)
    (112, 16)
    >>> labelled.audit().passed
    True
    """

    as_of: Moment | Sequence[Moment] | None = None
    base: Span | None = None
    dormant: Span | None = None
    label: Span | None = None
    gap: Length = 0
    target: Any = "purchase"
    discount: str | None = None
    category: str | None = None
    min_orders: int = 1
    windows: Sequence[int] = WINDOWS
    attributes: Sequence[str] = ()
    features: Maker | None = None
    known_at: str | None = None
    _target: Target = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("base", "dormant", "label"):
            checked = span(name, getattr(self, name))
            if (
                name != "label"
                and isinstance(checked, tuple)
                and not (is_nothing(checked[1]) or looks_back(checked[1]))
            ):
                raise ParameterError.out_of_range(
                    name,
                    getattr(self, name),
                    "it ends at as_of or before it, so its end is '0d' or begins with '-'",
                )
            if (
                name == "label"
                and isinstance(checked, tuple)
                and (looks_back(checked[0]) or not is_nothing(length("gap", self.gap)))
            ):
                raise ParameterError.out_of_range(
                    name,
                    getattr(self, name),
                    "a pair begins at as_of or after it, and says itself how long the gap is",
                )
        if looks_back(length("gap", self.gap)):
            raise ParameterError.out_of_range("gap", self.gap, "it lies after as_of")
        whole("min_orders", self.min_orders, 1)
        object.__setattr__(self, "_target", target_of(self.target, self.discount))

    def at(self, as_of: Moment | Sequence[Moment] | None) -> Snapshot:
        """Ask the same of another instant or of others."""
        return replace(self, as_of=as_of)

    def to_score(self, as_of: Moment | None = None) -> Snapshot:
        """Ask who is to be scored at an instant: the same without a label."""
        return replace(self, as_of=as_of, label=None, gap=0)

    def bounds(self, at: int, timezone: str) -> dict[str, tuple[int | None, int] | None]:
        """Find the windows of one instant: name -> start (None for the beginning) and end, in microseconds.

        Parameters
        ----------
        at
            Microseconds since 1970 UTC.
        timezone
            The shop's time zone.
        """
        found: dict[str, tuple[int | None, int] | None] = {"base": None, "dormant": None, "label": None}
        dormant, base, label = (span(name, getattr(self, name)) for name in ("dormant", "base", "label"))
        border: tuple[str, ...] = ()
        if isinstance(dormant, str):
            border = (backward(dormant),)
            found["dormant"] = shifted(at, border, timezone), at
        elif dormant is not None:
            border = dormant[:1]
            found["dormant"] = tuple(shifted(at, (one,), timezone) for one in dormant)  # type: ignore[assignment]
        start = shifted(at, border, timezone)
        if isinstance(base, str):
            found["base"] = shifted(at, (*border, backward(base)), timezone), start
        elif base is not None:
            found["base"] = tuple(shifted(at, (one,), timezone) for one in base)  # type: ignore[assignment]
        else:
            found["base"] = None, start
        if isinstance(label, str):
            gap = length("gap", self.gap)
            found["label"] = shifted(at, (gap,), timezone), shifted(at, (gap, label), timezone)
        elif label is not None:
            found["label"] = tuple(shifted(at, (one,), timezone) for one in label)  # type: ignore[assignment]
        for name, window in found.items():
            if window is not None and window[0] is not None and not window[0] < window[1]:
                raise ParameterError.out_of_range(
                    name, getattr(self, name), "the window ends before it begins"
                )
        return found

    def build(self, ledger: Ledger, *, n_threads: int | None = None) -> Labelled:
        """Make the table.

        Parameters
        ----------
        ledger
            The shop.
        n_threads
            How many threads to use; None for all.

        Returns
        -------
        Labelled
            One row per customer and ``as_of``, and where everybody else went.

        Raises
        ------
        ParameterError
            If a label window ends after the data, or if an argument is out of range.
        SchemaError
            If the ledger has no such measure or attribute.
        """
        if not isinstance(ledger, Ledger):
            raise ParameterError.out_of_range(
                "ledger", type(ledger).__name__, "a Ledger is needed: see read_ledger"
            )
        cuts = self._cuts(ledger)
        windows = {cut: self.bounds(cut, ledger.timezone) for cut in cuts}
        self._refuse_unseen(ledger, windows)
        events = self._target.events(ledger) if self.label is not None else None
        firsts = _first_purchases(ledger)
        rows, periods = [], []
        for cut in cuts:
            people, counts = self._people(self._known(ledger, cut, n_threads), cut, windows[cut])
            label = windows[cut]["label"]
            if events is not None and label is not None and label[0] is not None:
                people = people.join(counted(events, label[0], label[1]), on="customer", how="left")
                people = people.with_columns(pl.col("_events", "label_value").fill_null(0))
                people = people.with_columns(label=self._target.label())
                fresh = firsts.filter(pl.col("first") >= cut, pl.col("first") < label[1]).height
                hits = int(people["label"].sum())
                counts |= {"positives": hits, "base_rate": hits / people.height if people.height else None}
                counts["new_customers"] = fresh
            rows.append(people.drop("_events", strict=False).sort("customer"))
            ends = {
                f"{name}_{side}": None if window is None else window[number]
                for name, window in windows[cut].items()
                for number, side in enumerate(("start", "end"))
            }
            periods.append({"as_of": cut, **ends, **counts})
        known = self.seen(ledger, cuts, n_threads)
        table = pl.concat(rows).join(known, on=["customer", "as_of"], how="left", maintain_order="left")
        return Labelled(self, ledger, table, _as_periods(periods))

    def seen(self, ledger: Ledger, cuts: Sequence[int], n_threads: int | None = None) -> pl.DataFrame:
        """Make the features of all customers at instants given in microseconds: ``customer``, ``as_of``, features.

        Parameters
        ----------
        ledger
            The shop.
        cuts
            The instants.
        n_threads
            How many threads to use; None for all.
        """
        zone = zone_info(ledger.timezone)
        moments = [local(cut, zone) for cut in cuts]
        asked: dict[str, Any] = {
            "windows": self.windows,
            "category": self.category,
            "discount": self.discount,
        }
        asked["n_threads"] = n_threads
        if self.known_at is None:
            table = customer_features(ledger, as_of=moments, **asked)
        else:
            table = pl.concat(
                customer_features(self._known(ledger, cut, n_threads), as_of=moment, **asked)
                for cut, moment in zip(cuts, moments, strict=True)
            )
        if self.attributes:
            held = ledger.customers()
            for name in self.attributes:
                if name not in held.columns:
                    raise SchemaError.unknown_column(name, "attributes", held.columns)
            table = table.join(held.select("customer", *self.attributes), on="customer", how="left")
        if self.features is not None:
            own = [
                _own(self.features(self._known(ledger, cut, n_threads), moment), cut, table)
                for cut, moment in zip(cuts, moments, strict=True)
            ]
            table = table.join(pl.concat(own), on=["customer", "as_of"], how="left")
        return table.sort("customer", "as_of")

    def population(self, ledger: Ledger, cut: int, n_threads: int | None = None) -> pl.DataFrame:
        """List who is looked at at an instant given in microseconds: ``customer``, ``as_of``, ``_feature_max_ts``.

        Parameters
        ----------
        ledger
            The shop.
        cut
            The instant.
        n_threads
            How many threads to use; None for all.
        """
        windows = self.bounds(cut, ledger.timezone)
        return self._people(self._known(ledger, cut, n_threads), cut, windows)[0].sort("customer")

    def _cuts(self, ledger: Ledger) -> list[int]:
        one = self.as_of is None or isinstance(self.as_of, str) or not isinstance(self.as_of, Sequence)
        several: Sequence[Any] = [self.as_of] if one else self.as_of  # type: ignore[assignment]
        cuts = sorted({ledger.instant(moment) for moment in several})
        if not cuts or len(cuts) < len(several):
            raise ParameterError.out_of_range("as_of", self.as_of, "name one instant or several, each once")
        return cuts

    def _refuse_unseen(self, ledger: Ledger, windows: dict[int, Any]) -> None:
        """Refuse a label window that the data do not reach the end of: who buys late would look as if he did not."""
        end, zone = ledger.instant(None), zone_info(ledger.timezone)
        for cut, found in windows.items():
            if found["label"] is not None and found["label"][1] > end:
                moment, last = local(cut, zone), local(found["label"][1], zone)
                raise ParameterError.out_of_range(
                    "as_of", f"{moment:%Y-%m-%d}",
                    f"its label window ends at {last:%Y-%m-%d}, the data at {ledger.end}: take an earlier as_of",
                )  # fmt: skip

    def _known(self, ledger: Ledger, cut: int, n_threads: int | None) -> Ledger:
        """Take the shop as it was known at an instant; without ``known_at`` it is the shop itself."""
        if self.known_at is None:
            return ledger
        if self.known_at not in ledger.core.measures:
            raise SchemaError.unknown_column(self.known_at, "known_at", sorted(ledger.core.measures))
        late = (pl.col(self.known_at) * 1e6).round() >= cut
        return with_lines(ledger, ledger.lines().filter(~late.fill_null(value=False)), n_threads=n_threads)

    def _people(
        self, ledger: Ledger, cut: int, windows: dict[str, tuple[int | None, int] | None]
    ) -> tuple[pl.DataFrame, dict[str, Any]]:
        """Choose who is looked at, and count where the others went."""
        at = pl.col("time").dt.epoch("us")
        orders = ledger.orders().filter(pl.col("customer").is_not_null(), at < cut)

        def within(name: str) -> pl.Expr:
            window = windows[name]
            if window is None:
                return pl.lit(value=False)
            start = pl.lit(value=True) if window[0] is None else at >= window[0]
            return start & (at < window[1]) & pl.col("purchase")

        known = orders.group_by("customer").agg(
            bought=pl.col("purchase").any(),
            base=within("base").sum(),
            dormant=within("dormant").sum(),
            _feature_max_ts=pl.col("time").max(),
        ).filter("bought")  # fmt: skip
        in_base = pl.col("base") >= self.min_orders
        people = known.filter(in_base, pl.col("dormant") == 0).select(
            "customer", pl.lit(cut).cast(_UTC).alias("as_of"), "_feature_max_ts"
        )
        outside = known.filter(~in_base).height
        counts = {"known": known.height, "outside_base": outside, "population": people.height}
        return people, counts | {"still_active": known.height - outside - people.height}


def _own(made: pl.DataFrame, cut: int, table: pl.DataFrame) -> pl.DataFrame:
    """Check features of one's own: one row a customer, no name twice."""
    if not isinstance(made, pl.DataFrame) or "customer" not in made.columns or made.width < 2:
        raise SchemaError("features= must give a polars frame with 'customer' and at least one column more.")
    twice = sorted(set(made.columns) & set(table.columns) - {"customer"})
    if twice:
        raise SchemaError(f"features= gives {twice[0]!r}, which is there already: give it another name.")
    if made["customer"].is_duplicated().any():
        raise SchemaError("features= gives several rows for a customer: one is needed.")
    return made.with_columns(
        pl.lit(cut).cast(_UTC).alias("as_of"), customer=pl.col("customer").cast(table.schema["customer"])
    )


def _first_purchases(ledger: Ledger) -> pl.DataFrame:
    bought = ledger.orders().filter(pl.col("customer").is_not_null(), pl.col("purchase"))
    return bought.group_by("customer").agg(first=pl.col("time").dt.epoch("us").min())


def _as_periods(rows: list[dict[str, Any]]) -> pl.DataFrame:
    times = [
        "as_of",
        *(f"{name}_{side}" for name in ("base", "dormant", "label") for side in ("start", "end")),
    ]
    counts = ["known", "outside_base", "still_active", "population", "positives", "new_customers"]
    schema = dict.fromkeys([*times, *counts], pl.Int64) | {"base_rate": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema)
    return frame.with_columns(pl.col(times).cast(_UTC)).select(*times, *counts, "base_rate")
