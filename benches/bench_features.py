"""Ninety features in eight windows from parquet and from a saved ledger, against engines in their expert form.

The expert form puts each row into the smallest window that holds it, groups by customer and window, counts distinct things
once, where they were last seen, and cumulates: `EXPERT` does it in polars streaming, `SQL` in DuckDB, which is compared if
it is installed or stands in BASKETRY_PEERS. BASKETRY_BENCH_ROWS sets the number of lines. RFM from integer and text ids is in
`bench_ledger.py`.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = int(os.environ.get("BASKETRY_BENCH_ROWS", "10_000_000"))
RUNS = int(os.environ.get("BASKETRY_BENCH_RUNS", "3"))
PEERS = os.environ.get("BASKETRY_PEERS", "")
HAS_DUCKDB = bool(importlib.util.find_spec("duckdb")) or (Path(PEERS) / "duckdb").is_dir()

# What all sides compute: 11 figures in 8 windows, recency and tenure. Checked: their sums over all customers.
SHARED = """
import json, sys
from datetime import datetime, timedelta
DAYS = [7, 14, 30, 60, 90, 180, 365]
NAMES = [*(f"{days}d" for days in DAYS), "all"]
END = datetime.fromisoformat(sys.argv[2])
FIGURES = ["orders", "active_days", "lines", "items", "categories", "return_lines", "quantity", "spend_gross",
           "spend_net", "returned", "largest_order"]
def tell(table):
    import polars as pl
    sums = table.select(pl.len(), pl.exclude("customer", "as_of").cast(pl.Float64).sum()).row(0)
    assert table.width >= 90
    print(json.dumps([round(float(value), 2) for value in sums]))
"""

OURS = (
    SHARED
    + """
import basketry as bk
if sys.argv[1].endswith(".parquet"):
    columns = {name: name for name in ("customer", "order", "time", "item", "quantity", "amount")}
    shop = bk.read_ledger(sys.argv[1], columns=columns, item_attributes={"category": "category"}, timezone="UTC")
else:
    shop = bk.Ledger.open(sys.argv[1])
moments = [END - timedelta(days=30 * back) for back in range(int(sys.argv[3]))]
table = bk.customer_features(shop, as_of=moments, category="category",
                             columns=["recency_days", "tenure_days", *FIGURES])
names = ["customer", "recency_days", "tenure_days", *(f"{name}_{window}" for name in FIGURES for window in NAMES)]
tell(table.select(names))
"""
)

# Twelve dates tell of the last of them what that date alone tells.
SAME = """
import json, sys
from datetime import datetime, timedelta
import basketry as bk, polars as pl
shop, end = bk.Ledger.open(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
one, twelve = (bk.customer_features(shop, as_of=[end - timedelta(days=30 * back) for back in range(many)],
                                    category="category", columns=["orders", "items", "categories", "spend_net"])
               for many in (1, 12))
print(json.dumps(twelve.filter(pl.col("as_of") == pl.col("as_of").max()).equals(one)))
"""

EXPERT = (
    SHARED
    + """
import polars as pl
rows = pl.scan_parquet(sys.argv[1]).filter(pl.col("time") < END)
age = (END - pl.col("time")).dt.total_milliseconds()
bucket = pl.sum_horizontal(*[(age > days * 86_400_000).cast(pl.UInt8) for days in DAYS])
bought = pl.col("quantity") >= 0
rows = rows.with_columns(b=bucket)
sums = rows.group_by("customer", "b").agg(
    lines=bought.sum(), quantity=pl.col("quantity").filter(bought).cast(pl.Int64).sum(),
    spend_gross=pl.col("amount").filter(bought).sum(), spend_net=pl.col("amount").sum(),
    return_lines=(~bought).sum(), returned=pl.col("amount").filter(~bought).sum())
purchases = rows.filter(bought)
orders = purchases.group_by("customer", "order").agg(
    b=pl.col("b").min(), value=pl.col("amount").sum(), time=pl.col("time").min())
by_order = orders.group_by("customer", "b").agg(orders=pl.len(), largest_order=pl.col("value").max())
def distinct(name, key, rows):
    last = rows.group_by("customer", key).agg(b=pl.col("b").min())
    return last.group_by("customer", "b").agg(pl.len().alias(name))
parts = [
    by_order,
    distinct("active_days", "day", orders.with_columns(day=pl.col("time").dt.date())),
    distinct("items", "item", purchases), distinct("categories", "category", purchases),
]
table = sums
for part in parts:
    table = table.join(part, on=["customer", "b"], how="left")
def window(name, upto):
    inside = pl.col(name).filter(pl.col("b") <= upto)
    return (inside.max() if name == "largest_order" else inside.sum()).fill_null(0)
wide = table.group_by("customer").agg(
    window(name, at).alias(f"{name}_{suffix}") for name in FIGURES for at, suffix in enumerate(NAMES))
day = pl.col("time").dt.date()
ends = orders.group_by("customer").agg(
    recency_days=(pl.lit(END.date()) - day.max()).dt.total_days(),
    tenure_days=(pl.lit(END.date()) - day.min()).dt.total_days())
wide = wide.join(ends, on="customer", how="inner").collect(engine="streaming")
names = ["customer", "recency_days", "tenure_days", *(f"{name}_{window}" for name in FIGURES for window in NAMES)]
tell(wide.select(names))
"""
)

SQL = (
    SHARED
    + """
import os
sys.path.append(os.environ.get("BASKETRY_PEERS", ""))
import duckdb
ages = " + ".join(f"(epoch_ms(TIMESTAMP '{END}') - epoch_ms(time) > {days * 86_400_000})::TINYINT" for days in DAYS)
def wide(name, at, suffix):
    kind = "max" if name == "largest_order" else "sum"
    return f"coalesce({kind}({name}) FILTER (b <= {at}), 0) AS {name}_{suffix}"
cells = ", ".join(wide(name, at, suffix) for name in FIGURES for at, suffix in enumerate(NAMES))
def distinct(name, key):
    return f'''{name} AS (SELECT customer, b, count(*) AS {name} FROM
        (SELECT customer, {key}, min(b) AS b FROM r WHERE quantity >= 0 GROUP BY ALL) GROUP BY ALL)'''
table = duckdb.sql(f'''
WITH r AS (SELECT *, {ages} AS b FROM '{sys.argv[1]}' WHERE time < TIMESTAMP '{END}'),
sums AS (SELECT customer, b, count(*) FILTER (quantity >= 0) AS lines, sum(quantity) FILTER (quantity >= 0) AS quantity,
    sum(amount) FILTER (quantity >= 0) AS spend_gross, sum(amount) AS spend_net,
    count(*) FILTER (quantity < 0) AS return_lines, sum(amount) FILTER (quantity < 0) AS returned FROM r GROUP BY ALL),
o AS (SELECT customer, "order", min(b) AS b, sum(amount) AS value, min(time) AS time
      FROM r WHERE quantity >= 0 GROUP BY ALL),
by_order AS (SELECT customer, b, count(*) AS orders, max(value) AS largest_order FROM o GROUP BY ALL),
days AS (SELECT customer, b, count(*) AS active_days FROM
    (SELECT customer, time::DATE AS day, min(b) AS b FROM o GROUP BY ALL) GROUP BY ALL),
{distinct("items", "item")}, {distinct("categories", "category")},
cells AS (SELECT * FROM sums LEFT JOIN by_order USING (customer, b) LEFT JOIN days USING (customer, b)
    LEFT JOIN items USING (customer, b) LEFT JOIN categories USING (customer, b)),
ends AS (SELECT customer, DATE '{END.date()}' - max(time)::DATE AS recency_days,
    DATE '{END.date()}' - min(time)::DATE AS tenure_days FROM o GROUP BY ALL),
wide AS (SELECT customer, {cells} FROM cells GROUP BY customer)
SELECT * FROM ends JOIN wide USING (customer)''').pl()
tell(table)
"""
)

BUILD = """
import json, sys
import basketry as bk
columns = {name: name for name in ("customer", "order", "time", "item", "quantity", "amount")}
shop = bk.read_ledger(sys.argv[1], columns=columns, item_attributes={"category": "category"}, timezone="UTC")
shop.save(sys.argv[2])
print(json.dumps(str(shop.end)))
"""


@pytest.fixture(scope="module")
def shop(measure, tmp_path_factory) -> tuple[str, str, str]:
    """The dump, its saved ledger and the day after its last order."""
    dump = Path(os.environ.get("BASKETRY_BENCH_DUMP") or tmp_path_factory.mktemp("lines") / "lines.parquet")
    if not dump.exists():
        # In a process of its own: a child begins with the peak memory of its parent.
        subprocess.run([sys.executable, Path(__file__).with_name("lines.py"), dump, str(ROWS)], check=True)
    saved = tmp_path_factory.mktemp("ledger") / "shop.ledger"
    return str(dump), str(saved), measure.child(BUILD, str(dump), str(saved))["answer"]


def bench_features_from_parquet(measure, shop):
    dump, _, end = shop
    figures = measure.pair(OURS, EXPERT, dump, end, "1", runs=RUNS)
    measure.record(f"90 features, {ROWS:,} lines, from parquet, against polars streaming", figures)


@pytest.mark.skipif(not HAS_DUCKDB, reason="duckdb is neither installed nor in BASKETRY_PEERS")
def bench_features_against_duckdb(measure, shop):
    dump, _, end = shop
    figures = measure.pair(OURS, SQL, dump, end, "1", runs=RUNS)
    measure.record(f"90 features, {ROWS:,} lines, from parquet, against duckdb", figures)


def bench_features_from_saved_ledger(measure, shop):
    dump, saved, end = shop
    theirs = measure.child(EXPERT, dump, end, "1")
    runs = [measure.child(OURS, saved, end, "1") for _ in range(RUNS)]
    assert all(run["answer"] == theirs["answer"] for run in runs)
    ours = sorted(runs, key=lambda run: run["cpu"])[RUNS // 2]
    figures = {f"{who}_{name}": run[name] for who, run in (("ours", ours), ("theirs", theirs))
               for name in ("cpu", "wall", "peak_mb")}  # fmt: skip
    figures |= {f"ratio_{name}": ours[name] / theirs[name] for name in ("cpu", "wall", "peak_mb")}
    measure.record(f"90 features, {ROWS:,} lines, saved ledger, against polars streaming on parquet", figures)


def bench_twelve_dates_against_one(measure, shop):
    dump, saved, end = shop
    assert measure.child(SAME, saved, end)["answer"]
    for what, source in (("saved ledger", saved), ("parquet", dump)):
        both = [tuple(measure.child(OURS, source, end, dates) for dates in ("1", "12")) for _ in range(RUNS)]
        figures = {f"{dates}_{name}": statistics.median(run[at][name] for run in both)
                   for at, dates in enumerate(("one", "twelve")) for name in ("cpu", "wall", "peak_mb")}  # fmt: skip
        figures["ratio_cpu"] = statistics.median(twelve["cpu"] / one["cpu"] for one, twelve in both)
        figures["rows"] = [both[0][at]["answer"][0] for at in (0, 1)]
        measure.record(f"90 features at 12 dates against 1, {ROWS:,} lines, {what}", figures)
