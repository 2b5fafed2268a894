"""When an agent works: weekly hours plus date overrides, as openings in real time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval, merge
from universal_calendar.core.localtime import from_wall_clock

WEEKDAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)

DayHours = tuple[tuple[int, int], ...]
"""Minutes from midnight; an end past 1440 lies on the next day."""


def day_hours(intervals: Iterable[tuple[int, int]]) -> DayHours:
    """Return one day's hours in order, with those that touch or overlap joined.

    An end at or before its start is taken to lie on the next day.
    """
    spans = [Interval(a, b if b > a else b + 1440) for a, b in intervals]
    return tuple((span.start, span.end) for span in merge(spans))


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Weekly hours, Monday first, and overrides that replace single dates."""

    weekly: tuple[DayHours, ...]
    overrides: Mapping[date, DayHours] = field(default_factory=dict)

    def hours_on(self, day: date) -> DayHours:
        """Return the hours that begin on this date."""
        special = self.overrides.get(day)
        return self.weekly[day.weekday()] if special is None else special


class Opening(NamedTuple):
    """A span of working hours, and the end of the run that it forms with its like.

    A slot starts in its opening and may run on into those that touch or overlap it.
    """

    start: Instant
    end: Instant
    run_end: Instant


@lru_cache(maxsize=512)
def openings(
    schedule: Schedule, zone: ZoneInfo, first: date, last: date
) -> tuple[Opening, ...]:
    """Return the openings that begin from two days before `first` to two days after.

    Sorted by start. The margin catches the tail of a night shift, even over a date that
    a zone skipped, and lets a slot of up to 24 hours that starts on `last` run on.
    """
    span = range(-2, (last - first).days + 3)
    days = (first + timedelta(days=offset) for offset in span)
    opened = sorted(_opened(schedule, zone, days))
    runs = merge(opened)
    ends = [run.end for run in runs]
    return tuple(
        Opening(each.start, each.end, ends[bisect_right(ends, each.start)])
        for each in opened
    )


def _opened(
    schedule: Schedule, zone: ZoneInfo, days: Iterable[date]
) -> Iterator[Interval]:
    for day in days:
        for start_minute, end_minute in schedule.hours_on(day):
            start = from_wall_clock(day, start_minute, zone)
            end = from_wall_clock(day, end_minute, zone)
            if start < end:
                yield Interval(start, end)
