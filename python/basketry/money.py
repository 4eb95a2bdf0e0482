"""Money in frames: sums that do not depend on the order of rows."""

from __future__ import annotations

import polars as pl

UNIT = 10_000
"""Money and quantities are whole numbers of ten-thousandths inside."""


def exact_sum(column: str) -> pl.Expr:
    """Sum money in whole ten-thousandths, so that no order of rows or threads shows in the last digit.

    Parameters
    ----------
    column
        Money in units of the currency.
    """
    return units(column).sum() / UNIT


def units(column: str) -> pl.Expr:
    """Turn money into whole ten-thousandths.

    Parameters
    ----------
    column
        Money in units of the currency.
    """
    return (pl.col(column) * UNIT).round().cast(pl.Int64)
