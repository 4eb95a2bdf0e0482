"""Ctrl-C is answered within half a second, whatever library has the processor."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GRACE = 0.3
"""Seconds that the main thread has to stop by itself."""

unfinished: set[Path] = set()
"""Folders that are being written; they go when the process has to leave at once."""


@contextmanager
def answering_ctrl_c() -> Iterator[None]:
    """Leave the process if an interrupt was not heard in time.

    Python raises KeyboardInterrupt between two of its own steps, and the kernels listen; a drawing or a fit
    of another library does not. A thread hears the signal at once and waits a little before it acts.
    """
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    done = threading.Event()
    threading.Thread(target=_watch, args=(heard, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(before)
        os.close(told)


def _watch(heard: int, done: threading.Event) -> None:
    while byte := os.read(heard, 1):
        if byte[0] == signal.SIGINT and not done.wait(_GRACE):
            for folder in unfinished:
                shutil.rmtree(folder, ignore_errors=True)
            sys.stderr.write("basketry: interrupted, nothing was written\n")
            sys.stderr.flush()
            os._exit(130)
    os.close(heard)
