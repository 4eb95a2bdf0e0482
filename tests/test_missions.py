"""Product groups, missions of baskets, the cube: counts by hand, models against slow ones, planted ones found again."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import normalized_mutual_info_score

import basketry as bk
from basketry.customers.segments.cube import _fitted, _p_values, _q_values


@pytest.fixture(scope="module")
def planted():
    return bk.simulate("missions", customers=4_000, rng=7)


def groups_of(shop):
    """Tell each item its planted group."""
    items = shop.tables["items"].select(item="id", product_segment=pl.col("product_segment").cast(pl.String))
    named = shop.truth["product_groups"].with_columns(pl.col("product_segment").cast(pl.String))
    return items.join(named, on="product_segment").select("item", group="product_group")


def read(rows):
    columns = {name: name for name in ("customer", "order", "item", "time", "amount")}
    return bk.read_ledger(
        rows, columns=columns, measures={"off": "off"}, item_attributes={"kind": "kind"}, timezone="UTC"
    )


def two_worlds():
    """Tea things and wine things, hardly ever together."""
    random = np.random.default_rng(4)
    rows = []
    for order in range(400):
        side = order % 2
        basket = random.choice(5, size=2 + int(random.integers(2)), replace=False) + 5 * side
        if random.random() < 0.05:
            basket[0] = random.integers(10)
        rows += [
            (order // 2 % 60, order, f"p{one}", "wine" if one >= 5 else "tea", 1.0 + int(one))
            for one in set(basket)
        ]
    frame = pl.DataFrame(rows, schema=["customer", "order", "item", "kind", "amount"], orient="row")
    day = date(2024, 1, 1) + pl.duration(days=pl.col("order"))
    return read(frame.with_columns(time=day.cast(pl.Date), off=pl.lit(0.0)))


def test_products_that_are_bought_together_are_one_group():
    found = bk.product_groups(two_worlds(), min_count=5, replicates=3)
    assert found.groups.height == 2, "the spectrum shows two"
    sides = dict(found.labels.select("item", "group").iter_rows())
    assert len({sides[f"p{one}"] for one in range(5)}) == 1
    assert len({sides[f"p{one}"] for one in range(5, 10)}) == 1
    assert sides["p0"] != sides["p9"]
    assert found.groups["items"].to_list() == [5, 5]
    assert found.groups["share"].sum() == pytest.approx(1.0)
    assert (found.groups["inside"] > 0.85).all()
    assert found.agreement == 1.0
    assert found.groups["stability"].to_list() == [1.0, 1.0]
    rare = bk.product_groups(two_worlds(), k=2, min_count=95, replicates=0)
    assert rare.labels["group"].null_count() == 0, "rare products go where they are met most"


def test_planted_product_groups_are_found_again(planted):
    found = bk.product_groups(planted.ledger, item="product_segment", replicates=0)
    truth = planted.truth["product_groups"].select(
        pl.col("product_segment").cast(pl.String).alias("item"), "product_group"
    )
    joined = found.labels.join(truth, on="item").drop_nulls("group")
    assert joined.height >= 39
    assert found.groups.height == 5, "their number is chosen"
    assert normalized_mutual_info_score(joined["product_group"], joined["group"]) >= 0.9


def test_missions_are_what_their_baskets_hold():
    shop = two_worlds()
    found = bk.basket_missions(shop, groups="kind", k=2)
    assert found.labels.height == shop.n_orders == found.missions["baskets"].sum()
    lines = shop.lines().join(shop.items(), on="item")
    baskets = lines.group_by("order").agg(wine=(pl.col("kind") == "wine").mean(), n=pl.len()).sort("order")
    labels = found.labels.with_columns(order=shop.orders()["order"]).join(baskets, on="order")
    named = dict(found.missions.select("mission", "name").iter_rows())
    assert sorted(named.values()) == ["tea", "wine"]
    clear = labels.filter(pl.col("wine") != 0.5)
    assert (clear["name"] == pl.Series(["wine" if one > 0.5 else "tea" for one in clear["wine"]])).all()
    for row in found.missions.iter_rows(named=True):
        mine = labels.filter(mission=row["mission"])
        assert row["products_mean"] == pytest.approx(mine["n"].mean())
        mix = found.mix.filter(mission=row["mission"], group="wine")["share"].to_list() or [0.0]
        assert mix[0] == pytest.approx((mine["wine"] * mine["n"]).sum() / mine["n"].sum())
    assert bk.basket_missions(shop, groups="kind", k=2).labels.equals(found.labels)


def test_planted_missions_are_found_again(planted):
    found = bk.basket_missions(planted.ledger, groups=groups_of(planted), discount="discount", k=5)
    truth = planted.truth["missions"]
    orders = planted.ledger.orders().select(pl.int_range(pl.len(), dtype=pl.Int64).alias("basket"), "order")
    joined = found.labels.join(orders, on="basket").join(truth, on="order", suffix="_planted")
    planted_code = joined["mission_planted"].to_physical()
    assert normalized_mutual_info_score(planted_code, joined["mission"]) >= 0.7
    assert found.missions["reading"].str.contains("baskets").all()


def test_the_fit_is_that_of_the_margins():
    random = np.random.default_rng(2)
    count = random.poisson(40, size=(3, 4, 2)).astype(float)
    fit = _fitted(count, np.zeros(count.shape, bool), count)
    for axes in ((0,), (1,), (2,)):
        assert fit.sum(axis=axes) == pytest.approx(count.sum(axis=axes), rel=1e-5)
    two = random.poisson(40, size=(3, 4)).astype(float)
    plain = two.sum(1, keepdims=True) * two.sum(0, keepdims=True) / two.sum()
    assert _fitted(two, np.zeros(two.shape, bool), two) == pytest.approx(plain)
    # A cell that is out changes nothing elsewhere, whatever it holds.
    out = np.zeros(two.shape, bool)
    out[1, 2] = True
    high = two.copy()
    high[1, 2] += 1_000
    assert _fitted(high, out, high) == pytest.approx(_fitted(two, out, two), rel=1e-3)


def test_p_values_are_poisson_and_q_values_those_of_benjamini_and_hochberg():
    from scipy.stats import poisson

    count, mean = np.array([0.0, 3, 9, 20]), np.array([4.0, 4, 4, 4])
    found = _p_values(count, mean, np.ones(4), 1.0)
    slow = [min(1.0, 2 * min(poisson.sf(n - 1, 4), poisson.cdf(n, 4))) for n in count]
    assert found == pytest.approx(slow)
    p, judged = np.array([0.01, 0.04, 0.5, 0.03, 0.9]), np.array([True, True, True, True, False])
    q = _q_values(p, judged)
    assert q[:4] == pytest.approx([0.04, 0.04 * 4 / 3, 0.5, 0.04 * 4 / 3])
    assert np.isnan(q[4])


def test_the_cube_counts_what_one_counts(planted):
    segments = planted.truth["segments"].select("customer", pl.col("segment").cast(pl.String))
    cube = bk.buying_cube(
        planted.ledger, groups="category", segments=segments, period="quarter", discount="discount"
    )
    assert cube.cells.height == 8 * 12 * 4 * 2
    ledger = planted.ledger
    lines = ledger.lines().join(ledger.items().select("item", pl.col("category").cast(pl.String)), on="item")
    lines = lines.join(segments, on="customer")
    assert cube.cells["lines"].sum() == lines.height
    cents = lambda column: (column * 10_000).round().cast(pl.Int64).sum()  # noqa: E731
    assert cents(cube.cells["spend"]) == cents(lines["amount"])
    one = cube.cells.row(by_predicate=(pl.col("segment") == "bargain") & (pl.col("group") == "shoes")
                         & (pl.col("period") == 3) & pl.col("discounted"), named=True)  # fmt: skip
    mine = lines.filter(
        pl.col("segment") == "bargain", pl.col("category") == "shoes", pl.col("time").dt.quarter() == 3,
        pl.col("discount") > 0,
    )  # fmt: skip
    assert (one["lines"], one["customers"]) == (mine.height, mine["customer"].n_unique())
    slices = cube.cells.group_by("segment", "period", "discounted").agg(pl.col("lines", "expected").sum())
    unlifted = slices.filter((pl.col("expected") / pl.col("lines") - 1).abs() < 0.02)
    assert unlifted.height > 0.7 * slices.height, "where nothing is out, a slice is as large as expected"
    judged = cube.cells.filter(pl.col("verdict") != "too few")
    assert (judged["low"] <= judged["index"]).all()
    assert (judged["index"] <= judged["high"]).all()


def test_planted_cells_are_found_and_few_others(planted):
    segments = planted.truth["segments"].select("customer", pl.col("segment").cast(pl.String))
    cube = bk.buying_cube(
        planted.ledger, groups=groups_of(planted), segments=segments, period="quarter", discount="discount"
    )
    key = ["segment", "group", "period", "discounted"]
    over = cube.found.filter(verdict="over").select(key)
    cells = planted.truth["cells"].select(
        pl.col("segment").cast(pl.String), pl.col("product_group").alias("group"), pl.col("quarter").alias("period"),
        "discounted",
    )  # fmt: skip
    hits = over.join(cells, on=key)
    assert hits.height >= 3
    assert hits.height / over.height >= 0.75, "the bar of .9 is that of the full size: see the bench"


def test_a_lift_by_chance_is_not_told():
    random = np.random.default_rng(8)
    n = 6_000
    frame = pl.DataFrame(
        {
            "customer": random.integers(300, size=n),
            "order": np.arange(n),
            "item": random.integers(8, size=n),
            "time": [date(2024, 1, 1) + timedelta(days=int(day)) for day in random.integers(366, size=n)],
            "amount": np.ones(n),
            "off": random.choice([0.0, 0.2], size=n),
        }
    ).with_columns(kind=pl.format("k{}", "item"))
    who = pl.DataFrame({"customer": np.arange(300), "segment": np.arange(300) % 4})
    cube = bk.buying_cube(read(frame), groups="kind", segments=who, period="month", discount="off", least=1.0)
    assert cube.found.height <= 1
    whole = bk.buying_cube(read(frame), groups="kind", segments=who)
    assert whole.cells.height == 32
    assert whole.found.height == 0


def test_what_cannot_be_answered_is_refused():
    shop = two_worlds()
    with pytest.raises(bk.ParameterError, match="who, when or how"):
        bk.buying_cube(shop, groups="kind")
    with pytest.raises(bk.ParameterError, match="period"):
        bk.buying_cube(shop, groups="kind", period="year")
    with pytest.raises(bk.SchemaError, match="kind"):
        bk.buying_cube(shop, groups="kinds", period="month")
    with pytest.raises(bk.ParameterError, match="least"):
        bk.buying_cube(shop, groups="kind", period="month", least=0.5)
    with pytest.raises(bk.SchemaError, match="lower min_count"):
        bk.product_groups(shop, min_count=10_000)
    with pytest.raises(bk.ParameterError, match="k=1"):
        bk.basket_missions(shop, groups="kind", k=1)
