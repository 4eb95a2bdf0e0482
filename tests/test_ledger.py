"""The ledger's Python face: saving, merging, slicing, its frames, its quality sheet; the same bytes each time."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.exceptions import BasketryError, ParameterError, SchemaError
from basketry.files import whole_file
from basketry.ledger import Ledger, Quality, read_ledger

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
ROWS = pl.DataFrame(
    [
        ("bob", 3, 2, "tea", 2, 3.0, "drink"),
        ("ann", 1, 1, "tea", 1, 1.5, "drink"),
        ("ann", 1, 0, "cup", 1, 8.0, None),
        ("ann", 2, 30, "tea", -1, -1.5, "food"),
        (None, 9, 5, "pot", 1, 20.0, "ware"),
        ("bob", 4, 50, None, 3, 0.3, None),
    ],
    schema=["customer", "order", "hour", "item", "quantity", "amount", "category"],
    orient="row",
).select(pl.exclude("hour"), time=START + pl.duration(hours="hour"))


def read(rows: pl.DataFrame = ROWS, **options: object) -> Ledger:
    return read_ledger(rows, timezone="UTC", **options)


def test_frames_hold_every_row_in_order() -> None:
    shop = read()
    orders = shop.orders()
    assert orders.select("customer", "order", "lines", "quantity", "gross", "net", "purchase").rows() == [
        ("ann", 1, 2, 2.0, 9.5, 9.5, True),
        ("ann", 2, 1, 0.0, 0.0, -1.5, False),
        ("bob", 3, 1, 2.0, 3.0, 3.0, True),
        ("bob", 4, 1, 3.0, 0.3, 0.3, True),
        (None, 9, 1, 1.0, 20.0, 20.0, True),
    ]
    # An order's time is its earliest line's.
    assert orders["time"][0] == START
    assert orders["day"].to_list() == [date(2024, 1, d) for d in (1, 2, 1, 3, 1)]
    lines = shop.lines()
    assert lines.columns == ["customer", "order", "time", "item", "quantity", "amount"]
    assert lines.select("customer", "order", "item", "quantity", "amount").rows() == [
        ("ann", 1, "cup", 1.0, 8.0),
        ("ann", 1, "tea", 1.0, 1.5),
        ("ann", 2, "tea", -1.0, -1.5),
        ("bob", 3, "tea", 2.0, 3.0),
        ("bob", 4, None, 3.0, 0.3),
        (None, 9, "pot", 1.0, 20.0),
    ]
    assert shop.items().rows() == [("cup", None), ("pot", "ware"), ("tea", "drink")]
    assert shop.customers().rows() == [("ann",), ("bob",)]
    assert repr(shop) == "Ledger(2 customers, 5 orders, 6 lines, 3 items, 2024-01-01 to 2024-01-03, UTC)"


def test_the_most_frequent_label_counts_and_the_smallest_of_ties() -> None:
    rows = pl.DataFrame(
        {
            "customer": ["ann"] * 5 + ["bob"] * 2,
            "order": range(7),
            "time": [START] * 7,
            "item": ["tea", "tea", "tea", "cup", "cup", "pot", "pot"],
            "category": ["z", "a", "z", "b", "a", None, None],
            "city": ["Rome", "Oslo", "Rome", "Oslo", None, "b", "a"],
        }
    )
    shop = read(rows)
    assert shop.items().rows() == [("cup", "a"), ("pot", None), ("tea", "z")]
    assert shop.customers().rows() == [("ann", "Oslo"), ("bob", "a")]
    named = read(rows, item_attributes={"kind": "category"}, customer_attributes={"town": "city"})
    assert (named.items().columns, named.customers().columns) == (["item", "kind"], ["customer", "town"])
    assert read(rows.reverse()).fingerprint == shop.fingerprint


def test_saved_and_opened_it_is_the_same(tmp_path: Path) -> None:
    shop = read(currency="EUR", returns="keep")
    path = tmp_path / "shop.ledger"
    shop.save(path)
    again = Ledger.open(path)
    assert again.fingerprint == shop.fingerprint
    assert (again.currency, again.returns, again.timezone) == ("EUR", "keep", "UTC")
    assert again.quality.frame.equals(shop.quality.frame)
    assert again.quality.totals == shop.quality.totals
    for name in ("orders", "lines", "customers", "items"):
        assert getattr(again, name)().equals(getattr(shop, name)())
    assert bk.rfm(again).equals(bk.rfm(shop))
    shop.save(tmp_path / "twice.ledger")
    again.save(str(tmp_path / "again.ledger"))
    assert path.read_bytes() == (tmp_path / "twice.ledger").read_bytes()
    assert path.read_bytes() == (tmp_path / "again.ledger").read_bytes()
    # An open ledger keeps what it was opened on when its file is replaced.
    read(ROWS[:1]).save(path)
    assert again.lines().equals(shop.lines())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.ledger", "shop.ledger", "twice.ledger"]


def test_a_ledger_without_rows_can_be_saved(tmp_path: Path) -> None:
    shop = read(ROWS.clear())
    shop.save(tmp_path / "none.ledger")
    assert Ledger.open(tmp_path / "none.ledger").orders().equals(shop.orders())


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "shop.ledger"

    def fail() -> None:
        with whole_file(path) as unfinished:
            unfinished.write_bytes(b"half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert list(tmp_path.iterdir()) == []
    read().save(path)
    before = path.read_bytes()
    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ParameterError, match="that is a folder, name a file in it"):
        read().save(tmp_path)
    with pytest.raises(ParameterError, match="does not exist, make it first"):
        read().save(tmp_path / "no" / "shop.ledger")


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    read().save(tmp_path / "good.ledger")
    held = (tmp_path / "good.ledger").read_bytes()
    path = tmp_path / "bad.ledger"
    for content in (b"", b"hello, this is no ledger", held[:5], held[: len(held) // 2], held[:-1]):
        path.write_bytes(content)
        with pytest.raises(SchemaError, match=r"bad\.ledger: no saved ledger, or a damaged one \("):
            Ledger.open(path)
    ROWS.write_ipc(path)
    with pytest.raises(SchemaError, match="no ledger of this version"):
        Ledger.open(path)
    with pytest.raises(SchemaError, match=r"no\.ledger: No such file"):
        Ledger.open(tmp_path / "no.ledger")


def test_damage_anywhere_is_an_error_or_harmless(tmp_path: Path) -> None:
    rows = pl.concat([ROWS.with_columns(pl.col("order") + 10 * turn) for turn in range(20)])
    read(rows).save(tmp_path / "good.ledger")
    held = (tmp_path / "good.ledger").read_bytes()
    path, chance = tmp_path / "bad.ledger", random.Random(7)
    for _ in range(300):
        damaged = bytearray(held)
        for _ in range(chance.choice([1, 4, 16])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            shop = Ledger.open(path)
            assert shop.orders().height == shop.n_orders
            assert shop.lines().height == shop.n_lines
            assert bk.rfm(shop).height <= shop.n_customers
        except BasketryError:
            continue


def test_slices_are_ledgers_of_their_own(tmp_path: Path) -> None:
    shop = read()
    bob = shop.slice(1, 2)
    assert (bob.n_customers, bob.n_orders, bob.n_lines) == (1, 2, 2)
    assert bob.customers()["customer"].to_list() == ["bob"]
    assert bob.lines()["order"].to_list() == [3, 4]
    assert shop.slice(0, 99).n_customers == 2
    assert shop.slice(1, 1).n_customers == 0
    bob.save(tmp_path / "bob.ledger")
    assert Ledger.open(tmp_path / "bob.ledger").fingerprint == bob.fingerprint
    assert bk.rfm(bob).equals(
        bk.rfm(shop, as_of=bob.end).filter(customer="bob").select(bk.rfm(bob).columns)
    ) or (bk.rfm(bob)["spend_total"].to_list() == [3.3])


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.integers(0, 1), min_size=6, max_size=6))
def test_merging_is_reading_both(parts: list[int]) -> None:
    rows = ROWS.drop("category").with_columns(part=pl.Series(parts, dtype=pl.Int64))
    one, two = (rows.filter(part=part).drop("part") for part in (0, 1))
    whole = read(rows.drop("part"))
    merged = read(one).merge(read(two))
    assert merged.lines().equals(whole.lines())
    assert merged.orders().equals(whole.orders())
    totals = merged.quality.totals
    assert totals["rows_in"] == 6 == totals["rows_used"] + totals["rows_set_aside"]
    assert totals["amount"] == pytest.approx(whole.quality.totals["amount"])
    assert {name: totals[name] for name in ("customers", "orders", "lines")} == {
        name: whole.quality.totals[name] for name in ("customers", "orders", "lines")
    }


def test_ledgers_that_cannot_be_merged() -> None:
    with pytest.raises(SchemaError, match="a ledger in EUR cannot be merged with one in USD"):
        read(currency="EUR").merge(read(currency="USD"))
    with pytest.raises(
        SchemaError, match=r"in time zone UTC, the other has .*, in time zone Asia/Tokyo: read both"
    ):
        read().merge(read_ledger(ROWS, timezone="Asia/Tokyo"))
    with pytest.raises(
        SchemaError, match=r"whole numbers, items, quantity, amount, .* whole numbers, items, quantity,"
    ):
        read().merge(read(ROWS.drop("amount")))
    with pytest.raises(SchemaError, match=r"column 'customer' holds text"):
        read().merge(read(ROWS.with_columns(customer=pl.lit(1))))


def test_the_same_bytes_for_any_number_of_threads(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "customer": [f"c{i * 7919 % 997}" for i in range(20_000)],
            "order": [i * 31 % 9000 for i in range(20_000)],
            "time": [START + timedelta(minutes=i * 13 % 500_000) for i in range(20_000)],
            "item": [f"i{i * 17 % 91}" for i in range(20_000)],
            "amount": [i % 1000 / 100 for i in range(20_000)],
        }
    )
    found, tables = set(), set()
    for threads in (1, 2, 8):
        shop = read(rows.sample(fraction=1, shuffle=True, seed=threads), n_threads=threads)
        shop.save(tmp_path / "shop.ledger")
        found.add(Ledger.open(tmp_path / "shop.ledger").fingerprint)
        tables.add(bk.rfm(shop, n_threads=threads).write_csv())
    assert len(found) == len(tables) == 1


HOSTILE = "<script>alert('x')</script>"


def test_the_quality_sheet_can_be_shown_and_kept() -> None:
    rows = ROWS.with_columns(amount=pl.col("amount").cast(pl.String)).with_columns(
        amount=pl.when(order=3).then(pl.lit(HOSTILE)).otherwise("amount")
    )
    sheet = read(rows, on_bad_rows="drop").quality
    assert "            6 rows in" in str(sheet)
    assert "            1 set aside amount does not parse  first at row 1: " in str(sheet)
    page = sheet._repr_html_()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    again = Quality.from_json(sheet.to_json())
    assert again.frame.equals(sheet.frame)
    assert again.totals == sheet.totals
    assert sheet.rows("no such reason") == 0
