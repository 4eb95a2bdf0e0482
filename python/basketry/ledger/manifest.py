"""What a folder of partitions holds, in one JSON file that is replaced as a whole."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import polars as pl

from basketry.arguments import whole
from basketry.exceptions import ParameterError, SchemaError
from basketry.files import whole_file
from basketry.ledger.accounting import Tally
from basketry.ledger.reading import Reading

VERSION = 1
"""Of the layout of the folder."""

NAME = "manifest.json"
_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True)
class Counts:
    """What is in all partitions together; what a tree can be asked, too."""

    n_customers: int = 0
    n_orders: int = 0
    n_guest_orders: int = 0
    n_lines: int = 0
    n_items: int = 0
    span: tuple[int, int] | None = None
    zone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a folder of partitions holds.

    Parameters
    ----------
    source
        The fingerprint of the first dump and of the way it was read.
    partitions, memory
        How many partitions there are, and for which memory.
    asked
        The arguments of the reading, for later files.
    generation
        How many readings are in the partitions; 0 while the first is not finished.
    pending
        The fingerprint of a reading that is not finished.
    ends
        Rows up to and with each part of that reading, once all of them are spread.
    reading
        The mapping and the options that were found.
    tally
        Where every row went.
    shown
        The first offending values, by reason.
    counts, quality
        What is in the partitions, once they are finished.
    version, polars
        By what the folder was written. The hash of another polars may send a customer elsewhere.
    """

    source: str
    partitions: int
    memory: int
    asked: dict[str, Any]
    generation: int = 0
    pending: str | None = None
    ends: list[int] = field(default_factory=list)
    reading: dict[str, Any] = field(default_factory=dict)
    tally: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    quality: str = ""
    version: int = VERSION
    polars: str = pl.__version__

    def rows_before(self) -> int:
        """Count the rows of all finished readings."""
        return Tally.from_json(self.tally).rows_in if self.tally else 0

    def write(self, folder: Path, **changes: Any) -> Manifest:
        """Put a changed manifest in the place of this one.

        Parameters
        ----------
        folder
            Where it is.
        changes
            What has become different.
        """
        changed = replace(self, **changes)
        with whole_file(folder / NAME) as unfinished:
            unfinished.write_text(json.dumps(asdict(changed), indent=1, ensure_ascii=False), encoding="utf-8")
        return changed


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a folder; None if there is none.

    Parameters
    ----------
    folder
        The folder.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["version"] != VERSION:
            raise SchemaError(
                f"{path} is of version {held['version']}, this basketry knows {VERSION}: make the partitions again."
            )
        counts = held["counts"]
        counts["span"] = None if counts["span"] is None else tuple(counts["span"])
        known = {f.name for f in fields(Manifest)}
        return Manifest(**{k: v for k, v in held.items() if k in known} | {"counts": Counts(**counts)})
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(f"{path} is damaged: remove the folder and make the partitions again.") from error


def fingerprint(reading: Reading) -> str:
    """Tell a dump and the way it is read from any other: paths, sizes, times of change, mapping, options, versions.

    Parameters
    ----------
    reading
        What is read.
    """
    files = []
    for one in (file for part in reading.parts for file in (part.joined or [part])):
        path = Path(one.name)
        if not path.is_file():
            raise ParameterError.out_of_range(
                "source", one.name, "files are needed, what is in memory is read by read_ledger"
            )
        seen = path.stat()
        files.append((str(path.resolve()), seen.st_size, seen.st_mtime_ns))
    told = {"files": files, "version": VERSION, "reading": recorded(reading)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def recorded(reading: Reading) -> dict[str, Any]:
    """Write down the mapping and the options of a reading.

    Parameters
    ----------
    reading
        What is read.
    """
    told = {"resolved": asdict(reading.resolved), "options": asdict(reading.options)}
    held: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return held


def memory_bytes(memory: int | str) -> int:
    """Read a number of bytes.

    Parameters
    ----------
    memory
        Bytes, or a text such as ``"2GiB"`` or ``"500 MB"``.
    """
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", memory)
        unit = _UNITS.get(found[2].upper()) if found else None
        if found is None or unit is None:
            raise ParameterError.out_of_range("memory", memory, "a number of bytes is needed, such as '2GiB'")
        memory = int(float(found[1]) * unit)
    return whole("memory", memory, 2**20)
