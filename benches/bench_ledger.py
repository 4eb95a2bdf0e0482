"""From parquet to a ledger to RFM, against polars' streaming engine doing the same from the same file.

BASKETRY_BENCH_ROWS sets the number of lines (10 million by default); the 100-million build runs when it is set to that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = int(os.environ.get("BASKETRY_BENCH_ROWS", "10_000_000"))

OURS = """
import json, sys
import polars as pl
import basketry as bk
columns = {name: name for name in ("customer", "order", "time", "amount")}
shop = bk.read_ledger(sys.argv[1], columns=columns, timezone="UTC")
table = bk.rfm(shop)
print(json.dumps([table.height, int(table["orders"].sum()), round(float(table["spend_total"].sum()), 2)]))
"""

# An order is a purchase if anything was bought in it; money is net of returns, as in the ledger's default.
THEIRS = """
import json, sys
import polars as pl
orders = pl.scan_parquet(sys.argv[1]).group_by("customer", "order").agg(
    time=pl.col("time").min(), amount=pl.col("amount").sum(), largest=pl.col("amount").max(), lines=pl.len())
bought = pl.col("largest") >= 0
table = orders.group_by("customer").agg(
    orders=bought.sum(), lines=pl.col("lines").sum(), spend=pl.col("amount").sum(),
    largest=pl.col("amount").max(), mean=pl.col("amount").mean(),
    first=pl.col("time").filter(bought).min(), last=pl.col("time").filter(bought).max(),
).filter(pl.col("orders") > 0).collect(engine="streaming")
print(json.dumps([table.height, int(table["orders"].sum()), round(float(table["spend"].sum()), 2)]))
"""

BUILD = """
import json, sys
import basketry as bk
shop = bk.read_ledger(sys.argv[1], timezone="UTC")
shop.save(sys.argv[2])
print(json.dumps(shop.n_lines))
"""

OPEN = """
import json, sys, time
from basketry import Ledger
times = []
for _ in range(5):
    start = time.perf_counter()
    shop = Ledger.open(sys.argv[1])
    times.append(time.perf_counter() - start)
print(json.dumps({"lines": shop.n_lines, "first_ms": times[0] * 1e3, "median_ms": sorted(times)[2] * 1e3}))
"""


@pytest.fixture(scope="session", params=["integer", "text"])
def dump(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("lines") / f"{request.param}.parquet"
    # In a process of its own: a child begins with the peak memory of its parent.
    subprocess.run(
        [sys.executable, Path(__file__).with_name("lines.py"), path, str(ROWS), request.param], check=True
    )
    return request.param, path


def bench_rfm_from_parquet(measure, dump):
    kind, path = dump
    figures = measure.pair(OURS, THEIRS, str(path))
    measure.record(f"rfm from parquet, {ROWS:,} lines, {kind} ids, against polars streaming", figures)


def bench_build_save_open(measure, dump, tmp_path):
    kind, path = dump
    saved = tmp_path / "shop.ledger"
    built = measure.child(BUILD, str(path), str(saved))
    opened = measure.child(OPEN, str(saved))
    figures = {"build_cpu": built["cpu"], "build_wall": built["wall"], "build_peak_mb": built["peak_mb"]}
    figures |= {"file_mb": saved.stat().st_size / 2**20, **opened["answer"]}
    measure.record(f"ledger of {ROWS:,} lines, all six columns, {kind} ids: build, save, open", figures)
