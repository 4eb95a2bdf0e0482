"""Every error that basketry raises on purpose.

Each class is built by a class method that is given the facts, so that the value, the place and the mend cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BasketryError(Exception):
    """Base of all errors of basketry."""


class SchemaError(BasketryError, ValueError):
    """The data are not what the column mapping says."""

    @classmethod
    def unknown_column(cls, name: str, role: str, found: Iterable[str]) -> SchemaError:
        """Build the error for a mapped column that the data do not have.

        Parameters
        ----------
        name
            The column that was asked for.
        role
            What it was mapped to.
        found
            The columns that are there.
        """
        names = list(found)
        return cls(
            f"column {name!r} is mapped to {role!r}, and the data have no such column{_nearest(name, names)} "
            f"Found: {', '.join(map(repr, names)) or 'no column at all'}."
        )


class ParameterError(BasketryError, ValueError):
    """An argument is out of range or contradicts another."""

    @classmethod
    def out_of_range(cls, name: str, value: object, expected: str) -> ParameterError:
        """Build the error for a value that its argument does not take.

        Parameters
        ----------
        name
            The argument.
        value
            What was given.
        expected
            What it takes, in words.
        """
        return cls(f"{name}={value!r}: {expected}.")

    @classmethod
    def unknown(cls, name: str, value: object, known: Iterable[str]) -> ParameterError:
        """Build the error for a name that is none of the known ones.

        Parameters
        ----------
        name
            The argument.
        value
            What was given.
        known
            The names that would be right.
        """
        names = list(known)
        return cls(
            f"{name}={value!r} is not known{_nearest(str(value), names)} Known: {', '.join(map(repr, names))}."
        )


class CapacityError(BasketryError, MemoryError):
    """The work would pass its budget."""


class CapacityWarning(UserWarning):
    """A result is complete up to what fitted the budget, and the text tells what is missing."""


class ConvergenceError(BasketryError, RuntimeError):
    """A model could not be fitted to the data; the text tells what to try."""


class FitWarning(UserWarning):
    """A model was fitted, but the text tells why it should not be trusted, or not for everything."""


class MissingExtraError(BasketryError, ImportError):
    """An optional package is needed; the text gives the install command."""

    @classmethod
    def needed(cls, package: str, purpose: str, extra: str) -> MissingExtraError:
        """Build the error for a package that is not installed.

        Parameters
        ----------
        package
            The package that could not be imported.
        purpose
            What it is needed for.
        extra
            The extra of basketry that brings it.
        """
        return cls(f"{purpose} needs {package!r}: pip install 'basketry[{extra}]'.")


class LeakError(BasketryError, ValueError):
    """A feature knows what lies at or after its instant."""

    @classmethod
    def found(cls, columns: Iterable[str], as_of: str, check: str) -> LeakError:
        """Build the error for columns that changed when the future was taken away or changed.

        Parameters
        ----------
        columns
            What differed.
        as_of
            The instant.
        check
            What was done to the future: ``times``, ``deleted`` or ``perturbed``.
        """
        names = list(columns)
        listed = ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return cls(
            f"{listed} at {as_of} would know the future (check {check!r}): leave it out, "
            f"or make it from what lies before as_of."
        )


class InternalError(BasketryError, RuntimeError):
    """A fault of basketry itself was caught at the boundary; please report it."""


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."
