"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from basketry.exceptions import ParameterError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; when the block ends well, the file takes its name, else it is gone.

    Parameters
    ----------
    path
        The name that the file is to have.
    """
    if not path.parent.is_dir():
        raise ParameterError.out_of_range(
            "path", str(path), f"the folder {path.parent} does not exist, make it first"
        )
    if path.is_dir():
        raise ParameterError.out_of_range("path", str(path), "that is a folder, name a file in it")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        unfinished.unlink(missing_ok=True)
