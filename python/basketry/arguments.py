"""Checks of arguments that mean the same everywhere: whole numbers, shares, seeds."""

from __future__ import annotations

from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING

from basketry.exceptions import ParameterError

if TYPE_CHECKING:
    import numpy as np


LARGEST = 2**63 - 1
"""The largest whole number that the compiled half takes everywhere."""


def whole(name: str, value: object, least: int, most: int = LARGEST) -> int:
    """Check a whole number.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    least, most
        The least and the largest value that will do.
    """
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or not least <= number <= most:
        highest = "up" if most == LARGEST and (number or 0) < LARGEST else f"to {most}"
        raise ParameterError.out_of_range(name, value, f"a whole number from {least} {highest}")
    return number


def share(name: str, value: object, *, zero: bool = False) -> Fraction:
    """Check a share and give it as the fraction that was typed.

    Parameters
    ----------
    name
        The argument.
    value
        What was given.
    zero
        Whether 0 will do.
    """
    expected = f"a share {'from' if zero else 'above'} 0 and up to 1"
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
    if not 0 <= number <= 1 or (number == 0 and not zero):
        raise ParameterError.out_of_range(name, value, expected)
    return Fraction(value) if isinstance(value, Rational) else Fraction(repr(number))


def seed(rng: int | np.random.Generator) -> int:
    """Take a seed, or draw one from a generator (SPEC 7).

    Parameters
    ----------
    rng
        A whole number below 2^64, or a numpy Generator.
    """
    drawn = getattr(rng, "integers", None)
    if drawn is not None:
        return int(drawn(2**63))
    return whole("rng", rng, 0, 2**64 - 1)
