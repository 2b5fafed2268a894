"""Every IANA zone, at every change of its clocks in two years."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from tests.core.oracle import Asked, World
from tests.core.worlds import agenda_of
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.instant import MINUTE, from_datetime, to_datetime
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.core.slots import free_slots

ALWAYS = {day: [{"start": "00:00", "end": "24:00"}] for day in WEEKDAYS}
NIGHTS = {day: [{"start": "21:07", "end": "06:10"}] for day in WEEKDAYS}
YEARS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
QUARTER = 15


def transitions(zone: ZoneInfo) -> list[date]:
    """Return the days after which the offset is another one."""
    count = (YEARS[1] - YEARS[0]).days
    noons = [YEARS[0] + timedelta(days=n, hours=12) for n in range(count)]
    offsets = [(noon, noon.astimezone(zone).utcoffset()) for noon in noons]
    return [
        here.astimezone(zone).date()
        for (here, before), (_, after) in pairwise(offsets)
        if before != after
    ]


def agenda(zone: ZoneInfo, hours: dict[str, list[dict[str, str]]], grid: str) -> Agenda:
    asked = Asked(interval=QUARTER, alignment=grid, window_days=1000)
    return agenda_of(World(zone, hours, {}, asked))


def labels(agenda: Agenda, first: date, last: date) -> dict[datetime, int]:
    """Return each label listed, with its instant; the same one twice is an error."""
    now = from_datetime(YEARS[0] - timedelta(days=2))
    found: dict[datetime, int] = {}
    for day in free_slots(agenda, first, last, QUARTER * MINUTE, now):
        for start in day.starts:
            shown = to_datetime(start).astimezone(agenda.zone)
            label = shown.replace(tzinfo=None, fold=0)
            assert label not in found, f"{label} is listed twice"
            found[label] = start
    return found


@pytest.mark.parametrize("name", sorted(available_timezones() - {"localtime"}))
def test_every_label_is_one_instant_and_every_instant_one_label(name: str) -> None:
    zone = ZoneInfo(name)
    for day in transitions(zone) or [date(2026, 7, 1)]:
        first, last = day - timedelta(days=1), day + timedelta(days=2)
        for hours, grid in ((ALWAYS, "window"), (ALWAYS, "clock"), (NIGHTS, "window")):
            found = labels(agenda(zone, hours, grid), first, last)
            assert found
            for label, start in found.items():
                booked = label.replace(tzinfo=zone, fold=0)
                assert from_datetime(booked.astimezone(UTC)) == start
                assert booked.astimezone(UTC).astimezone(zone) == booked
            assert list(found.values()) == sorted(set(found.values()))


@pytest.mark.parametrize("name", sorted(available_timezones() - {"localtime"}))
def test_the_clock_grid_lists_every_quarter_that_clocks_show(name: str) -> None:
    zone = ZoneInfo(name)
    for day in transitions(zone) or [date(2026, 7, 1)]:
        first, last = day - timedelta(days=1), day + timedelta(days=2)
        midnight = datetime.combine(first, datetime.min.time())
        quarters = (midnight + timedelta(minutes=QUARTER * n) for n in range(4 * 96))
        expected = [
            quarter
            for quarter in quarters
            if exists(quarter, zone) and quarter.date() <= last
        ]
        assert list(labels(agenda(zone, ALWAYS, "clock"), first, last)) == expected


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    there = wall.replace(tzinfo=zone).astimezone(UTC)
    return there.astimezone(zone).replace(tzinfo=None, fold=0) == wall
