"""The steps of a command: a bar on a terminal, silence elsewhere, the seconds of each for the record."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

Step = Callable[[str], AbstractContextManager[None]]
"""Opens a step of work under its name."""


class Steps:
    """Names the steps, shows them and takes their time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Show a step while it runs.

        Parameters
        ----------
        name
            What is done.
        """
        start = time.perf_counter()
        with ExitStack() as shown:
            if sys.stderr.isatty():
                shown.enter_context(_bar(name))
            yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


@contextmanager
def _bar(name: str) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from basketry.control import showing

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None)
        with showing(lambda done, total: progress.update(task, completed=done, total=total or None)):
            yield
