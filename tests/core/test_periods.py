"""Free periods hold exactly the whole minutes at which a booking would be taken."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.core.building import (
    BLOCK,
    HARD,
    LONG_AGO,
    MONDAY,
    TUESDAY,
    agenda,
    at,
    busy,
    every_day,
)
from tests.core.worlds import Case, agenda_of, cases, instant
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.booking import check_timing, unavailability, valid_until
from universal_calendar.core.errors import BookingRefused
from universal_calendar.core.instant import HOUR, MINUTE, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import LocalDay, local_day, wall_clock
from universal_calendar.core.periods import DayPeriods, Days, free_periods, slot_periods
from universal_calendar.core.slots import free_slots

UTC = ZoneInfo("UTC")
OFFICE: dict[str, object] = {"working_hours": every_day(("09:00", "17:00"))}
thorough = settings(
    max_examples=120,
)
ASKERS = st.sampled_from(
    [None, None, "UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Australia/Lord_Howe"]
)


def is_bookable(agenda: Agenda, start: Instant, length: int, now: Instant) -> bool:
    try:
        check_timing(agenda, start, now)
    except BookingRefused:
        return False
    return unavailability(agenda, Interval(start, start + length)) is None


def whole_minutes(day: LocalDay) -> range:
    return range(-(-day.start // MINUTE) * MINUTE, day.end, MINUTE)


def starts_in(found: list[DayPeriods], length: int) -> Iterator[Instant]:
    for each in found:
        for period in each.periods:
            yield from range(period.start, period.end - length + 1, MINUTE)


@given(cases(), ASKERS, st.integers(-1, 1))
@thorough
def test_periods_hold_every_bookable_minute_and_no_other(
    case: Case, asker: str | None, offset: int
) -> None:
    note(case)
    agenda, now = agenda_of(case.world), instant(case.now)
    zone = ZoneInfo(asker) if asker else case.world.zone
    date_asked = case.middle + timedelta(days=offset)
    day = local_day(date_asked, zone)
    found = free_periods(agenda, Days(date_asked, date_asked, zone), case.length, now)
    expected = [
        start
        for start in whole_minutes(day)
        if start + case.length <= day.end
        and is_bookable(agenda, start, case.length, now)
    ]
    assert list(starts_in(found, case.length)) == expected
    for each in found:
        assert each.day == day
        assert all(day.start <= p.start and p.end <= day.end for p in each.periods)
        assert list(each.periods) == sorted(each.periods)
        if agenda.rules.enforce_grid:
            assert all(period.length == case.length for period in each.periods)
        else:
            assert_apart(each, case.length)


def assert_apart(found: DayPeriods, length: int) -> None:
    """Make sure that no two periods could have been one."""
    for left, right in pairwise(found.periods):
        assert left.end - length + MINUTE < right.start


@given(cases(), ASKERS)
@thorough
def test_days_are_answered_one_like_many(case: Case, asker: str | None) -> None:
    agenda, now = agenda_of(case.world), instant(case.now)
    zone = ZoneInfo(asker) if asker else case.world.zone
    for ask in (free_periods, slot_periods):
        together = ask(agenda, Days(case.first, case.last, zone), case.length, now)
        apart = [
            found
            for day in (case.first, case.middle, case.last)
            for found in ask(agenda, Days(day, day, zone), case.length, now)
        ]
        assert [(d.day, d.periods) for d in together] == [
            (d.day, d.periods) for d in apart
        ]


@given(cases(), ASKERS)
@thorough
def test_slots_are_those_of_the_agent_by_the_askers_dates(
    case: Case, asker: str | None
) -> None:
    agenda, now = agenda_of(case.world), instant(case.now)
    zone, far = ZoneInfo(asker) if asker else case.world.zone, timedelta(days=4)
    listed = free_slots(agenda, case.first - far, case.last + far, case.length, now)
    expected = [
        start
        for each in listed
        for start in each.starts
        if case.first <= wall_clock(start, zone).date() <= case.last
    ]
    found = slot_periods(agenda, Days(case.first, case.last, zone), case.length, now)
    assert list(starts_in(found, case.length)) == expected


@given(cases(), ASKERS, st.floats(0, 1))
@thorough
def test_an_answer_stays_the_same_until_it_goes_out_of_date(
    case: Case, asker: str | None, part: float
) -> None:
    agenda, now = agenda_of(case.world), instant(case.now)
    zone = ZoneInfo(asker) if asker else case.world.zone

    def answer(moment: Instant) -> tuple[object, Instant]:
        days = Days(case.first, case.last, zone)
        found = free_periods(agenda, days, case.length, moment)
        earliest = found[0].periods[0].start if found else None
        shown = [(each.day, each.periods) for each in found]
        return shown, valid_until(agenda, earliest, moment)

    before, until = answer(now)
    for moment in (now + int((until - 1 - now) * part), until - 1):
        assert answer(moment) == (before, until)


def labels(
    agenda: Agenda,
    minutes: int = 60,
    now: Instant | None = None,
    days: tuple[date, date] = (MONDAY, MONDAY),
    zone: ZoneInfo = UTC,
) -> dict[str, list[str]]:
    """Return the periods as a clock in the zone shows them, by date."""
    moment = at("00:00", LONG_AGO) if now is None else now
    found = free_periods(agenda, Days(*days, zone), minutes * MINUTE, moment)
    return {str(day.day.date): [_label(p, zone) for p in day.periods] for day in found}


def _label(period: Interval, zone: ZoneInfo) -> str:
    start, end = (wall_clock(edge, zone) for edge in (period.start, period.end))
    return f"{start:%H:%M}-{end:%H:%M}"


def test_what_is_taken_divides_a_day() -> None:
    taken = agenda(OFFICE, claims=[("10:00", "11:00")], busy=[busy("14:00", "15:30")])
    assert labels(taken) == {
        "2026-06-01": ["09:00-10:00", "11:00-14:00", "15:30-17:00"]
    }
    assert labels(taken, 90) == {"2026-06-01": ["11:00-14:00", "15:30-17:00"]}


def test_a_period_ends_where_the_buffer_begins() -> None:
    rules = {"buffer_before_minutes": 10, "buffer_after_minutes": 20}
    taken = agenda(OFFICE | rules, claims=[("12:00", "13:00")])
    assert labels(taken) == {"2026-06-01": ["09:00-11:40", "13:20-17:00"]}
    around = agenda(OFFICE | rules, claims=[("08:00", "09:00"), ("17:00", "18:00")])
    assert labels(around) == {"2026-06-01": ["09:20-16:40"]}


def test_notice_shortens_the_first_period_to_the_next_whole_minute() -> None:
    soon = agenda(OFFICE | {"min_advance_booking_hours": 2})
    assert labels(soon, now=at("09:30")) == {"2026-06-01": ["11:30-17:00"]}
    assert labels(soon, now=at("09:30") + 1) == {"2026-06-01": ["11:31-17:00"]}
    assert labels(soon, now=at("14:01")) == {}


def test_periods_are_cut_at_the_midnight_of_whoever_asks() -> None:
    always = agenda({"working_hours": every_day(("00:00", "24:00"))})
    assert labels(always, days=(MONDAY, TUESDAY)) == {
        "2026-06-01": ["00:00-00:00"],
        "2026-06-02": ["00:00-00:00"],
    }
    office = agenda(OFFICE)
    auckland = ZoneInfo("Pacific/Auckland")
    assert labels(office, zone=auckland, days=(MONDAY, TUESDAY)) == {
        "2026-06-01": ["00:00-05:00", "21:00-00:00"],
        "2026-06-02": ["00:00-05:00", "21:00-00:00"],
    }


def test_a_full_day_is_left_out_and_the_night_before_is_not() -> None:
    night = {"working_hours": every_day(("20:00", "04:00"))}
    limited = agenda(
        night | {"max_appointments_per_day": 1}, claims=[("01:00", "02:00")]
    )
    tuesday = labels(limited, days=(MONDAY, TUESDAY))
    assert tuesday == {"2026-06-02": ["00:00-04:00", "20:00-00:00"]}
    brisbane = labels(
        limited, days=(MONDAY, MONDAY), zone=ZoneInfo("Australia/Brisbane")
    )
    assert brisbane == {"2026-06-01": ["06:00-10:59"]}


def test_each_slot_of_an_enforced_grid_is_a_period() -> None:
    grid = agenda(OFFICE | {"enforce_grid": True, "slot_interval_minutes": 240})
    assert labels(grid) == {"2026-06-01": ["09:00-10:00", "13:00-14:00"]}


def test_the_window_ends_a_period() -> None:
    always = {"working_hours": every_day(("00:00", "24:00"))}
    short = agenda(always | {"max_advance_booking_days": 0})
    kiritimati = ZoneInfo("Pacific/Kiritimati")  # 14 hours ahead
    found = labels(short, now=at("00:00"), days=(MONDAY, TUESDAY), zone=kiritimati)
    assert found == {"2026-06-01": ["14:00-00:00"], "2026-06-02": ["00:00-14:59"]}


def test_an_unchanged_day_is_the_same_object() -> None:
    before = agenda(OFFICE, busy=[busy("10:00", "11:00", BLOCK, HARD)])
    after = replace(before, revision=2)
    days, now = Days(MONDAY, TUESDAY, UTC), at("00:00", LONG_AGO)
    first, second = (free_periods(each, days, HOUR, now) for each in (before, after))
    assert [id(each) for each in first] == [id(each) for each in second]
    assert len(first) == 2


@pytest.mark.parametrize("minutes", [1, 1440])
def test_shortest_and_longest(minutes: int) -> None:
    always = agenda({"working_hours": every_day(("00:00", "24:00"))})
    assert labels(always, minutes) == {"2026-06-01": ["00:00-00:00"]}
