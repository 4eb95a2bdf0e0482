"""Time to next: all pairs of a real shop in one pass; power, false peaks and coverage over many logs of known law.

BASKETRY_DATA names the folder of the public data. BASKETRY_BENCH_RUNS sets the number of logs (200 by default).
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import basketry as bk

DATA = Path(os.environ.get("BASKETRY_DATA", "data"))
RUNS = int(os.environ.get("BASKETRY_BENCH_RUNS", "200"))
SHOP = {
    "n": 12_000,
    "weeks": 156,
    "scale": 1.0,
    "null": False,
    "season": True,
    "churn": 0.006,
    "noise_items": 5,
}

ALL_PAIRS = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.patterns.logs import log_of
import basketry as bk
shop = log_of("or2day", lambda name: Path(sys.argv[1]) / name)
start = time.perf_counter()
found = bk.lag_tables(shop, min_events=100, n_threads=2)
print(json.dumps({"seconds": time.perf_counter() - start, "pairs": len(found),
                  "with_peaks": int((found.rules["peaks"] > 0).sum())}))
"""

DUE = """
import json, time
import numpy as np, polars as pl
import basketry as bk
rng, n, weeks = np.random.default_rng(1), 1_000_000, 104
many = rng.poisson(9, n) + 1
customer = np.repeat(np.arange(n), many)
day = rng.integers(0, 7 * weeks, customer.size)
item = (2000 * rng.power(0.5, customer.size)).astype(np.int64)
lines = pl.DataFrame({"customer": customer, "item": item,
                      "time": pl.Series(day * 86_400_000_000 + 1_640_995_200_000_000).cast(pl.Datetime("us"))})
shop = bk.read_ledger(lines, columns={name: name for name in lines.columns}, timezone="UTC")
top = [one for one, _ in shop.lines().group_by("item").len().sort("len", "item", descending=True).head(60).iter_rows()]
rules = [(a, b) for a in top for b in top if a != b][:1000]
start = time.perf_counter()
lags = bk.lag_tables(shop, rules, horizon="40w", n_threads=2)
tables = time.perf_counter() - start
start = time.perf_counter()
found = bk.due_list(shop, lags, within_weeks=4, top=3, n_threads=2)
print(json.dumps({"lines": lines.height, "rules": len(rules), "tables_s": tables,
                  "due_s": time.perf_counter() - start, "rows": found.height}))
"""

STEADY = {"churn": 0.0, "season": False}
"""Customers who stay and no season: the law is the same for all, whenever they begin."""


@pytest.fixture(scope="session")
def build():
    path = DATA / "sequences" / "planted_timegap.py"
    if not path.exists():
        pytest.skip("set BASKETRY_DATA to the folder of the public data")
    spec = importlib.util.spec_from_file_location("planted_timegap", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)

    def log(seed, **changes):
        rows, truth = module.build(seed, **(SHOP | changes))
        return ledger(pl.DataFrame(rows, schema=["customer", "day", "item"])), truth

    return log


def ledger(rows):
    """Make a ledger of customers, items and day numbers."""
    epoch = pl.lit("2000-01-01").str.to_date()
    frame = rows.select("customer", "item", time=epoch + pl.duration(days="day"))
    return bk.read_ledger(frame, columns={name: name for name in frame.columns}, timezone="UTC")


def within_a_year(shop):
    """Tell which share buys 2 within 364 days after 1, of those who are followed as long."""
    days = shop.lines().select("customer", "item", day=pl.col("time").dt.date())
    index = days.filter(pl.col("item") == 1).group_by("customer").agg(index=pl.col("day").min())
    index = index.filter(pl.col("index") + pl.duration(days=364) <= shop.last_day)
    bought = days.filter(pl.col("item") == 2).join(index, on="customer")
    lag = (pl.col("day") - pl.col("index")).dt.total_days()
    return bought.filter(lag.is_between(1, 364))["customer"].n_unique() / index.height


def peaks(answer):
    """Give the weeks of the peaks since the purchase."""
    return answer.peaks.filter(pl.col("kind") == "since purchase")["week"].to_list()


def bench_all_pairs(measure):
    if not (DATA / "retail").exists():
        pytest.skip("set BASKETRY_DATA to the folder of the public data")
    run = measure.child(ALL_PAIRS, str(DATA), str(Path(__file__).parents[1]))
    measure.record("lag tables, all pairs of Online Retail II with 100 events", run.pop("answer") | run)


def bench_due_list(measure):
    run = measure.child(DUE)
    measure.record("due list, a million customers, a thousand rules", run.pop("answer") | run)


def bench_planted(measure, build):
    """Recall, false peaks, coverage of the week's interval, and of the probability within 52 weeks."""
    runs, found, false, weeks_covered, covered = max(1, RUNS // 2), 0, 0, 0, 0
    started = time.perf_counter()
    truth = within_a_year(build(10**6, n=200_000, **STEADY)[0])
    for seed in range(runs):
        shop, _ = build(seed)
        answer = bk.time_to_next(shop, antecedent=1, consequent=2)
        own = answer.peaks.filter(pl.col("kind") == "since purchase")
        near = lambda week: [peak for peak in (16, 26, 52) if abs(peak - week) <= 2]  # noqa: E731
        found += len({peak for week in own["week"] for peak in near(week)})
        false += sum(not near(week) for week in own["week"])
        weeks_covered += sum(
            low <= peak <= high for week, low, high in own.select("week", "low", "high").iter_rows()
            for peak in near(week)
        )  # fmt: skip
        steady, _ = build(seed, n=3000, **STEADY)
        year = bk.time_to_next(steady, antecedent=1, consequent=2, horizon="52w").table.row(51, named=True)
        covered += year["low"] <= truth <= year["high"]
    measure.record(
        "planted lags",
        {"runs": runs, "recall": found / (3 * runs), "false_per_run": false / runs,
         "week_in_interval": weeks_covered / max(1, found), "incidence_covered": covered / runs,
         "seconds": time.perf_counter() - started},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"),
    [("null, no season", {"season": False}), ("null, seasons", {}), ("null, churn 0.02", {"churn": 0.02})],
)
def bench_no_law(measure, build, name, changes):
    false = [
        len(peaks(bk.time_to_next(build(1000 + seed, null=True, **changes)[0], antecedent=1, consequent=2)))
        for seed in range(RUNS)
    ]
    measure.record(f"false peaks, {name}", {"runs": RUNS, "per_run": sum(false) / RUNS, "most": max(false)})


def bench_sale_every_26_weeks(measure):
    """A shop whose only rhythm are two sales a year: no pair has a law, so every peak is false."""
    runs = max(1, RUNS // 10)
    per_pair, sure = [], 0
    for seed in range(runs):
        world = bk.simulate("season-only", customers=20_000, rng=seed).ledger
        found = bk.lag_tables(world, item="product_segment", min_events=100)
        per_pair.append(found.rules["peaks"].mean())
        sure += found.peaks.filter((pl.col("kind") == "since purchase") & (pl.col("q_value") <= 0.05)).height
    measure.record(
        "false peaks, season-only worlds, all pairs",
        {"runs": runs, "per_pair": sum(per_pair) / runs, "sure_per_world": sure / runs},
    )
    print(json.dumps(per_pair))
