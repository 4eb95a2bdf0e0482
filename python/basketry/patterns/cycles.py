"""Purchase cycles: after how long an item is bought again, and who should not be offered it yet."""

from __future__ import annotations

import polars as pl

from basketry import _core
from basketry.control import reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.zones import Moment
from basketry.patterns._histories import before, days, end_of, places_of, tree_of

LABELS = ("consumable", "durable", "not clear")
_NEEDED = ("item", "label", "early_days")


def purchase_cycles(
    ledger: object,
    *,
    horizon: str | int = "365d",
    as_of: Moment | None = None,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """Tell of every item after how long it is bought again, and whether it is one that is used up.

    Parameters
    ----------
    ledger
        A `Ledger`, or any table with one row per customer, item and time.
    horizon
        How long a purchase is followed to the next of the same: ``"365d"``, ``"52w"`` or a number of days.
    as_of
        Orders at or after it are left out; None takes all.
    customer, item, time
        The columns of a table; by default the names of the arguments. Of a ledger ``item`` may be an
        attribute of items, such as a category; the others must be left out.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        One row an item, in the order of their ids: ``item``; ``customers`` (who bought it); ``repeats``
        (later days on which they bought it again); ``expected`` (repeats, had they bought it on their later
        shopping days as often as customers without it do on theirs); ``ratio`` (the one over the other) with
        ``ratio_low``, ``ratio_high`` (95 % interval); ``label`` (``consumable``: bought again more often
        than that; ``durable``: less often; or ``not clear``); ``again`` (share of purchases that are
        followed by another within the horizon); ``early_days``, ``median_days`` (by when a quarter and a
        half of those have been) with ``median_low``, ``median_high`` (95 % interval of the median; null
        where the data do not tell).

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Notes
    -----
    Gaps are followed from every purchase to the next or to the end of the data by the product-limit
    estimate of Kaplan and Meier (1958), so that short histories do not make cycles short; the interval of
    the median comes from Greenwood's band (Brookmeyer and Crowley 1982). Purchases of one customer count as
    independent there, so it is a little too narrow.

    ``expected`` compares shopping days with shopping days: people who come often do not make an item a
    consumable. Buyers like an item more than others do, which raises the ratio, so a ratio below 1 is strong
    evidence of a durable and one a little above 1 is weak evidence of a consumable. The interval is the
    exact one of a Poisson count by the cube-root approximation of Wilson and Hilferty (1931).

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({"customer": ["ann", "ann", "ann", "bob", "bob"],
    ...     "item": ["tea", "tea", "pot", "tea", "tea"],
    ...     "time": [date(2024, 1, day) for day in (1, 11, 30, 2, 14)]})
    >>> bk.purchase_cycles(lines).select("item", "customers", "repeats", "median_days").rows()
    [('pot', 1, 0, None), ('tea', 2, 2, 10)]
    """
    followed = days("horizon", horizon) or 0
    if not 1 <= followed <= 100_000:
        raise ParameterError.out_of_range("horizon", horizon, "from 1 to 100,000 days, such as '365d'")
    tree, axis = tree_of(ledger, customer, item, time)
    found = pl.DataFrame(_core.purchase_cycles(tree, axis, followed, before(tree, as_of), reins(n_threads)))
    low, high = (end / pl.col("expected") for end in _poisson_interval(pl.col("repeats").cast(pl.Float64)))
    known = pl.col("expected") > 0
    ratios = found.with_columns(
        ratio=pl.when(known).then(pl.col("repeats") / pl.col("expected")),
        ratio_low=pl.when(known).then(low),
        ratio_high=pl.when(known).then(high),
    )
    label = (
        pl.when(pl.col("ratio_low") > 1)
        .then(pl.lit(LABELS[0]))
        .when(pl.col("ratio_high") < 1)
        .then(pl.lit(LABELS[1]))
        .otherwise(pl.lit(LABELS[2]))
    )
    return ratios.with_columns(label=label).select(
        "item", "customers", "repeats", "expected", "ratio", "ratio_low", "ratio_high", "label", "again",
        "early_days", "median_days", "median_low", "median_high",
    )  # fmt: skip


def _poisson_interval(count: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give the 95 % interval of the mean behind a Poisson count."""

    def end(n: pl.Expr, sign: int) -> pl.Expr:
        return n * (1 - 1 / (9 * n) + sign * 1.959963984540054 / (3 * n.sqrt())) ** 3

    return pl.when(count > 0).then(end(count, -1)).otherwise(0.0), end(count + 1, 1)


def just_bought(
    ledger: object,
    cycles: pl.DataFrame,
    *,
    as_of: Moment | None = None,
    durable_days: int = 365,
    customer: str | None = None,
    item: str | None = None,
    time: str | None = None,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """List who should not be offered what: it was bought so lately that it is too early for another.

    Parameters
    ----------
    ledger
        A `Ledger`, or any table with one row per customer, item and time.
    cycles
        What `purchase_cycles` found.
    as_of
        The day of the list; orders at or after it are not seen. None is the day after the last order.
    durable_days
        How long a durable is not offered again. A consumable is not offered until a quarter of its buyers
        would be back (``early_days``); an item whose label is not clear always may be.
    customer, item, time
        As in `purchase_cycles`; ``item`` must be what it was there.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    DataFrame
        By customer and item: ``customer``, ``item``, ``bought`` (day of the last purchase), ``until`` (the
        day from which it may be offered), ``label``.

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> lines = pl.DataFrame({"customer": ["ann", "bob"], "item": ["pot", "tea"],
    ...     "time": [date(2024, 1, 9), date(2024, 1, 10)]})
    >>> cycles = pl.DataFrame({"item": ["pot", "tea"], "label": ["durable", "consumable"],
    ...     "early_days": [None, 20]})
    >>> bk.just_bought(lines, cycles, as_of=date(2024, 2, 1)).select("customer", "item", "until").rows()
    [('ann', 'pot', datetime.date(2025, 1, 8))]
    """
    for name in _NEEDED:
        if name not in cycles.columns:
            raise SchemaError.unknown_column(name, name, cycles.columns)
    if isinstance(durable_days, bool) or not isinstance(durable_days, int) or durable_days < 1:
        raise ParameterError.out_of_range("durable_days", durable_days, "a whole number of days from 1 up")
    tree, axis = tree_of(ledger, customer, item, time)
    now = before(tree, as_of)
    now = end_of(tree) if now is None else now
    places = places_of(tree, axis)
    wait = [0] * len(places)
    labels = {}
    for one, label, early in cycles.select(_NEEDED).iter_rows():
        labels[one] = label
        if one in places and label != LABELS[2]:
            wait[places[one]] = durable_days if label == LABELS[1] else early or 0
    found = pl.DataFrame(_core.just_bought(tree, axis, wait, now, reins(n_threads)))
    told = cycles.select("item", "label")
    return found.join(told, on="item", how="left", maintain_order="left")
