"""The same rows give the same ledger, whatever they come from and in what order; every row is accounted for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basketry.ledger import Ledger, read_ledger

START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "customer": ["00123", "ann", None, "bob", "ann", "00123", "123", "ann", "", "bob"],
        "order": ["1", "2", "3", "4", "5", "6", "7", "5", "8", "4"],
        "time": [START + timedelta(hours=5 * hour) for hour in (0, 3, 1, 7, 9, 9, 2, 9, 4, 7)],
        "item": ["tea", "cup", "tea", "pot", "tea", None, "cup", "pot", "tea", "tea"],
        "quantity": [1, 2, 1, 1, -1, 3, 1, 1, 2, 5],
        "price": [1.5, 8.25, 1.5, 20.0, 1.5, 0.1, 8.0, 20.0, 1.5, 0.0],
        "category": ["drink", "ware", "drink", "ware", "drink", None, "ware", "ware", "food", "food"],
        "city": ["Rome", "Oslo", "Oslo", "Oslo", "Rome", "Rome", "Rome", "Oslo", None, None],
    }
)


class OnlyStream:
    """An object that can do nothing but hand out an Arrow stream, once."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame: pl.DataFrame | None = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        frame, self._frame = self._frame, None
        assert frame is not None, "asked twice"
        return frame.__arrow_c_stream__(requested_schema)


def read(source: object, **options: object) -> Ledger:
    ledger = read_ledger(source, timezone="UTC", **options)
    totals, frame = ledger.quality.totals, ledger.quality.frame
    assert totals["rows_in"] == totals["rows_used"] + totals["rows_set_aside"]
    assert totals["rows_used"] == ledger.n_lines == ledger.lines().height
    assert frame.filter(pl.col("status") != "noted")["rows"].sum() == totals["rows_in"]
    return ledger


@pytest.fixture(scope="module")
def truth() -> str:
    ledger = read(ROWS)
    assert (ledger.n_customers, ledger.n_orders, ledger.n_lines, ledger.n_items) == (4, 8, 10, 3)
    assert ledger.customers()["customer"].to_list() == ["00123", "123", "ann", "bob"]
    assert ledger.quality.rows("no customer, kept as a basket") == 2
    return ledger.fingerprint


def test_every_file_gives_the_same_ledger(tmp_path: Path, truth: str) -> None:
    ROWS.write_parquet(tmp_path / "rows.parquet")
    ROWS.write_csv(tmp_path / "rows.csv")
    ROWS.write_csv(tmp_path / "bom.csv", include_bom=True)
    ROWS.write_csv(tmp_path / "rows.tsv", separator="\t")
    ROWS.write_csv(tmp_path / "rows.txt", separator=";")
    for name in ("rows.parquet", "rows.csv", "bom.csv", "rows.tsv", "rows.txt"):
        assert read(tmp_path / name).fingerprint == truth, name
        assert read(str(tmp_path / name)).fingerprint == truth, name
    assert read(tmp_path / "bom.csv").quality.rows("byte-order mark") == 1
    assert read(tmp_path / "rows.txt", separator=";").fingerprint == truth


def test_globs_folders_and_lists_are_one_dump(tmp_path: Path, truth: str) -> None:
    for part, rows in enumerate((ROWS[:3], ROWS[3:4], ROWS[4:])):
        rows.write_parquet(tmp_path / f"part{part}.parquet")
    assert read(tmp_path).fingerprint == truth
    assert read(tmp_path / "part*.parquet").fingerprint == truth
    assert read(sorted(tmp_path.glob("*.parquet"))).fingerprint == truth
    assert read([tmp_path / "part2.parquet", ROWS[:4]]).fingerprint == truth


def test_every_frame_gives_the_same_ledger(truth: str) -> None:
    table = ROWS.to_arrow()
    connection = duckdb.connect()
    sources = {
        "lazy": ROWS.lazy(),
        "pyarrow table": table,
        "record batch reader": pa.RecordBatchReader.from_batches(table.schema, table.to_batches(3)),
        "pandas": ROWS.to_pandas(),
        "duckdb": connection.from_arrow(table),
        "stream": OnlyStream(ROWS),
    }
    for name, source in sources.items():
        assert read(source).fingerprint == truth, name


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_every_way_to_hold_text(kind: pa.DataType, truth: str) -> None:
    table = ROWS.to_arrow()
    for column in ("customer", "order", "item", "category", "city"):
        values = table[column].cast(pa.string())
        held = values.dictionary_encode() if pa.types.is_dictionary(kind) else values.cast(kind)
        table = table.set_column(table.column_names.index(column), column, held)
    assert read(table).fingerprint == truth
    assert read(OnlyStream(pl.DataFrame(table))).fingerprint == truth


def test_categories_are_texts(truth: str) -> None:
    texts = ["customer", "order", "item", "category", "city"]
    assert read(ROWS.with_columns(pl.col(texts).cast(pl.Categorical))).fingerprint == truth
    enums = [pl.col(name).cast(pl.Enum(ROWS[name].drop_nulls().unique().sort())) for name in texts]
    assert read(ROWS.with_columns(enums)).fingerprint == truth


NUMBERED = ROWS.with_columns(
    customer=pl.Series([1, 2, None, 3, 2, 1, 4, 2, None, 3], dtype=pl.Int64),
    order=pl.col("order").cast(pl.Int64),
)


@pytest.mark.parametrize(
    "kind",
    [pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128, pl.UInt128],
    ids=str,
)
def test_every_width_of_integers(kind: type[pl.DataType]) -> None:
    truth = read(NUMBERED).fingerprint
    assert read(NUMBERED.cast({"customer": kind, "order": kind})).fingerprint == truth
    if kind not in (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128):
        assert read(NUMBERED.cast({"quantity": kind})).fingerprint == truth


def test_money_is_the_same_in_every_type() -> None:
    rows = ROWS.with_columns(price=pl.Series([1.5, 8.25, 1.5, 20, 1.5, 0.5, 8, 20, 1.5, 0]))
    truth = read(rows).fingerprint
    for kind in (pl.Float32, pl.Decimal(18, 2), pl.Decimal(38, 6), pl.String):
        assert read(rows.cast({"price": kind})).fingerprint == truth, kind
    assert read(rows.cast({"price": pl.String, "quantity": pl.String})).fingerprint == truth


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_every_unit_and_zone_of_time(unit: str, truth: str) -> None:
    kind = pl.Datetime(unit, "UTC")
    assert read(ROWS.cast({"time": kind})).fingerprint == truth
    there = ROWS.cast({"time": kind}).with_columns(pl.col("time").dt.convert_time_zone("Asia/Tokyo"))
    assert read(there).fingerprint == truth
    naive = ROWS.cast({"time": kind}).with_columns(pl.col("time").dt.replace_time_zone(None))
    assert read(naive).fingerprint == truth


def test_slices_and_chunks(truth: str) -> None:
    table = pa.concat_tables([ROWS[:4].to_arrow(), ROWS[4:].to_arrow(), ROWS[:2].to_arrow()])
    assert read(table.slice(0, 10)).fingerprint == truth
    assert read(pl.concat([ROWS[:1], ROWS, ROWS[:5]], rechunk=False).slice(1, 10)).fingerprint == truth
    assert read(pl.concat([ROWS[i : i + 1] for i in range(10)], rechunk=False)).fingerprint == truth


def test_chunk_sizes_from_one_to_a_million(monkeypatch: pytest.MonkeyPatch) -> None:
    from basketry.ledger import part

    many = pl.concat([NUMBERED.with_columns(pl.col("order") + 10 * turn) for turn in range(60)])
    found = set()
    for size in (1, 7, 16_384, 1_000_000):
        monkeypatch.setattr(part, "CHUNK_ROWS", size)
        found.add(read(many).fingerprint)
        found.add(read(many.sample(fraction=1, shuffle=True, seed=size)).fingerprint)
    assert len(found) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, "", "ann", "00123", "123", "é", "e\u0301", "\0"]),
            st.integers(1, 6),
            st.integers(0, 3),
            st.sampled_from([None, "tea", "cup", "pot"]),
            st.integers(-2, 3) | st.none(),
            st.sampled_from([None, -1.0, 0.0, 0.01, 1.5, 1e6]),
        ),
        max_size=25,
    ),
    data=st.data(),
)
def test_any_rows_in_any_order_and_any_files(
    rows: list[tuple[object, ...]], data: st.DataObject, tmp_path
) -> None:
    schema = {
        "customer": pl.String,
        "order": pl.Int64,
        "hour": pl.Int64,
        "item": pl.String,
        "quantity": pl.Int64,
        "price": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        time=pl.lit(START.replace(tzinfo=None)) + pl.duration(hours="hour")
    )
    policy = {
        "returns": data.draw(st.sampled_from(["net", "keep", "drop"])),
        "guests": data.draw(st.sampled_from(["keep", "drop"])),
        "duplicates": data.draw(st.sampled_from(["keep", "drop"])),
        "zero_prices": data.draw(st.sampled_from(["keep", "drop"])),
        "negative_prices": data.draw(st.sampled_from(["keep", "drop"])),
    }
    whole = read(frame, **policy)
    order = data.draw(st.permutations(range(frame.height)))
    shuffled = frame[list(order)] if rows else frame
    assert read(shuffled, **policy).fingerprint == whole.fingerprint
    cut = data.draw(st.integers(0, frame.height))
    for name, some in (("a", shuffled[:cut]), ("b", shuffled[cut:])):
        some.write_parquet(tmp_path / f"{name}.parquet")
    split = read(tmp_path / "*.parquet", **policy, n_threads=data.draw(st.sampled_from([1, 2, 8])))
    assert split.fingerprint == whole.fingerprint
    sheets = [one.quality.frame.drop("first_row").sort("reason", "status") for one in (split, whole)]
    assert sheets[0].drop("amount").equals(sheets[1].drop("amount"))
    assert sheets[0]["amount"].sum() == pytest.approx(sheets[1]["amount"].sum())


def test_numbers_too_large_for_one_word_come_back_beside_small_ones():
    amounts = [0.01, 214_748.3647, 214_748.3648, 1e9, 2.5, 99_999_999_999.0, 7.0, 1.0]
    margins = [None, -1.0, -300_000.0, 5.0, None, 214_748.0, -214_748.3648, -214_748.3649]
    dump = pl.DataFrame(
        {
            "customer": [1, 1, 2, 2, None, None, 3, 3],
            "order": [1, 1, 2, 2, 3, 4, -(2**40), -(2**40)],
            "time": [datetime(2024, 1, 1, tzinfo=UTC)] * 8,
            "item": ["a", "b", "c", "d", "e", "f", "g", "h"],
            "amount": amounts,
            "m": margins,
        }
    )
    names = ["customer", "order", "time", "item", "amount"]
    shop = read_ledger(dump, columns={name: name for name in names}, measures={"m": "m"}, timezone="UTC")
    lines = shop.lines().sort("item")
    assert lines["amount"].to_list() == amounts
    assert lines["m"].to_list() == margins
    assert lines["order"].to_list() == dump["order"].to_list()
    assert lines["customer"].to_list() == dump["customer"].to_list()
