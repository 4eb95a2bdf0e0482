"""A shop in partitions is the shop as a whole: the same bytes, also after a kill, also when a day is added."""

import io
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import basketry as bk
from basketry.cli import main
from basketry.exceptions import CapacityError, ParameterError, SchemaError

COLUMNS = {name: name for name in ("customer", "order", "time", "item", "quantity", "price", "currency")}
READING = {
    "columns": COLUMNS,
    "timezone": "Europe/London",
    "currency": "GBP",
    "on_bad_rows": "drop",
    "test_customers": ["c7", "7"],
    "until": "2024-12-20",
    "measures": {"discount": "discount"},
    "item_attributes": {"category": "category", "brand": "brand"},
    "customer_attributes": {"town": "town"},
}


def dump(folder, *, rows=4000, customers=90, files=3, text=True, seed=1, start=0):
    """Write a dump with everything that is unusual in one, and return the paths."""
    rng = np.random.default_rng(seed)
    order = np.sort(rng.integers(0, rows // 3, rows)) + start
    customer = (order * 7919) % customers
    minute = order * 490
    frame = pl.DataFrame(
        {
            "customer": customer,
            "order": order,
            "time": pl.Series(np.datetime64("2024-01-01", "us") + minute.astype("timedelta64[m]")).cast(
                pl.Datetime("us")
            ),
            "item": rng.integers(0, 40, rows),
            "quantity": rng.choice([1, 2, 3, -1, 0], rows, p=[0.6, 0.2, 0.1, 0.07, 0.03]).astype(np.int16),
            "price": rng.integers(0, 2000, rows) / 100,
            "currency": rng.choice(["GBP", "EUR"], rows, p=[0.97, 0.03]),
            "discount": rng.integers(0, 100, rows) / 100,
            "category": rng.choice(["a", "b", "=c"], rows),
            "brand": pl.Series(rng.choice(["x", "", "y"], rows)).replace("", None),
            "town": pl.Series(rng.choice(["Bath", "York", ""], rows)).replace("", None),
        }
    )
    guest = pl.col("customer") % 9 == 4
    price = pl.col("price").cast(pl.String)
    if text:
        frame = frame.with_columns(
            customer=pl.when(guest).then(pl.lit("")).otherwise(pl.format("c{}", "customer")),
            order=pl.format("o{}", pl.col("order")),
            item=pl.format("i{}", "item"),
            time=pl.col("time").dt.to_string("%Y-%m-%d %H:%M"),
            price=pl.when(pl.col("price") < 0.2).then(pl.lit("free")).otherwise(price),
        )
    else:
        frame = frame.with_columns(customer=pl.when(~guest).then("customer"))
    folder.mkdir(exist_ok=True)
    paths = []
    for at, piece in enumerate(frame.iter_slices(-(-rows // files))):
        paths.append(folder / f"{seed}-{at}.{'csv' if text else 'parquet'}")
        if text:
            piece.write_csv(paths[-1])
        else:
            # Files of one dump need not agree on the width of a number.
            kinds = {"customer": pl.Int32, "quantity": pl.Int64} if at % 2 else {}
            piece.cast(kinds).write_parquet(paths[-1])
    return paths


def answers(shop):
    return {
        "rfm": bk.rfm(shop),
        "apart": bk.rfm(shop, ties="apart", as_of=date(2024, 9, 1)),
        "features": bk.customer_features(shop, category="category", discount="discount").lazy().collect(),
        "dates": bk.customer_features(shop, as_of=["2024-03-01", "2024-09-01"], windows=[30])
        .lazy()
        .collect(),
        "cohorts": bk.cohorts(shop).table,
        "lifetime": bk.lifetime_summary(shop),
        "weeks": bk.cohorts(shop, period="week", as_of="2024-09-01").table,
    }


def parquet(table):
    file = io.BytesIO()
    table.write_parquet(file, row_group_size=1 << 16)
    return file.getvalue()


def assert_same(parts, whole):
    assert parts.quality.frame.rows() == whole.quality.frame.rows()
    assert parts.quality.totals == whole.quality.totals
    assert (parts.first_day, parts.end, parts.currency) == (whole.first_day, whole.end, whole.currency)
    expected = answers(whole)
    for name, table in answers(parts).items():
        assert table.schema == expected[name].schema, name
        assert table.equals(expected[name], null_equal=True), name
        assert parquet(table) == parquet(expected[name]), name


@pytest.mark.parametrize("text", [True, False])
def test_the_answers_are_those_of_the_whole(tmp_path, text):
    paths = dump(tmp_path / "dump", text=text)
    whole = bk.read_ledger(paths, **READING)
    assert {"test customer", "another currency"} <= set(whole.quality.frame["reason"])
    for number, memory in enumerate(("1GiB", "1MiB")):
        parts = bk.partition_ledger(paths, tmp_path / f"parts{number}", memory=memory, **READING)
        assert parts.n_partitions == (1, 2)[number]
        assert_same(parts, whole)
    attributes = pl.concat(parts.partition(at).customers() for at in range(parts.n_partitions))
    assert attributes.sort("customer").equals(whole.customers())
    assert bk.PartitionedLedger.open(tmp_path / "parts1").quality.totals == whole.quality.totals


@pytest.mark.parametrize("seed", range(4))
def test_any_dump_any_number_of_partitions(tmp_path, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(
        "basketry.ledger.partitions._many", lambda _reading, _memory: int(rng.integers(2, 16))
    )
    size = {
        "rows": int(rng.integers(1, 300)),
        "customers": int(rng.integers(1, 30)),
        "files": int(rng.integers(1, 4)),
    }
    paths = dump(tmp_path / "dump", text=bool(seed % 2), seed=seed, **size)
    whole = bk.read_ledger(paths, **READING)
    parts = bk.partition_ledger(paths, tmp_path / "parts", memory="1MiB", n_threads=1 + seed % 2, **READING)
    assert_same(parts, whole)


def test_orders_without_ids_and_without_customers(tmp_path):
    (path,) = dump(tmp_path / "dump", files=1, text=False)
    for role in ("order", "customer"):
        columns = {name: column for name, column in COLUMNS.items() if name != role}
        reading = READING | {"columns": columns, "customer_attributes": None}
        whole = bk.read_ledger(path, **reading)
        parts = bk.partition_ledger(path, tmp_path / role, memory="1MiB", **reading)
        assert parts.quality.totals == whole.quality.totals
        assert bk.rfm(parts).equals(bk.rfm(whole))


KILLED = """
import os, signal, sys
import basketry as bk
from basketry.ledger import partitions, part, spreading
sys.path.insert(0, sys.argv[1])
from tests.test_partitions import READING
where, source, folder = sys.argv[2], sys.argv[3].split("|"), sys.argv[4]
partitions._many = lambda reading, memory: 6

def fatal(module, name, fits):
    real = getattr(module, name)
    def call(*args, **kwargs):
        if fits(*args):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(module, name, call)

if where == "spread":
    fatal(part.Part, "spread", lambda *args: "00001" in str(args[-1]))
if where == "build":
    fatal(spreading, "_build", lambda *args: args[4] == 3)
if where == "answer":
    fatal(partitions.PartitionedLedger, "pieces", lambda _shop, number, _wide: number == 3)
if where == "add":
    fatal(spreading, "_build", lambda *args: args[4] == 4)
    bk.PartitionedLedger.open(folder).add(source)
shop = bk.partition_ledger(source, folder, memory="1MiB", **READING)
bk.customer_features(shop, windows=[30])
"""


def killed(where, paths, folder):
    root = str(Path(__file__).resolve().parents[1])
    files = "|".join(map(str, paths))
    ran = subprocess.run([sys.executable, "-c", KILLED, root, where, files, str(folder)], check=False)
    assert ran.returncode == -signal.SIGKILL


def stamps(folder, pattern):
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob(pattern))}


def test_a_killed_run_goes_on_at_its_partition(tmp_path, monkeypatch):
    paths, parts = dump(tmp_path / "dump"), tmp_path / "parts"
    killed("spread", paths, parts)
    first = stamps(parts, "rows-1/00000")
    assert first
    assert not stamps(parts, "rows-1/00001")
    killed("build", paths, parts)
    assert stamps(parts, "rows-1/00000").keys() == first.keys()
    built = stamps(parts, "*.ledger")
    assert list(built) == ["0000.1.ledger", "0001.1.ledger", "0002.1.ledger"]
    killed("answer", paths, parts)
    assert built.items() <= stamps(parts, "*.ledger").items()
    answered = stamps(parts, "answers/*/????")
    assert list(answered) == ["0000", "0001", "0002"]
    whole = bk.read_ledger(paths, **READING)
    monkeypatch.setattr("basketry.ledger.partitions._many", lambda _reading, _memory: 6)
    shop = bk.partition_ledger(paths, parts, memory="1MiB", **READING)
    table = bk.customer_features(shop, windows=[30]).collect()
    assert answered.items() <= stamps(parts, "answers/*/????").items()
    assert table.equals(bk.customer_features(whole, windows=[30]))
    assert_same(shop, whole)


def test_a_day_is_added_without_reading_history(tmp_path, monkeypatch):
    monkeypatch.setattr("basketry.ledger.partitions._many", lambda _reading, _memory: 6)
    old, new = dump(tmp_path / "dump"), dump(tmp_path / "new", rows=500, files=1, seed=2, start=1200)
    whole = bk.read_ledger([*old, *new], **READING)
    parts = tmp_path / "parts"
    before = bk.partition_ledger(old, parts, memory="1MiB", **READING)
    bk.cohorts(before)
    shutil.rmtree(tmp_path / "dump")
    killed("add", new, parts)
    shop = bk.PartitionedLedger.open(parts).add(new)
    assert sorted(path.suffixes[0] for path in parts.glob("*.ledger")) == [".2"] * shop.n_partitions
    assert_same(shop, whole)


def test_what_the_whole_refuses_the_partitions_refuse(tmp_path):
    paths = dump(tmp_path / "dump")
    for number, change in enumerate(({"on_bad_rows": "raise"}, {"currency": None}, {"timezone": None})):
        with pytest.raises(SchemaError) as whole:
            bk.read_ledger(paths, **READING | change)
        with pytest.raises(SchemaError) as parts:
            bk.partition_ledger(paths, tmp_path / str(number), memory="1MiB", **READING | change)
        assert str(parts.value) == str(whole.value)


def test_other_folders_and_sources_are_refused(tmp_path):
    paths, parts = dump(tmp_path / "dump", rows=300), tmp_path / "parts"
    with pytest.raises(ParameterError, match="files are needed"):
        bk.partition_ledger(pl.read_csv(paths[0]), parts, memory="1MiB", **READING)
    with pytest.raises(ParameterError, match="other files"):
        bk.partition_ledger(paths, tmp_path / "dump", memory="1MiB", **READING)
    with pytest.raises(ParameterError, match="no finished partitions"):
        bk.PartitionedLedger.open(tmp_path)
    for memory in ("much", "2 parsecs", 5, True, None):
        with pytest.raises(ParameterError, match="memory"):
            bk.partition_ledger(paths, parts, memory=memory, **READING)
    shop = bk.partition_ledger(paths, parts, memory="1MiB", **READING)
    with pytest.raises(ParameterError, match="another dump"):
        bk.partition_ledger(paths[:1], parts, memory="1MiB", **READING)
    renamed = tmp_path / "renamed.csv"
    pl.read_csv(paths[0], infer_schema=False).rename({"price": "amount"}).write_csv(renamed)
    with pytest.raises(SchemaError):
        shop.add(renamed)


def test_one_customer_too_large_for_memory_is_named(tmp_path):
    (path,) = dump(tmp_path / "dump", rows=20_000, customers=1, files=1, text=False)
    with pytest.raises(CapacityError, match="MiB of memory would do"):
        bk.partition_ledger(path, tmp_path / "parts", memory="1MiB", **READING)


def test_a_ledger_as_bytes(tmp_path):
    whole = bk.read_ledger(dump(tmp_path / "dump", rows=300), **READING)
    again = bk.Ledger.from_bytes(whole.to_bytes())
    assert again.fingerprint == whole.fingerprint
    assert again.quality.totals == whole.quality.totals
    with pytest.raises(SchemaError):
        bk.Ledger.from_bytes(b"nothing")


def test_the_commands_write_the_same_files(tmp_path):
    for path in dump(tmp_path / "dump", text=False):
        pl.read_parquet(path).drop("currency").write_parquet(path)
    source, zone = str(tmp_path / "dump"), ["--timezone", "Europe/London"]
    for name in ("features", "rfm", "cohorts"):
        files = {}
        for kind, limit in (("whole", []), ("parts", ["--memory", "1MiB"])):
            out = [tmp_path / f"{kind}.parquet", tmp_path / f"{kind}.csv"]
            with pytest.raises(SystemExit) as left:
                main([name, source, *zone, "-o", str(out[0]), "--csv", str(out[1]), *limit])
            assert left.value.code == 0
            files[kind] = [path.read_bytes() for path in out]
        assert files["whole"] == files["parts"], name
    assert not list(tmp_path.glob(".basketry-*"))
    with pytest.raises(SystemExit) as left:
        main(["rfm", source, *zone, "--folder", str(tmp_path / "kept")])
    assert left.value.code == 2
    with pytest.raises(SystemExit) as left:
        main(["rfm", source, *zone, "--memory", "2GiB", "--folder", str(tmp_path / "kept"), "--top", "1"])
    assert left.value.code == 0
    assert bk.PartitionedLedger.open(tmp_path / "kept").n_partitions == 1
