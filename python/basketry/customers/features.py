"""What customers did before an instant, as a wide table for models: nested windows, one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import overload

import polars as pl

from basketry import _core
from basketry.arguments import whole
from basketry.control import reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger import Ledger, PartitionedLedger
from basketry.ledger.answers import Answers
from basketry.ledger.zones import Moment, instant, local, micros, zone_info

WINDOWS = (7, 14, 30, 60, 90, 180, 365)
"""Days of the usual windows; the window of all time always comes behind."""

_ALL = "all"


@dataclass(frozen=True)
class _Feature:
    """A column, or one a window: what it is, what it needs and, unless the traversal tells it, how it is computed."""

    name: str
    unit: str
    meaning: str
    needs: str = ""
    compute: Callable[[str], pl.Expr] | None = None
    finite: bool = False


def _ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """Divide; null where there is nothing to divide by."""
    return pl.when(below != 0).then(above / below)


def _per_window(above: str, below: str) -> Callable[[str], pl.Expr]:
    return lambda window: _ratio(pl.col(f"{above}_{window}"), pl.col(f"{below}_{window}"))


def _gaps(window: str) -> pl.Expr:
    return pl.max_horizontal(pl.col(f"active_days_{window}").cast(pl.Int64) - 1, pl.lit(0, pl.Int64))


def _gap_mean(window: str) -> pl.Expr:
    return _ratio(pl.col(f"gap_days_{window}"), _gaps(window))


def _gap_sd(window: str) -> pl.Expr:
    total = pl.col(f"gap_days_{window}").cast(pl.Int64)
    squares = _gaps(window) * pl.col(f"gap_squares_{window}").cast(pl.Int64) - total * total
    return _ratio(squares.sqrt(), _gaps(window))


def _trend(name: str) -> Callable[[str], pl.Expr]:
    def compute(window: str) -> pl.Expr:
        life = pl.max_horizontal(pl.col("tenure_days"), pl.lit(1, pl.Int32))
        seen = pl.min_horizontal(life, pl.lit(int(window.removesuffix("d")), pl.Int32))
        return _ratio(pl.col(f"{name}_{window}") * life, pl.col(f"{name}_{_ALL}") * seen)

    return compute


_LIFE = (
    _Feature("recency_days", "days", "local days from the last purchase to as_of"),
    _Feature("tenure_days", "days", "local days from the first purchase to as_of"),
    _Feature(
        "overdue", "ratio", "recency_days over the mean gap of all time; above 1 he is late",
        compute=lambda _: _ratio(pl.col("recency_days"), _gap_mean(_ALL)),
    ),
    _Feature("first_order_value", "money", "what was bought in the first order", "amount"),
    _Feature("last_order_value", "money", "what was bought in the last order", "amount"),
    _Feature("top_weekday", "weekday", "commonest local weekday of orders, 1 for Monday; ties to the first",
             compute=lambda _: pl.col("top_weekday") + 1),
    _Feature("top_weekday_share", "share", "share of orders on that weekday",
             compute=lambda _: pl.col("top_weekday_orders") / pl.col("orders_all")),
    _Feature("top_hour", "hour", "commonest local hour of orders, 0 to 23; ties to the first"),
    _Feature("top_hour_share", "share", "share of orders in that hour",
             compute=lambda _: pl.col("top_hour_orders") / pl.col("orders_all")),
    _Feature("top_category", "label", "commonest category of bought lines; ties to the first label", "category"),
    _Feature("top_category_share", "share", "its share of the bought lines that have a category", "category",
             compute=lambda _: _ratio(pl.col("top_category_lines"), pl.col("category_lines"))),
)  # fmt: skip

_WINDOWED = (
    _Feature("orders", "count", "orders with a purchase"),
    _Feature("active_days", "days", "local days with a purchase"),
    _Feature("lines", "count", "bought lines"),
    _Feature("order_lines_mean", "count", "bought lines an order", compute=_per_window("lines", "orders")),
    _Feature("gap_days_mean", "days", "mean gap between days with a purchase", compute=_gap_mean),
    _Feature("gap_days_sd", "days", "standard deviation of these gaps (of the population)", compute=_gap_sd),
    _Feature("gap_variation", "ratio", "gap_days_sd over gap_days_mean; 0 is as regular as a clock",
             compute=lambda window: _ratio(_gap_sd(window), _gap_mean(window))),
    _Feature("longest_gap_days", "days", "longest of these gaps; 0 without one"),
    _Feature("weekend_orders", "count", "orders on a local Saturday or Sunday"),
    _Feature("weekend_share", "share", "their share of orders", compute=_per_window("weekend_orders", "orders")),
    _Feature("night_orders", "count", "orders from 0 to before 6 o'clock, local time"),
    _Feature("morning_orders", "count", "orders from 6 to before 12 o'clock"),
    _Feature("afternoon_orders", "count", "orders from 12 to before 18 o'clock"),
    _Feature("evening_orders", "count", "orders from 18 o'clock on"),
    _Feature("orders_trend", "ratio", "orders a day in the window over orders a day since the first purchase",
             compute=_trend("orders"), finite=True),
    _Feature("return_lines", "count", "lines brought back", "sign"),
    _Feature("quantity", "pieces", "pieces bought", "quantity"),
    _Feature("items", "count", "distinct items bought", "item"),
    _Feature("categories", "count", "distinct categories bought", "category"),
    _Feature("spend_gross", "money", "what was bought", "amount"),
    _Feature("spend_net", "money", "what was bought less what was brought back in the window", "amount"),
    _Feature("returned", "money", "what was brought back, 0 or below", "amount"),
    _Feature("returned_share", "share", "money brought back over money bought", "amount",
             compute=lambda window: _ratio(-pl.col(f"returned_{window}"), pl.col(f"spend_gross_{window}"))),
    _Feature("order_value_mean", "money", "money bought an order", "amount", _per_window("spend_gross", "orders")),
    _Feature("largest_order", "money", "most money bought in one order; 0 without one", "amount"),
    _Feature("spend_trend", "ratio", "money bought a day in the window over that since the first purchase",
             "amount", _trend("spend_gross"), finite=True),
    _Feature("discount", "money", "discounts on bought lines", "discount"),
    _Feature("discount_share", "share", "discounts over money bought", "discount and amount",
             _per_window("discount", "spend_gross")),
    _Feature("discount_orders", "count", "orders in which something had a discount", "discount"),
    _Feature("discount_order_share", "share", "their share of orders", "discount",
             _per_window("discount_orders", "orders")),
)  # fmt: skip


@overload
def customer_features(
    ledger: Ledger,
    *,
    as_of: Moment | Sequence[Moment] | None = None,
    windows: Sequence[int] = WINDOWS,
    columns: Sequence[str] | None = None,
    category: str | None = None,
    discount: str | None = None,
    attributes: Sequence[str] = (),
    n_threads: int | None = None,
) -> pl.DataFrame: ...
@overload
def customer_features(
    ledger: PartitionedLedger,
    *,
    as_of: Moment | Sequence[Moment] | None = None,
    windows: Sequence[int] = WINDOWS,
    columns: Sequence[str] | None = None,
    category: str | None = None,
    discount: str | None = None,
    attributes: Sequence[str] = (),
    n_threads: int | None = None,
) -> pl.LazyFrame: ...
def customer_features(
    ledger: Ledger | PartitionedLedger,
    *,
    as_of: Moment | Sequence[Moment] | None = None,
    windows: Sequence[int] = WINDOWS,
    columns: Sequence[str] | None = None,
    category: str | None = None,
    discount: str | None = None,
    attributes: Sequence[str] = (),
    n_threads: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Describe every customer by what he did before an instant, in nested windows that end there.

    Parameters
    ----------
    ledger
        The shop; one in partitions is answered partition by partition.
    as_of
        One instant or several; nothing at or after it is seen. A date is its local midnight; None is the end of the data.
    windows
        How many days each window reaches back from ``as_of``: half-open, in local time. All time always comes with them.
    columns
        What is told: names of columns (``orders_30d``) or of features, which stand for all their windows (``orders``). What
        is not asked for is not computed. None is everything.
    category
        An attribute of items whose labels are counted.
    discount
        A measure of lines that holds discounts.
    attributes
        Attributes of customers that are joined in behind the features.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        One row per customer and ``as_of`` with a purchase before it, sorted by both: ``customer``, ``as_of`` (UTC) and the
        columns that `feature_dictionary` tells, as far as the ledger holds money, quantities, items and what was named.
        A ratio is null where there is nothing to divide by. Then come the ``attributes``. For a shop in partitions it is a
        LazyFrame, because it may be larger than memory: ``sink_parquet`` writes it as it comes.

    Raises
    ------
    SchemaError
        If items have no attribute ``category``, lines no measure ``discount`` or customers not all ``attributes``.
    ParameterError
        If an argument is out of range.

    Notes
    -----
    One walk back through each customer's orders, whose cost does not depend on the number of windows. A return is never
    a purchase: it counts in ``return_lines``, ``returned`` and ``spend_net`` only, at its own time. Sums are whole
    ten-thousandths inside, so the bytes do not depend on threads.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({
    ...     "customer": ["ann", "bob", "ann"], "order": [1, 2, 3],
    ...     "time": [date(2024, 1, 1), date(2024, 1, 30), date(2024, 1, 21)], "amount": [2.0, 5.0, 1.0]})
    >>> shop = bk.read_ledger(lines, timezone="UTC")
    >>> table = bk.customer_features(shop, as_of=date(2024, 1, 25), windows=[7, 30])
    >>> table.select("customer", "orders_7d", "orders_all", "spend_gross_7d", "gap_days_mean_30d").row(0)
    ('ann', 1, 2, 1.0, 20.0)
    """
    if not isinstance(ledger, Ledger | PartitionedLedger):
        raise ParameterError.out_of_range(
            "ledger", type(ledger).__name__, "a Ledger is needed: see read_ledger"
        )
    days = _days(windows)
    cuts = _cuts(ledger, as_of)

    def partial(shop: Ledger) -> pl.DataFrame:
        return _table(shop, cuts, days, columns, category, discount, attributes, n_threads)

    if isinstance(ledger, Ledger):
        return partial(ledger)
    told = _columns(days) if columns is None else _chosen(_columns(days), columns)
    names = [*(name for name, _, _ in told), *attributes]
    asked = {"table": "features", "cuts": cuts, "columns": names, "category": category, "discount": discount}
    # Three copies of a number: as it is counted, as it is told, and as it is written.
    wide = 3 * 8 * len(names) * len(cuts)
    return Answers(ledger, asked, partial, customer_bytes=wide).lazy("customer")


def _table(
    ledger: Ledger,
    cuts: Sequence[int],
    days: Sequence[int],
    columns: Sequence[str] | None,
    category: str | None,
    discount: str | None,
    attributes: Sequence[str],
    n_threads: int | None,
) -> pl.DataFrame:
    """Answer for the customers of one ledger."""
    holds = _holdings(ledger, category, discount)
    told = [column for column in _columns(days) if holds.issuperset(column[1].needs.split(" and "))]
    if columns is not None:
        told = _chosen(told, columns)
    joined = _attributes(attributes, ledger.core.attributes[1], [name for name, *_ in told])
    shown = [
        (pl.col(name) if feature.compute is None else feature.compute(window)).alias(name)
        for name, feature, window in told
    ]
    suffixes = _suffixes(days)
    wanted = {_unsuffixed(root, suffixes) for column in shown for root in column.meta.root_names()}
    # The share of the commonest category comes from counts that are made together with it.
    wanted |= {"top_category"} if "category_lines" in wanted else set()
    found = pl.DataFrame(
        _core.customer_features(
            ledger.core,
            [(cut, _starts(cut, days, ledger.timezone)) for cut in cuts],
            suffixes,
            category,
            discount,
            sorted(wanted),
            reins(n_threads),
        )
    )
    table = found.select("customer", "as_of", *shown)
    if not joined:
        return table
    known = pl.DataFrame(ledger.core.customers()).select("customer", *joined)
    return table.join(known, on="customer", how="left", maintain_order="left")


def feature_dictionary(*, windows: Sequence[int] = WINDOWS) -> pl.DataFrame:
    """Say what each column of `customer_features` means.

    Parameters
    ----------
    windows
        The days of the windows.

    Returns
    -------
    DataFrame
        One row a column, in their order: ``name``, ``unit``, ``meaning``, ``window`` (days; null for all time), ``needs``
        (what the ledger must hold for it: amount, quantity, item; category and discount must be named; empty for nothing).

    Examples
    --------
    >>> import basketry as bk
    >>> bk.feature_dictionary(windows=[30]).filter(name="orders_30d").row(0)
    ('orders_30d', 'count', 'orders with a purchase', 30, '')
    """
    rows = [
        (name, feature.unit, feature.meaning, None if window == _ALL else int(window[:-1]), feature.needs)
        for name, feature, window in _columns(_days(windows))
    ]
    schema = dict.fromkeys(("name", "unit", "meaning", "window", "needs"), pl.String)
    return pl.DataFrame(rows, schema=schema | {"window": pl.Int64}, orient="row")


_Column = tuple[str, _Feature, str]
"""The name of a column, its feature, its window."""


def _columns(days: Sequence[int]) -> list[_Column]:
    """Name the columns in their order, with the feature and the window of each."""
    names = [(feature.name, feature, _ALL) for feature in _LIFE]
    for feature in _WINDOWED:
        windows = _suffixes(days)[:-1] if feature.finite else _suffixes(days)
        names += [(f"{feature.name}_{window}", feature, window) for window in windows]
    return names


def _chosen(known: Sequence[_Column], wanted: Sequence[str]) -> list[_Column]:
    """Find the columns that are named, by their own name or by that of their feature, in the order of the dictionary."""
    if isinstance(wanted, str) or not isinstance(wanted, Sequence) or not wanted:
        raise ParameterError.out_of_range(
            "columns", wanted, "a list of names is needed: feature_dictionary tells them"
        )
    names = {name for column in known for name in (column[0], column[1].name)}
    for name in wanted:
        if name not in names:
            raise ParameterError.unknown("columns", name, sorted(names))
    return [column for column in known if column[0] in wanted or column[1].name in wanted]


def _attributes(wanted: Sequence[str], known: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Refuse attributes that customers do not have, or that bear the name of a feature."""
    if isinstance(wanted, str):
        raise ParameterError.out_of_range("attributes", wanted, "a list of names is needed")
    for name in wanted:
        if name not in known:
            raise SchemaError.unknown_column(name, "attributes", known)
        if name in taken:
            raise ParameterError.out_of_range(
                "attributes", name, "a feature bears this name: name the attribute otherwise when reading"
            )
    return list(dict.fromkeys(wanted))


def _unsuffixed(column: str, suffixes: Sequence[str]) -> str:
    """Take the window off the name of a column."""
    name, _, window = column.rpartition("_")
    return name if window in suffixes else column


def _suffixes(days: Sequence[int]) -> list[str]:
    return [*(f"{many}d" for many in days), _ALL]


def _days(windows: Sequence[int]) -> list[int]:
    if isinstance(windows, str) or not isinstance(windows, Sequence):
        raise ParameterError.out_of_range("windows", windows, "a list of days is needed, such as [30, 90]")
    days = sorted(whole("windows", many, 1, 36_500) for many in windows)
    if len(set(days)) < len(days):
        raise ParameterError.out_of_range("windows", list(windows), "each window may be named once")
    return days


def _holdings(ledger: Ledger, category: str | None, discount: str | None) -> set[str]:
    """Tell what the ledger holds, and refuse names that it does not know."""
    measures = set(ledger.core.measures)
    holds = {"", *measures & {"amount", "quantity"}}
    holds |= {"sign"} if len(holds) > 1 else set()
    holds |= {"item"} if ledger.core.has_items else set()
    if category is not None:
        attributes = set(ledger.items().columns) - {"item"}
        if category not in attributes:
            raise SchemaError.unknown_column(category, "category", sorted(attributes))
        holds.add("category")
    if discount is not None:
        if discount not in measures:
            raise SchemaError.unknown_column(discount, "discount", sorted(measures))
        holds.add("discount")
    return holds


def _cuts(ledger: Ledger | PartitionedLedger, as_of: Moment | Sequence[Moment] | None) -> list[int]:
    several = [as_of] if as_of is None or isinstance(as_of, str | date) else as_of
    if not isinstance(several, Sequence) or not several:
        raise ParameterError.out_of_range("as_of", as_of, "a date or a list of dates is needed")
    cuts = sorted({ledger.instant(one) for one in several})
    if len(cuts) < len(several):
        raise ParameterError.out_of_range("as_of", as_of, "each instant may be named once")
    return cuts


def _starts(cut: int, days: Sequence[int], timezone: str) -> list[int]:
    """Find the first instants of windows: as many local days earlier, at the same time of the day."""
    end = local(cut, zone_info(timezone)).replace(tzinfo=None)
    try:
        return [micros(instant("windows", end - timedelta(days=many), timezone)) for many in days]
    except OverflowError as error:
        raise ParameterError.out_of_range(
            "as_of", str(end), f"{days[-1]} days before it there is no calendar: name a later date"
        ) from error
