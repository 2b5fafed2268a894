"""Short forms, so that a test of the core reads like the rule it shows."""

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from tests.core.worlds import SOME_ID
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import (
    Busy,
    BusySource,
    BusyTimes,
    BusyType,
    Claims,
)
from universal_calendar.core.hours import parse_hours
from universal_calendar.core.instant import MINUTE, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import from_wall_clock, wall_clock
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.core.silence import NOTHING_OUTSIDE, Knowledge
from universal_calendar.core.slots import free_slots

MONDAY = date(2026, 6, 1)
TUESDAY = date(2026, 6, 2)
LONG_AGO = date(2026, 5, 20)
BLOCK, CALENDAR = BusySource.BLOCK, BusySource.CALENDAR
SOFT, HARD = BusyType.TENTATIVE, BusyType.UNAVAILABLE
Spans = Sequence[tuple[str, str]]


def every_day(*spans: tuple[str, str]) -> dict[str, list[dict[str, str]]]:
    """Return working hours with these intervals on each weekday."""
    hours = [{"start": start, "end": end} for start, end in spans]
    return dict.fromkeys(WEEKDAYS, hours)


def at(label: str, day: date = MONDAY, zone: str = "UTC") -> Instant:
    """Return the instant of a label such as 09:30."""
    minute = int(label[:2]) * 60 + int(label[3:])
    return from_wall_clock(day, minute, ZoneInfo(zone))


def span(start: str, end: str, day: date = MONDAY, zone: str = "UTC") -> Interval:
    """Return the interval between two labels of a day."""
    return Interval(at(start, day, zone), at(end, day, zone))


def busy(
    start: str, end: str, source: BusySource = CALENDAR, kind: BusyType = BusyType.BUSY
) -> Busy:
    """Return a busy time of Monday."""
    return Busy(span(start, end), kind, source)


def agenda(
    document: Mapping[str, object],
    *,
    claims: Spans = (),
    busy: Sequence[Busy] = (),
    zone: str = "UTC",
    next_expiry: Instant | None = None,
    knowledge: Knowledge = NOTHING_OUTSIDE,
) -> Agenda:
    """Return an agenda with these hours; without notice unless the document has it."""
    hours = parse_hours({"min_advance_booking_hours": 0, **document})
    taken = sorted(span(start, end) for start, end in claims)
    return Agenda(
        tenant_id=SOME_ID,
        agent_id=SOME_ID,
        revision=1,
        zone=ZoneInfo(zone),
        schedule=hours.schedule,
        rules=hours.rules,
        claims=Claims.of([each.start for each in taken], [each.end for each in taken]),
        busy=BusyTimes.of(busy),
        next_expiry=next_expiry,
        knowledge=knowledge,
    )


def listed(
    agenda: Agenda,
    minutes: int = 60,
    day: date = MONDAY,
    now: Instant | None = None,
) -> list[str]:
    """Return the labels of one day's slots."""
    moment = at("00:00", LONG_AGO) if now is None else now
    days = free_slots(agenda, day, day, minutes * MINUTE, moment)
    return [
        wall_clock(start, agenda.zone).strftime("%H:%M")
        for each in days
        for start in each.starts
    ]
