"""The time that somebody wants, as they said it."""

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from zoneinfo import ZoneInfo

from universal_calendar.core.instant import MINUTE, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import exists, from_wall_clock


@dataclass(frozen=True, slots=True)
class LocalTime:
    """So many minutes from `minute` of `day`, on the agent's own clocks."""

    day: date
    minute: int
    minutes: int

    @property
    def days(self) -> tuple[date, date]:
        """Return the first and last day to read an agenda for."""
        return self.day, self.day

    def exists(self, zone: ZoneInfo) -> bool:
        """Tell whether clocks of the zone ever show it."""
        return exists(self.day, self.minute, zone)

    def interval(self, zone: ZoneInfo) -> Interval:
        """Return when it is."""
        start = from_wall_clock(self.day, self.minute, zone)
        return Interval(start, start + self.minutes * MINUTE)


@dataclass(frozen=True, slots=True)
class ExactTime:
    """An interval that needs no clocks."""

    exact: Interval

    @property
    def days(self) -> tuple[date, date]:
        """Return the first and last day to read an agenda for, in UTC."""
        start, end = self.exact.start, self.exact.end
        return to_datetime(start).date(), to_datetime(end).date()

    def exists(self, _zone: ZoneInfo) -> bool:
        """Tell that instants always exist."""
        return True

    def interval(self, _zone: ZoneInfo) -> Interval:
        """Return when it is."""
        return self.exact


WantedTime: TypeAlias = LocalTime | ExactTime
