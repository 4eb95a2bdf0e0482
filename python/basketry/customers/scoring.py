"""How figures of customers become scores, named segments and quadrants, by cut points that can be kept."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import polars as pl

from basketry.arguments import whole
from basketry.exceptions import ParameterError, SchemaError

SEGMENTS = (
    ("champions", (5, 5), (4, 5)),
    ("loyal", (3, 4), (4, 5)),
    ("potential loyalists", (4, 5), (2, 3)),
    ("new", (5, 5), (1, 1)),
    ("promising", (4, 4), (1, 1)),
    ("need attention", (3, 3), (3, 3)),
    ("about to sleep", (3, 3), (1, 2)),
    ("cannot lose them", (1, 1), (4, 5)),
    ("at risk", (1, 2), (3, 5)),
    ("hibernating", (2, 2), (1, 2)),
    ("lost", (1, 1), (1, 2)),
)
"""Named segments: the ranges of the r and the f score. The first that fits counts."""

QUADRANTS = ("regular", "loyal", "one-time", "big fish")
"""Value x frequency: few and small orders, many orders, one small order, few but large orders."""

BIG_FISH = 0.875
"""The share of customers whose average order is too small for a big fish, where nothing else is said."""

SCORES = range(1, 6)
_RANGES = ("r_low", "r_high", "f_low", "f_high")


@dataclass(frozen=True)
class RfmCuts:
    """Cut points of scores and quadrants: learned once or chosen, and the same at every later date.

    Each of the first three holds four numbers that do not fall.

    Parameters
    ----------
    recency_days
        The r score is 5 up to the first, 4 up to the second, and so on; beyond the last it is 1.
    orders
        The f score is 1 below the first, 2 from it on, and so on; from the last on it is 5.
    spend_total
        The same for the m score.
    big_fish_value
        An average order above it is large.
    loyal_orders
        From how many orders on a customer is loyal.

    Raises
    ------
    ParameterError
        If the numbers fall, or are not four.

    Examples
    --------
    >>> import basketry as bk
    >>> cuts = bk.RfmCuts(
    ...     recency_days=(30, 90, 180, 365), orders=(2, 3, 5, 10), spend_total=(50, 100, 250, 1000),
    ...     big_fish_value=150.0, loyal_orders=8)
    >>> bk.RfmCuts.from_json(cuts.to_json()) == cuts
    True
    """

    recency_days: tuple[float, ...]
    orders: tuple[float, ...]
    spend_total: tuple[float, ...]
    big_fish_value: float
    loyal_orders: int

    def __post_init__(self) -> None:
        for name in ("recency_days", "orders", "spend_total"):
            object.__setattr__(self, name, _ascending(name, getattr(self, name)))
        object.__setattr__(self, "big_fish_value", _money("big_fish_value", self.big_fish_value))
        whole("loyal_orders", self.loyal_orders, 2)

    def to_json(self) -> str:
        """Write the cut points as a text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RfmCuts:
        """Read cut points from a text of `to_json`.

        Parameters
        ----------
        text
            The text.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise SchemaError(f"these are no cut points of RFM scores: {error}") from error


def rfm_cuts(
    table: pl.DataFrame,
    *,
    big_fish: float = BIG_FISH,
    big_fish_value: float | None = None,
    loyal_orders: int | None = None,
) -> RfmCuts:
    """Learn cut points from an RFM table, to score other dates or other customers alike.

    Parameters
    ----------
    table
        A frame of `rfm`.
    big_fish, big_fish_value, loyal_orders
        As for `rfm`.

    Returns
    -------
    RfmCuts
        The edges of quintiles with equal values together: ``rfm(..., cuts=...)`` at the same date gives the same scores.

    Examples
    --------
    >>> import basketry as bk
    >>> shop = bk.simulate(customers=300, rng=1).ledger
    >>> table = bk.rfm(shop, as_of="2024-01-01")
    >>> bk.rfm(shop, as_of="2024-01-01", cuts=bk.rfm_cuts(table)).equals(table)
    True
    """
    value, orders = thresholds(table, big_fish, big_fish_value, loyal_orders)
    late = _edges(table.select(-pl.col("recency_days").cast(pl.Int64)))
    return RfmCuts(
        tuple(-edge for edge in reversed(late)),
        tuple(_edges(table.select("orders"))),
        tuple(_edges(table.select("spend_total"))),
        value,
        orders,
    )


def rfm_segment_table() -> pl.DataFrame:
    """Show the table of named segments that `rfm` uses; a changed one can be given to it.

    Returns
    -------
    DataFrame
        ``segment``, ``r_low``, ``r_high``, ``f_low``, ``f_high``: ranges of scores, ends included. The first row that fits
        a customer names him.

    Examples
    --------
    >>> import basketry as bk
    >>> bk.rfm_segment_table().row(0)
    ('champions', 5, 5, 4, 5)
    """
    rows = [(name, *r, *f) for name, r, f in SEGMENTS]
    return pl.DataFrame(rows, schema={"segment": pl.String} | dict.fromkeys(_RANGES, pl.Int64), orient="row")


def thresholds(
    table: pl.DataFrame, big_fish: float, big_fish_value: float | None, loyal_orders: int | None
) -> tuple[float, int]:
    """Find above which average order a customer is a big fish, and from how many orders on he is loyal.

    Parameters
    ----------
    table
        A frame of `rfm`.
    big_fish, big_fish_value, loyal_orders
        As for `rfm`.
    """
    if isinstance(big_fish, bool) or not isinstance(big_fish, int | float) or not 0 < big_fish < 1:
        raise ParameterError.out_of_range("big_fish", big_fish, "a share above 0 and below 1 is needed")
    if loyal_orders is not None and (not isinstance(loyal_orders, int) or loyal_orders < 2):
        raise ParameterError.out_of_range(
            "loyal_orders", loyal_orders, "two orders at the least make a loyal customer"
        )
    if big_fish_value is None:
        average = table.select(pl.col("spend_total") / pl.col("orders")).to_series()
        found = average.quantile(big_fish, "higher")
        big_fish_value = math.inf if found is None else found
    else:
        big_fish_value = _money("big_fish_value", big_fish_value)
    if loyal_orders is None:
        upper = table.filter(pl.col("orders") > 1)["orders"].quantile(0.75, "higher")
        loyal_orders = max(3, int(upper or 0))
    return big_fish_value, loyal_orders


def scores(cuts: RfmCuts) -> list[pl.Expr]:
    """Score by cut points.

    Parameters
    ----------
    cuts
        The cut points.
    """
    late = [pl.col("recency_days") > edge for edge in cuts.recency_days]
    reached = {
        "f": [pl.col("orders") >= edge for edge in cuts.orders],
        "m": [pl.col("spend_total") >= edge for edge in cuts.spend_total],
    }
    r = (5 - pl.sum_horizontal(late)).cast(pl.UInt8).alias("r")
    return [
        r,
        *((1 + pl.sum_horizontal(edges)).cast(pl.UInt8).alias(name) for name, edges in reached.items()),
    ]


def segment(table: pl.DataFrame | None) -> pl.Expr:
    """Name the segment of each customer by his scores.

    Parameters
    ----------
    table
        Like `rfm_segment_table`, which None stands for.
    """
    rows = SEGMENTS if table is None else _rows(table)
    # One number a pair of scores, and the name by table: 25 pairs need no chain of comparisons.
    pairs = {}
    for r in SCORES:
        for f in SCORES:
            fits = (name for name, (r1, r2), (f1, f2) in rows if r1 <= r <= r2 and f1 <= f <= f2)
            pairs[10 * r + f] = next(fits, None)
            if pairs[10 * r + f] is None:
                raise ParameterError.out_of_range(
                    "segments", f"no row for r={r}, f={f}", "each pair of scores from 1 to 5 needs a segment"
                )
    pair = pl.col("r") * 10 + pl.col("f")
    return pair.replace_strict(pairs, return_dtype=pl.String).alias("segment")


def quadrant(big_fish_value: float, loyal_orders: int) -> pl.Expr:
    """Name the quadrant of each customer.

    Parameters
    ----------
    big_fish_value
        An average order above it is large.
    loyal_orders
        From how many orders on a customer is loyal.
    """
    large = pl.col("spend_total") / pl.col("orders") > big_fish_value
    named = (
        pl.when(pl.col("orders") >= loyal_orders)
        .then(pl.lit("loyal"))
        .when(large)
        .then(pl.lit("big fish"))
        .when(pl.col("orders") == 1)
        .then(pl.lit("one-time"))
        .otherwise(pl.lit("regular"))
    )
    return named.alias("quadrant")


def _edges(column: pl.DataFrame) -> list[float]:
    """Find the smallest value of each score from 2 on; where nobody has it, that of the next one, or infinity."""
    values = column.to_series().alias("value")
    # The middle of equal ranks is half a whole number; twice it, less one, is what lies below plus what lies below or equal.
    twice = (2 * pl.col("value").rank("average") - 1).cast(pl.Int64)
    score = (twice * 5 // (2 * max(len(values), 1))).clip(0, 4) + 1
    least = values.to_frame().with_columns(score=score).group_by("score").agg(pl.col("value").min())
    found = dict(least.iter_rows())
    return [min((float(v) for s, v in found.items() if s >= at), default=math.inf) for at in SCORES[1:]]


def _ascending(name: str, edges: object) -> tuple[float, ...]:
    expected = "four numbers that do not fall are needed"
    if not isinstance(edges, Sequence) or isinstance(edges, str) or len(edges) != len(SCORES) - 1:
        raise ParameterError.out_of_range(name, edges, expected)
    numbers = tuple(_money(name, edge) for edge in edges)
    if any(one > two for one, two in pairwise(numbers)):
        raise ParameterError.out_of_range(name, list(numbers), expected)
    return numbers


def _money(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ParameterError.out_of_range(name, value, "a number is needed")
    return float(value)


def _rows(table: object) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
    if not isinstance(table, pl.DataFrame):
        raise ParameterError.out_of_range("segments", table, "a frame like rfm_segment_table() is needed")
    for column in ("segment", *_RANGES):
        if column not in table.columns:
            raise SchemaError.unknown_column(column, "segments", table.columns)
    rows = table.select("segment", *_RANGES).iter_rows()
    return [(str(name), (r1, r2), (f1, f2)) for name, r1, r2, f1, f2 in rows]
