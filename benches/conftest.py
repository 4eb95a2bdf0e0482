"""Whole processes, measured by the operating system, in one run with their peer."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

RECORDS = Path(__file__).parent / "records"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runs", type=int, default=200, help="how many simulated logs stand behind a share")


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> int:
    """Tell over how many simulated logs a share is taken."""
    return request.config.getoption("--runs")


class Measure:
    """Runs Python code in child processes and takes their CPU time, wall time and peak memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def child(self, code: str, *args: str) -> dict[str, object]:
        """Run code once; the last line that it prints is its answer, as JSON."""
        started = datetime.now(UTC)
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen([sys.executable, "-c", code, *args], stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            printed = out.read().strip().splitlines()
        assert process.returncode == 0, code
        return {
            "cpu": usage.ru_utime + usage.ru_stime,
            "wall": (datetime.now(UTC) - started).total_seconds(),
            "peak_mb": usage.ru_maxrss / 1024,
            "answer": json.loads(printed[-1]) if printed else None,
        }

    def pair(self, ours: str, theirs: str, *args: str, runs: int = 5) -> dict[str, object]:
        """Run both in turn; their answers must be equal before any time counts."""
        assert self.child(ours, *args)["answer"] == self.child(theirs, *args)["answer"]
        both = [(self.child(ours, *args), self.child(theirs, *args)) for _ in range(runs)]
        middle = lambda which, name: statistics.median(float(run[which][name]) for run in both)  # noqa: E731
        result: dict[str, object] = {"runs": runs}
        for name in ("cpu", "wall", "peak_mb"):
            result[f"ours_{name}"], result[f"theirs_{name}"] = middle(0, name), middle(1, name)
            result[f"ratio_{name}"] = statistics.median(float(a[name]) / float(b[name]) for a, b in both)
        return result

    def record(self, what: str, figures: dict[str, object]) -> None:
        """Print figures and add them to the record of the day."""
        print(
            f"\n{what}: "
            + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items())
        )
        RECORDS.mkdir(exist_ok=True)
        line = {
            "what": what,
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
        day = datetime.now(UTC).date().isoformat()
        with (RECORDS / f"{day}.jsonl").open("a") as file:
            file.write(json.dumps(line | figures) + "\n")


@pytest.fixture(scope="session")
def measure(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    return Measure(tmp_path_factory.mktemp("bench"))
