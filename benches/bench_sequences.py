"""From a table of customers, items and days to frequent sequences, against pycspade, rusket and PrefixSpan-py.

The peers are looked for in the folder of packages that BASKETRY_PEERS names, the public logs in the one of BASKETRY_DATA.
Times are taken inside each process, from the table in memory to the result, without imports; both must find as many.
"""

from __future__ import annotations

import gzip
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

SETS = [("sign", 292), ("leviathan", 584), ("kosarak25k", 50)]

TIMED = """
import json, os, sys, time
import polars as pl
from statistics import median
lines, least, threads = pl.read_parquet(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def timed(work, runs=9):
    found, cpu, wall = work(), [], []
    for _ in range(runs):
        start = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - start[0]); wall.append(time.perf_counter() - start[1])
    print(json.dumps({"found": found, "cpu": median(cpu), "wall": median(wall)}))
"""

OURS = (
    TIMED
    + """
import basketry as bk
timed(lambda: bk.frequent_sequences(lines, min_count=least, n_threads=threads).height)
"""
)

MINING = (
    TIMED
    + """
import basketry as bk
shop = bk.read_ledger(lines, columns={name: name for name in ("customer", "item", "time")}, timezone="UTC")
timed(lambda: bk.frequent_sequences(shop, min_count=least, n_threads=threads).height)
"""
)

PEER = (
    TIMED
    + """
sys.path.append(os.environ["BASKETRY_PEERS"])
def rows():
    # Infrequent items out and the others numbered without holes, or it crashes.
    many = lines.group_by("item").agg(pl.col("customer").n_unique()).filter(pl.col("customer") >= least)
    kept = lines.join(many.select("item"), on="item").with_columns(item=pl.col("item").rank("dense"))
    return kept.with_columns(day=(pl.col("time") - pl.date(2000, 1, 1)).dt.total_days()).sort("customer", "day")
"""
)

PEERS = {
    "pycspade": PEER
    + """
from pycspade.helpers import spade
def work():
    data = [[c + 1, d + 1, [i]] for c, d, i in rows().select("customer", "day", "item").iter_rows()]
    n = len({row[0] for row in data})
    return len(spade(data=data, support=(least - 0.4) / n)["mined_objects"])
timed(work, 5)
""",
    "rusket": PEER
    + """
from rusket import PrefixSpan
def work():
    return len(PrefixSpan.from_transactions(
        lines, user_col="customer", time_col="time", item_col="item", min_support=least).mine())
timed(work, 5)
""",
    "prefixspan": PEER
    + """
from prefixspan import PrefixSpan
def work():
    return len(PrefixSpan(rows().group_by("customer", maintain_order=True).agg("item")["item"].to_list()).frequent(least))
timed(work, 3)
""",
}


@pytest.fixture(scope="session", params=SETS, ids=lambda point: f"{point[0]}@{point[1]}")
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    name, least = request.param
    source = Path(os.environ.get("BASKETRY_DATA", "../shared/data")) / "sequences" / f"{name}.spmf.gz"
    if not source.exists():
        pytest.skip(f"{source} is not here: set BASKETRY_DATA to the folder of the public data")
    rows = []
    for customer, line in enumerate(gzip.decompress(source.read_bytes()).decode().splitlines()):
        events = line.replace("-2", "").split("-1")
        rows += [(customer, int(item), day) for day, event in enumerate(events) for item in event.split()]
    table = pl.DataFrame(rows, schema=["customer", "item", "day"], orient="row")
    path = tmp_path_factory.mktemp("logs") / f"{name}.parquet"
    table.select("customer", "item", time=pl.lit(date(2000, 1, 1)) + pl.duration(days="day")).write_parquet(
        path
    )
    return f"{name}@{least}", str(path), str(least)


@pytest.mark.parametrize("peer", PEERS)
def bench_against_peers(measure, log, peer):
    if "BASKETRY_PEERS" not in os.environ:
        pytest.skip("set BASKETRY_PEERS to the folder where pycspade, rusket and prefixspan are installed")
    point, path, least = log
    theirs = measure.child(PEERS[peer], path, least, "1")["answer"]
    whole, mining = (measure.child(code, path, least, "2")["answer"] for code in (OURS, MINING))
    assert whole["found"] == mining["found"] == theirs["found"]
    figures = {f"{side}_{unit}": answer[unit] for unit in ("cpu", "wall")
               for side, answer in (("ours", whole), ("our_mining", mining), ("theirs", theirs))}  # fmt: skip
    measure.record(f"sequences {point} against {peer}", figures | {"times": theirs["cpu"] / whole["cpu"]})


def bench_two_threads(measure, log):
    point, path, least = log
    one, two = (measure.child(MINING, path, least, threads)["answer"] for threads in ("1", "2"))
    assert one["found"] == two["found"]
    measure.record(f"sequences {point}, two threads over one", {"times": one["wall"] / two["wall"]})
