"""Times of Housecall Pro's events that repeat, by iCalendar's rules.

Only rules of days and longer are read, and only series that are not older than
MOST_YEARS: nothing here takes long, whatever a rule says.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# Its types come as a package of their own, for one call.
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval, Intervals

MOST_YEARS: Final = 30
_PART: Final = re.compile(
    r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)"
    r"|(INTERVAL|COUNT)=[1-9][0-9]{0,3}|UNTIL=[0-9]{8}(T[0-9]{6}Z?)?"
    r"|BY(DAY|MONTHDAY|MONTH|SETPOS)=[0-9A-Z,+-]{1,60}|WKST=[A-Z]{2}"
)
_UNTIL: Final = re.compile(r"UNTIL=([0-9]{8})(T[0-9]{6})?Z?")


def occurrences(
    first: Interval, rule: str, zone: ZoneInfo, window: Interval
) -> Intervals:
    """Return the times of a series that lie in the window.

    `zone` is whose clocks the series keeps to. Raises ValueError for a rule that cannot
    be read.
    """
    return tuple(_occurrences(first, rule, zone, window))


def _occurrences(
    first: Interval, rule: str, zone: ZoneInfo, window: Interval
) -> Iterator[Interval]:
    begin = to_datetime(first.start).astimezone(zone)
    after, before = to_datetime(window.start - first.length), to_datetime(window.end)
    if before - begin > timedelta(days=366 * MOST_YEARS):
        raise ValueError("the series is too old")
    for start in rrulestr(_checked(rule), dtstart=begin).between(after, before):
        # A time that the clocks leave out is where they would have been.
        moment = from_datetime(start)
        yield Interval(moment, moment + first.length)


def _checked(rule: str) -> str:
    text = rule.removeprefix("RRULE:").rstrip(";")
    if not all(_PART.fullmatch(part) for part in text.split(";")):
        raise ValueError("the rule is of a kind that is not read")
    return _UNTIL.sub(_in_utc, text)


def _in_utc(found: re.Match[str]) -> str:
    day, time = found.groups()
    return f"UNTIL={day}{time or 'T235959'}Z"


def whole_days(start: datetime, end: datetime) -> Interval:
    """Return the days of an all-day event, the last one with it."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    last = end.replace(hour=0, minute=0, second=0, microsecond=0)
    if last <= first or last < end:
        last += timedelta(days=1)
    return Interval(from_datetime(first), from_datetime(last))
