"""Of an agent's technicians one is named: the visit is theirs, until others say no."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.harness.scenes.scheduled import Scheduled, open_scheduled
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import MINUTE
from universal_calendar.core.provider_errors import EventGone, ProviderDown
from universal_calendar.services.booking.appointment_changes import Revision
from universal_calendar.services.ports.appointments import Person

EVE_IS_NAMED = Revision(technician_id="t-eve")


@pytest.fixture
async def scheduled(parts: Parts) -> Scheduled:
    """Return a schedule on which Ben is two technicians: himself, and Eve."""
    scheduled = await open_scheduled(parts)
    await scheduled.assign("t-eve", scheduled.ben)
    return scheduled


def _retitled(person: Person) -> Person:
    return replace(person, title=f"{person.title}, again")


async def retitle(scheduled: Scheduled, booked: UUID) -> None:
    await scheduled.revise(booked, Revision(person=_retitled))


def who_has(scheduled: Scheduled, booked: UUID) -> list[str]:
    """Return who has the visits there that the appointment is, the last one last."""
    ours = [key for key, each in scheduled.platform.ours.items() if each == booked]
    visits = (scheduled.platform.visits[each] for each in ours)
    return [name for each in visits for name in each.technicians]


async def test_the_visit_is_reassigned_and_stays_theirs(scheduled: Scheduled) -> None:
    booked, _ = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    assert who_has(scheduled, booked) == ["t-ben"]
    await scheduled.revise(booked, EVE_IS_NAMED)
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-eve"]
    scheduled.wait()
    await scheduled.sync()
    await retitle(scheduled, booked)
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-eve"]
    assert await scheduled.is_as(booked, scheduled.ben, scheduled.hour(0))


@pytest.mark.parametrize("is_read", [True, False])
async def test_who_the_platforms_people_send_instead_keeps_it(
    scheduled: Scheduled, is_read: bool
) -> None:
    """Whatever was wished for before: neither side changes it back, read or not."""
    booked, event_id = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    await scheduled.revise(booked, EVE_IS_NAMED)
    await scheduled.write(booked)
    scheduled.wait()
    scheduled.platform.assigns(event_id, "t-ben")
    if is_read:
        await scheduled.sync()
    await retitle(scheduled, booked)
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-ben"]
    scheduled.wait()
    await scheduled.sync()
    assert (await scheduled.link(booked))["status"] == "synced"
    assert who_has(scheduled, booked) == ["t-ben"]


async def test_the_wish_waits_for_the_platform(scheduled: Scheduled) -> None:
    booked, _ = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    scheduled.platform.fails("put", ProviderDown())
    await scheduled.revise(booked, EVE_IS_NAMED)
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-ben"]
    await retitle(scheduled, booked)
    scheduled.wait(MINUTE)
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-eve"]


async def test_a_visit_that_is_made_anew_is_theirs(scheduled: Scheduled) -> None:
    booked, _ = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    await scheduled.revise(booked, EVE_IS_NAMED)
    await scheduled.write(booked)
    await retitle(scheduled, booked)
    scheduled.platform.fails("put", EventGone())
    await scheduled.write(booked)
    assert who_has(scheduled, booked)[1:] == ["t-eve"]


async def test_with_another_agent_the_wish_is_over(scheduled: Scheduled) -> None:
    booked, _ = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    await scheduled.revise(booked, EVE_IS_NAMED)
    for agent in (scheduled.ann, scheduled.ben):
        await scheduled.revise(booked, Revision(agent_id=agent.agent_id))
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-ben"]


async def test_who_left_before_it_was_written_is_not_sent(scheduled: Scheduled) -> None:
    booked = await scheduled.book(scheduled.ben, scheduled.hour(0))
    await scheduled.revise(booked, EVE_IS_NAMED)
    scheduled.platform.team.pop()
    await scheduled.sync()
    await scheduled.write(booked)
    assert who_has(scheduled, booked) == ["t-ben"]
