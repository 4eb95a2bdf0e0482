"""From a table of customers, items and days to frequent sequences, against pycspade, rusket and PrefixSpan-py.

The peers are looked for in the folder of packages that BASKETRY_PEERS names, the public logs in the one of BASKETRY_DATA.
Times are taken inside each process, from the table in memory to the result, without imports; both must find as many.
Beside them stand peers that need a compiler or Java, as they were measured once on a like machine (`MEASURED`). Only SPMF
among them finds baskets, which Online Retail II has; its times begin when Java runs.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

SETS = [("sign", 292), ("leviathan", 584), ("kosarak25k", 50), ("or2day", 588), ("or2day", 412)]

MEASURED = {
    "sign@292": ("pycspade", 0.143, 0.024),
    "leviathan@584": ("pycspade", 0.875, 0.181),
    "kosarak25k@50": ("pycspade", 0.970, 0.301),
    "or2day@588": ("SPMF PrefixSpan", 0.533, 0.533),
    "or2day@412": ("SPMF PrefixSpan", 1.16, 1.16),
}
"""Seconds with loading, and of mining alone; of SPMF, which reads while it mines, the same."""

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

MEMORY = """
import json, sys
from pathlib import Path
import polars as pl
import basketry as bk
lines, least = pl.read_parquet(sys.argv[1]).rechunk(), int(sys.argv[2])
def held(line):
    rows = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(row for row in rows if row.startswith(line)).split()[1])
bk.frequent_sequences(lines.head(1000), min_count=1, max_items=1)
before = held("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
found = bk.frequent_sequences(lines, min_count=least, n_threads=2)
size = {"in_mb": lines.estimated_size() / 1e6, "out_mb": found.estimated_size() / 1e6}
print(json.dumps(size | {"beside_the_input_mb": (held("VmHWM") - before) / 1e6}))
"""

EXPLOSIVE = """
import json, sys, time
import polars as pl
import basketry as bk
lines, least, limits = pl.read_parquet(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
start, found, told = time.perf_counter(), None, ""
try:
    found = bk.frequent_sequences(lines, min_count=least, budget=bk.Budget(seconds=5), n_threads=2, **limits).height
except bk.CapacityError as error:
    told = str(error)
print(json.dumps({"seconds": time.perf_counter() - start, "found": found, "told": told}))
"""

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


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder, data = tmp_path_factory.mktemp("logs"), Path(os.environ.get("BASKETRY_DATA", "data"))

    def table(name: str) -> Path:
        sources = [data / "sequences" / f"{name}.spmf.gz"]
        if name == "or2day":
            years = ("2009_2010", "2010_2011")
            sources = [data / "retail" / f"online_retail_ii_{year}.parquet" for year in years]
        for source in sources:
            if not source.exists():
                pytest.skip(f"{source} is not here: set BASKETRY_DATA to the folder of the public data")
        path = folder / f"{name}.parquet"
        if not path.exists():
            rows = bought(sources) if name == "or2day" else listed(sources[0])
            rows.sort("customer", "time", "item").write_parquet(path)
        return path

    return table


def listed(source: Path) -> pl.DataFrame:
    """Read a text of sequences: one day an event."""
    rows = []
    for customer, line in enumerate(gzip.decompress(source.read_bytes()).decode().splitlines()):
        events = line.replace("-2", "").split("-1")
        rows += [(customer, int(item), day) for day, event in enumerate(events) for item in event.split()]
    lines = pl.DataFrame(rows, schema=["customer", "item", "day"], orient="row")
    return lines.select("customer", "item", time=pl.lit(date(2000, 1, 1)) + pl.duration(days="day"))


def bought(sources: list[Path]) -> pl.DataFrame:
    """Read the purchases of customers of Online Retail II, without what was taken back."""
    kept = (pl.col("CustomerID").is_not_null(), ~pl.col("Invoice").str.starts_with("C"),
            pl.col("Quantity") > 0, pl.col("UnitPrice") > 0)  # fmt: skip
    rows = pl.concat(map(pl.read_parquet, sources)).filter(*kept)
    return rows.select(customer="CustomerID", item="StockCode", time=pl.col("InvoiceDate").dt.date()).unique()


@pytest.fixture(scope="session", params=SETS, ids=lambda point: f"{point[0]}@{point[1]}")
def log(request: pytest.FixtureRequest, table: Callable[[str], Path]) -> tuple[str, str, str]:
    name, least = request.param
    return f"{name}@{least}", str(table(name)), str(least)


@pytest.mark.parametrize("peer", PEERS)
def bench_against_peers(measure, log, peer):
    if "BASKETRY_PEERS" not in os.environ:
        pytest.skip("set BASKETRY_PEERS to the folder where pycspade, rusket and prefixspan are installed")
    point, path, least = log
    if point.startswith("or2day"):
        pytest.skip("none of these peers finds baskets")
    if not (Path(os.environ["BASKETRY_PEERS"]) / peer).exists():
        pytest.skip(f"{peer} is not installed")
    theirs = measure.child(PEERS[peer], path, least, "1")["answer"]
    whole, mining = (measure.child(code, path, least, "2")["answer"] for code in (OURS, MINING))
    assert whole["found"] == mining["found"] == theirs["found"]
    figures = {f"{side}_{unit}": answer[unit] for unit in ("cpu", "wall")
               for side, answer in (("ours", whole), ("our_mining", mining), ("theirs", theirs))}  # fmt: skip
    times = {"times": theirs["wall"] / whole["wall"], "mining_times": theirs["wall"] / mining["wall"]}
    measure.record(f"sequences {point} against {peer}", figures | times)


def bench_against_measured(measure, log):
    """Set our times against those of peers that were measured before, of which none is run here."""
    point, path, least = log
    peer, loaded, mined = MEASURED[point]
    whole, mining = (measure.child(code, path, least, "2")["answer"]["wall"] for code in (OURS, MINING))
    figures = {"ours": whole, "our_mining": mining, "theirs": loaded, "their_mining": mined}
    times = {"times": loaded / whole, "mining_times": mined / mining}
    measure.record(f"sequences {point} against {peer} as measured before", figures | times)


def bench_two_threads(measure, log):
    point, path, least = log
    one, two = (measure.child(MINING, path, least, threads)["answer"] for threads in ("1", "2"))
    assert one["found"] == two["found"]
    measure.record(f"sequences {point}, two threads over one", {"times": one["wall"] / two["wall"]})


def bench_two_threads_for_long(measure, table):
    """The share of a second thread where there is more to do than to begin."""
    for name, least in (("or2day", "100"), ("or2day", "80"), ("leviathan", "200")):
        one, two = (measure.child(MINING, str(table(name)), least, threads)["answer"] for threads in "12")
        assert one["found"] == two["found"]
        figures = {"found": one["found"], "one": one["wall"], "two": two["wall"]}
        measure.record(
            f"sequences {name}@{least}, two threads over one", figures | {"times": one["wall"] / two["wall"]}
        )


def bench_memory(measure, log):
    point, path, least = log
    held = measure.child(MEMORY, path, least)["answer"]
    data = held["in_mb"] + held["out_mb"]
    measure.record(
        f"sequences {point}, memory",
        held | {"over_data": (held["in_mb"] + held["beside_the_input_mb"]) / data},
    )


@pytest.mark.parametrize("limits", ["{}", '{"max_gap": "30d"}', '{"max_gap": "2 events"}'])
@pytest.mark.parametrize("least", ["5", "20", "50"])
def bench_explosive(measure, table, least, limits):
    """A count that gives millions: it ends soon after its budget of 5 seconds and tells what would fit."""
    run = measure.child(EXPLOSIVE, str(table("or2day")), least, limits)
    answer = run.pop("answer")
    assert answer["found"] is not None or "would fit" in answer["told"]
    measure.record(
        f"sequences or2day@{least} {limits}, 5 seconds allowed", answer | {"peak_mb": run["peak_mb"]}
    )
