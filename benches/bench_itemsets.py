"""From a column of baskets to frequent itemsets and rules, against PyFIM, rusket and mlxtend.

The peers are looked for in the folder of packages that BASKETRY_PEERS names, the public sets in the one of BASKETRY_DATA.
Times are taken inside each process, from the baskets in memory (ours and rusket's as an Arrow column of 16-bit items, PyFIM's
as lists, mlxtend's as a table of flags) to the result, without imports; both must find as many sets of each length.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import polars as pl
import pytest

DENSE = [("chess", 1278), ("mushroom", 406), ("connect", 40534), ("accidents_15k", 3045)]
SPARSE = [
    ("retail", 5),
    ("retail", 18),
    ("T10I4D100K", 10),
    ("T10I4D100K", 20),
    ("kosarak_36k", 73),
    ("groceries", 5),
]

TIMED = """
import gc, json, os, resource, sys, time
from collections import Counter
import polars as pl
from statistics import median
least, threads, runs = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
frame = pl.read_parquet(sys.argv[1])
def timed(work, lengths):
    cpu, wall = [], []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(runs):
        gc.collect()
        start = time.process_time(), time.perf_counter()
        found = work()
        cpu.append(time.process_time() - start[0]); wall.append(time.perf_counter() - start[1])
        if not _: peak, by_length = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, lengths(found)
        del found
    print(json.dumps({"found": by_length, "cpu": median(cpu), "wall": median(wall),
                      "rise_mb": (peak - before) / 1024}))
"""

OURS = (
    TIMED
    + """
import basketry as bk
tiny = pl.DataFrame({"items": [[1, 2], [1]]}, schema=frame.schema)
bk.frequent_itemsets(tiny, item="items", min_count=1)
kind = sys.argv[5]
def lengths(found): return sorted(map(list, found["length"].value_counts().rows()))
"""
)

SETS = (
    OURS
    + 'timed(lambda: bk.frequent_itemsets(frame, item="items", min_count=least, kind=kind, n_threads=threads), lengths)'
)
COUNT = (
    OURS
    + """
timed(lambda: bk.count_itemsets(frame, item="items", min_count=least, n_threads=threads),
      lambda found: [list(row) for row in found.rows()])
"""
)
RULES = (
    OURS
    + """
timed(lambda: bk.association_rules(frame, item="items", min_count=least, min_confidence=.5, redundant=True, n_threads=threads),
      lambda found: found.height)
"""
)

PEER = (
    TIMED
    + """
sys.path.append(os.environ["BASKETRY_PEERS"])
kind = sys.argv[5]
rows = frame["items"].to_list()
def by_length(sets): return sorted([n, k] for n, k in Counter(map(len, sets)).items())
"""
)
FIM = PEER + "import fim\nwork = getattr(fim, kind)\n"
PEERS = {
    "fim": FIM
    + 'timed(lambda: work(rows, target="s", supp=-least, report="a"), lambda f: by_length(s for s, *_ in f))',
    "fim count": FIM
    + """
def of_spectrum(spectrum):
    sizes = Counter()
    for (size, _), sets in spectrum.items(): sizes[size] += int(sets)
    return sorted(map(list, sizes.items()))
timed(lambda: work(rows, target="s", supp=-least, report="#"), of_spectrum)
""",
    "rusket": PEER
    + """
from rusket import FPGrowth
long = frame.with_row_index("t").explode("items")
def work():
    model = FPGrowth.from_transactions(long, transaction_col="t", item_col="items", min_support=(least - .5) / frame.height)
    return model.mine(use_colnames=False)
timed(work, lambda f: by_length(f["itemsets"]))
""",
    "mlxtend": PEER
    + """
import numpy as np, pandas as pd
from mlxtend.frequent_patterns import fpgrowth
items = sorted({i for row in rows for i in row}); place = {item: at for at, item in enumerate(items)}
flags = np.zeros((len(rows), len(items)), bool)
for at, row in enumerate(rows): flags[at, [place[i] for i in row]] = True
table = pd.DataFrame(flags)
timed(lambda: fpgrowth(table, min_support=(least - .5) / len(rows)), lambda f: by_length(f["itemsets"]))
""",
    "mlxtend rules": PEER
    + """
import pandas as pd
import basketry as bk
from mlxtend.frequent_patterns import association_rules
sets = bk.frequent_itemsets(frame, item="items", min_count=least)
sets = pd.DataFrame({"support": sets["support"].to_list(), "itemsets": [frozenset(s) for s in sets["itemset"].to_list()]})
timed(lambda: association_rules(sets, metric="confidence", min_threshold=.5), lambda f: len(f))
""",
}


@pytest.fixture(scope="session")
def fimi(tmp_path_factory):
    if not (folder := os.environ.get("BASKETRY_DATA")):
        pytest.skip("BASKETRY_DATA does not name the folder of the public sets")

    def made(name):
        path = tmp_path_factory.getbasetemp() / f"{name}.parquet"
        if not path.exists():
            with gzip.open(Path(folder) / "fimi" / f"{name}.dat.gz", "rt") as file:
                rows = [sorted({int(item) for item in line.split()}) for line in file]
            pl.DataFrame({"items": pl.Series(rows, dtype=pl.List(pl.UInt16))}).write_parquet(path)
        return str(path)

    return made


@pytest.fixture(scope="session")
def peers():
    if not os.environ.get("BASKETRY_PEERS"):
        pytest.skip("BASKETRY_PEERS does not name a folder of packages with fim, rusket and mlxtend")


def run(measure, code, path, least, threads=2, runs=5, kind="all"):
    answer = measure.child(code, path, str(least), str(threads), str(runs), kind)["answer"]
    return dict(answer)


def against(measure, what, ours, theirs):
    """Record how many times as long the peer takes, by the clock and in CPU time."""
    assert ours["found"] == theirs["found"], what
    figures = {"times": theirs["wall"] / ours["wall"], "times_cpu": theirs["cpu"] / ours["cpu"]}
    for name in ("wall", "cpu", "rise_mb"):
        figures |= {f"ours_{name}": ours[name], f"theirs_{name}": theirs[name]}
    measure.record(what, figures)


def best_of_fim(measure, fimi, name, least, runs):
    algorithms = [
        run(measure, PEERS["fim"], fimi(name), least, 1, runs, kind) for kind in ("fpgrowth", "eclat")
    ]
    return min(algorithms, key=lambda answer: answer["wall"])


def without_full(answer, path):
    """PyFIM drops an item that every basket has: where there is one, it is one set short."""
    baskets = pl.read_parquet(path)
    everywhere = baskets.explode("items")["items"].value_counts().filter(pl.col("count") == baskets.height)
    if everywhere.height:
        answer["found"][0][1] -= everywhere.height
    return answer


@pytest.mark.parametrize(("name", "least"), DENSE + SPARSE)
def bench_fim(measure, fimi, peers, name, least):
    runs = 3 if name == "connect" else 5
    ours = without_full(run(measure, SETS, fimi(name), least), fimi(name))
    against(
        measure, f"itemsets {name}@{least} against PyFIM", ours, best_of_fim(measure, fimi, name, least, runs)
    )


@pytest.mark.parametrize(("name", "least"), DENSE)
def bench_fim_count(measure, fimi, peers, name, least):
    ours = without_full(run(measure, COUNT, fimi(name), least), fimi(name))
    theirs = [
        run(measure, PEERS["fim count"], fimi(name), least, kind=kind) for kind in ("fpgrowth", "eclat")
    ]
    theirs = min(theirs, key=lambda answer: answer["wall"])
    against(measure, f"count of itemsets {name}@{least} against PyFIM", ours, theirs)


@pytest.mark.parametrize(("name", "least"), DENSE + SPARSE)
def bench_rusket(measure, fimi, peers, name, least):
    ours, theirs = (
        run(measure, SETS, fimi(name), least),
        run(measure, PEERS["rusket"], fimi(name), least, runs=1 if name == "connect" else 5),
    )
    against(measure, f"itemsets {name}@{least} against rusket", ours, theirs)


@pytest.mark.parametrize(("name", "least"), [("groceries", 5), ("retail", 88), ("T10I4D100K", 100)])
def bench_mlxtend(measure, fimi, peers, name, least):
    ours, theirs = (
        run(measure, SETS, fimi(name), least),
        run(measure, PEERS["mlxtend"], fimi(name), least),
    )
    against(measure, f"itemsets {name}@{least} against mlxtend", ours, theirs)


def bench_mlxtend_rules(measure, fimi, peers):
    sets = run(measure, SETS, fimi("retail"), 18)
    ours = run(measure, RULES, fimi("retail"), 18)
    # The peer begins with sets that are found; what finding them takes is not counted on our side either.
    for name in ("wall", "cpu"):
        ours[name] -= sets[name]
    theirs = run(measure, PEERS["mlxtend rules"], fimi("retail"), 18)
    against(measure, "rules retail@18 at confidence .5 against mlxtend", ours, theirs)


@pytest.mark.parametrize(("name", "least"), DENSE + SPARSE)
def bench_threads_and_kinds(measure, fimi, name, least):
    one, two = (run(measure, SETS, fimi(name), least, threads) for threads in (1, 2))
    figures = {"one_wall": one["wall"], "two_wall": two["wall"], "times": one["wall"] / two["wall"]}
    for kind in ("closed", "maximal"):
        answer = run(measure, SETS, fimi(name), least, kind=kind)
        figures |= {kind: sum(n for _, n in answer["found"]), f"{kind}_wall": answer["wall"]}
    sets = sum(n for _, n in two["found"])
    figures |= {"all": sets, "rise_mb": two["rise_mb"], "bytes_a_set": two["rise_mb"] * 2**20 / sets}
    measure.record(f"itemsets {name}@{least}: two threads over one, kinds", figures)


def bench_simulated(measure, peers, tmp_path):
    """A million baskets with loading: PyFIM's lists are made from the same file inside the time."""
    path = str(tmp_path / "simulated.parquet")
    code = """
import sys
import numpy as np, polars as pl
rng = np.random.default_rng(7)
n, items = 1_000_000, 50_000
taste = rng.permutation(items)
lengths = rng.poisson(7, n) + 1
rank = np.minimum((rng.pareto(.7, lengths.sum()) * 8).astype(np.int64), items - 1)
basket = np.repeat(np.arange(n), lengths)
group = rng.integers(0, 40, n)[basket]
mixed = np.where(rng.random(len(basket)) < .5, (rank * 41 + group * 977) % items, rank)
frame = pl.DataFrame({"basket": basket, "item": taste[mixed].astype(np.uint16)}).unique().sort("basket", "item")
frame.group_by("basket", maintain_order=True).agg(pl.col("item").alias("items")).select("items").write_parquet(sys.argv[1])
"""
    measure.child(code, path)
    least = 100
    ours = (
        TIMED
        + """
import basketry as bk
timed(lambda: bk.frequent_itemsets(pl.read_parquet(sys.argv[1]), item="items", min_count=least),
      lambda found: sorted(map(list, found["length"].value_counts().rows())))
"""
    )
    theirs = (
        PEER
        + """
import fim
timed(lambda: getattr(fim, kind)(pl.read_parquet(sys.argv[1])["items"].to_list(), target="s", supp=-least, report="a"),
      lambda f: by_length(s for s, *_ in f))
"""
    )
    ours = run(measure, ours, path, least)
    theirs = min(
        (run(measure, theirs, path, least, runs=3, kind=kind) for kind in ("fpgrowth", "eclat")),
        key=lambda answer: answer["wall"],
    )
    against(
        measure, f"itemsets of a million baskets ({json.dumps(ours['found'])}) against PyFIM", ours, theirs
    )
