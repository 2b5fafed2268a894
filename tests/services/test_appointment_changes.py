"""Moving, editing, cancelling and closing what was booked."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.harness.machines.ledger import Ledger
from tests.harness.scenes.business import EVERY_DAY, Business
from tests.harness.scenes.tenant_office import (
    ACTOR,
    TenantOffice,
    hours_from,
    opening,
)
from universal_calendar.bootstrap.parts import Parts, Server, new_id
from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.errors import (
    AgentNotFound,
    AppointmentNotFound,
    BookingRefused,
    FinalStatus,
    InvalidField,
    PastStart,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import DAY, HOUR, MINUTE, to_datetime
from universal_calendar.services.booking.appointment_changes import AppointmentChanges

START = opening()


@pytest.fixture
async def office(parts: Parts, business: Business) -> TenantOffice:
    return TenantOffice(parts, business)


@pytest.fixture
async def booked(office: TenantOffice) -> UUID:
    """Book 09:00 to 10:00."""
    return await book(office)


async def book(office: TenantOffice, later: float = 0, **more: Any) -> UUID:
    answer = await office.book(hours_from(START, later=later), **more)
    return UUID(orjson.loads(answer.body)["data"]["appointmentId"])


async def links(office: TenantOffice) -> dict[UUID, tuple[bool, int, str]]:
    rows = await office.rows(
        "SELECT calendar_id, is_wanted, wanted_version, status FROM links"
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


async def due(office: TenantOffice, kind: str) -> set[UUID]:
    rows = await office.rows(
        "SELECT item_id FROM due_work WHERE tenant_id = %s AND kind = %s",
        office.tenant_id,
        kind,
    )
    return {row[0] for row in rows}


class TestRevising:
    async def test_a_start_alone_keeps_the_length(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        changed = await office.revise(booked, start=START + 2 * HOUR)
        assert changed.appointment.interval == hours_from(START, later=2)
        assert await office.read(booked) == changed.appointment
        assert changed.appointment.version == 2
        await book(office)  # the old time is free again

    async def test_it_is_not_in_its_own_way(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        await office.revise(booked, start=START + 30 * MINUTE)
        await office.revise(booked, start=START, end=START + 2 * HOUR)
        assert (await office.read(booked)).interval == hours_from(START, 2)

    async def test_nothing_changes_on_conflict(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        other = await book(office, later=1)
        before = await office.read(booked)
        with pytest.raises(SlotUnavailable) as refusal:
            await office.revise(
                booked,
                start=START + 30 * MINUTE,
                person=lambda person: replace(person, title="New"),
            )
        assert refusal.value.reason is Unavailability.SLOT_TAKEN
        assert refusal.value.nearby is not None
        in_the_way = [each.appointment_id for each in refusal.value.nearby.conflicts]
        assert in_the_way == [other]
        assert len(refusal.value.nearby.alternatives) == 3
        assert await office.read(booked) == before
        with pytest.raises(SlotUnavailable):
            await book(office)

    async def test_another_agent(self, office: TenantOffice, booked: UUID) -> None:
        bob = await office.hire("Bob")
        changed = await office.revise(booked, agent_id=bob.agent_id)
        assert changed.appointment.agent_id == bob.agent_id
        assert await book(office) != booked
        with pytest.raises(SlotUnavailable):
            await book(office, agent_id=bob.agent_id)

    async def test_unknown_agent(self, office: TenantOffice, booked: UUID) -> None:
        with pytest.raises(AgentNotFound):
            await office.revise(booked, agent_id=new_id(office.now))

    async def test_what_is_not_moved_is_not_judged(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        await office.parts.tenants.set_hours(office.agent, {"working_hours": {}})
        await office.revise(booked, person=lambda p: replace(p, title="New title"))
        assert (await office.read(booked)).person.title == "New title"
        with pytest.raises(SlotUnavailable):
            await office.revise(booked, end=START + 2 * HOUR)
        await office.revise(booked, end=START + 2 * HOUR, is_forced=True)

    async def test_into_the_past(self, office: TenantOffice, booked: UUID) -> None:
        with pytest.raises(PastStart):
            await office.revise(booked, start=START - 7 * DAY, is_forced=True)

    async def test_one_that_has_begun_may_last_longer(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        office.now = START + 30 * MINUTE
        await office.revise(booked, end=START + 90 * MINUTE)
        assert (await office.read(booked)).interval.length == 90 * MINUTE

    @pytest.mark.parametrize("end", [START, START - HOUR, START + 32 * DAY])
    async def test_ends_that_cannot_be(
        self, office: TenantOffice, booked: UUID, end: int
    ) -> None:
        with pytest.raises(InvalidField, match=r"^appointmentData\.endTime: use"):
            await office.revise(booked, end=end)

    async def test_a_revision_that_changes_nothing(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        before = await office.read(booked)
        await office.listen()
        changed = await office.revise(booked, start=START)
        assert (changed.notice_id, changed.appointment) == (None, before)
        assert await office.read(booked) == before

    async def test_expired_hold_gives_way(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        await office.rows(
            "INSERT INTO claims VALUES (%s, %s, %s, %s, %s, %s)",
            office.tenant_id,
            new_id(office.now),
            office.agent.agent_id,
            *map(to_datetime, (START + 2 * HOUR, START + 3 * HOUR, office.now)),
        )
        await office.revise(booked, start=START + 2 * HOUR)

    async def test_own_hold_is_used_up(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        hold = new_id(office.now)
        await office.rows(
            "INSERT INTO claims VALUES (%s, %s, %s, %s, %s, %s)",
            office.tenant_id,
            hold,
            office.agent.agent_id,
            *map(to_datetime, (START + 2 * HOUR, START + 3 * HOUR, office.now + HOUR)),
        )
        with pytest.raises(SlotUnavailable):
            await office.revise(booked, start=START + 2 * HOUR)
        await office.revise(booked, start=START + 2 * HOUR, hold_id=hold)
        assert await office.rows("SELECT 1 FROM claims") == [(1,)]

    async def test_status_moves_elsewhere(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        await office.revise(booked, status=AppointmentStatus.CONFIRMED)
        with pytest.raises(InvalidField, match=r"^status: use POST"):
            await office.revise(booked, status=AppointmentStatus.CANCELLED)

    async def test_unknown(self, office: TenantOffice) -> None:
        with pytest.raises(AppointmentNotFound):
            await office.revise(new_id(office.now), start=START)


class TestWhatFollows:
    async def test_the_event_moves_with_it(self, office: TenantOffice) -> None:
        calendar = await office.connect()
        booked = await book(office)
        office.events.act = office.write_events
        changed = await office.revise(booked, start=START + HOUR)
        assert await links(office) == {calendar: (True, 2, "pending")}
        assert await due(office, "calendar") == {booked}
        outcome = await office.outcome(changed)
        assert outcome.event is not None
        assert outcome.event.is_synced

    async def test_another_agents_calendar(self, office: TenantOffice) -> None:
        ours = await office.connect()
        booked = await book(office)
        bob = await office.hire("Bob")
        his = await office.connect(bob)
        await office.revise(booked, agent_id=bob.agent_id)
        assert await links(office) == {
            ours: (False, 2, "pending"),
            his: (True, 2, "pending"),
        }
        await office.revise(booked, agent_id=office.agent.agent_id)
        assert await links(office) == {
            ours: (True, 3, "pending"),
            his: (False, 3, "pending"),
        }

    async def test_the_notice_tells_of_what_is_now(self, office: TenantOffice) -> None:
        booked = await book(office)
        await office.listen()
        changed = await office.revise(booked, start=START + HOUR)
        assert changed.notice_id is not None
        notices = "SELECT notice_id, kind, tells_customer FROM notices"
        told = (changed.notice_id, "appointment.updated", True)
        assert await office.rows(notices) == [told]
        assert await due(office, "notice") == {changed.notice_id}
        office.notices.act = office.tell_customer
        assert (await office.outcome(changed)).told == ["customer"]

    async def test_ids_of_the_callers_own_tell_no_customer(
        self, office: TenantOffice
    ) -> None:
        booked = await book(office)
        await office.listen()
        await office.revise(booked, details=lambda d: replace(d, lead_id="lead"))
        assert await office.rows("SELECT tells_customer FROM notices") == [(False,)]

    async def test_the_reminder_moves(self, office: TenantOffice) -> None:
        await office.rows("UPDATE tenants SET reminder_minutes = '{60}'")
        booked = await book(office)
        await office.revise(booked, start=START + 2 * HOUR)
        at = "SELECT due_at FROM due_work WHERE tenant_id = %s AND kind = 'reminder'"
        due_at = to_datetime(START + HOUR)
        assert await office.rows(at, office.tenant_id) == [(due_at,)]
        await office.cancel(booked)
        assert await due(office, "reminder") == set()

    async def test_the_audit_log(self, office: TenantOffice, booked: UUID) -> None:
        await office.revise(booked, start=START + HOUR)
        await office.cancel(booked)
        await office.cancel(booked)
        entries = "SELECT action FROM audit_entries WHERE subject_id = %s ORDER BY at"
        actions = [row[0] for row in await office.rows(entries, str(booked))]
        assert sorted(actions) == [
            "appointment.cancelled",
            "appointment.created",
            "appointment.updated",
        ]


class TestCancelling:
    async def test_the_time_is_free(self, office: TenantOffice, booked: UUID) -> None:
        changed = await office.cancel(booked, notes="ill")
        found = await office.read(booked)
        assert found == changed.appointment
        assert found.status is AppointmentStatus.CANCELLED
        assert (found.cancellation_reason, found.person.notes) == (
            "rescheduling",
            "ill",
        )
        await book(office)

    async def test_twice_is_harmless(self, office: TenantOffice) -> None:
        calendar = await office.connect()
        await office.listen()
        booked = await book(office)
        office.events.act = office.write_events
        first = await office.outcome(await office.cancel(booked))
        assert await office.outcome(await office.cancel(booked)) == first
        assert first.event is not None
        assert not first.event.is_wanted
        assert (await office.read(booked)).version == 2
        assert await links(office) == {calendar: (False, 2, "synced")}
        kinds = [row[0] for row in await office.rows("SELECT kind FROM notices")]
        assert sorted(kinds) == ["appointment.cancelled", "appointment.created"]

    async def test_customer_is_told_if_asked_for(self, office: TenantOffice) -> None:
        booked = await book(office)
        await office.listen()
        await office.cancel(booked, tells_customer=False)
        assert await office.rows("SELECT tells_customer FROM notices") == [(False,)]

    async def test_unknown(self, office: TenantOffice) -> None:
        with pytest.raises(AppointmentNotFound):
            await office.cancel(new_id(office.now))


async def step(office: TenantOffice, booked: UUID, status: AppointmentStatus) -> None:
    async with office.parts.units.begin(office.tenant_id, ACTOR, office.now) as unit:
        changes = AppointmentChanges(new_id, has_channels=False)
        await changes.step(unit, booked, status)


class TestSteps:
    async def test_a_no_show_frees_the_time(
        self, office: TenantOffice, booked: UUID
    ) -> None:
        await step(office, booked, AppointmentStatus.NO_SHOW)
        await book(office)

    @pytest.mark.parametrize(
        "status", [AppointmentStatus.IN_PROGRESS, AppointmentStatus.COMPLETED]
    )
    async def test_others_keep_it(
        self, office: TenantOffice, booked: UUID, status: AppointmentStatus
    ) -> None:
        await step(office, booked, status)
        with pytest.raises(SlotUnavailable):
            await book(office)

    @pytest.mark.parametrize(
        "status", [AppointmentStatus.NO_SHOW, AppointmentStatus.COMPLETED]
    )
    async def test_what_is_over_stays(
        self, office: TenantOffice, booked: UUID, status: AppointmentStatus
    ) -> None:
        await step(office, booked, status)
        with pytest.raises(FinalStatus):
            await office.cancel(booked)
        with pytest.raises(FinalStatus):
            await office.revise(booked, start=START + HOUR)

    async def test_confirming_is_told(self, office: TenantOffice) -> None:
        booked = await book(office, status=AppointmentStatus.PENDING)
        await office.listen()
        await step(office, booked, AppointmentStatus.CONFIRMED)
        assert (await office.read(booked)).version == 2
        assert await office.rows("SELECT tells_customer FROM notices") == [(True,)]


EXPECTED = (BookingRefused, FinalStatus)


async def test_movers_and_bookers_never_deadlock_nor_overlap(
    office: TenantOffice, server: Server
) -> None:
    """Two agents, few times: everybody moves everything to everyone at once."""
    assert server.embedded is not None
    log = server.embedded.log_file
    before = len(log.read_text())
    bob = await office.hire("Bob", EVERY_DAY)
    agents = [office.agent.agent_id, bob.agent_id]
    made = [await book(office, later=n, agent_id=agents[n % 2]) for n in range(6)]
    for number in range(20):
        moves = [
            office.revise(
                each,
                agent_id=agents[(number + place) % 2],
                start=START + (number * 3 + place) % 8 * HOUR,
            )
            for place, each in enumerate(made)
        ]
        books = [
            book(office, later=(number + k) % 8, agent_id=agents[k % 2])
            for k in range(4)
        ]
        results = await asyncio.gather(*moves, *books, return_exceptions=True)
        strange = [
            each
            for each in results
            if isinstance(each, BaseException) and not isinstance(each, EXPECTED)
        ]
        assert strange == []
        made += [each for each in results if isinstance(each, UUID)]
        for each in made[6:]:
            await office.cancel(each)
        del made[6:]
    Ledger.of(server.embedded, office.tenant_id).check()
    assert log.read_text()[before:] == ""
