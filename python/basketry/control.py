"""How callers hold the reins of long work: threads, budget, progress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TypedDict

from basketry.exceptions import BasketryError, ParameterError

Progress = Callable[[int, int], None]
"""Called now and then with the units done and the units expected (0 while unknown)."""

_progress: ContextVar[Progress | None] = ContextVar("basketry_progress", default=None)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The most that one call may cost; what is None is not limited.

    Parameters
    ----------
    results
        The most results (itemsets, rules, sequences).
    bytes
        The most bytes of results.
    seconds
        The longest time.
    """

    results: int | None = None
    bytes: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, kind in (("results", int), ("bytes", int), ("seconds", int | float)):
            value = getattr(self, name)
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, kind) or not 0 < value < 2**63
            ):
                raise ParameterError.out_of_range(
                    f"budget.{name}", value, "a budget is a number above 0 and below 2^63, or None"
                )


class Reins(TypedDict):
    """What every long call of the compiled half takes beside its own arguments."""

    n_threads: int
    results: int | None
    bytes: int | None
    seconds: float | None
    started: float
    progress: Progress | None


def reins(n_threads: int | None = None, budget: Budget | None = None) -> Reins:
    """Check the arguments that all long calls share and put them in one parcel, from which on seconds count.

    Parameters
    ----------
    n_threads
        How many threads to use; None for all that this process may use.
    budget
        The most that the call may cost.
    """
    _check_process()
    if n_threads is None:
        n_threads = available_threads()
    elif isinstance(n_threads, bool) or not isinstance(n_threads, Integral) or n_threads < 1:
        raise ParameterError.out_of_range("n_threads", n_threads, "a whole number from 1 up, or None for all")
    budget = budget or Budget()
    return {
        "n_threads": int(n_threads),
        "results": budget.results,
        "bytes": budget.bytes,
        "seconds": budget.seconds,
        "started": time.monotonic(),
        "progress": _progress.get(),
    }


@contextmanager
def showing(progress: Progress) -> Iterator[None]:
    """Report the progress of every long call in this block.

    Parameters
    ----------
    progress
        Called now and then with the units done and expected.
    """
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)


_home: int | None = None


def _check_process() -> None:
    """Refuse to work in a child that was forked after use: the threads of polars stayed behind, and it would hang."""
    global _home
    if _home is None:
        _home = os.getpid()
    elif _home != os.getpid():
        raise BasketryError(
            "this process was forked after basketry was used, and threads do not come along: "
            "start workers by 'spawn' or 'forkserver', as multiprocessing.get_context('spawn') does."
        )


def available_threads() -> int:
    """Count the processors that this process may use, a container's quota included."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))
