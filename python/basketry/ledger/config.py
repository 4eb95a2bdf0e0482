"""basketry.toml: what a dump is and how it is cleaned, checked by pydantic."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from basketry.exceptions import ParameterError, SchemaError

_Keep = Literal["keep", "drop"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Input(_Table):
    """`[input]`: which column is what, and how the files are written."""

    preset: str | None = None
    columns: dict[str, str] | None = None
    measures: dict[str, str] | None = None
    item_attributes: dict[str, str] | None = None
    customer_attributes: dict[str, str] | None = None
    keys: dict[str, tuple[str, str]] | None = None
    timezone: str | None = None
    currency: str | None = None
    date_format: str | None = None
    decimal: Literal[".", ","] | None = None
    float_ids: bool | None = None
    separator: str | None = None
    encoding: str | None = None


class Clean(_Table):
    """`[clean]`: what becomes of rows that are not plain purchases."""

    returns: Literal["net", "keep", "drop"] | None = None
    guests: _Keep | None = None
    cancelled: _Keep | None = None
    cancelled_prefix: str | None = None
    cancelled_status: list[str] | None = None
    zero_prices: _Keep | None = None
    negative_prices: _Keep | None = None
    duplicates: _Keep | None = None
    overlap: Literal["keep", "later"] | None = None
    test_customers: str | list[str] | None = None
    until: date | datetime | str | None = None
    on_bad_rows: Literal["raise", "drop"] | None = None


class Config(_Table):
    """The whole file."""

    input: Input = Field(default_factory=Input)
    clean: Clean = Field(default_factory=Clean)


def load_config(path: Path) -> dict[str, Any]:
    """Read a basketry.toml into the arguments of `read_ledger`.

    Parameters
    ----------
    path
        The file.
    """
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SchemaError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path} is no TOML: {error}.") from error
    try:
        config = Config.model_validate(held)
    except ValidationError as error:
        raise ParameterError(f"{path}: {_first(error)}") from error
    given = config.input.model_dump(exclude_none=True)
    moved = {
        name: given.pop(name)
        for name in ("timezone", "currency", "date_format", "decimal", "float_ids")
        if name in given
    }
    return {**given, "clean": {**config.clean.model_dump(exclude_none=True), **moved}}


def _first(error: ValidationError) -> str:
    what = error.errors()[0]
    place = ".".join(map(str, what["loc"]))
    if what["type"] != "extra_forbidden":
        return f"{place}={what.get('input')!r}: {what['msg'][0].lower()}{what['msg'][1:]}."
    tables: dict[str, type[BaseModel]] = {"input": Input, "clean": Clean}
    table = tables[str(what["loc"][0])] if len(what["loc"]) > 1 else Config
    known = list(table.model_fields)
    near = get_close_matches(str(what["loc"][-1]), known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"the key {place!r} is not known; {hint}Known: {', '.join(known)}."
