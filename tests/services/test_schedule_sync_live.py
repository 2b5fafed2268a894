"""What the live check makes of visits of ours that others touched meanwhile."""

from collections.abc import Sequence

import pytest

from tests.harness.scenes.scheduled import Scheduled, open_scheduled
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.services.booking.appointment_changes import Revision


@pytest.fixture
async def scheduled(parts: Parts) -> Scheduled:
    return await open_scheduled(parts)


async def asked(scheduled: Scheduled, day: int = 3) -> dict[str, Sequence[Interval]]:
    """Return what takes whose time besides the claims, on a day."""
    morning = scheduled.hour(0, day).start
    hours = Interval(morning, morning + 10 * HOUR)
    found = {
        each.name.lower(): await scheduled.asked(each, hours)
        for each in scheduled.agents
    }
    return {name: times for name, times in found.items() if times}


async def test_as_we_wrote_it_it_is_its_claim(scheduled: Scheduled) -> None:
    await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    await scheduled.written_visit(scheduled.ann, scheduled.hour(1))
    await scheduled.book(scheduled.eve, scheduled.hour(2))  # not written yet
    assert await asked(scheduled) == {}


async def test_a_second_technician_is_taken(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, "t-ben", "t-eve")
    assert await asked(scheduled) == {"eve": [at]}
    # Whatever becomes of the appointment here.
    await scheduled.revise(booked, Revision(start=scheduled.hour(4).start))
    assert await asked(scheduled) == {"eve": [at]}


async def test_whoever_it_was_given_to_is_taken(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    _, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, "t-eve")
    assert await asked(scheduled) == {"eve": [at]}
    scheduled.platform.assigns(event_id, "t-unheard")
    assert await asked(scheduled) == {"ann": [at]}
    scheduled.platform.assigns(event_id)
    assert await asked(scheduled) == {}


@pytest.mark.parametrize(
    ("technicians", "expected"),
    [
        (["t-ben"], {"ben"}),
        (["t-eve"], {"eve"}),
        (["t-ben", "t-eve"], {"ben", "eve"}),
        # Its agent's if it is ours, nobody's if it is another visit of our job.
        ([], {"ann", "ben"}),
    ],
)
async def test_where_it_was_moved_to_is_taken(
    scheduled: Scheduled, technicians: list[str], expected: set[str]
) -> None:
    at, later = scheduled.hour(0), scheduled.hour(5)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, *technicians)
    scheduled.platform.moves(event_id, later)
    assert await asked(scheduled) == {each: [later] for each in expected}
    # It was not told of in vain: the schedule is due, and then it is a claim.
    assert await scheduled.due_in() < 1
    await scheduled.sync()
    assert (await scheduled.appointment(booked)).interval == later


async def test_what_was_booked_here_holds_until_it_is_written(
    scheduled: Scheduled,
) -> None:
    at, later = scheduled.hour(0), scheduled.hour(5)
    booked, _ = await scheduled.written_visit(scheduled.ben, at)
    await scheduled.revise(booked, Revision(start=later.start))
    assert await asked(scheduled) == {}
    await scheduled.write(booked)
    assert await asked(scheduled) == {}


async def test_what_is_written_while_it_is_asked_is_not_what_is_told(
    scheduled: Scheduled,
) -> None:
    """The platform told of how it was before."""
    booked, _ = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    await scheduled.revise(booked, Revision(start=scheduled.hour(5).start))
    before = dict(scheduled.platform.visits)
    await scheduled.write(booked)
    scheduled.platform.visits = before
    scheduled.wait(-SECOND)
    assert await asked(scheduled) == {}
    scheduled.wait()
    assert await asked(scheduled) == {"ben": [scheduled.hour(0)]}


async def test_what_was_over_and_comes_again_is_taken(scheduled: Scheduled) -> None:
    _, event_id = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    scheduled.wait(7 * DAY)
    at = scheduled.hour(2, day=10)
    scheduled.platform.moves(event_id, at)
    assert await asked(scheduled, day=10) == {"ben": [at]}


async def test_what_we_cancelled_and_others_brought_back_is_theirs(
    scheduled: Scheduled,
) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    visit = scheduled.platform.visits[event_id]
    await scheduled.cancel(booked)
    assert await asked(scheduled) == {}
    await scheduled.write(booked)
    assert event_id not in scheduled.platform.visits
    scheduled.platform.visits[event_id] = visit
    scheduled.wait()
    assert await asked(scheduled) == {"ben": [at]}


async def test_another_visit_of_our_job_is_taken(scheduled: Scheduled) -> None:
    booked, event_id = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    at, job_id = scheduled.hour(5), scheduled.platform.visits[event_id].job_id
    second = scheduled.platform.adds("t-ben", at=at, job=job_id)
    scheduled.platform.ours[second] = booked
    assert await asked(scheduled) == {"ben": [at]}
