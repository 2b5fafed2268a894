"""What is done at a platform to visits of ours, the appointments follow."""

import asyncio

import pytest

from tests.harness.scenes.scheduled import Scheduled, open_scheduled
from tests.harness.waiting import until
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.errors import SlotUnavailable
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.booking.appointment_changes import Revision


@pytest.fixture
async def scheduled(parts: Parts) -> Scheduled:
    return await open_scheduled(parts)


async def test_ours_takes_no_time_besides_its_claim(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    assert scheduled.platform.visits[event_id].technicians == ("t-ben",)
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, at)
    assert await scheduled.occupied(at) == []


async def test_moved_there(scheduled: Scheduled) -> None:
    booked, event_id = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    scheduled.platform.moves(event_id, scheduled.hour(4))
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, scheduled.hour(4))


async def test_reassigned_there(scheduled: Scheduled) -> None:
    at, next_hour = scheduled.hour(0), scheduled.hour(1)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, "t-eve")
    writes = scheduled.platform.writes
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.eve, at)
    link = await scheduled.link(booked)
    assert (link["status"], link["is_wanted"]) == ("synced", True)
    await scheduled.write(booked)
    assert scheduled.platform.writes == writes  # there is nothing to write back
    assert await scheduled.book(scheduled.ben, at)
    with pytest.raises(SlotUnavailable):
        await scheduled.book(scheduled.eve, at)
    # Moved and reassigned at once.
    scheduled.wait()
    scheduled.platform.assigns(event_id, "t-ben")
    scheduled.platform.moves(event_id, next_hour)
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, next_hour)


async def test_reassigned_to_who_has_no_time(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    await scheduled.book(scheduled.eve, at)
    scheduled.platform.assigns(event_id, "t-eve")
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, at)
    assert (await scheduled.link(booked))["last_error"] == "MoveRefused"
    assert (await scheduled.calendar())["sync_error"] is None
    # Eve goes there all the same, says the platform.
    assert await scheduled.occupied(at) == [scheduled.eve]
    assert await scheduled.due_in() > 2 * FRESH / SECOND
    scheduled.platform.assigns(event_id, "t-ben")
    scheduled.wait()
    await scheduled.sync()
    assert (await scheduled.link(booked))["status"] == "synced"
    assert await scheduled.occupied(at) == []


async def test_reassigned_to_an_agent_who_works_no_more(scheduled: Scheduled) -> None:
    booked, event_id = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    await scheduled.rows(
        "UPDATE agents SET is_active = false WHERE agent_id = %s",
        scheduled.eve.agent_id,
    )
    scheduled.platform.assigns(event_id, "t-eve")
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, scheduled.hour(0))
    assert (await scheduled.link(booked))["last_error"] == "MoveRefused"


async def test_agents_are_locked_in_the_order_of_their_ids(
    scheduled: Scheduled,
) -> None:
    """Whoever has the appointment: else two who give and take wait for each other."""
    agents = scheduled.ben, scheduled.eve
    first, second = sorted(agents, key=lambda each: each.agent_id)
    booked, event_id = await scheduled.written_visit(second, scheduled.hour(0))
    scheduled.platform.assigns(event_id, f"t-{first.name.lower()}")
    lock = "SELECT FROM agents WHERE agent_id = %s FOR UPDATE NOWAIT"
    async with scheduled.parts.database.transaction(scheduled.tenant_id) as connection:
        await connection.execute(lock, [first.agent_id])
        syncing = asyncio.create_task(scheduled.sync())
        await until(scheduled.somebody_waits)
        await connection.execute(lock, [second.agent_id])
    await syncing
    assert await scheduled.is_as(booked, first, scheduled.hour(0))


async def test_assigned_to_nobody_it_stays_whose_it_is(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id)
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, at)
    assert await scheduled.occupied(at) == []


async def test_an_agent_who_is_no_technician(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ann, at)
    assert scheduled.platform.visits[event_id].technicians == ("",)
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ann, at)
    await scheduled.assign("t-eve", scheduled.ann)
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ann, at)


async def test_a_second_technician_is_taken_too(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, "t-eve", "t-ben")
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, at)
    assert await scheduled.occupied(at) == [scheduled.eve]
    scheduled.platform.moves(event_id, scheduled.hour(2))
    await scheduled.sync()
    assert await scheduled.occupied(at) == []
    assert await scheduled.occupied(scheduled.hour(2)) == [scheduled.eve]
    scheduled.platform.assigns(event_id, "t-ben")
    await scheduled.sync()
    assert await scheduled.occupied(scheduled.hour(2)) == []


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_deleted_or_unscheduled_there(
    scheduled: Scheduled, is_deleted: bool
) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    if is_deleted:
        del scheduled.platform.visits[event_id]
    else:
        scheduled.platform.moves(event_id, None)
    await scheduled.sync()
    found = await scheduled.appointment(booked)
    assert found.status == "cancelled"
    assert found.cancellation_reason == "calendar_event_deleted"
    assert await scheduled.statuses() == {event_id: "cancelled"}
    assert await scheduled.book(scheduled.ben, at)


async def test_given_to_another_agent_here_it_wins(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    await scheduled.revise(booked, Revision(agent_id=scheduled.eve.agent_id))
    scheduled.platform.moves(event_id, scheduled.hour(6))
    scheduled.wait()
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.eve, at)
    await scheduled.write(booked)
    assert scheduled.platform.visits[event_id].technicians == ("t-eve",)
    scheduled.wait()
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.eve, at)
    assert await scheduled.occupied(at) == []


@pytest.mark.parametrize("days", [0, 20, 40])
async def test_another_visit_of_our_job_takes_time(
    scheduled: Scheduled, days: int
) -> None:
    """Even where ours is long over, and not told of any more."""
    booked, event_id = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    scheduled.wait(days * DAY)
    at = scheduled.hour(0, day=days + 4)
    job_id = scheduled.platform.visits[event_id].job_id
    second = scheduled.platform.adds("t-ben", at=at, job=job_id)
    scheduled.platform.ours[second] = booked
    await scheduled.sync()
    assert await scheduled.occupied(at) == [scheduled.ben]
    found = await scheduled.appointment(booked)
    assert found.status == "confirmed"


async def test_what_was_written_but_not_answered_takes_no_time(
    scheduled: Scheduled,
) -> None:
    at = scheduled.hour(0)
    booked = await scheduled.book(scheduled.ben, at)
    scheduled.platform.ours["v-lost"] = booked
    event_id = scheduled.platform.adds("t-ben", at=at)
    visit = scheduled.platform.visits.pop(event_id)
    scheduled.platform.visits["v-lost"] = visit
    await scheduled.sync()
    assert await scheduled.occupied(at) == []


async def test_where_its_appointment_does_not_follow_it_takes_time(
    scheduled: Scheduled,
) -> None:
    """For want of time, or because it was over: its technicians are there."""
    at, later = scheduled.hour(0), scheduled.hour(2)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    other = await scheduled.book(scheduled.ben, later)
    longer = Interval(later.start, later.end + HOUR)
    scheduled.platform.moves(event_id, longer)
    for _ in range(2):
        await scheduled.sync()
    assert (await scheduled.link(booked))["last_error"] == "MoveRefused"
    assert await scheduled.occupied(scheduled.hour(3)) == [scheduled.ben]
    # Once there is room, it may be moved there here as well.
    await scheduled.cancel(other)
    await scheduled.move(booked, longer)
    await scheduled.write(booked)
    scheduled.wait(10 * DAY)
    again = scheduled.hour(0, day=13)
    scheduled.platform.moves(event_id, again)
    await scheduled.sync()
    assert await scheduled.is_as(booked, scheduled.ben, longer)
    assert await scheduled.occupied(again) == [scheduled.ben]


async def test_it_is_not_in_the_way_of_its_own_appointment(
    scheduled: Scheduled,
) -> None:
    at = scheduled.hour(0)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, "t-ben", "t-eve")
    scheduled.platform.adds("t-eve", at=scheduled.hour(1))
    await scheduled.sync()
    assert await scheduled.occupied(at) == [scheduled.eve]
    with pytest.raises(SlotUnavailable) as refused:
        await scheduled.revise(
            booked, Revision(scheduled.eve.agent_id, at.start, at.end + HOUR)
        )
    assert refused.value.nearby is not None
    told = [each.interval for each in refused.value.nearby.conflicts]
    assert told == [scheduled.hour(1)]
    await scheduled.revise(booked, Revision(scheduled.eve.agent_id))
    assert await scheduled.is_as(booked, scheduled.eve, at)


async def test_whom_we_send_elsewhere_with_it_is_known_to_be_there(
    scheduled: Scheduled,
) -> None:
    at, later = scheduled.hour(0), scheduled.hour(4)
    booked, event_id = await scheduled.written_visit(scheduled.ben, at)
    scheduled.platform.assigns(event_id, "t-ben", "t-eve")
    await scheduled.sync()
    await scheduled.revise(booked, Revision(start=later.start))
    await scheduled.write(booked)
    assert await scheduled.due_in() < 1
    scheduled.platform.calls.clear()
    scheduled.wait(SECOND)
    await scheduled.read_due()
    assert scheduled.platform.calls == ["named"]
    assert await scheduled.occupied(at) == []
    assert await scheduled.occupied(later) == [scheduled.eve]
    await scheduled.cancel(booked)
    await scheduled.write(booked)
    scheduled.wait(SECOND)
    await scheduled.read_due()
    assert await scheduled.occupied(later) == []
