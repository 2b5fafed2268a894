"""Who gets an appointment for which no agent was named."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.core.building import agenda, at, every_day, span
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.assignment import Candidate, fit_of, offers, ranked
from universal_calendar.core.errors import PastStart, SlotUnavailable, Unavailability
from universal_calendar.core.instant import DAY
from universal_calendar.core.interval import Interval
from universal_calendar.core.wanted import ExactTime

OPEN = {"working_hours": every_day(("09:00", "17:00"))}
TEN = ExactTime(span("10:00", "11:00"))
NOW = at("00:00")


def named(number: int, whose: Agenda) -> Agenda:
    return replace(whose, agent_id=UUID(int=number))


def order(*candidates: Candidate) -> list[int]:
    return [fit.agenda.agent_id.int for fit in ranked(candidates, TEN, NOW)]


def test_the_fewest_claims_of_the_day_and_then_the_smaller_id() -> None:
    busy = named(1, agenda(OPEN, claims=[("12:00", "13:00"), ("14:00", "15:00")]))
    idle = [named(number, agenda(OPEN)) for number in (3, 2)]
    assert order(*map(Candidate, [busy, *idle])) == [2, 3, 1]


def test_the_holder_goes_first() -> None:
    busy = named(2, agenda(OPEN, claims=[("12:00", "13:00")]))
    idle = named(1, agenda(OPEN))
    assert order(Candidate(idle), Candidate(busy, holds_time=True)) == [2, 1]


def test_who_is_not_free_goes_last_by_how_near_they_are() -> None:
    late = {"working_hours": every_day(("12:00", "17:00"))}
    full = OPEN | {"max_appointments_per_day": 1}
    candidates = [
        named(1, agenda({"working_hours": {}})),
        named(2, agenda(late)),
        named(3, agenda(OPEN, claims=[("10:30", "11:00")])),
        named(4, agenda(full, claims=[("14:00", "15:00")])),
        named(5, agenda(OPEN, claims=[("12:00", "13:00")])),
    ]
    assert order(*map(Candidate, candidates)) == [5, 4, 3, 1, 2]


@pytest.mark.parametrize("reason", list(Unavailability))
def test_no_reason_is_worse_than_being_out_of_time(reason: Unavailability) -> None:
    assert fit_of(SlotUnavailable(reason)) > fit_of(PastStart()) == 0


def test_offers_are_the_nearest_of_all() -> None:
    one = named(1, agenda(OPEN, claims=[("09:00", "12:00")]))
    two = named(2, agenda(OPEN, claims=[("10:00", "11:00")]))
    found = [
        (each.agent_id.int, each.interval) for each in offers([one, two], TEN, NOW)
    ]
    assert found[:2] == [(2, span("09:00", "10:00")), (2, span("11:00", "12:00"))]
    assert len(found) == 3


def test_nothing_is_offered_for_what_is_longer_than_a_day() -> None:
    always = agenda({"working_hours": every_day(("00:00", "24:00"))})
    long = Interval(at("10:00"), at("10:00") + 2 * DAY)
    assert offers([always], ExactTime(long), NOW) == []
