"""The feature table against a slow, obvious one, column by column."""

import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import mean, pstdev
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.exceptions import ParameterError, SchemaError

LONDON = ZoneInfo("Europe/London")
START = datetime(2024, 3, 20)  # noqa: DTZ001 - local time; summer time begins on the 31st
WINDOWS = [1, 7, 30]
ROW = st.tuples(
    st.sampled_from(["ann", "bob", "cid", None]),
    st.integers(0, 9),  # order
    st.integers(0, 240),  # steps of three hours
    st.sampled_from([-2, -1, 1, 2, 3]),
    st.integers(1, 500),  # cents apiece
    st.sampled_from(["tea", "cup", "pot", "mat"]),
    st.integers(0, 50),  # cents of discount
)
CATEGORIES = {"tea": "food", "cup": "ware", "pot": "ware", "mat": None}


def frame(rows):
    return pl.DataFrame(
        [
            (who, order, START + timedelta(hours=3 * step), quantity, quantity * cents / 100, item,
             CATEGORIES[item], off / 100)
            for who, order, step, quantity, cents, item, off in rows
        ],
        schema={
            "customer": pl.String, "order": pl.Int64, "time": pl.Datetime("us"), "quantity": pl.Int64,
            "amount": pl.Float64, "item": pl.String, "category": pl.String, "off": pl.Float64,
        },
        orient="row",
    )  # fmt: skip


def read(rows):
    names = ("customer", "order", "time", "quantity", "amount", "item")
    return bk.read_ledger(
        frame(rows), columns={name: name for name in names}, timezone="Europe/London",
        measures={"off": "off"}, item_attributes={"category": "category"},
    )  # fmt: skip


def per(above, below):
    return above / below if below else None


def windowed(orders, suffix, days, tenure, every):
    """Describe the orders of one window; each is its local time and its lines."""
    bought = [(time, [line for line in lines if line["quantity"] > 0]) for time, lines in orders]
    back = [line for _, lines in orders for line in lines if line["quantity"] < 0]
    bought = [(time, lines) for time, lines in bought if lines]
    lines = [line for _, lines in bought for line in lines]
    values = [sum(line["amount"] for line in lines) for _, lines in bought]
    active = sorted({time.date() for time, _ in bought})
    gaps = [(after - before).days for before, after in pairwise(active)]
    hours = Counter(time.hour // 6 for time, _ in bought)
    gross, off = sum(values), sum(line["off"] for line in lines)
    reduced = sum(any(line["off"] > 0 for line in lines) for _, lines in bought)
    weekend = sum(time.weekday() >= 5 for time, _ in bought)
    found = {
        "orders": len(bought),
        "active_days": len(active),
        "lines": len(lines),
        "order_lines_mean": per(len(lines), len(bought)),
        "gap_days_mean": mean(gaps) if gaps else None,
        "gap_days_sd": pstdev(gaps) if gaps else None,
        "gap_variation": pstdev(gaps) / mean(gaps) if gaps else None,
        "longest_gap_days": max(gaps, default=0),
        "weekend_orders": weekend,
        "weekend_share": per(weekend, len(bought)),
        "night_orders": hours[0],
        "morning_orders": hours[1],
        "afternoon_orders": hours[2],
        "evening_orders": hours[3],
        "return_lines": len(back),
        "quantity": sum(line["quantity"] for line in lines),
        "items": len({line["item"] for line in lines}),
        "categories": len({line["category"] for line in lines} - {None}),
        "spend_gross": gross,
        "spend_net": gross + sum(line["amount"] for line in back),
        "returned": sum(line["amount"] for line in back),
        "returned_share": per(-sum(line["amount"] for line in back), gross),
        "order_value_mean": per(gross, len(bought)),
        "largest_order": max(values, default=0),
        "discount": off,
        "discount_share": per(off, gross),
        "discount_orders": reduced,
        "discount_order_share": per(reduced, len(bought)),
    }
    if days:
        seen = min(days, max(tenure, 1)) / max(tenure, 1)
        found["orders_trend"] = len(bought) / every["orders_all"] / seen
        found["spend_trend"] = gross / every["spend_gross_all"] / seen
    return {f"{name}_{suffix}": value for name, value in found.items()}


def oracle(shop, as_of):
    """Describe every customer at a local time, one after the other, from all lines."""
    table = {}
    lines = shop.lines().join(shop.items(), on="item", how="left").filter(pl.col("customer").is_not_null())
    for who in sorted(lines["customer"].unique()):
        mine = {}
        for line in lines.filter(customer=who).iter_rows(named=True):
            time = line["time"].astimezone(LONDON).replace(tzinfo=None)
            if time < as_of:
                mine.setdefault((time, line["order"]), []).append(line)
        orders = [(time, mine[time, order]) for time, order in sorted(mine)]
        bought = [order for order in orders if any(line["quantity"] > 0 for line in order[1])]
        if not bought:
            continue
        value = [sum(line["amount"] for line in lines if line["quantity"] > 0) for _, lines in bought]
        tenure = (as_of.date() - bought[0][0].date()).days
        recency = (as_of.date() - bought[-1][0].date()).days
        row = windowed(orders, "all", None, tenure, None)
        for days in WINDOWS:
            inside = [order for order in orders if order[0] >= as_of - timedelta(days=days)]
            row |= windowed(inside, f"{days}d", days, tenure, row)
        weekdays = Counter(time.isoweekday() for time, _ in bought)
        hours = Counter(time.hour for time, _ in bought)
        labels = Counter(
            line["category"]
            for _, lines in bought
            for line in lines
            if line["quantity"] > 0 and line["category"]
        )
        first = lambda counts: min(counts, key=lambda key: (-counts[key], key), default=None)  # noqa: E731
        row |= {
            "recency_days": recency,
            "tenure_days": tenure,
            "overdue": per(recency, row["gap_days_mean_all"]) if row["gap_days_mean_all"] else None,
            "first_order_value": value[0],
            "last_order_value": value[-1],
            "top_weekday": first(weekdays),
            "top_weekday_share": max(weekdays.values()) / len(bought),
            "top_hour": first(hours),
            "top_hour_share": max(hours.values()) / len(bought),
            "top_category": first(labels),
            "top_category_share": labels[first(labels)] / labels.total() if labels else None,
        }
        table[who] = row
    return table


def check(shop, moments):
    found = bk.customer_features(shop, as_of=moments, windows=WINDOWS, category="category", discount="off")
    assert found.columns[2:] == bk.feature_dictionary(windows=WINDOWS)["name"].to_list()
    assert found.select("customer", "as_of").rows() == sorted(found.select("customer", "as_of").rows())
    for moment in moments:
        wanted = oracle(shop, moment)
        got = found.filter(pl.col("as_of") == moment.replace(tzinfo=LONDON).astimezone(UTC))
        assert got["customer"].to_list() == list(wanted)
        for row in got.iter_rows(named=True):
            truth = wanted[row["customer"]]
            assert truth.keys() == set(found.columns[2:])
            for name, value in truth.items():
                same = row[name] == value or (
                    isinstance(value, float)
                    and row[name] is not None
                    and math.isclose(row[name], value, abs_tol=1e-9)
                )
                assert same, (name, row[name], value)


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=50), st.sets(st.integers(0, 260), min_size=1, max_size=3))
def test_every_column_equals_the_oracle(rows, steps):
    check(read(rows), [START + timedelta(hours=3 * step) for step in sorted(steps)])


def test_a_made_case():
    row = ("ann", 1, 0, 2, 150, "tea", 10)
    rows = [
        row,
        ("ann", 1, 0, 1, 500, "mat", 0),
        ("ann", 2, 80, -1, 150, "tea", 0),
        ("ann", 3, 160, 1, 99, "cup", 5),
    ]
    check(read(rows), [START + timedelta(days=days) for days in (1, 10, 20, 21, 40)])


@settings(deadline=None, max_examples=40)
@given(st.lists(ROW, max_size=30), st.lists(ROW, max_size=20), st.integers(1, 30))
def test_nothing_at_or_after_as_of_is_seen(rows, later, day):
    as_of = START + timedelta(days=day)
    rows = [("dan", 0, 0, 1, 1, "tea", 0), *rows]
    before = [row for row in rows if START + timedelta(hours=3 * row[2]) < as_of]
    # Orders of their own, so that no earlier order gets another line.
    after = [(who, 100 + order, 8 * day + step, *rest) for who, order, step, *rest in later]
    one, other = (
        bk.customer_features(read(some), as_of=as_of, category="category", discount="off")
        for some in (before, before + after)
    )
    assert one.rows() == other.rows()


def test_many_columns_the_same_for_any_threads():
    shop = bk.simulate(customers=2000, rng=5).ledger
    moments = [shop.end, shop.end - timedelta(days=90)]
    one, two = (bk.customer_features(shop, as_of=moments, n_threads=threads) for threads in (1, 2))
    assert one.equals(two)
    assert one.width >= 92
    assert bk.customer_features(shop, as_of=moments[0]).equals(
        one.filter(pl.col("as_of") == one["as_of"].max())
    )
    rfm = bk.rfm(shop)
    latest = one.filter(pl.col("as_of") == one["as_of"].max())
    for here, there in (
        ("recency_days", "recency_days"),
        ("orders_all", "orders"),
        ("spend_net_all", "spend_total"),
    ):
        assert latest[here].cast(pl.Float64).to_list() == rfm[there].cast(pl.Float64).to_list()
    wide = bk.customer_features(shop, windows=[30, 90])
    assert wide.equals(bk.customer_features(shop).select(wide.columns))


def test_only_the_columns_that_are_asked_for():
    shop = bk.simulate(customers=500, rng=5).ledger
    for options in ({}, {"category": "category"}):
        whole = bk.customer_features(shop, windows=[30, 90], **options)
        for name in whole.columns[2:]:
            one = bk.customer_features(shop, windows=[30, 90], columns=[name], **options)
            assert one.equals(whole.select("customer", "as_of", name)), name
    some = bk.customer_features(shop, windows=[30, 90], columns=["spend_trend", "orders", "items_30d"])
    assert some.columns[2:] == ["orders_30d", "orders_90d", "orders_all", "items_30d", "spend_trend_30d",
                                "spend_trend_90d"]  # fmt: skip
    for wrong in (["order"], [], "orders", ["items_31d"]):
        with pytest.raises(ParameterError, match="columns"):
            bk.customer_features(shop, columns=wrong)


def test_attributes_of_customers_are_joined_in():
    rows = pl.DataFrame({
        "customer": ["ann", "bob", "ann"], "order": [1, 2, 3], "time": [date(2024, 1, 1)] * 3,
        "amount": [1.0, 2.0, 3.0], "town": ["Ulm", None, "Ulm"], "orders_all": ["a", "b", "a"],
    })  # fmt: skip
    names = {name: name for name in ("customer", "order", "time", "amount")}
    shop = bk.read_ledger(
        rows, columns=names, timezone="UTC", customer_attributes={"town": "town", "orders_all": "orders_all"}
    )
    plain = bk.customer_features(shop)
    joined = bk.customer_features(shop, attributes=["town"])
    assert joined.drop("town").equals(plain)
    assert joined.columns[-1] == "town"
    assert joined["town"].to_list() == ["Ulm", None]
    with pytest.raises(SchemaError, match="attributes"):
        bk.customer_features(shop, attributes=["city"])
    with pytest.raises(ParameterError, match="a feature bears this name"):
        bk.customer_features(shop, attributes=["orders_all"])


def test_the_same_bytes_for_any_order_chunks_and_threads():
    shop = bk.simulate(customers=800, rng=3).ledger
    lines = shop.lines().drop("discount", "margin", strict=False)
    names = {name: name for name in ("customer", "order", "time", "item", "quantity", "amount")}

    def table(rows, threads):
        ledger = bk.read_ledger(rows, columns=names, timezone="UTC", n_threads=threads)
        return bk.customer_features(ledger, as_of=[date(2023, 9, 1), date(2024, 1, 1)], n_threads=threads)

    want = table(lines, 1)
    shuffled = lines.sample(fraction=1, shuffle=True, seed=1)
    chunks = pl.concat([shuffled.slice(start, 777) for start in range(0, lines.height, 777)], rechunk=False)
    for rows, threads in ((shuffled, 2), (chunks, 3), (lines, 2)):
        assert table(rows, threads).equals(want)


def test_a_shop_without_money_and_items_still_has_ninety_columns():
    days = pl.DataFrame({"customer": [1, 1], "time": [date(2024, 1, 1), date(2024, 1, 9)]})
    shop = bk.read_ledger(days, columns={"customer": "customer", "time": "time"}, timezone="UTC")
    table = bk.customer_features(shop)
    assert table.width >= 92
    assert not [name for name in table.columns if name.startswith(("spend", "items", "returned", "quantity"))]
    assert bk.customer_features(shop, as_of=date(2020, 1, 1)).schema == table.schema


def test_wrong_arguments_are_refused_with_a_mend():
    shop = read([("ann", 1, 0, 1, 100, "tea", 0)])
    for wrong in ([0], [30, 30], "30", [1.5], 30):
        with pytest.raises(ParameterError, match="windows"):
            bk.customer_features(shop, windows=wrong)
    for wrong in ([], ["2024-01-01", date(2024, 1, 1)], 5, "0001-02-03"):
        with pytest.raises(ParameterError, match="as_of"):
            bk.customer_features(shop, as_of=wrong)
    with pytest.raises(SchemaError, match=r"categry.*did you mean 'category'"):
        bk.customer_features(shop, category="categry")
    with pytest.raises(SchemaError, match="nothing"):
        bk.customer_features(shop, discount="nothing")
    with pytest.raises(ParameterError, match="read_ledger"):
        bk.customer_features("shop.csv")
