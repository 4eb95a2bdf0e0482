"""Every way into the itemset engine, what sets are worth, and budgets that speak."""

import gzip
import random
import subprocess
import sys
import time
import warnings
from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations
from math import ceil

import polars as pl
import pytest

import basketry as bk


def sets_of(frame, *columns):
    rows = frame.select("itemset", "count", *columns).rows()
    found = {tuple(sorted(row[0], key=str)): row[1:] for row in rows}
    assert len(found) == frame.height
    return found


@pytest.fixture
def shop(tmp_path):
    """The same baskets in every form; one is empty, some repeat an item."""
    chance = random.Random(3)
    lists = [[chance.randrange(40) ** 3 for _ in range(chance.randrange(7))] for _ in range(300)]
    lists[5] = []
    rows = pl.DataFrame({"item": lists}, schema={"item": pl.List(pl.Int64)}).with_row_index("basket")
    text = "".join(" ".join(map(str, row)) + "\n" for row in lists)
    (tmp_path / "plain.dat").write_text(text)
    (tmp_path / "packed.dat.gz").write_bytes(gzip.compress(text.encode()))
    return {
        "lists": rows.drop("basket"),
        "rows": rows.explode("item", empty_as_null=True),
        "folder": tmp_path,
    }


def test_every_way_in_finds_the_same(shop):
    wanted = bk.frequent_itemsets(shop["lists"], item="item", min_count=2)
    assert wanted.height > 100

    def same(data, **columns):
        for threads in (1, 3):
            assert bk.frequent_itemsets(data, min_count=2, n_threads=threads, **columns).equals(wanted)

    columns = {"basket": "basket", "item": "item"}
    same(shop["rows"], **columns)
    same(shop["rows"].sample(fraction=1.0, shuffle=True, seed=1), **columns)
    same(shop["rows"].with_columns(basket=pl.lit("b") + pl.col("basket").cast(pl.String)), **columns)
    same(shop["rows"].with_columns(basket=-pl.col("basket").cast(pl.Int64) * 10**12), **columns)
    same(shop["lists"][100:].vstack(shop["lists"][:100]), item="item")
    same(
        shop["lists"].with_columns(pl.when(pl.col("item").list.len() > 0).then("item").alias("item")),
        item="item",
    )
    for name in ("plain.dat", "packed.dat.gz"):
        same(shop["folder"] / name)
        same(str(shop["folder"] / name))
    assert bk.count_itemsets(shop["folder"] / "plain.dat", min_count=2)["count"].sum() == wanted.height
    rules = {"min_count": 3, "min_confidence": 0.4}
    from_text = bk.association_rules(shop["folder"] / "plain.dat", **rules)
    assert from_text.equals(bk.association_rules(shop["lists"], item="item", **rules))


def test_lists_of_every_kind():
    for kind in (
        pl.List(pl.String),
        pl.Array(pl.String, 2),
        pl.List(pl.Categorical),
        pl.List(pl.Enum(["x", "a", "b"])),
    ):
        frame = pl.DataFrame({"item": [["a", "b"], ["a", None], None]}, schema={"item": pl.List(pl.String)})
        if kind == pl.Array(pl.String, 2):
            frame = pl.DataFrame({"item": [["a", "b"], ["a", None], None]}, schema={"item": kind})
        else:
            frame = frame.with_columns(pl.col("item").cast(kind))
        found = bk.frequent_itemsets(frame, item="item", min_count=1)
        assert found.select("itemset", "count", "support").rows() == [
            (["a"], 2, 2 / 3), (["b"], 1, 1 / 3), (["a", "b"], 1, 1 / 3)
        ], kind  # fmt: skip


def test_texts_of_other_shapes(tmp_path):
    path = tmp_path / "shop.dat"

    def found(text):
        path.write_bytes(text)
        return sets_of(bk.frequent_itemsets(path, min_count=1))

    assert found(b"") == {}
    assert found(b"\n\n") == {}
    assert found("\ufefftea  cup\r\ncup\ttea tea".encode()) == {
        ("cup",): (2,),
        ("tea",): (2,),
        ("cup", "tea"): (2,),
    }
    assert found(b"007 7\n") == {("007",): (1,), ("7",): (1,), ("007", "7"): (1,)}
    assert found(b"-5 123456789012345678\n") == {
        (-5,): (1,), (123456789012345678,): (1,), (-5, 123456789012345678): (1,)
    }  # fmt: skip
    path.write_bytes(b"\n\n1\n\n")
    assert bk.frequent_itemsets(path, min_support=0.25)["support"].to_list() == [0.25]


def test_texts_that_are_refused(tmp_path):
    path = tmp_path / "shop.dat"
    path.write_bytes(b"tea\ncup sp\xfcle\n")
    with pytest.raises(bk.SchemaError, match="line 2: 'sp"):
        bk.frequent_itemsets(path, min_count=1)
    with pytest.raises(bk.SchemaError, match=r"nowhere\.dat"):
        bk.frequent_itemsets(tmp_path / "nowhere.dat", min_count=1)
    (tmp_path / "broken.dat.gz").write_bytes(gzip.compress(b"1 2\n" * 100)[:-9])
    with pytest.raises(bk.SchemaError, match="broken"):
        bk.frequent_itemsets(tmp_path / "broken.dat.gz", min_count=1)
    for arguments in (
        {"item": "x"},
        {"basket": "x"},
        {"values": ["x"]},
        {"levels": ["item"]},
        {"as_of": "2024-01-01"},
    ):
        with pytest.raises(bk.ParameterError, match=next(iter(arguments))):
            bk.frequent_itemsets(path, min_count=1, **arguments)
    with pytest.raises(bk.ParameterError, match="pass the frame"):
        bk.frequent_itemsets("shop.csv", min_count=1)


def test_public_files_are_read_as_they_stand(data_file, known):
    for name, support in (
        ("retail", "88"),
        ("T10I4D100K", "500"),
        ("kosarak_36k", "367"),
        ("mushroom", "2031"),
    ):
        counts = bk.count_itemsets(data_file(f"fimi/{name}.dat.gz"), min_count=int(support))
        assert counts["count"].to_list() == known[name][support]["all"]["by_len"]


def test_all_sets_can_equal_the_closed_ones(data_file, known):
    path = data_file("fimi/groceries.dat.gz")
    both = [bk.frequent_itemsets(path, min_count=98, kind=kind) for kind in ("all", "closed")]
    assert both[0].equals(both[1])
    mushroom = bk.frequent_itemsets(data_file("fimi/mushroom.dat.gz"), min_count=8124)
    assert mushroom["itemset"].to_list() == [[85]]


def test_a_share_of_k_in_n_asks_for_k():
    for n in (1, 3, 7, 49, 100, 997):
        for k in {1, 2, n // 3, n - 1, n} & set(range(1, n + 1)):
            frame = pl.DataFrame({"item": [["a"]] * k + [[]] * (n - k)}, schema={"item": pl.List(pl.String)})
            assert bk.frequent_itemsets(frame, item="item", min_support=Fraction(k, n)).height == 1
            fitting = bk.support_for(frame, 1, item="item")
            assert (fitting.min_count, fitting.itemsets) == (1, 1)
            assert ceil(Fraction(repr(fitting.min_support)) * n) == 1


def lines_of(seed, customers=40):
    chance = random.Random(seed)
    rows, order = [], 0
    for customer in range(customers):
        for _ in range(chance.randrange(1, 5)):
            order += 1
            day = date(2024, 1, 1) + timedelta(days=chance.randrange(60))
            for item in chance.choices(range(12), k=chance.randrange(1, 6)):
                quantity = chance.choice([1, 1, 2, 3, -1])
                cents = quantity * (100 + 137 * item)
                rows.append((f"c{customer}" if customer % 5 else None, order, day, f"i{item}", quantity, cents / 100,
                             f"cat{item % 4}", f"dep{item % 2}", f"brand{item % 3}"))  # fmt: skip
    names = ["customer", "order", "time", "item", "quantity", "amount", "category", "department", "brand"]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.fixture(scope="module")
def lines():
    return lines_of(11)


@pytest.fixture(scope="module")
def ledger(lines):
    attributes = {name: name for name in ("category", "department", "brand")}
    return bk.read_ledger(lines, timezone="UTC", item_attributes=attributes, returns="keep")


def slowly(rows, least):
    """Sets with counts and sums, of rows (basket, item, *values)."""
    baskets = {}
    for basket, item, *values in rows:
        held = baskets.setdefault(basket, {})
        if item is not None:
            held[item] = [
                one + other for one, other in zip(held.get(item, [0] * len(values)), values, strict=True)
            ]
    counts, sums = Counter(), {}
    for held in baskets.values():
        for size in range(1, len(held) + 1):
            for items in combinations(sorted(held), size):
                counts[items] += 1
                worth = [sum(values) for values in zip(*(held[item] for item in items), strict=True)]
                sums[items] = [a + b for a, b in zip(sums.get(items, [0] * len(worth)), worth, strict=True)]
    return {items: (n, *sums[items]) for items, n in counts.items() if n >= least}


def test_values_of_a_ledger_are_those_of_its_purchases(lines, ledger):
    bought = lines.filter(pl.col("quantity") > 0).with_columns(
        cents=(pl.col("amount") * 100).round().cast(pl.Int64)
    )
    for axis in ("item", "category"):
        wanted = slowly(bought.select("order", axis, "cents", "quantity").rows(), 2)
        for threads in (1, 4):
            found = bk.frequent_itemsets(
                ledger, item=axis, min_count=2, values=["amount", "quantity"], n_threads=threads
            ).with_columns(
                cents=(pl.col("amount") * 100).cast(pl.Int64), quantity=pl.col("quantity").cast(pl.Int64)
            )
            assert sets_of(found, "cents", "quantity") == wanted
    by_customer = bk.frequent_itemsets(ledger, basket="customer", min_count=3, values=["quantity"])
    known = bought.filter(pl.col("customer").is_not_null())
    wanted = slowly(known.select("customer", "item", "quantity").rows(), 3)
    assert sets_of(by_customer.with_columns(pl.col("quantity").cast(pl.Int64)), "quantity") == wanted


def test_values_of_a_table(lines):
    rows = lines.with_columns(
        cents=pl.col("amount").cast(pl.Decimal(12, 2)),
        whole=pl.col("quantity").cast(pl.Int32),
        basket="order",
    ).sample(fraction=1.0, shuffle=True, seed=2)
    found = bk.frequent_itemsets(
        rows,
        basket="order",
        item="item",
        min_count=2,
        values=["cents", "amount", "whole", "order"],
        kind="closed",
    )
    wanted = slowly(lines.select("order", "item", "quantity").rows(), 2)
    assert (found["cents"] == found["amount"]).all()
    for items, (count, whole) in sets_of(found.with_columns(pl.col("whole").cast(pl.Int64)), "whole").items():
        assert wanted[items] == (count, whole)
    top = bk.frequent_itemsets(rows, basket="order", item="item", min_count=2, values=["whole"], top=5)
    assert top["whole"].to_list() == [wanted[tuple(sorted(one))][1] for one in top["itemset"]]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["margin"], "values='margin'"),
        (["count"], "values='count'"),
        (["amount", "amount"], "twice"),
        (3, "values=3"),
    ],
)
def test_values_that_are_refused(ledger, values, text):
    with pytest.raises(bk.ParameterError, match=text):
        bk.frequent_itemsets(ledger, min_count=1, values=values)
    table = pl.DataFrame({"b": [1], "i": [1], "v": ["x"]})
    with pytest.raises(bk.SchemaError, match="'w'"):
        bk.frequent_itemsets(table, basket="b", item="i", min_count=1, values=["w"])
    with pytest.raises(bk.SchemaError, match="a number is needed"):
        bk.frequent_itemsets(table, basket="b", item="i", min_count=1, values=["v"])
    with pytest.raises(bk.ParameterError, match="no row for each item"):
        bk.frequent_itemsets(pl.DataFrame({"i": [[1]], "v": [1]}), item="i", min_count=1, values=["v"])


def test_a_combination_of_attributes_is_an_axis(lines, ledger):
    joined = lines.filter(pl.col("quantity") > 0).select(
        "order", pl.concat_str("category", pl.lit(" | "), "brand"), "quantity"
    )
    found = bk.frequent_itemsets(ledger, item=["category", "brand"], min_count=2, values=["quantity"])
    found = found.with_columns(pl.col("quantity").cast(pl.Int64))
    assert sets_of(found, "quantity") == slowly(joined.rows(), 2)
    # Every line has one place on the axis: the single combinations share the whole between them.
    alone = bk.frequent_itemsets(
        ledger, item=["category", "brand"], min_count=1, max_length=1, values=["quantity"]
    )
    assert alone["quantity"].sum() == joined["quantity"].sum()
    with pytest.raises(bk.SchemaError, match="'colour'"):
        bk.frequent_itemsets(ledger, item=["category", "colour"], min_count=1)


def test_labels_that_look_alike_are_refused():
    lines = pl.DataFrame({
        "customer": ["a", "a"], "order": [1, 1], "item": ["x", "y"], "time": [date(2024, 1, 1)] * 2,
        "one": ["p | q", "p"], "two": ["r", "q | r"],
    })  # fmt: skip
    shop = bk.read_ledger(lines, timezone="UTC", item_attributes={"one": "one", "two": "two"})
    with pytest.raises(bk.SchemaError, match="rename a label"):
        bk.frequent_itemsets(shop, item=["one", "two"], min_count=1)
    assert bk.frequent_itemsets(shop, item=["two", "one"], min_count=2).height == 0


def test_price_bands(lines, ledger):
    prices = (
        lines.filter(pl.col("quantity") > 0)
        .group_by("item").agg(price=(pl.col("amount") / pl.col("quantity")).median())
    )  # fmt: skip
    banded = bk.price_bands(ledger, cuts=[3, 10.5])
    wanted = {
        item: "under 3" if price < 3 else "3 to 10.5" if price < 10.5 else "10.5 and up"
        for item, price in prices.rows()
    }
    assert dict(banded.items().select("item", "price_band").rows()) == wanted
    assert set(ledger.items().columns) < set(banded.items().columns)
    thirds = bk.price_bands(ledger, quantiles=3, labels=["low", "middle", "high"], name="level")
    assert thirds.items()["level"].value_counts().sort("level").rows() == [
        ("high", 4),
        ("low", 4),
        ("middle", 4),
    ]
    found = bk.frequent_itemsets(thirds, item=["category", "level"], min_count=1)
    assert any(label.endswith(" | high") for one in found["itemset"] for label in one)
    for arguments in (
        {}, {"cuts": [1], "quantiles": 2}, {"cuts": [2, 1]}, {"cuts": []}, {"quantiles": 1}, {"quantiles": [0.5, 2]},
        {"cuts": [1], "labels": ["a"]}, {"cuts": [1], "name": "category"},
    ):  # fmt: skip
        with pytest.raises(bk.ParameterError):
            bk.price_bands(ledger, **arguments)


def test_a_refusal_tells_what_fits():
    shop = pl.DataFrame({"items": [list(range(28)), [1, 2]]})
    with pytest.raises(
        bk.CapacityError, match=r"after \d+ results.*3 itemsets.*min_count=2.*24157 .*max_length=4"
    ):
        bk.frequent_itemsets(shop, item="items", min_count=1, budget=bk.Budget(results=100_000))


def test_a_part_is_complete_and_always_the_same(shop):
    arguments = {"item": "item", "min_count": 1, "partial": True}
    whole = bk.frequent_itemsets(shop["lists"], item="item", min_count=1)
    parts, budget = [], bk.Budget(results=1_500)
    for threads in (1, 4):
        with pytest.warns(bk.CapacityWarning, match="all sets of up to") as told:
            parts.append(bk.frequent_itemsets(shop["lists"], budget=budget, n_threads=threads, **arguments))
    longest = int(str(told[0].message).split("up to ")[1].split()[0])
    assert parts[0].equals(parts[1])
    assert parts[0].equals(whole.filter(pl.col("length") <= longest))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bk.frequent_itemsets(shop["lists"], **arguments).equals(whole)
    with pytest.raises(bk.ParameterError, match="kind is closed"):
        bk.frequent_itemsets(shop["lists"], kind="closed", **arguments)


def test_seconds_are_kept():
    shop = pl.DataFrame({"items": [list(range(60))] * 3})
    for seconds in (0.3, 1.0):
        for call in (
            lambda budget: bk.frequent_itemsets(shop, item="items", min_count=1, partial=True, budget=budget),
            lambda budget: bk.frequent_itemsets(shop, item="items", min_count=1, budget=budget),
        ):
            started = time.perf_counter()
            budget = bk.Budget(seconds=seconds, bytes=2_000_000_000)
            with warnings.catch_warnings(), suppress(bk.CapacityError):
                warnings.simplefilter("ignore", bk.CapacityWarning)
                assert call(budget).height > 0
            assert time.perf_counter() - started < 1.2 * seconds + 2


def test_the_least_support_for_a_number_of_sets(data_file, known):
    path = data_file("fimi/retail.dat.gz")
    for support in (176, 88, 18):
        sets = known["retail"][str(support)]["all"]["count"]
        fitting = bk.support_for(path, sets)
        assert fitting.itemsets <= sets
        assert fitting.min_count <= support
        more = bk.count_itemsets(path, min_count=fitting.min_count - 1)["count"].sum()
        assert more > sets
        again = bk.count_itemsets(path, min_support=fitting.min_support)["count"].sum()
        assert again == fitting.itemsets


def test_no_support_fits():
    shop = pl.DataFrame({"items": [[1, 2], [1, 2]]})
    with pytest.raises(bk.CapacityError, match="n=1"):
        bk.support_for(shop, 1, item="items")
    assert bk.support_for(shop, 1, item="items", min_length=2).itemsets == 1
    with pytest.raises(bk.ParameterError, match="n=-1"):
        bk.support_for(shop, -1, item="items")


GIANT = """
import resource, time
import polars as pl
import basketry as bk

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
shop = pl.DataFrame({"items": ROWS})
started = time.process_time()
try:
    bk.frequent_itemsets(shop, item="items", min_count=1, n_threads=2)
except bk.CapacityError as error:
    assert "max_length=" in str(error), error
    print(time.process_time() - started)
"""


@pytest.mark.parametrize(
    "rows", ["[list(range(10_000))]", "[list(range(28))] * 5", "[list(range(60))] * 5 + [[1]]"]
)
def test_giant_baskets_stop_in_a_gigabyte(rows):
    done = subprocess.run(
        [sys.executable, "-c", GIANT.replace("ROWS", rows)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Of two threads: two seconds on the clock are at most four of work.
    assert float(done.stdout) < 4
