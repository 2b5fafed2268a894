"""The agents that are measured: their hours, and what takes their time."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from universal_calendar.core.identifier import uuid7
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.core.wire import clock_label

ZONE: Final = ZoneInfo("America/New_York")
DAYS_ASKED: Final = 90
"""Between the first and the last day, which is the most that may be asked for."""
SHIFTS: Final = 4
"""Different first days that a question may have."""
SLOT_MINUTES: Final = 30
NOTICE_HOURS: Final = 2
WINDOW_DAYS: Final = 540
_MARGIN: Final = timedelta(days=14)
_WEEKS: Final = DAYS_ASKED // 7
_HOLDS: Final = 6
"""Claims of each agent that are live holds; as many expired ones lie in free time."""


FreeHalfHour: TypeAlias = tuple[date, int]
"""Day and minute of a half hour that can be booked."""


class Kind(StrEnum):
    """What a claim is."""

    APPOINTMENT = "appointment"
    HOLD = "hold"
    EXPIRED_HOLD = "expired hold"


@dataclass(frozen=True, slots=True)
class PlannedClaim:
    """A claim in local time: `minute` of `day`."""

    day: date
    minute: int
    minutes: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Pattern:
    """How full a working day is.

    Each of `taken` half hours of the day holds the appointments of `cell`: (minutes
    past the half hour, length). With their buffers they fill it and leave the
    neighbouring half hours free.
    """

    name: str
    opens: int
    closes: int
    taken: int
    cell: tuple[tuple[int, int], ...]
    buffer_minutes: int

    @property
    def cells(self) -> range:
        """Return the minute at which each half hour of the day begins."""
        return range(self.opens, self.closes, SLOT_MINUTES)


EIGHT_A_DAY: Final = Pattern("8 a day", 9 * 60, 17 * 60, 8, ((5, 20),), 5)
FORTY_A_DAY: Final = Pattern("40 a day", 6 * 60, 22 * 60, 20, ((3, 10), (16, 10)), 3)


@dataclass(frozen=True, slots=True)
class Calendar:
    """One agent: who it is, when it works, what it has."""

    agent_id: UUID
    pattern: Pattern
    first: date
    closed: date
    opened: date
    claims: tuple[PlannedClaim, ...]
    free: tuple[FreeHalfHour, ...]
    """Half hours that neither a claim nor an expired hold lies in."""

    @property
    def working_hours(self) -> dict[str, list[dict[str, str]]]:
        """Return Monday to Friday as the guide writes hours."""
        return dict.fromkeys(WEEKDAYS[:5], self._hours)

    @property
    def overrides(self) -> dict[str, list[dict[str, str]]]:
        """Return a Wednesday off and a Saturday at work."""
        return {self.closed.isoformat(): [], self.opened.isoformat(): self._hours}

    @property
    def _hours(self) -> list[dict[str, str]]:
        pattern = self.pattern
        opens, closes = clock_label(pattern.opens), clock_label(pattern.closes)
        return [{"start": opens, "end": closes}]

    @property
    def document(self) -> dict[str, object]:
        """Return the hours document, with every rule that free-slots must obey."""
        return {
            "working_hours": self.working_hours,
            "overrides": self.overrides,
            "timezone": ZONE.key,
            "buffer_time_minutes": self.pattern.buffer_minutes,
            "min_advance_booking_hours": NOTICE_HOURS,
            "max_advance_booking_days": WINDOW_DAYS,
        }


def first_monday(today: date) -> date:
    """Return a Monday from which the zone's clocks change within the days asked for."""
    monday = today + timedelta(days=14 - today.weekday())
    while not _changes_inside(monday):
        monday += timedelta(days=7)
    return monday


def _changes_inside(monday: date) -> bool:
    last = monday + timedelta(days=DAYS_ASKED)
    return _offset(monday + _MARGIN) != _offset(last - _MARGIN)


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, time(12), ZONE).utcoffset()


def calendars(
    pattern: Pattern, count: int, first: date, now: datetime
) -> list[Calendar]:
    """Plan agents that differ in their overrides and in what is taken; repeatable."""
    chance = random.Random(f"{pattern} {count}")  # noqa: S311 - no secret
    return [_calendar(pattern, first, number, chance, now) for number in range(count)]


def _calendar(
    pattern: Pattern, first: date, number: int, chance: random.Random, now: datetime
) -> Calendar:
    week = first + timedelta(weeks=number % (_WEEKS - 1) + 1)
    closed, opened = week + timedelta(days=2), week + timedelta(days=5)
    claims: list[PlannedClaim] = []
    free: list[FreeHalfHour] = []
    for day in _working_days(first, closed, opened):
        taken = set(chance.sample(pattern.cells, pattern.taken))
        for cell in sorted(taken):
            claims += _appointments(day, cell, pattern)
        free += [(day, cell) for cell in pattern.cells if cell not in taken]
    agent_id = uuid7(from_datetime(now), chance.getrandbits(74))
    claims, free = _with_holds(claims, free, pattern)
    return Calendar(
        agent_id, pattern, first, closed, opened, tuple(claims), tuple(free)
    )


def _working_days(first: date, closed: date, opened: date) -> Iterator[date]:
    for offset in range(DAYS_ASKED + 1 + SHIFTS):
        day = first + timedelta(days=offset)
        if day == opened or (day.weekday() < 5 and day != closed):
            yield day


def _appointments(day: date, cell: int, pattern: Pattern) -> list[PlannedClaim]:
    return [
        PlannedClaim(day, cell + past, minutes, Kind.APPOINTMENT)
        for past, minutes in pattern.cell
    ]


def _with_holds(
    claims: list[PlannedClaim], free: list[FreeHalfHour], pattern: Pattern
) -> tuple[list[PlannedClaim], list[FreeHalfHour]]:
    """Turn some appointments into holds, and put expired holds into free time."""
    held = claims[:: len(claims) // _HOLDS]
    holds = [PlannedClaim(c.day, c.minute, c.minutes, Kind.HOLD) for c in held]
    stale = free[:: len(free) // _HOLDS]
    past, minutes = pattern.cell[0]
    expired = [
        PlannedClaim(day, cell + past, minutes, Kind.EXPIRED_HOLD)
        for day, cell in stale
    ]
    rest = [claim for claim in claims if claim not in set(held)]
    return rest + holds + expired, [each for each in free if each not in set(stale)]


@dataclass(frozen=True, slots=True)
class Question:
    """Free half-hour slots of one agent between two days."""

    agent_id: UUID
    first: date
    last: date


def questions(asked: Sequence[Calendar], days: int, shift: int = 0) -> list[Question]:
    """Ask each agent about `days` + 1 days, weeks in turn if they are few."""
    weeks = 1 if days == DAYS_ASKED else _WEEKS
    found = []
    for number, calendar in enumerate(asked):
        first = calendar.first + timedelta(weeks=number % weeks, days=shift)
        last = first + timedelta(days=days)
        found.append(Question(calendar.agent_id, first, last))
    return found
