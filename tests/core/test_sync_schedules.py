"""What follows from what was read of a platform's schedule."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.syncing import (
    ANN,
    BEN,
    MOVE,
    NOW,
    REFUSED,
    Seen,
    foreign,
    hour,
    own,
    planned,
    reading,
    seen,
)
from universal_calendar.core.busy import KINDS, BusySource, BusyType
from universal_calendar.core.interval import Interval
from universal_calendar.core.sync import (
    NOBODY,
    Known,
    Move,
    OwnEvent,
    Reading,
    Writing,
    follow,
)
from universal_calendar.core.sync_plan import MirroredTime, Plan, strayed_times

OPAQUE = KINDS.index((BusyType.BUSY, BusySource.CALENDAR))
AGENTS = {"ann": ANN, "ann's son": ANN, "ben": BEN, "temp": None, NOBODY: BEN}
"""The temp is nobody's agent; what nobody is assigned to is Ben's."""


def schedule(*events: Seen, is_full: bool = True) -> Reading:
    return replace(reading(events, is_full=is_full), agents=AGENTS)


@pytest.mark.parametrize(
    ("technicians", "agent_id"),
    [
        (None, ANN),
        ((), ANN),
        (("ann",), ANN),
        (("ann's son",), ANN),
        (("ben", "ann"), ANN),
        (("ben",), BEN),
        (("temp", "ben"), BEN),
        (("temp",), ANN),
        (("unheard of",), ANN),
        ((NOBODY,), ANN),
    ],
)
def test_whose_an_event_of_ours_is(
    technicians: tuple[str, ...] | None, agent_id: UUID
) -> None:
    found = schedule(seen(technicians=technicians))
    move = replace(MOVE, interval=hour(0), agent_id=agent_id)
    assert follow(own(), found) == (None if agent_id == ANN else move)
    moved = schedule(seen(technicians=technicians, intervals=(hour(5),)))
    assert follow(own(), moved) == replace(MOVE, agent_id=agent_id)


def test_an_agent_who_is_no_technician_keeps_what_nobody_is_assigned_to() -> None:
    eve = own(agent_id=UUID(int=1003))
    assert follow(eve, schedule(seen(technicians=(NOBODY,)))) is None


@pytest.mark.parametrize("is_open", [False, True])
def test_who_else_is_assigned_to_ours_is_taken(is_open: bool) -> None:
    known = Known([own(is_open=is_open)])
    both = seen(technicians=("ann", "ben", "ann's son", "temp"))
    (only,) = planned(known, schedule(both)).times
    assert only.technicians == ("ben", "temp")
    assert (only.start, only.end) == (hour(0).start, hour(0).end)
    alone = seen(technicians=("ann",)), seen(technicians=(NOBODY,)), seen()
    assert not any(planned(known, schedule(each)).times for each in alone)


def test_ours_does_not_stand_in_its_own_way_to_another_agent() -> None:
    found = planned(Known([own()]), schedule(seen(technicians=("ben",))))
    assert [type(each) for each in found.actions] == [Move]
    assert found.times == []


def test_ours_that_its_agent_could_not_follow_takes_the_technicians_time() -> None:
    known = Known([replace(REFUSED, etag="new")])
    found = planned(known, schedule(seen(technicians=("ben",))))
    assert found.actions == []
    assert [each.technicians for each in found.times] == [("ben",)]


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (own(interval=hour(-48)), ("ann", "ben")),
        (own(is_open=False), ("ann", "ben")),
        (replace(REFUSED, etag="new"), ("ann", "ben")),
        # These follow, or are written anew: their claims say where they are.
        (own(), ("ben",)),
        (own(writing=Writing.WAITING), ("ben",)),
        (own(writing=Writing.RUNNING), ("ben",)),
        (own(written_at=NOW), ("ben",)),
    ],
)
def test_ours_that_is_not_followed_to_where_it_went_takes_time_there(
    ours: OwnEvent, expected: tuple[str, ...]
) -> None:
    there = seen(intervals=(hour(5),), technicians=("ann", "ben"))
    found = planned(Known([ours], {ours.appointment_id}), schedule(there))
    assert [each.technicians for each in found.times] == [expected]
    # An event takes the agent's time, or nobody's.
    event = replace(there, technicians=None, appointment_id=ours.appointment_id)
    found = planned(Known([ours], {ours.appointment_id}), reading([event]))
    has_strayed = "ann" in expected
    assert [each.start for each in found.times] == [hour(5).start] * has_strayed


def test_a_move_that_was_refused_after_all_takes_time_there() -> None:
    known, there = Known([own(), own(1)]), [seen(0, intervals=(hour(5),)), seen(1)]
    found = reading(there)
    assert planned(known, found).times == []
    assert strayed_times(known, found, ["own0"]) == [
        MirroredTime("own0", hour(5).start, hour(5).end, OPAQUE)
    ]


def test_of_what_its_owner_made_a_series_the_rest_is_its_owners() -> None:
    series = seen(intervals=(hour(24), hour(0), hour(48)))
    found = planned(Known([own()]), reading([series]))
    assert found.actions == []
    assert [each.start for each in found.times] == [hour(24).start, hour(48).start]


def test_a_job_of_ours_may_have_visits_that_are_not() -> None:
    mine = own().appointment_id
    visits = [
        seen(0, appointment_id=mine, technicians=("ann",)),
        foreign(1, appointment_id=mine, technicians=("ann",)),
    ]
    known = Known([own()], {mine})
    found = planned(known, schedule(*visits)).times
    assert [each.event_id for each in found] == ["foreign1"]
    # Until it is known which of them is ours, none is anybody else's.
    assert planned(Known([], {mine}), schedule(*visits)).times == []


@given(
    technicians=st.none() | st.lists(st.sampled_from([*AGENTS, "unheard of"])),
    hours=st.lists(st.integers(0, 5), min_size=1),
    is_ours=st.booleans(),
    writing=st.sampled_from(Writing),
)
def test_nobody_s_time_is_taken_twice(
    technicians: list[str] | None, hours: list[int], is_ours: bool, writing: Writing
) -> None:
    """Ours takes its agent's time by its claim, and others' in the mirror alone."""
    told = None if technicians is None else tuple(technicians)
    event = seen(0, intervals=tuple(map(hour, hours)), technicians=told)
    known = Known([own(writing=writing)] if is_ours else [])
    found = planned(known, schedule(event))
    agent_id = next((each.agent_id for each in moves_of(found)), ANN)
    claimed = next((each.interval for each in moves_of(found)), own().interval)
    for time in found.times:
        if is_ours and told is None:
            assert not claimed.overlaps(Interval(time.start, time.end))
        elif is_ours:
            assert time.technicians
            assert agent_id not in {AGENTS.get(each) for each in time.technicians}
        else:
            assert time.technicians == told
    starts = [time.start for time in found.times]
    every = sorted({hour(each).start for each in hours})
    assert starts in ([], every[1:], every)
    assert is_ours or starts == every


def moves_of(found: Plan) -> list[Move]:
    return [each for each in found.actions if isinstance(each, Move)]
