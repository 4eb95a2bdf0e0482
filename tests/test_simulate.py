"""The simulated shop: the same for ever, true to its truth, and its faulty dump mends to the cent."""

from __future__ import annotations

import hashlib
import json
import sys
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basketry.exceptions import ParameterError
from basketry.faults import Faults
from basketry.ledger import read_ledger
from basketry.simulation import WORLDS, Simulation, simulate


@pytest.fixture(scope="module")
def easy() -> Simulation:
    return simulate("easy", customers=20_000)


def digest(shop: Simulation) -> str:
    """Hash the values of all columns of tables and truths."""
    total = hashlib.sha256()
    for frames in (shop.tables, shop.truth):
        for name, frame in frames.items():
            total.update(name.encode())
            total.update(repr(frame.rows()).encode())
    return total.hexdigest()


def bought(shop: Simulation) -> pl.DataFrame:
    """Lines with what their order, item and customer tell."""
    tables = shop.tables
    orders = tables["orders"].rename({"id": "order"})
    people = tables["customers"].select(
        customer="id", woman=pl.col("gender") == "women", big=pl.col("city") == "big"
    )
    items = tables["items"].select(
        pl.col("id").alias("item"), pl.col("product_segment", "list_price", "cost", "launch_week")
    )
    return tables["lines"].join(orders, on="order").join(items, on="item").join(people, on="customer")


@pytest.mark.parametrize("world", WORLDS)
def test_threads_do_not_matter(world: str) -> None:
    one, two, eight = (digest(simulate(world, customers=3_000, n_threads=n)) for n in (1, 2, 8))
    assert one == two == eight
    assert one != digest(simulate(world, customers=3_000, rng=8))


@pytest.mark.skipif(
    sys.platform != "linux", reason="another mathematics library may round a logarithm differently"
)
def test_the_same_seed_gives_the_same_bytes_for_ever() -> None:
    shop = simulate("easy", customers=500)
    assert shop.tables["orders"].height == 2_542
    assert digest(shop) == "ee6fe82697c8c9675343a69bd5207d5c6685f816ab2ed0055a229379a52095ba"


def test_a_generator_is_a_seed() -> None:
    once, again = (simulate(customers=200, rng=np.random.default_rng(5)) for _ in range(2))
    assert digest(once) == digest(again)
    assert once.config["seed"] == again.config["seed"] != 5
    assert digest(simulate(customers=200, rng=once.config["seed"])) == digest(once)


def test_worlds_of_one_seed_share_what_their_laws_share(easy: Simulation) -> None:
    null = simulate("null", customers=20_000)
    assert_frame_equal(null.tables["customers"], easy.tables["customers"])
    assert_frame_equal(null.tables["items"], easy.tables["items"])
    assert_frame_equal(null.truth["segments"].drop("left_week"), easy.truth["segments"].drop("left_week"))
    # The easy world has the orders of the null world and the extra ones of its sequences.
    key = ["customer", "ts", "channel"]
    extra = easy.tables["orders"].join(null.tables["orders"], on=key, how="anti")
    assert null.tables["orders"].join(easy.tables["orders"], on=key, how="anti").is_empty()
    assert extra.height == easy.tables["orders"].height - null.tables["orders"].height > 2_000


def test_tables_are_whole_and_sorted(easy: Simulation) -> None:
    customers, items, orders, lines = (
        easy.tables[name] for name in ("customers", "items", "orders", "lines")
    )
    for table in (customers, items, orders):
        assert table["id"].to_list() == list(range(1, table.height + 1))
    assert orders.select(pl.struct("customer", "ts").is_sorted()).item()
    assert lines.select(pl.struct("order", "item").is_sorted()).item()
    assert lines.select(pl.struct("order", "item").is_unique().all()).item()
    assert orders["customer"].n_unique() == customers.height
    assert lines["order"].n_unique() == orders.height
    assert lines["item"].n_unique() > 550
    first = orders.group_by("customer", maintain_order=True).agg(pl.col("ts").min().dt.date())["ts"]
    assert first.equals(customers["first_seen"], check_names=False)
    hours = orders["ts"].dt.hour()
    assert (hours.min(), hours.max()) == (7, 22)
    start = easy.config["start_us"]
    weeks = (orders["ts"].dt.epoch("us") - start) // 604_800_000_000
    assert (weeks.min(), weeks.max()) == (0, 103)


def test_prices_are_list_prices_less_discount_in_cents(easy: Simulation) -> None:
    lines = bought(easy).with_columns(
        cents=(pl.col("price") * 100).cast(pl.Int64),
        fraction=(pl.col("price") * 10_000).cast(pl.Int64) % 100,
        exact=(pl.col("list_price") * 100).cast(pl.Int64)
        * (10 - (pl.col("discount") * 10).round().cast(pl.Int64)),
        week=(pl.col("ts").dt.epoch("us") - easy.config["start_us"]) // 604_800_000_000,
    )
    assert lines["fraction"].max() == 0
    assert lines.select((pl.col("cents") == (pl.col("exact") + 5) // 10).all()).item()
    assert lines.select((pl.col("launch_week") <= pl.col("week")).all()).item()
    assert lines.select((pl.col("cost") < pl.col("list_price")).all()).item()
    assert lines.group_by("order").agg(pl.col("discount").n_unique())["discount"].max() == 1
    assert set(lines["discount"].unique()) == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}
    assert lines["qty"].max() == 3
    assert 1.14 < lines["qty"].mean() < 1.16
    assert 0.04 < lines["returned"].mean() < 0.12


@pytest.mark.parametrize("seed", [1, 2])
def test_sizes_and_values_for_other_seeds(seed: int) -> None:
    shop = simulate("easy", customers=20_000, rng=seed)
    assert 97_000 < shop.tables["orders"].height < 104_000
    lines = bought(shop)
    per_order = lines.group_by("order", "customer").agg(
        pl.len().alias("n"), pl.col("price").dot("qty").alias("value")
    )
    assert 1.98 < per_order["n"].mean() < 2.12
    means = (
        per_order.join(shop.truth["segments"], on="customer").group_by("segment").agg(pl.col("value").mean())
    )
    for segment, value in means.iter_rows():
        wanted = shop.config["segments"][segment]["mean_order"]
        assert abs(float(value) / wanted - 1) < 0.15, segment


def test_planted_rules_show_and_local_ones_stay_local(easy: Simulation) -> None:
    baskets = (
        bought(easy)
        .group_by("order", "woman", "big")
        .agg(pl.col("product_segment").cast(pl.String).alias("basket"))
    )
    has = {
        name: baskets["basket"].list.contains(name)
        for name in easy.tables["items"]["product_segment"].unique()
    }
    local = baskets["woman"] & baskets["big"]
    checked = 0
    for kind, (a, *others), b, q in (
        easy.truth["rules"].select("kind", "antecedent", "consequent", "q").iter_rows()
    ):
        if kind == "global":
            extra = has[b].filter(has[a]).mean() - has[b].filter(~has[a]).mean()
            assert 0.5 * q < extra < 1.6 * q + 0.05, (a, b)
        elif kind == "local":
            inside, outside = has[b].filter(has[a] & local).mean(), has[b].filter(has[a] & ~local).mean()
            assert 0.7 * q < inside - outside < 1.3 * q, (a, b)
        elif kind == "three_item":
            both, one = has[a] & has[others[0]], has[a] ^ has[others[0]]
            assert has[b].filter(both).mean() > 0.7 * q + has[b].filter(one).mean()
        else:
            continue
        checked += 1
    assert checked == 14


def test_truth_is_told_for_every_world() -> None:
    kinds = {}
    for world in WORLDS:
        shop = simulate(world, customers=300)
        rules = shop.truth["rules"]
        kinds[world] = (rules.filter(pl.col("q") > 0).height, rules.filter(pl.col("q") == 0).height)
        assert shop.truth["sequences"].height == (6 if world in ("easy", "hard") else 0)
        names = set(shop.tables["items"]["product_segment"].cast(pl.String))
        assert len(names) == 40
        assert set(rules["antecedent"].explode()) | set(rules["consequent"]) <= names
        assert shop.config["world"] == world
        assert shop.config["taste"] == (4.0 if world == "hard" else 10.0)
    assert kinds == {
        "easy": (16, 6),
        "hard": (16, 6),
        "null": (0, 6),
        "season-only": (0, 6),
        "stationary": (16, 2),
        "missions": (0, 2),
    }


def test_leaving_is_told(easy: Simulation) -> None:
    week = (pl.col("ts").dt.epoch("us") - easy.config["start_us"]) // 604_800_000_000
    last = easy.tables["orders"].group_by("customer").agg(week.max().alias("last"))
    gone = easy.truth["segments"].join(last, on="customer").drop_nulls("left_week")
    assert (gone["left_week"] == gone["last"]).all()
    assert 0.3 < gone.height / 20_000 < 0.8


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"world": "esay"}, "did you mean 'easy'"),
        ({"customers": 0}, "customers=0"),
        ({"customers": True}, "customers=True"),
        ({"customers": 60_000_000}, "50,000,000"),
        ({"items": 100}, "items is 100"),
        ({"weeks": 4}, "weeks is 4"),
        ({"weeks": 10.5}, "weeks=10.5"),
        ({"rng": -1}, "rng=-1"),
        ({"rng": "seven"}, "rng='seven'"),
        ({"n_threads": 0}, "n_threads=0"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(ParameterError, match=named):
        simulate(**arguments)


def test_a_shop_is_written_whole(tmp_path) -> None:
    shop = simulate(customers=300)
    shop.write(tmp_path / "shop")
    found = sorted(str(path.relative_to(tmp_path / "shop")) for path in (tmp_path / "shop").rglob("*.*"))
    assert found == [
        "config.json", "customers.parquet", "items.parquet", "lines.parquet", "orders.parquet",
        "truth/rules.parquet", "truth/segments.parquet", "truth/sequences.parquet",
    ]  # fmt: skip
    for name, table in shop.tables.items():
        assert_frame_equal(pl.read_parquet(tmp_path / "shop" / f"{name}.parquet"), table)
    config = json.loads((tmp_path / "shop" / "config.json").read_text())
    assert config["seed"] == 7
    assert config["sale_weeks"] == [5, 26, 63, 84]


class Dump:
    """A faulty dump, read as text and judged without help from its maker."""

    def __init__(self, folder) -> None:
        for name in ("customers", "orders", "lines", "products"):
            setattr(self, name, pl.read_csv(folder / f"{name}.csv", infer_schema=False))
        self.marks = sum(
            (folder / f"{name}.csv").read_bytes()[:3] == b"\xef\xbb\xbf"
            for name in ("customers", "orders", "lines", "products")
        )


@pytest.fixture(scope="module")
def dump(easy: Simulation, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dump, Faults]:
    folder = tmp_path_factory.mktemp("dump")
    faults = easy.write_faulty(folder)
    return Dump(folder), faults


def test_every_fault_is_there_as_often_as_told(dump: tuple[Dump, Faults]) -> None:
    read, faults = dump
    told = {
        (kind, table): rows for kind, table, rows in faults.counts.select("kind", "table", "rows").iter_rows()
    }
    orders, lines = read.orders, read.lines
    until = str(faults.totals["until"].item())
    test = pl.col("customer").str.starts_with("TEST")
    orphans = orders.join(read.customers, left_on="customer", right_on="id", how="anti")
    found = {
        ("duplicate_lines", "lines"): lines.height - lines.unique().height,
        ("negative_quantity", "lines"): lines.filter(pl.col("qty").str.starts_with("-")).height,
        ("future_dates", "orders"): orders.filter(
            ~pl.col("ts").str.contains("T"), pl.col("ts") >= until
        ).height,
        ("orphan_customers", "orders"): orphans.height,
        ("orphan_orders", "lines"): lines.join(orders, left_on="order", right_on="id", how="anti").height,
        ("orphan_items", "lines"): lines.join(
            read.products, left_on="item", right_on="id", how="anti"
        ).height,
        ("mixed_currencies", "orders"): orders.filter(pl.col("currency") != "EUR").height,
        ("test_customers", "customers"): read.customers.filter(
            pl.col("email").str.starts_with("test")
        ).height,
        ("test_customers", "orders"): orders.filter(test).height,
        ("cancelled_orders", "orders"): orders.filter(pl.col("status") == "cancelled").height,
        ("time_zones", "orders"): orders.filter(pl.col("ts").str.contains(r"[+-]\d\d:\d\d$")).height,
        ("byte_order_mark", "customers"): 1,
        ("byte_order_mark", "lines"): 1,
    }
    assert found == told
    assert read.marks == 2
    for kind, table, row in faults.rows.group_by("kind", "table").agg(pl.col("row").first()).iter_rows():
        seen = getattr(read, table).row(row, named=True)
        if kind == "cancelled_orders":
            assert seen["status"] == "cancelled"
        if kind == "negative_quantity":
            assert seen["qty"].startswith("-")


def test_the_mended_dump_is_the_clean_shop_to_the_cent(easy: Simulation, dump: tuple[Dump, Faults]) -> None:
    read, faults = dump
    customers = read.customers.filter(~pl.col("id").str.starts_with("TEST"))
    utc = (
        pl.when(pl.col("ts").str.contains("T"))
        .then(pl.col("ts").str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False, time_unit="us"))
        .otherwise(
            pl.col("ts")
            .str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
            .dt.replace_time_zone("UTC")
        )
    )
    orders = (
        read.orders.with_columns(ts=utc)
        .filter(pl.col("status") == "completed", pl.col("currency") == "EUR")
        .filter(pl.col("ts").dt.date() < faults.totals["until"].item())
        .join(customers, left_on="customer", right_on="id", how="semi")
    )
    clean = easy.tables["orders"]
    assert orders["id"].cast(pl.Int64).to_list() == clean["id"].to_list()
    assert orders["ts"].to_list() == clean["ts"].to_list()
    lines = (
        read.lines.unique(maintain_order=True)
        .join(orders, left_on="order", right_on="id", how="semi")
        .join(read.products, left_on="item", right_on="id", how="semi")
        .with_columns(
            pl.col("qty").cast(pl.Int64), cents=(pl.col("price").cast(pl.Decimal(18, 4)) * 100).cast(pl.Int64)
        )
        .with_columns(value=pl.col("qty") * pl.col("cents"))
    )
    sold, returned = lines.filter(pl.col("qty") > 0), lines.filter(pl.col("qty") < 0)
    totals = faults.totals.row(0, named=True)
    assert (customers.height, read.products.height) == (totals["customers"], totals["items"])
    assert (orders.height, sold.height, sold["qty"].sum()) == (
        totals["orders"],
        totals["lines"],
        totals["units"],
    )
    assert Decimal(sold["value"].sum()) / 100 == totals["gross"]
    assert Decimal(-returned["value"].sum()) / 100 == totals["returned"]
    assert Decimal(lines["value"].sum()) / 100 == totals["net"]
    exact = (easy.tables["lines"]["price"] * 100).cast(pl.Int64).dot(easy.tables["lines"]["qty"])
    assert Decimal(exact) / 100 == totals["gross"]


def test_tiny_shops_have_faults_too_and_the_same_ones_again(tmp_path) -> None:
    shop = simulate(customers=3, items=120, weeks=8)
    for name in ("a", "b"):
        counts = shop.write_faulty(tmp_path / name).counts
    assert counts["rows"].min() >= 0
    for file in ("customers", "orders", "lines", "products"):
        assert (tmp_path / "a" / f"{file}.csv").read_bytes() == (tmp_path / "b" / f"{file}.csv").read_bytes()


def test_the_ledger_is_the_shop(easy: Simulation) -> None:
    ledger = easy.ledger
    assert easy.ledger is ledger
    assert (ledger.n_customers, ledger.n_orders) == (20_000, easy.tables["orders"].height)
    assert ledger.n_lines == easy.tables["lines"].height
    lines = ledger.lines()
    clean = bought(easy)
    assert lines["amount"].sum() == pytest.approx(float((clean["price"] * clean["qty"]).sum()))
    margin = ((clean["price"] - clean["cost"]) * clean["qty"]).sum()
    assert lines["margin"].sum() == pytest.approx(float(margin))
    genders = ledger.items().select(id="item", found="gender")
    both = easy.tables["items"].join(genders, on="id")
    assert both["gender"].cast(pl.String).to_list() == both["found"].to_list()


def test_a_faulty_dump_is_read_as_the_clean_shop(easy: Simulation, tmp_path) -> None:
    faults = easy.write_faulty(tmp_path)
    totals = faults.totals.row(0, named=True)
    ledger = read_ledger(
        tmp_path,
        timezone="UTC",
        currency="EUR",
        duplicates="drop",
        test_customers="^TEST-",
        until=totals["until"],
        columns={
            "customer": "customer",
            "order": "order",
            "time": "ts",
            "item": "item",
            "quantity": "qty",
            "price": "price",
            "currency": "currency",
            "status": "status",
        },
    )
    told = {
        kind: (lines, value)
        for kind, lines, value in faults.counts.select("kind", "lines", "value").iter_rows()
    }
    for reason, kind in (
        ("repeated line", "duplicate_lines"),
        ("return, kept apart from purchases", "negative_quantity"),
        ("in the future", "future_dates"),
        ("order not in the orders table", "orphan_orders"),
        ("item not in the products table", "orphan_items"),
        ("another currency", "mixed_currencies"),
        ("test customer", "test_customers"),
        ("cancelled", "cancelled_orders"),
        ("time with an offset of its own", "time_zones"),
    ):
        assert ledger.quality.rows(reason) == told[kind][0], reason
    # Lines whose customer or item is in no table are sales all the same: the reader notes and keeps them.
    kept = [told["orphan_customers"], told["orphan_items"]]
    returned, _ = told["negative_quantity"]
    assert ledger.n_lines == totals["lines"] + returned + sum(lines for lines, _ in kept)
    cents = (ledger.lines()["amount"] * 100).round().cast(pl.Int64).sum()
    assert Decimal(cents) / 100 == totals["net"] + sum(value for _, value in kept)


def test_missions_are_told_for_every_order() -> None:
    shop = simulate("missions", customers=2_000)
    truth = shop.truth
    assert truth["missions"]["order"].equals(shop.tables["orders"]["id"].rename("order"))
    groups = truth["product_groups"]
    assert groups["product_segment"].n_unique() == 40
    assert groups["product_group"].n_unique() == 5
    assert groups["product_group"].null_count() == 0
    cells = truth["cells"]
    assert cells.height == 8
    assert cells["quarter"].is_between(1, 4).all()
    assert set(cells["product_group"]) <= set(groups["product_group"])
    assert shop.config["missions"]["gift"]["group"] == "presents"
    # Most of a basket is from the group of its mission.
    items = shop.tables["items"].select(item="id", product_segment=pl.col("product_segment").cast(pl.String))
    named = groups.with_columns(pl.col("product_segment").cast(pl.String))
    lines = shop.tables["lines"].join(items, on="item").join(named, on="product_segment")
    lines = lines.join(truth["missions"], on="order")
    after = {name: law["group"] for name, law in shop.config["missions"].items()}
    inside = lines["mission"].cast(pl.String).replace_strict(after) == lines["product_group"]
    assert 0.75 < inside.mean() < 0.93
    assert "missions" not in simulate("easy", customers=200).truth
