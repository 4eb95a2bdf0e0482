"""Revenue tree, price and volume and mix, concentration: to the cent, against slow and obvious counts."""

from datetime import date, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.customers.revenue import PIECES, rounded, shapley

START = datetime(2023, 11, 20)  # noqa: DTZ001 - local time, as dumps have it
ROW = st.tuples(
    st.sampled_from(["ann", "bob", "cid", None]),
    st.integers(0, 12),  # order
    st.integers(0, 200),  # days
    st.sampled_from(["tea", "cup", "pot"]),
    st.sampled_from([-1, 1, 2, 3]),
    st.integers(1, 500),  # cents apiece
)


def read(rows, returns="net"):
    schema = {"customer": pl.String, "order": pl.Int64, "time": pl.Datetime("us"), "item": pl.String}
    schema |= {"quantity": pl.Int64, "amount": pl.Float64}
    filled = [
        (who, order, START + timedelta(days=days), item, quantity, quantity * cents / 100)
        for who, order, days, item, quantity, cents in rows
    ]
    return bk.read_ledger(pl.DataFrame(filled, schema=schema, orient="row"), timezone="UTC", returns=returns)


def whole(value):
    return round(value * 10_000)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(ROW, max_size=30), st.sampled_from(["week", "month", "year"]), st.sampled_from(["net", "keep"])
)
def test_the_tree_is_the_count_and_its_pieces_sum_to_the_change(rows, period, returns):
    shop = read(rows, returns)
    tree = bk.revenue_tree(shop, period=period)
    orders = shop.orders().with_columns(
        period=pl.col("day").dt.truncate({"week": "1w", "month": "1mo", "year": "1y"}[period])
    )
    before = None
    for row in tree.iter_rows(named=True):
        mine = [one for one in orders.iter_rows(named=True) if one["period"] == row["period"]]
        bought = [one for one in mine if one["purchase"] and one["customer"]]
        money = "net" if returns == "net" else "gross"
        assert whole(row["revenue"]) == sum(whole(one[money]) for one in mine)
        assert row["customers"] == len({one["customer"] for one in bought})
        assert row["orders"] == len(bought)
        gross = sum(whole(one["gross"]) for one in bought)
        if bought:
            product = row["customers"] * row["frequency"] * row["order_value"]
            assert product == pytest.approx(gross / 10_000)
        assert whole(row["guests"]) == sum(whole(one["gross"]) for one in mine if not one["customer"])
        if before is None:
            assert row["change"] is None
        else:
            assert whole(row["change"]) == whole(row["revenue"]) - whole(before["revenue"])
            assert sum(whole(row[piece]) for piece in PIECES) == whole(row["change"])
        before = row
    assert sum(whole(one) for one in tree["revenue"]) == sum(
        whole(one) for one in orders["net" if returns == "net" else "gross"]
    )


def test_a_year_is_held_against_the_year_before():
    rows = [("ann", 1, 0, "tea", 1, 100), ("ann", 2, 400, "tea", 3, 100)]
    tree = bk.revenue_tree(read(rows), against="year")
    assert tree["change"].null_count() == 12
    assert tree.filter(pl.col("period") == date(2024, 12, 1))["change"].to_list() == [3.0]


@given(
    st.lists(st.fractions(-50, 50, max_denominator=30), min_size=3, max_size=3),
    st.lists(st.fractions(-50, 50, max_denominator=30), min_size=3, max_size=3),
)
def test_effects_sum_to_the_change_and_one_factor_alone_has_all_of_it(before, after):
    effects = shapley(before, after)
    product = lambda factors: factors[0] * factors[1] * factors[2]  # noqa: E731
    assert sum(effects) == product(after) - product(before)
    alone = shapley(before, [before[0], after[1], before[2]])
    assert alone[0] == alone[2] == 0
    # By hand, for two factors: half of the joint part each.
    a, b, c, d = before[0], before[1], after[0], after[1]
    assert shapley([a, b], [c, d])[0] == (c - a) * b + (c - a) * (d - b) / 2


@given(st.lists(st.fractions(-100, 100, max_denominator=40), min_size=1, max_size=6))
def test_rounding_keeps_the_sum(pieces):
    total = round(sum(pieces))
    pieces = [*pieces, Fraction(total) - sum(pieces)]
    found = rounded(pieces, total)
    assert sum(found) == total
    assert all(abs(one - piece) < 1 for one, piece in zip(found, pieces, strict=True))


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=30), st.integers(1, 199))
def test_price_volume_and_mix_sum_to_the_change(rows, cut):
    shop = read(rows)
    middle, end = (START + timedelta(days=cut)).date(), (START + timedelta(days=300)).date()
    answer = bk.price_volume_mix(shop, before=(START.date(), middle), after=(middle, end))
    net = {True: 0, False: 0}
    sold = {}
    orders = {one["order"]: one["day"] for one in shop.orders().iter_rows(named=True)}
    for line in shop.lines().iter_rows(named=True):
        late = line["time"].date() >= middle
        net[late] += whole(line["amount"])
        if line["quantity"] > 0:
            cell = sold.setdefault(line["item"], [0, 0, 0, 0])
            cell[late] += line["quantity"]
            cell[2 + late] += whole(line["amount"])
    assert len(orders) <= shop.n_orders
    assert (whole(answer.before), whole(answer.after)) == (net[False], net[True])
    pieces = {name: whole(amount) for name, amount in answer.pieces.iter_rows()}
    assert sum(pieces.values()) == net[True] - net[False] == whole(answer.change)
    for name in ("price", "volume", "mix", "new", "gone"):
        assert sum(whole(one) for one in answer.table[name]) == pieces[name]
    both = {item: cell for item, cell in sold.items() if cell[0] and cell[1]}
    assert pieces["new"] == sum(cell[3] for cell in sold.values() if not cell[0])
    assert pieces["gone"] == -sum(cell[2] for cell in sold.values() if not cell[1])
    if both:
        growth = sum(cell[1] for cell in both.values()) / sum(cell[0] for cell in both.values())
        volume = sum(cell[2] for cell in both.values()) * (growth - 1)
        price = sum(cell[3] - cell[2] / cell[0] * cell[1] for cell in both.values())
        assert pieces["volume"] == pytest.approx(volume, abs=len(both))
        assert pieces["price"] == pytest.approx(price, abs=len(both))


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=30), st.sampled_from(["customer", "item"]))
def test_concentration_is_what_one_counts(rows, of):
    shop = read(rows)
    answer = bk.concentration(shop, of=of)
    sums = {}
    for line in shop.lines().iter_rows(named=True):
        if line["quantity"] > 0 and line[of] is not None:
            sums[line[of]] = sums.get(line[of], 0) + whole(line["amount"])
    money = sorted(sums.values(), reverse=True)
    total, n = sum(money), len(money)
    assert [whole(one) for one in answer.table["spend_total"]] == money
    for percent, many, spend, share in answer.tops.iter_rows():
        assert many == -(-n * percent // 100)
        assert whole(spend) == sum(money[:many])
        assert share == pytest.approx(sum(money[:many]) / total if total else 0)
    if total:
        # Half the mean difference between all pairs, over the mean.
        pairs = sum(abs(one - two) for one in money for two in money)
        assert answer.gini == pytest.approx(pairs / (2 * n * total))
        assert answer.curve(10)["share"][-1] == pytest.approx(1.0)
        assert answer.curve(10)["many_share"].is_sorted()
    else:
        assert answer.gini is None


def test_refusals():
    shop = read([("ann", 1, 0, "tea", 1, 100)])
    with pytest.raises(bk.ParameterError, match="did you mean 'month'"):
        bk.revenue_tree(shop, period="months")
    with pytest.raises(bk.ParameterError, match="against"):
        bk.revenue_tree(shop, against="plan")
    with pytest.raises(bk.ParameterError, match="end after it starts"):
        bk.price_volume_mix(shop, before=("2024-01-02", "2024-01-02"), after=("2024-01-02", "2024-01-03"))
    with pytest.raises(bk.ParameterError, match="of="):
        bk.concentration(shop, of="brand")
    days = pl.DataFrame({"customer": [1], "order": [1], "time": [date(2024, 1, 1)]})
    for ask in (bk.revenue_tree, bk.concentration):
        with pytest.raises(bk.SchemaError, match="no money"):
            ask(bk.read_ledger(days, timezone="UTC"))
