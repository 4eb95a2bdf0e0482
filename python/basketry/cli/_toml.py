"""A basketry.toml, written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any


def config_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Write tables of keys as TOML; what is None or empty is left out.

    Parameters
    ----------
    tables
        Name of the table -> key -> value.

    Examples
    --------
    >>> print(config_text({"input": {"timezone": "UTC", "columns": {"time": "sold at"}}, "clean": {}}))
    [input]
    timezone = "UTC"
    columns = {time = "sold at"}
    <BLANKLINE>
    """
    parts = []
    for name, keys in tables.items():
        lines = [f"{key} = {_value(value)}" for key, value in keys.items() if value not in (None, {}, ())]
        if lines:
            parts.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, date):
        return value.isoformat()
    # A JSON text is a TOML text, but for the one character that JSON does not mask.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)
