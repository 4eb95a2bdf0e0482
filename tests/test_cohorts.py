"""Cohorts against a slow, obvious count."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.exceptions import ParameterError, SchemaError

START = datetime(2023, 11, 20)  # noqa: DTZ001 - local time, as dumps have it
ROW = st.tuples(
    st.sampled_from(["ann", "bob", "cid", "dan", None]),
    st.integers(0, 15),  # order
    st.integers(0, 400),  # days
    st.sampled_from([-2, -1, 1, 2]),
    st.integers(1, 500),  # cents apiece
)


def read(rows, returns="net"):
    schema = {"customer": pl.String, "order": pl.Int64, "time": pl.Datetime("us")}
    schema |= {"quantity": pl.Int64, "amount": pl.Float64}
    filled = [
        (who, order, START + timedelta(days=days), quantity, quantity * cents / 100)
        for who, order, days, quantity, cents in rows
    ]
    return bk.read_ledger(pl.DataFrame(filled, schema=schema, orient="row"), timezone="UTC", returns=returns)


def number(day, period):
    """Count the periods from long ago to a day."""
    if period == "week":
        return (day - date(1970, 1, 5)).days // 7
    return {"month": day.year * 12 + day.month - 1, "quarter": day.year * 4 + (day.month - 1) // 3}.get(
        period, day.year
    )


def oracle(shop, as_of, period, money):
    orders = [row for row in shop.orders().iter_rows(named=True) if row["customer"] and row["day"] < as_of]
    first = {}
    for row in orders:
        if row["purchase"]:
            first[row["customer"]] = min(first.get(row["customer"], row["day"]), row["day"])
    cells = defaultdict(lambda: [set(), 0, 0])
    last = number(min(as_of - timedelta(days=1), shop.last_day or as_of), period)
    for day in first.values():
        for age in range(last - number(day, period) + 1):
            cells[number(day, period), age]
    for row in orders:
        if row["customer"] in first:
            begin = number(first[row["customer"]], period)
            cell = cells[begin, max(0, number(row["day"], period) - begin)]
            cell[0] |= {row["customer"]} if row["purchase"] else set()
            cell[1] += row["purchase"]
            cell[2] += round(row[money] * 100)
    sizes = defaultdict(int)
    for day in first.values():
        sizes[number(day, period)] += 1
    return [
        (cohort, age, sizes[cohort], len(who), len(who) / sizes[cohort], orders, cents)
        for (cohort, age), (who, orders, cents) in sorted(cells.items())
    ]


@settings(deadline=None, max_examples=120)
@given(
    st.lists(ROW, max_size=40), st.integers(1, 420), st.sampled_from(["week", "month", "quarter", "year"]),
    st.sampled_from(["net", "keep"]),
)  # fmt: skip
def test_cohorts_equal_the_oracle(rows, days, period, returns):
    shop, as_of = read(rows, returns), (START + timedelta(days=days)).date()
    table = bk.cohorts(shop, period=period, as_of=as_of).table
    wanted = oracle(shop, as_of, period, "net" if returns == "net" else "gross")
    found = [
        (number(cohort, period), *rest, round(100 * money)) for cohort, *rest, money in table.iter_rows()
    ]
    assert found == wanted


def test_the_matrices_sum_to_the_cent():
    shop = bk.simulate(customers=1500, rng=9).ledger
    answer = bk.cohorts(shop)
    orders = shop.orders().filter(pl.col("customer").is_not_null())
    buyers = orders.filter(pl.col("purchase").any().over("customer"))
    assert answer.table["orders"].sum() == buyers["purchase"].sum()
    cents = lambda column: (column * 10_000).round().cast(pl.Int64).sum()  # noqa: E731
    money = "net" if shop.money_is_net else "gross"
    assert cents(answer.table["revenue"]) == cents(buyers[money])
    matrix = answer.revenue
    assert sum(cents(matrix[name].fill_null(0)) for name in matrix.columns[2:]) == cents(buyers[money])
    assert answer.retention["0"].to_list() == [1.0] * answer.retention.height
    assert answer.orders["size"].sum() == buyers["customer"].n_unique()
    ages = answer.table.group_by("cohort", maintain_order=True).agg(pl.len())["len"].to_list()
    assert [sum(cell is not None for cell in row[2:]) for row in matrix.iter_rows()] == ages
    assert ages == sorted(ages, reverse=True)


def test_what_cannot_be_answered_is_refused():
    days = pl.DataFrame({"customer": [1, 1], "time": [date(2024, 1, 1), date(2024, 3, 9)]})
    shop = bk.read_ledger(days, columns={"customer": "customer", "time": "time"}, timezone="UTC")
    assert bk.cohorts(shop).orders.rows() == [(date(2024, 1, 1), 1, 1, 0, 1)]
    with pytest.raises(SchemaError, match="no money"):
        _ = bk.cohorts(shop).revenue
    with pytest.raises(ParameterError, match="did you mean 'month'"):
        bk.cohorts(shop, period="months")
    with pytest.raises(ParameterError, match="read_ledger"):
        bk.cohorts([])
    assert bk.cohorts(shop, as_of=date(2020, 1, 1)).table.height == 0
