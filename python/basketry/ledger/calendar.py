"""What a shop's first and last order say about dates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, timedelta

from basketry.ledger.zones import Moment, instant, local, micros, zone_info


class Dated(ABC):
    """A shop in a time zone with a first and a last order."""

    returns: str

    @property
    @abstractmethod
    def timezone(self) -> str:
        """The shop's time zone; calendar days are days of this zone."""

    @property
    @abstractmethod
    def span(self) -> tuple[int, int] | None:
        """The instants of the first and the last order, in microseconds UTC; None if there is no order."""

    @property
    def first_day(self) -> date | None:
        """The local day of the first order; None if there is no order."""
        return None if self.span is None else local(self.span[0], zone_info(self.timezone)).date()

    @property
    def last_day(self) -> date | None:
        """The local day of the last order; None if there is no order."""
        return None if self.span is None else local(self.span[1], zone_info(self.timezone)).date()

    @property
    def end(self) -> date:
        """The day after the last order: the latest date at which everything is seen."""
        return (self.last_day or date(1970, 1, 1)) + timedelta(days=1)

    @property
    def money_is_net(self) -> bool:
        """Whether money means purchases less returns."""
        return self.returns == "net"

    def instant(self, as_of: Moment | None, name: str = "as_of") -> int:
        """Turn a date into microseconds UTC; None is the end of the data.

        Parameters
        ----------
        as_of
            A date is its local midnight, a datetime without a zone is local time.
        name
            The argument, for errors.
        """
        return micros(instant(name, self.end if as_of is None else as_of, self.timezone))
