"""The one place where wall-clock time becomes an instant and back.

A day of a clock is not always 24 hours. Where a zone skips an hour (a gap), a wall
time inside it is read with the offset that held before; where it repeats one (an
overlap), the first occurrence is meant. Both are PEP 495's `fold=0`.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones, reset_tzpath

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import (
    DAY,
    EPOCH_ORDINAL,
    MINUTE,
    Instant,
    from_datetime,
    to_datetime,
)

MINUTES_A_DAY = 1440

# The zone data that this version pins, whatever the machine has: two processes with two
# versions would disagree on what an hour is.
reset_tzpath(to=())


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone; raise InvalidField for a name the database lacks."""
    if name not in _known_zones():
        raise InvalidField("timezone", "use an IANA time zone such as America/New_York")
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory"})


def from_wall_clock(day: date, minute: int, zone: ZoneInfo) -> Instant:
    """Return the instant at which the zone's clocks show `minute` of `day`.

    `minute` counts from midnight, 0 to 2880: past 1440 it is the next day's.
    """
    days, minute = divmod(minute, MINUTES_A_DAY)
    ordinal = day.toordinal() + days
    shift = _fixed_offset(zone, ordinal)
    naive = (ordinal - EPOCH_ORDINAL) * DAY + minute * MINUTE
    if shift is not None:
        return naive - shift
    local = to_datetime(naive).replace(tzinfo=zone, fold=0)
    return from_datetime(local.astimezone(UTC))


@lru_cache(maxsize=65536)
def _fixed_offset(zone: ZoneInfo, ordinal: int) -> Instant | None:
    """Return the offset if one holds from the day's midnight for 48 hours."""
    midnight = datetime.fromordinal(ordinal)
    offsets = {
        (midnight + timedelta(hours=hours)).replace(tzinfo=zone).utcoffset()
        for hours in range(0, 49, 6)
    }
    only = offsets.pop()
    if offsets or only is None:
        return None
    return only // timedelta(microseconds=1)


def wall_clock(instant: Instant, zone: ZoneInfo) -> datetime:
    """Return what the zone's clocks show, as an aware datetime with its fold."""
    return to_datetime(instant).astimezone(zone)


def local_date(instant: Instant, zone: ZoneInfo) -> date:
    """Return the calendar day on which the instant falls in the zone."""
    return wall_clock(instant, zone).date()


def exists(day: date, minute: int, zone: ZoneInfo) -> bool:
    """Tell whether the zone's clocks ever show this minute of this day."""
    shown = wall_clock(from_wall_clock(day, minute, zone), zone)
    return shown.date() == day and shown.hour * 60 + shown.minute == minute


class LocalDay(NamedTuple):
    """A calendar day of a zone: `[start, end)` between its two midnights."""

    date: date
    start: Instant
    end: Instant
    fixed: bool
    """Whether one offset holds all day and the day after: labels are subtraction."""


@lru_cache(maxsize=65536)
def local_day(day: date, zone: ZoneInfo) -> LocalDay:
    """Return the day's bounds; a day whose midnight is skipped starts at the gap."""
    fixed = _fixed_offset(zone, day.toordinal()) is not None
    start = from_wall_clock(day, 0, zone)
    end = from_wall_clock(day, MINUTES_A_DAY, zone)
    return LocalDay(day, start, end, fixed)


@lru_cache(maxsize=512)
def local_days(first: date, last: date, zone: ZoneInfo) -> tuple[LocalDay, ...]:
    """Return the days from the first to the last, both included."""
    span = range((last - first).days + 1)
    return tuple(local_day(first + timedelta(days=offset), zone) for offset in span)
