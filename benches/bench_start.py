"""What it costs to import the package and to ask the command for help."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def wall(*command: str) -> float:
    times = []
    for _ in range(15):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def bench_start(measure):
    python = sys.executable
    bare, polars = wall(python, "-c", "pass"), wall(python, "-c", "import polars")
    ours = wall(python, "-c", "from basketry import read_ledger, rfm, association_rules, time_to_next")
    shown = wall(str(Path(python).parent / "basketry"), "--help")
    figures = {"bare_ms": bare, "polars_ms": polars, "basketry_ms": ours, "over_polars_ms": ours - polars}
    measure.record("import of the verbs, basketry --help (best of 15)", figures | {"help_ms": shown})
