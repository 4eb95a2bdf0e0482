"""A folder of results that appears whole or not at all, and never over somebody else's files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from basketry.cli._interrupt import unfinished


@contextmanager
def whole_folder(folder: Path, *, mark: str, ours: Collection[str], force: bool = False) -> Iterator[Path]:
    """Give a folder to write to; when the block ends well, what is in it is put in place, else it is gone.

    An earlier result is replaced. Files of anybody else stay where they are.

    Parameters
    ----------
    folder
        The folder that the result is to be.
    mark
        The file by which an earlier result is known.
    ours
        The names in it that a result may replace.
    force
        Write into a folder that holds other files and no earlier result.
    """
    from basketry.exceptions import ParameterError

    target = folder.resolve()
    if target.exists() and not target.is_dir():
        raise ParameterError.out_of_range("--output", str(folder), "this is a file, a folder is needed")
    if Path.cwd().is_relative_to(target):
        raise ParameterError.out_of_range(
            "--output", str(folder), "this folder is being worked in, name one below it"
        )
    if not force and target.is_dir() and any(target.iterdir()) and not (target / mark).is_file():
        raise ParameterError.out_of_range(
            "--output", str(folder), "this folder holds other files; name another one, or pass --force"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    new = target.with_name(f".{target.name}.{os.getpid()}.part")
    new.mkdir()
    unfinished.add(new)
    try:
        yield new
        _settle(new, target, ours)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        unfinished.discard(new)


def _settle(new: Path, target: Path, ours: Collection[str]) -> None:
    """Rename the new folder into place; whatever else was in the old one moves along."""
    if not target.exists():
        new.rename(target)
        return
    old = new.with_suffix(".old")
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    for entry in list(old.iterdir()):
        if entry.name not in ours:
            entry.rename(target / entry.name)
    shutil.rmtree(old)


def _sweep(target: Path) -> None:
    """Remove what a run that was killed left behind."""
    if os.name != "posix":
        return
    for left in target.parent.glob(f".{target.name}.*.part"):
        process = left.name.removesuffix(".part").rpartition(".")[2]
        try:
            os.kill(int(process), 0)
        except (ValueError, PermissionError):
            continue
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
