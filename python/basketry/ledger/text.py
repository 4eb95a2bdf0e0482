"""Text files: csv and its kin, opened lazily, and what is wrong with one that cannot be read."""

from __future__ import annotations

import codecs
import csv
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.part import Part, reading

_SEPARATORS = (",", ";", "\t", "|")
_HEAD = 1 << 16


def check_format(separator: str | None, encoding: str) -> None:
    """Refuse a separator or an encoding that no file has.

    Parameters
    ----------
    separator
        One character; None is guessed.
    encoding
        ``utf8``, ``utf8-lossy``, or a name that Python knows.
    """
    if separator is not None and not (isinstance(separator, str) and len(separator.encode()) == 1):
        raise ParameterError.out_of_range(
            "separator", separator, "one character such as ';' is needed, or None"
        )
    try:
        codecs.lookup(_codec(encoding))
    except (LookupError, TypeError, AttributeError) as error:
        raise ParameterError.out_of_range(
            "encoding",
            encoding,
            "'utf8', 'utf8-lossy' or a name that Python knows is needed, such as 'latin-1'",
        ) from error


def open_text(path: Path, separator: str | None, encoding: str) -> Part:
    """Open a text file. All columns are text: ids such as 00123 stay what they are.

    Parameters
    ----------
    path
        The file.
    separator, encoding
        How it is written; see `check_format`.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise SchemaError(f"{path} is empty: a header line is needed.")
    first = head.decode(_codec(encoding), errors="replace").splitlines()[0]
    sep = separator or max(_SEPARATORS, key=first.count)
    names = next(csv.reader([first], delimiter=sep))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        places = [at + 1 for at, name in enumerate(names) if name == twice[0]]
        raise SchemaError(
            f"{path}: the header names {twice[0]!r} twice, as columns {places}: rename one of them."
        )
    notes = {"byte-order mark": 1} if head.startswith(codecs.BOM_UTF8) else {}
    diagnose = partial(_first_fault, path, sep, encoding)
    known: Any = encoding
    with reading(str(path), diagnose):
        if encoding in ("utf8", "utf8-lossy"):
            frame = pl.scan_csv(path, separator=sep, encoding=known, infer_schema=False, glob=False)
        else:
            frame = pl.read_csv(path, separator=sep, encoding=known, infer_schema=False).lazy()
        return Part(str(path), frame, frame.collect_schema(), notes, diagnose=diagnose)


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding in ("utf8", "utf8-lossy") else encoding


def _first_fault(path: Path, separator: str, encoding: str) -> str | None:
    """Read a refused file line by line and tell the first thing that is wrong with it."""
    errors = "replace" if encoding == "utf8-lossy" else "strict"
    limit = csv.field_size_limit(2**31 - 1)
    start = 1
    try:
        with path.open(encoding=_codec(encoding), errors=errors, newline="") as file:
            rows = csv.reader(file, delimiter=separator, strict=True)
            width = len(next(rows))
            for row in rows:
                if len(row) > width:
                    return (
                        f"line {start + 1:,} has {len(row)} fields and the header has {width}: mend the line, "
                        f"or pass separator= if it is not {separator!r}"
                    )
                start = rows.line_num
    except UnicodeDecodeError:
        return _first_undecoded(path, encoding)
    except csv.Error:
        return f"in line {start + 1:,} a quote is opened that is not closed well: mend the line"
    finally:
        csv.field_size_limit(limit)
    return None


def _first_undecoded(path: Path, encoding: str) -> str | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(_codec(encoding))
            except UnicodeDecodeError as error:
                return (
                    f"line {number:,} is not written in {encoding}, it holds {line[error.start : error.end]!r}: "
                    f"pass encoding='latin-1' or the one that it was written in"
                )
    return None
