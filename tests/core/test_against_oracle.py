"""The core and the oracle give the same answers in random worlds."""

from datetime import date

import pytest
from hypothesis import given, note, settings

from tests.core.oracle import MINUTE, Moment, Oracle, shown
from tests.core.worlds import Case, agenda_of, cases, instant, moment
from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.booking import (
    check_availability,
    check_timing,
    unavailability,
)
from universal_calendar.core.errors import BookingRefused, PastStart, TooFar, TooSoon
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import exists, from_wall_clock
from universal_calendar.core.slots import free_slots

thorough = settings(
    max_examples=150,
)
TIMING = {"past": PastStart, "too_soon": TooSoon, "too_far": TooFar}


def oracle_of(case: Case, authority: str = "ordinary") -> Oracle:
    note(case)
    world = case.world.passed_by(authority)
    return Oracle(world, case.middle, case.minutes, case.now)


def listed(case: Case, agenda: Agenda) -> dict[date, list[Moment]]:
    days = free_slots(agenda, case.first, case.last, case.length, instant(case.now))
    return {each.day.date: [moment(start) for start in each.starts] for each in days}


def worth_asking(case: Case, oracle: Oracle) -> list[Moment]:
    """Return the starts at which an answer may change, a minute more and less."""
    world = oracle.world
    taken = world.claims + world.hard_blocks + world.soft_blocks + world.events
    buffers = {0, oracle.asked.before, oracle.asked.after}
    edges = {edge for span in oracle.openings for edge in span}
    edges |= {end + buffer * MINUTE for _, end in taken for buffer in buffers}
    edges |= {start - buffer * MINUTE for start, _ in taken for buffer in buffers}
    edges |= {edge - case.length for edge in edges}
    starts = {(edge // MINUTE + n) * MINUTE for edge in edges for n in (-1, 0, 1)}
    within = oracle.days[1], oracle.days[3]
    return sorted(
        s for s in starts if within[0] <= shown(s, world.zone).date() <= within[1]
    )


@given(cases())
@thorough
def test_free_slots_lists_what_the_oracle_lists(case: Case) -> None:
    expected = oracle_of(case).slots(case.first, case.last)
    assert listed(case, agenda_of(case.world)) == expected


@given(cases())
@thorough
def test_a_booking_is_refused_for_a_reason_that_holds(case: Case) -> None:
    oracle, agenda = oracle_of(case), agenda_of(case.world)
    for start in worth_asking(case, oracle):
        wanted = Interval(instant(start), instant(start) + case.length)
        reason = unavailability(agenda, wanted)
        expected = oracle.reasons(start)
        assert reason in expected if expected else reason is None, start


@pytest.mark.parametrize("authority", ["ordinary", "emergency", "forced"])
@given(case=cases())
@settings(thorough, max_examples=60)
def test_timing_is_refused_for_a_reason_that_holds(authority: str, case: Case) -> None:
    oracle, agenda = oracle_of(case, authority), agenda_of(case.world)
    notice = oracle.asked.notice_hours * 60
    for minutes in (0, notice, notice + 60, 1440, 2880, 4320):
        for hair in (-1, 0, 1):
            start = case.now + minutes * MINUTE + hair
            refused = timing_of(agenda, start, case.now, Authority(authority))
            expected = tuple(TIMING[reason] for reason in oracle.timing(start))
            assert isinstance(refused, expected) if expected else refused is None


def timing_of(
    agenda: Agenda, start: Moment, now: Moment, authority: Authority
) -> BookingRefused | None:
    try:
        check_timing(agenda, instant(start), instant(now), authority)
    except BookingRefused as refused:
        return refused
    return None


@pytest.mark.parametrize("authority", ["emergency", "forced"])
@given(case=cases())
@settings(thorough, max_examples=60)
def test_authority_passes_what_the_table_says_and_no_more(
    authority: str, case: Case
) -> None:
    oracle, agenda = oracle_of(case, authority), agenda_of(case.world)
    for start in worth_asking(case, oracle):
        wanted = Interval(instant(start), instant(start) + case.length)
        passed = is_bookable(agenda, wanted, case, Authority(authority))
        assert passed is not bool(oracle.reasons(start) | oracle.timing(start)), start


def is_bookable(
    agenda: Agenda,
    wanted: Interval,
    case: Case,
    authority: Authority = Authority.ORDINARY,
) -> bool:
    try:
        check_timing(agenda, wanted.start, instant(case.now), authority)
        check_availability(agenda, wanted, authority)
    except BookingRefused:
        return False
    return True


@given(cases())
@thorough
def test_what_is_listed_can_be_booked_and_what_is_hidden_cannot(case: Case) -> None:
    agenda = agenda_of(case.world)
    seen = {s for starts in listed(case, agenda).values() for s in starts}
    for start in sorted(oracle_of(case).grid | seen):
        label = shown(start, case.world.zone)
        if not case.first <= label.date() <= case.last:
            continue
        minute = label.hour * 60 + label.minute
        booked = from_wall_clock(label.date(), minute, case.world.zone)
        assert exists(label.date(), minute, case.world.zone)
        wanted = Interval(booked, booked + case.length)
        assert is_bookable(agenda, wanted, case) is (start in seen), label
