"""Kept cut points, own segments, other money, moves between dates and planted big fish."""

import math
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.customers.scoring import SEGMENTS

FIRST, SECOND = date(2023, 6, 1), date(2024, 6, 1)


@pytest.fixture(scope="module")
def world():
    return bk.simulate(customers=3000, rng=5)


@pytest.fixture(scope="module")
def shop(world):
    return world.ledger


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=60))
def test_kept_cuts_give_the_same_scores_at_their_own_date(rows):
    frame = pl.DataFrame(rows, schema=["customer", "day", "amount"], orient="row").with_row_index("order")
    frame = frame.with_columns(time=pl.lit(date(2024, 1, 1)) + pl.duration(days=pl.col("day"))).drop("day")
    shop = bk.read_ledger(frame, timezone="UTC")
    table = bk.rfm(shop)
    cuts = bk.rfm_cuts(table)
    assert bk.rfm(shop, cuts=cuts).equals(table)
    assert bk.RfmCuts.from_json(cuts.to_json()) == cuts


def test_cuts_score_another_date_by_plain_comparison(shop):
    cuts = bk.rfm_cuts(bk.rfm(shop, as_of=FIRST))
    for row in bk.rfm(shop, as_of=SECOND, cuts=cuts).sample(100, seed=1).iter_rows(named=True):
        assert row["r"] == 5 - sum(row["recency_days"] > edge for edge in cuts.recency_days)
        assert row["f"] == 1 + sum(row["orders"] >= edge for edge in cuts.orders)
        assert row["m"] == 1 + sum(row["spend_total"] >= edge for edge in cuts.spend_total)
        large = row["spend_total"] / row["orders"] > cuts.big_fish_value
        small = "one-time" if row["orders"] == 1 else "regular"
        wanted = "loyal" if row["orders"] >= cuts.loyal_orders else "big fish" if large else small
        assert row["quadrant"] == wanted


def test_chosen_cuts_and_thresholds(shop):
    cuts = bk.RfmCuts((30, 90, 180, 365), (2, 3, 5, 10), (50, 100, 250, 1000), 80, 6)
    table = bk.rfm(shop, as_of=SECOND, cuts=cuts)
    assert table.filter(pl.col("f") == 5)["orders"].min() >= 10
    assert table.filter(pl.col("r") == 4)["recency_days"].is_between(31, 90).all()
    fish = bk.rfm(shop, as_of=SECOND, big_fish_value=80, loyal_orders=6)
    assert fish["quadrant"].equals(table["quadrant"])


def test_own_segments(shop):
    own = pl.DataFrame(
        {"segment": ["best", "rest"], "r_low": [4, 1], "r_high": [5, 5], "f_low": [4, 1], "f_high": [5, 5]}
    )
    table = bk.rfm(shop, segments=own)
    best = (pl.col("r") >= 4) & (pl.col("f") >= 4)
    assert table.select(((pl.col("segment") == "best") == best).all()).item()
    assert bk.rfm(shop, segments=bk.rfm_segment_table()).equals(bk.rfm(shop))
    assert bk.rfm_segment_table()["segment"].to_list() == [name for name, *_ in SEGMENTS]
    with pytest.raises(bk.ParameterError, match="no row for r=1, f=1"):
        bk.rfm(shop, segments=own.head(1))
    with pytest.raises(bk.SchemaError, match="r_high"):
        bk.rfm(shop, segments=own.drop("r_high"))


def test_money_is_gross_net_or_margin(shop):
    lines = shop.lines().filter(pl.col("customer").is_not_null())
    bought = lines.filter(pl.col("quantity") >= 0)
    sums = {
        "gross": bought.group_by("customer").agg(x=pl.col("amount").sum()),
        "net": lines.group_by("customer").agg(x=pl.col("amount").sum()),
        "margin": lines.group_by("customer").agg(x=pl.col("margin").sum()),
    }
    for money, wanted in sums.items():
        table = bk.rfm(shop, money=money).join(wanted, on="customer", how="left")
        assert table["spend_total"].to_list() == pytest.approx(table["x"].to_list(), abs=1e-6)
        column = "margin_total" if money == "margin" else f"spend_{money}"
        assert table[column].equals(table["spend_total"].alias(column))
    plain = bk.read_ledger(pl.DataFrame({"customer": [1], "time": [FIRST], "amount": [2.0]}), timezone="UTC")
    with pytest.raises(bk.SchemaError, match="margin"):
        bk.rfm(plain, money="margin")


def test_shares_of_cells_add_up(shop):
    table = bk.rfm(shop)
    for cells, names in (
        (bk.rfm_map(table), ("customers_share", "orders_share", "spend_share")),
        (bk.rfm_segments(table), ("share", "orders_share", "spend_share")),
        (bk.quadrants(table), ("customers_share", "orders_share", "spend_share")),
    ):
        for name in names:
            assert cells[name].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("by", ["segment", "quadrant", "f"])
def test_migration_counts_everybody_once(shop, by):
    old = bk.rfm(shop, as_of=FIRST)
    new = bk.rfm(shop, as_of=SECOND, cuts=bk.rfm_cuts(old))
    moves = bk.rfm_migration(shop, before=FIRST, after=SECOND, by=by)
    for side, table in (("before", old), ("after", new)):
        held = moves.drop_nulls("before") if side == "before" else moves
        counts = held.group_by(side).agg(pl.col("customers").sum()).sort(side)
        assert counts["customers"].to_list() == table.group_by(by).len().sort(by)["len"].to_list()
    assert moves.filter(pl.col("before").is_null())["customers"].sum() == new.height - old.height
    assert moves.group_by("before").agg(pl.col("share").sum())["share"].to_list() == pytest.approx(
        [1.0] * moves["before"].n_unique()
    )
    assert moves["spend_between"].sum() == pytest.approx(
        new["spend_total"].sum() - old["spend_total"].sum(), abs=0.01
    )


def test_planted_big_fish_are_found(world):
    truth = world.truth["segments"].select("customer", planted="segment")
    table = bk.rfm(world.ledger).join(truth, on="customer").filter(pl.col("planted") == "big_fish_rare")
    assert (table["quadrant"] == "big fish").mean() >= 0.9


def test_wrong_arguments_are_refused(shop):
    cuts = bk.rfm_cuts(bk.rfm(shop))
    for wrong in ({"ties": "apart"}, {"loyal_orders": 4}, {"big_fish": 0.5}, {"big_fish_value": 2}):
        with pytest.raises(bk.ParameterError, match="cuts"):
            bk.rfm(shop, cuts=cuts, **wrong)
    for edges in ((1, 2, 3), (4, 3, 2, 1), (1, 2, 3, math.nan), "1234"):
        with pytest.raises(bk.ParameterError, match="recency_days"):
            bk.RfmCuts(edges, (2, 3, 4, 5), (1, 2, 3, 4), 10, 3)
    with pytest.raises(bk.ParameterError, match="money='profit'"):
        bk.rfm(shop, money="profit")
    with pytest.raises(bk.SchemaError, match="cut points"):
        bk.RfmCuts.from_json("{}")
    with pytest.raises(bk.ParameterError, match="before"):
        bk.rfm_migration(shop, before=SECOND, after=FIRST)
    with pytest.raises(bk.ParameterError, match="by='colour'"):
        bk.rfm_migration(shop, before=FIRST, by="colour")
