"""Lifetime models against the package lifetimes on the full CDNOW cohort, and on five million customers.

BASKETRY_DATA names the folder of the public data; BASKETRY_LIFETIMES a Python that has the package lifetimes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import basketry as bk

DATA = Path(os.environ.get("BASKETRY_DATA", "data"))
PEERS = os.environ.get("BASKETRY_LIFETIMES", sys.executable)

OURS = """
import json, sys, time
import polars as pl
import basketry as bk
frame = pl.read_parquet(sys.argv[1])
kind = {"bg": bk.BetaGeoModel, "pareto": bk.ParetoModel}[sys.argv[2]]
kind(n_threads=2).fit(frame)
start, wall = time.process_time(), time.perf_counter()
model = kind(n_threads=2).fit(frame)
fit = time.process_time() - start, time.perf_counter() - wall
start = time.process_time()
total = model.predict(frame, horizon=39)["expected_purchases"].sum()
print(json.dumps({"log_likelihood": model.log_likelihood_, "fit_cpu": fit[0], "fit_wall": fit[1],
                  "predict_cpu": time.process_time() - start, "total": total}))
"""

THEIRS = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
import lifetimes
frame = pd.read_csv(sys.argv[1])
kind = {"bg": lifetimes.BetaGeoFitter, "pareto": lifetimes.ParetoNBDFitter}[sys.argv[2]]
figures = frame["frequency"], frame["recency"], frame["T"]
if sys.argv[2] == "bg":
    kind().fit(*figures)
start, wall = time.process_time(), time.perf_counter()
model = kind().fit(*figures)
fit = time.process_time() - start, time.perf_counter() - wall
start = time.process_time()
total = float(np.sum(model.conditional_expected_number_of_purchases_up_to_time(39, *figures)))
predict = time.process_time() - start
print(json.dumps({"log_likelihood": float(-model._negative_log_likelihood_ * len(frame)), "fit_cpu": fit[0],
                  "fit_wall": fit[1], "predict_cpu": predict, "total": total}))
"""

MILLIONS = """
import json, resource, time
import numpy as np, polars as pl
import basketry as bk
rng, n = np.random.default_rng(1), 5_000_000
age = rng.integers(1, 730, n)
rate, leave = rng.gamma(0.6, 1 / 60, n), rng.beta(0.7, 2.5, n)
x = np.minimum(rng.poisson(rate * age), rng.geometric(leave))
last = np.where(x > 0, np.ceil(age * rng.random(n) ** (1 / np.maximum(x, 1))), 0)
frame = pl.DataFrame({"customer": np.arange(n), "frequency": np.minimum(x, last).astype(np.uint32),
                      "recency": last / 7, "T": age / 7})
start, wall = time.process_time(), time.perf_counter()
model = bk.BetaGeoModel(n_threads=2).fit(frame)
fit = time.process_time() - start, time.perf_counter() - wall
start, wall = time.process_time(), time.perf_counter()
found = model.predict(frame, horizon=52)
predict = time.process_time() - start, time.perf_counter() - wall
assert found["expected_purchases"].is_finite().all()
print(json.dumps({"customers": n, "distinct": model.n_rows_, "fit_cpu": fit[0], "fit_wall": fit[1],
                  "predict_cpu": predict[0], "predict_wall": predict[1], "wall": fit[1] + predict[1],
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def child(python: str, code: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([python, "-c", code, *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize(("model", "runs"), [("bg", 5), ("pareto", 3)])
def bench_against_lifetimes(model, runs, measure, tmp_path):
    path = DATA / "retail" / "cdnow_master.parquet"
    if not path.exists():
        pytest.skip("set BASKETRY_DATA to the folder of the public data")
    if subprocess.run([PEERS, "-c", "import lifetimes"], capture_output=True).returncode:
        pytest.skip("set BASKETRY_LIFETIMES to a Python that has the package lifetimes")
    frame = bk.lifetime_summary(bk.read_ledger(path), as_of="1997-10-01")
    frame.write_parquet(tmp_path / "figures.parquet")
    frame.select("frequency", pl.col("recency", "T")).write_csv(tmp_path / "figures.csv")
    both = [
        (
            child(sys.executable, OURS, str(tmp_path / "figures.parquet"), model),
            child(PEERS, THEIRS, str(tmp_path / "figures.csv"), model),
        )
        for _ in range(runs)
    ]
    # Their search may stop a little below the maximum; never above it.
    for ours, theirs in both:
        assert -0.01 < ours["log_likelihood"] - theirs["log_likelihood"] < 0.5
        assert abs(ours["total"] / theirs["total"] - 1) < 0.005
    figures: dict[str, object] = {
        "customers": frame.height,
        "log_likelihood": both[0][0]["log_likelihood"],
        "their_log_likelihood": both[0][1]["log_likelihood"],
    }
    for name in ("fit_cpu", "fit_wall", "predict_cpu"):
        figures[f"ours_{name}"] = statistics.median(ours[name] for ours, _ in both)
        figures[f"theirs_{name}"] = statistics.median(theirs[name] for _, theirs in both)
        figures[f"times_{name}"] = statistics.median(theirs[name] / ours[name] for ours, theirs in both)
    measure.record(f"{model} fit against lifetimes", figures)


def bench_five_million_customers(measure):
    measure.record("bg of five million customers", measure.child(MILLIONS)["answer"])
