"""How much more customers buy when the due list says so, in a simulated shop."""

from datetime import date, timedelta

import polars as pl

import basketry as bk

AXIS = "product_segment"


def buy_rates(seed: int, as_of: date, weeks: int = 4) -> tuple[float, float]:
    """Give the purchases a week of listed customers in their due weeks, and in all their other weeks.

    The tables and the list see nothing of the weeks in which the purchases are counted.
    """
    world = bk.simulate(customers=20_000, rng=seed).ledger
    lags = bk.lag_tables(world, item=AXIS, min_events=50, as_of=as_of, horizon="40w")
    sure = {"peaks_only": True, "max_q": 0.05, "min_lift": 2.0}
    found = bk.due_list(world, lags, as_of=as_of, within_weeks=weeks, item=AXIS, **sure)
    assert found.height > 300
    bought = (
        world.lines()
        .join(world.items(), on="item")
        .select("customer", pl.col(AXIS).cast(pl.String), day=pl.col("time").dt.date())
        .unique()
    )
    listed = found.with_columns(
        pl.col("consequent").list.first().cast(pl.String).alias(AXIS),
        start=pl.max_horizontal("peak_from", pl.lit(as_of)),
        end=pl.min_horizontal("peak_to", pl.lit(as_of + timedelta(days=7 * weeks - 1))),
    ).with_row_index("row")
    later = listed.join(bought, on=["customer", AXIS])
    hits = later.filter(pl.col("day").is_between("start", "end")).select("row").n_unique()
    due_weeks = ((listed["end"] - listed["start"]).dt.total_days() + 1).sum() / 7
    others = later.filter(~pl.col("day").is_between("start", "end")).unique(["row", "day"]).height
    all_weeks = listed.height * (world.last_day - world.first_day).days / 7 - due_weeks
    return hits / due_weeks, others / all_weeks
