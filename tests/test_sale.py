"""Sale motivation: counts by hand, and discount seekers told from all others."""

from datetime import date

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import basketry as bk


def read(rows, **more):
    columns = {name: name for name in ("customer", "order", "item", "time", "amount")}
    return bk.read_ledger(rows, columns=columns, measures={"off": "off"}, timezone="UTC", **more)


def test_shares_are_those_that_one_counts_by_hand():
    rows = pl.DataFrame(
        [
            ("ann", 1, "tea", date(2024, 1, 1), 2.0, 0.0),
            ("ann", 2, "tea", date(2024, 6, 1), 2.0, 0.5),
            ("ann", 2, "cup", date(2024, 6, 1), 4.0, 0.0),
            ("ann", 3, "cup", date(2024, 12, 1), 4.0, 0.1),
            ("bob", 4, "cup", date(2024, 7, 1), 4.0, 0.0),
            ("cid", 5, "tea", date(2024, 2, 1), 2.0, 0.0),
        ],
        schema=["customer", "order", "item", "time", "amount", "off"],
        orient="row",
    )
    table = bk.sale_motivation(read(rows), discount="off")
    ann, bob, cid = table.rows(named=True)
    assert (ann["orders"], ann["discount_share"], ann["full_price_share"]) == (3, 2 / 3, 0.5)
    assert ann["discount_depth"] == pytest.approx(0.3)
    # Known from 1 April on: tea of 152 days, the cup of 0 and of 183.
    assert ann["novelty_days"] == pytest.approx((152 + 0 + 183) / 3)
    assert ann["new_full_price_share"] == pytest.approx(1 / 3)
    assert (bob["novelty_days"], bob["new_full_price_share"], bob["group"]) == (30.0, 1.0, "too few orders")
    assert cid["novelty_days"] is None
    assert cid["new_full_price_share"] is None
    # Of 5 orders 2 are on discount, of 4 known lines 2 are new at list price.
    assert ann["axis"] == pytest.approx((2 + 2 * 2 / 5) / 5 - (1 + 2 * 2 / 4) / 5)
    assert cid["axis"] == pytest.approx((0 + 2 * 2 / 5) / 3 - 2 / 4)


def test_discounts_may_be_money():
    rows = pl.DataFrame(
        {"customer": ["ann"] * 2, "order": [1, 2], "item": ["tea", "tea"], "amount": [6.0, 8.0]}
    )
    rows = rows.with_columns(time=pl.lit(date(2024, 1, 1)), off=pl.Series([2.0, 0.0]))
    assert bk.sale_motivation(read(rows), discount="off")["discount_depth"].to_list() == [0.25]


@pytest.mark.parametrize("world", ["easy", "hard"])
def test_seekers_are_told_from_all_others(world):
    shop = bk.simulate(world, customers=3_000, rng=7)
    table = bk.sale_motivation(shop.ledger, discount="discount")
    known = table.filter(pl.col("orders") >= 3).join(shop.truth["segments"], on="customer")
    seekers = known["discount_propensity"] > 0.5
    assert roc_auc_score(seekers, known["axis"]) >= 0.95
    groups = known.group_by("group").agg(pl.col("segment").eq("bargain").mean())
    share = dict(groups.iter_rows())
    assert share["discount seeker"] > 0.5 > 0.05 > share["list price"]
    assert table["customer"].equals(bk.rfm(shop.ledger)["customer"])


def test_refusals():
    shop = bk.simulate(customers=100, rng=7).ledger
    with pytest.raises(bk.SchemaError, match="discount"):
        bk.sale_motivation(shop, discount="discounts")
    with pytest.raises(bk.ParameterError, match="min_orders"):
        bk.sale_motivation(shop, discount="discount", min_orders=0)
