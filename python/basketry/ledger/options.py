"""What becomes of rows that are not plain purchases, and how values are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from basketry.exceptions import ParameterError

_CHOICES = {
    "returns": ("net", "keep", "drop"),
    "guests": ("keep", "drop"),
    "cancelled": ("drop", "keep"),
    "zero_prices": ("keep", "drop"),
    "negative_prices": ("drop", "keep"),
    "duplicates": ("keep", "drop"),
    "overlap": ("keep", "later"),
    "on_bad_rows": ("raise", "drop"),
    "decimal": (".", ","),
}
_TEXTS = ("timezone", "cancelled_prefix", "currency", "date_format")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The policies of one reading, checked; see `read_ledger`."""

    timezone: str | None = None
    returns: str = "net"
    guests: str = "keep"
    cancelled: str = "drop"
    cancelled_prefix: str | None = None
    cancelled_status: Sequence[str] = ("cancelled", "canceled", "void")
    zero_prices: str = "keep"
    negative_prices: str = "drop"
    duplicates: str = "keep"
    overlap: str = "keep"
    currency: str | None = None
    test_customers: str | Sequence[str] | None = None
    until: Any = None
    on_bad_rows: str = "raise"
    date_format: str | None = None
    decimal: str = "."
    float_ids: bool = False

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ParameterError.unknown(name, value, known)
        for name in _TEXTS:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value):
                raise ParameterError.out_of_range(name, value, "a text is needed, or None")
        if not isinstance(self.float_ids, bool):
            raise ParameterError.out_of_range("float_ids", self.float_ids, "True or False is needed")
        if isinstance(self.cancelled_status, str) or not _texts(self.cancelled_status):
            raise ParameterError.out_of_range(
                "cancelled_status", self.cancelled_status, "a list of texts is needed, such as ['void']"
            )
        self._check_format()
        self._check_tests()

    def _check_format(self) -> None:
        if self.date_format is None:
            return
        try:
            pl.select(pl.lit("2024-01-31").str.to_datetime(self.date_format, strict=False))
        except pl.exceptions.PolarsError as error:
            said = str(error).split("\n", 1)[0].rstrip(".")
            raise ParameterError.out_of_range(
                "date_format", self.date_format, f"{said[0].lower()}{said[1:]}"
            ) from error

    def _check_tests(self) -> None:
        tests = self.test_customers
        if isinstance(tests, str):
            try:
                pl.select(pl.lit("").str.contains(tests))
            except pl.exceptions.PolarsError as error:
                raise ParameterError.out_of_range(
                    "test_customers", tests, "a regular expression or a list of ids is needed"
                ) from error
        elif tests is not None and not _texts(tests, int):
            raise ParameterError.out_of_range(
                "test_customers", tests, "a regular expression or a list of ids is needed"
            )


def _texts(values: object, *more: type) -> bool:
    return isinstance(values, Sequence) and all(isinstance(value, (str, *more)) for value in values)
