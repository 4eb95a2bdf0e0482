"""Time to next: all pairs of a real shop in one pass; power, false peaks and coverage over many logs of known law.

BASKETRY_DATA names the folder of the public data; `--runs` sets over how many logs a share is taken (200 by default).
"""

from __future__ import annotations

import os
import sys
import time
from datetime import date
from pathlib import Path

import pytest

import basketry as bk

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.patterns.due import buy_rates
from tests.patterns.worlds import PEAKS, WORLDS, share_within, shop, weeks_since

DATA = Path(os.environ.get("BASKETRY_DATA", "data"))

ALL_PAIRS = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.patterns.logs import log_of
import basketry as bk
shop = log_of("or2day", lambda name: Path(sys.argv[1]) / name)
start, spent = time.perf_counter(), time.process_time()
found = bk.lag_tables(shop, min_events=100, n_threads=2)
print(json.dumps({"seconds": time.perf_counter() - start, "cpu_s": time.process_time() - spent, "pairs": len(found),
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
start, spent = time.perf_counter(), time.process_time()
found = bk.due_list(shop, lags, within_weeks=4, top=3, n_threads=2)
print(json.dumps({"lines": lines.height, "rules": len(rules), "tables_s": tables,
                  "due_s": time.perf_counter() - start, "due_cpu_s": time.process_time() - spent,
                  "rows": found.height}))
"""


def bench_all_pairs(measure):
    if not (DATA / "retail").exists():
        pytest.skip("set BASKETRY_DATA to the folder of the public data")
    run = measure.child(ALL_PAIRS, str(DATA), str(Path(__file__).parents[1]))
    measure.record("lag tables, all pairs of Online Retail II with 100 events", run.pop("answer") | run)


def bench_due_list(measure):
    run = measure.child(DUE)
    measure.record("due list, a million customers, a thousand rules", run.pop("answer") | run)


def answer_of(seed, **world):
    return bk.time_to_next(shop(seed, **world), antecedent="A", consequent="B")


def near(week):
    """Give the planted peaks within two weeks."""
    return [peak for peak, _ in PEAKS if abs(peak - week) <= 2]


@pytest.mark.parametrize("world", WORLDS)
def bench_no_law(measure, runs, world):
    """Every peak since the purchase is false, whatever season, sale or churn is in the log."""
    spent = time.process_time()
    found = [len(weeks_since(answer_of(1000 + seed, **WORLDS[world]))) for seed in range(runs)]
    measure.record(
        f"false peaks, {world}",
        {
            "runs": runs,
            "per_run": sum(found) / runs,
            "most": max(found),
            "cpu_s": time.process_time() - spent,
        },
    )


@pytest.mark.parametrize("world", WORLDS)
def bench_planted(measure, runs, world):
    """Recall at full effect, false peaks beside the planted ones, and how often the week's interval holds the planted week."""
    spent, found, false, covered = time.process_time(), 0, 0, 0
    for seed in range(runs):
        peaks = answer_of(seed, law=1.0, **WORLDS[world]).peaks.filter(kind="since purchase")
        found += len({peak for week in peaks["week"] for peak in near(week)})
        false += sum(not near(week) for week in peaks["week"])
        covered += sum(
            low <= peak <= high for week, low, high in peaks.select("week", "low", "high").iter_rows()
            for peak in near(week)
        )  # fmt: skip
    measure.record(
        f"planted peaks, {world}",
        {"runs": runs, "recall": found / (len(PEAKS) * runs), "false_per_run": false / runs,
         "week_in_interval": covered / max(1, found), "cpu_s": time.process_time() - spent},
    )  # fmt: skip


@pytest.mark.parametrize("weeks", [78, 156])
def bench_incidence(measure, runs, weeks):
    """How often the interval of the share that buys within a year holds the true one, on short and on long logs."""
    truth, spent, covered = share_within(52, law=1.0), time.process_time(), 0
    for seed in range(runs):
        log = shop(2000 + seed, law=1.0, weeks=weeks, customers=3000)
        table = bk.time_to_next(log, antecedent="A", consequent="B", horizon="52w").table
        year = table.row(51, named=True)
        covered += year["low"] <= truth <= year["high"]
    measure.record(
        f"interval of the share within a year, {weeks} weeks of data",
        {"runs": runs, "truth": truth, "covered": covered / runs, "cpu_s": time.process_time() - spent},
    )


def bench_buy_rate(measure, runs):
    """Customers in their due weeks against the same customers in any other week."""
    worlds = max(1, runs // 40)
    rates = [buy_rates(seed, date(2024, 7, 29)) for seed in range(worlds)]
    ratios = [due / other for due, other in rates]
    measure.record(
        "buy rate when due over that of any week",
        {"worlds": worlds, "least": min(ratios), "mean": sum(ratios) / worlds, "most": max(ratios)},
    )
