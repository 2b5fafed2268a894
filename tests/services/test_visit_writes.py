"""Appointments are written to schedules as visits, and listed as what they became."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from tests.harness.paper.provider import GOOD, Paper
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import Diary, now
from tests.services.workshop import ACTOR, ANN, BOB, Workshop, open_workshop
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import DAY
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
)
from universal_calendar.services.connections.connection_usage import read_calendar
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.connections import Connection
from universal_calendar.services.ports.links import LinkStatus
from universal_calendar.services.ports.visit_store import KnownVisit, VisitFilter
from universal_calendar.services.ports.visits import (
    Customer,
    Technician,
    VisitDraft,
    VisitStatus,
)
from universal_calendar.store.connections.connections import ConnectionTable

PERSON = Customer("John Doe", "+12125550100", "john@example.test")


@pytest.fixture
async def workshop(parts: Parts, business: Business) -> Workshop:
    workshop = await open_workshop(parts, business)
    await workshop.refresh()
    return workshop


async def visit_of(workshop: Workshop, appointment_id: UUID) -> KnownVisit | None:
    place = workshop.tenant_id, workshop.calendar_id
    return await workshop.visits.of_appointment(*place, appointment_id)


async def listed(workshop: Workshop, diary: Diary, appointment_id: UUID) -> list[str]:
    start = await diary.start_of(appointment_id)
    wanted = VisitFilter(start - DAY, start + DAY)
    place = workshop.tenant_id, workshop.calendar_id
    known, _ = await workshop.visits.page(*place, wanted, Page())
    return [each.visit.status for each in known]


async def give(workshop: Workshop, appointment_id: UUID, agent_id: UUID) -> bool:
    """Give the appointment to another agent, and tell whether an event follows."""
    async with workshop.parts.units.begin(workshop.tenant_id, ACTOR, now()) as unit:
        editor = unit.appointment_editor
        before = await editor.lock(appointment_id, agent_id)
        after = replace(before, agent_id=agent_id, version=before.version + 1)
        await editor.write(after)
        return await editor.want_event(after, unit.now, is_moved=True)


async def connect_cards(workshop: Workshop, agent_id: UUID) -> Connection:
    """Have the agent's appointments written to a calendar that is no schedule."""
    parts = workshop.parts
    table = ConnectionTable(parts.database, parts.keyring)
    connections = Connections(table, parts.units, {"cards": Paper()}, new_id)
    return await connections.add(workshop.tenant_id, "cards", GOOD, now(), agent_id)


async def test_a_platform_is_told_of_customer_and_job(workshop: Workshop) -> None:
    diary = workshop.diary
    appointment_id = await diary.book()
    await diary.rows(
        "UPDATE appointments SET job_type = 'plumbing', urgency = 'emergency',"
        " estimated_cost = 350.5 WHERE appointment_id = %s",
        appointment_id,
    )
    (state,) = await workshop.settle(appointment_id)
    assert state.status is LinkStatus.SYNCED
    (draft,) = workshop.platform.drafts
    assert draft.description == "Kitchen sink"
    assert draft.visit == VisitDraft(
        PERSON, ["t-1"], "plumbing", "emergency", Decimal("350.50")
    )


async def test_what_was_written_is_listed_at_once(workshop: Workshop) -> None:
    diary = workshop.diary
    appointment_id = await diary.book()
    assert await visit_of(workshop, appointment_id) is None
    (state,) = await workshop.settle(appointment_id)
    known = await visit_of(workshop, appointment_id)
    assert known is not None
    assert known.event_id == state.event_id
    assert known.visit == workshop.platform.visits[known.event_id]
    assert (known.appointment_id, known.technician_name) == (appointment_id, "Ann")


async def test_a_write_that_failed_is_not_listed(workshop: Workshop) -> None:
    diary = workshop.diary
    appointment_id = await diary.book()

    async def down(customer_id: str) -> None:
        raise ProviderDown

    workshop.platform.on_change = down
    (state,) = await workshop.settle(appointment_id)
    assert state.status is LinkStatus.PENDING
    assert await listed(workshop, diary, appointment_id) == []


async def test_a_cancelled_visit_goes_with_its_reason(workshop: Workshop) -> None:
    diary = workshop.diary
    appointment_id = await diary.book()
    (state,) = await workshop.settle(appointment_id)
    changes = AppointmentChanges(new_id, has_channels=False)
    async with workshop.parts.units.begin(workshop.tenant_id, ACTOR, now()) as unit:
        await changes.cancel(unit, appointment_id, Cancellation("customer_request"))
    assert await listed(workshop, diary, appointment_id) == [VisitStatus.SCHEDULED]
    await workshop.settle(appointment_id)
    assert workshop.platform.deleted == [(state.event_id, "customer_request")]
    assert await listed(workshop, diary, appointment_id) == [VisitStatus.CANCELLED]


async def test_another_agents_technician_gets_the_same_visit(
    workshop: Workshop,
) -> None:
    """Though that agent's appointments are written elsewhere otherwise."""
    diary, bob = workshop.diary, await workshop.agent_named("Bob")
    await connect_cards(workshop, bob)
    workshop.platform.team = (ANN, BOB)
    await workshop.refresh()
    appointment_id = await diary.book()
    await diary.rows("DELETE FROM links WHERE calendar_id <> %s", workshop.calendar_id)
    (before,) = await workshop.settle(appointment_id)
    assert await give(workshop, appointment_id, bob)
    (after,) = await workshop.settle(appointment_id)
    assert (after.event_id, after.is_wanted) == (before.event_id, True)
    assert after.synced_version == 2
    assert workshop.platform.deleted == []
    known = await visit_of(workshop, appointment_id)
    assert known is not None
    assert (known.visit.technicians, known.technician_name) == (("t-2",), "Bob")


async def test_an_event_in_a_calendar_still_moves_with_its_agent(
    workshop: Workshop,
) -> None:
    """The new agent has no calendar but the tenant's, which is the schedule."""
    bob = await workshop.agent_named("Bob")
    added = await connect_cards(workshop, workshop.business.agent.agent_id)
    diary = workshop.diary
    appointment_id = await diary.book()
    await diary.rows("DELETE FROM links WHERE calendar_id = %s", workshop.calendar_id)
    assert await give(workshop, appointment_id, bob)
    rows = await workshop.rows("SELECT calendar_id, is_wanted FROM links")
    assert sorted(rows) == sorted(
        [(added.calendars[0].calendar_id, False), (workshop.calendar_id, True)]
    )


async def test_a_namesake_is_sent_first_and_nobody_for_an_agent_without(
    workshop: Workshop,
) -> None:
    """Who has no agent of the same name works as the default one."""
    workshop.platform.team = (Technician("t-2", "Aaron"), ANN)
    ann, van = workshop.business.agent.agent_id, await workshop.agent_named("Van")
    assert (await workshop.refresh())["t-2"] == ann
    diary = workshop.diary
    first, second = await diary.book(), await diary.book()
    await give(workshop, second, van)
    for each in (first, second):
        await workshop.settle(each)
    drafts = {each.appointment_id: each.visit for each in workshop.platform.drafts}
    assert drafts[first] is not None
    assert drafts[second] is not None
    assert list(drafts[first].technicians) == ["t-1", "t-2"]
    assert list(drafts[second].technicians) == []


async def test_what_is_read_no_more_is_forgotten_but_for_what_we_wrote(
    workshop: Workshop,
) -> None:
    appointment_id = await workshop.diary.book()
    (state,) = await workshop.settle(appointment_id)
    theirs = replace(workshop.platform.visits[str(state.event_id)], job_id="theirs")
    place = workshop.tenant_id, workshop.calendar_id
    await workshop.visits.keep(*place, {"theirs": theirs}, now())
    async with workshop.parts.units.begin(workshop.tenant_id, ACTOR, now()) as unit:
        await read_calendar(unit, workshop.calendar_id, is_read=False)
    assert await workshop.rows("SELECT event_id FROM visits") == [(state.event_id,)]
    assert await visit_of(workshop, appointment_id) is not None


async def test_whose_visits_of_ours_say_something_else_of_them(
    workshop: Workshop,
) -> None:
    """What else changed of a visit tells nothing of them, nor do visits of others."""
    appointment_id = await workshop.diary.book()
    (state,) = await workshop.settle(appointment_id)
    event_id, place = str(state.event_id), (workshop.tenant_id, workshop.calendar_id)
    visit = workshop.platform.visits[event_id]
    person = replace(visit.customer, name="Joan Smythe")
    told = replace(visit, customer=person)
    await workshop.visits.keep(*place, {"theirs": visit}, now())
    for expected, visits in (
        ({visit.customer_id}, {event_id: told}),
        ({"c-99"}, {event_id: replace(visit, customer_id="c-99")}),
        (set(), {event_id: replace(told, customer_id=None)}),
        (set(), {event_id: replace(visit, title="Bath", value=Decimal(7))}),
        (
            set(),
            {event_id: replace(visit, customer=replace(visit.customer, notes="x"))},
        ),
        (set(), {"theirs": told, "new": told}),
    ):
        found = await workshop.visits.customers_changed(*place, visits)
        assert found == expected
