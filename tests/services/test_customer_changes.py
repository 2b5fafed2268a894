"""Appointments follow what platforms know of their customers, and nothing else does."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import now
from tests.harness.scenes.fitters import JANE, Fitters, connect_account
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import DAY, HOUR, MINUTE
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.core.retry import LONGEST_WAIT, SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.field_service.customer_changes import following
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.changed_customers import CUSTOMER
from universal_calendar.services.ports.visits import Customer
from universal_calendar.store.due_work import DueWorkTable

POE = Customer("Jane Poe", "+13105550199", "poe@example.test")


@pytest.fixture
async def fitters(parts: Parts, business: Business) -> Fitters:
    return await connect_account(parts, business, f"acc-{new_id(now())}")


async def changed(
    fitters: Fitters, customer: Customer, customer_id: str = "c-1"
) -> None:
    """Have the owner edit a customer there, and the platform tell of it."""
    fitters.platform.customers[customer_id] = customer
    await fitters.tell(customer_id=customer_id)


async def revisions(fitters: Fitters) -> list[tuple[Any, ...]]:
    return await fitters.rows("SELECT revision FROM agents ORDER BY agent_id")


async def link_status(fitters: Fitters, appointment_id: UUID) -> str:
    (row,) = await fitters.rows(
        "SELECT status FROM links WHERE appointment_id = %s", appointment_id
    )
    return str(row[0])


class TestFollowing:
    async def test_name_phone_and_email(self, fitters: Fitters) -> None:
        first, second = [await fitters.written(hour) for hour in (0, 1)]
        await changed(fitters, POE)
        await fitters.settle()
        wanted = replace(
            JANE, name="Jane Poe", phone="+13105550199", email="poe@example.test"
        )
        for each in (first, second):
            assert await fitters.person(each) == wanted
            assert await link_status(fitters, each) == "synced"
        assert await fitters.due() == {}
        assert await fitters.rows("SELECT FROM changed_customers") == []
        assert fitters.platform.asked == ["c-1"]

    async def test_nobody_is_told_of_their_own_number(self, fitters: Fitters) -> None:
        appointment_id = await fitters.written()
        await changed(fitters, POE)
        await fitters.settle()
        notices = await fitters.rows(
            "SELECT kind, tells_customer FROM notices WHERE appointment_id = %s",
            appointment_id,
        )
        assert notices == [("appointment.updated", False)]
        actors = await fitters.rows(
            "SELECT actor_kind, actor_id FROM audit_entries"
            " WHERE action = 'appointment.updated'"
        )
        assert actors == [("worker", "customer_changes")]

    async def test_only_theirs_and_only_those_to_come(self, fitters: Fitters) -> None:
        over = await fitters.written(0)
        cancelled = await fitters.written(2)
        others = await fitters.written(
            1, replace(JANE, name="Bob", phone="+12125550177", email="bob@example.test")
        )
        await fitters.rows(
            "UPDATE appointments SET starts_at = starts_at - interval '9 days',"
            " ends_at = ends_at - interval '9 days' WHERE appointment_id = %s",
            over,
        )
        await fitters.rows(
            "UPDATE appointments SET status = 'cancelled' WHERE appointment_id = %s",
            cancelled,
        )
        await changed(fitters, POE)
        await fitters.settle()
        for each in (over, cancelled):
            assert (await fitters.person(each)).name == "Jane Doe"
        assert (await fitters.person(others)).name == "Bob"

    async def test_where_nothing_differs_nothing_is_touched(
        self, fitters: Fitters
    ) -> None:
        appointment_id = await fitters.written()
        before = await revisions(fitters)
        same = Customer(
            "Jane  Doe", "(212) 555-0100", "Jane@Example.test", "1 Main St."
        )
        await changed(fitters, same)
        await fitters.settle()
        assert await fitters.person(appointment_id) == JANE
        assert await revisions(fitters) == before
        assert await link_status(fitters, appointment_id) == "synced"
        assert await fitters.rows("SELECT FROM notices") == []

    async def test_a_customer_that_is_gone_changes_nothing(
        self, fitters: Fitters
    ) -> None:
        appointment_id = await fitters.written()
        del fitters.platform.customers["c-1"]
        await fitters.tell(customer_id="c-1")
        await fitters.settle()
        assert await fitters.person(appointment_id) == JANE
        assert await fitters.due() == {}

    async def test_a_customer_of_no_appointment(self, fitters: Fitters) -> None:
        await changed(fitters, POE, "c-77")
        await fitters.settle()
        assert await fitters.due() == {}

    async def test_what_is_not_read_any_more_is_not_asked_about(
        self, fitters: Fitters
    ) -> None:
        await changed(fitters, POE)
        await fitters.rows("UPDATE connections SET direction = 'to_provider'")
        await fitters.settle()
        assert fitters.platform.asked == []
        assert await fitters.due() == {}


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (Customer(), JANE),
        (Customer("", " ", "", ""), JANE),
        (Customer(phone="2125550100"), JANE),
        (Customer(phone="02125550100"), JANE),
        (Customer(phone="+1 (212) 555-0100"), JANE),
        (Customer(phone="+44 212 555 0100"), replace(JANE, phone="+44 212 555 0100")),
        (Customer(phone="100"), replace(JANE, phone="100")),
        (Customer(phone="at work"), replace(JANE, phone="at work")),
        (Customer(address="1, MAIN st"), JANE),
        (Customer(address="2 Main St"), replace(JANE, address="2 Main St")),
        (Customer("jane doe"), replace(JANE, name="jane doe")),
    ],
)
def test_what_differs_in_its_writing_alone_stays(
    told: Customer, wanted: Person
) -> None:
    assert following(JANE, told) == wanted


def test_what_was_not_known_is_learnt() -> None:
    assert following(Person("Leak"), POE) == Person(
        "Leak", "Jane Poe", "+13105550199", "poe@example.test"
    )


class TestMeanwhile:
    async def test_a_change_that_is_told_while_asking_is_asked_about(
        self, fitters: Fitters
    ) -> None:
        appointment_id = await fitters.written()

        async def once_more() -> None:
            await changed(fitters, replace(POE, name="Jane Roe"))

        fitters.platform.meanwhile = once_more
        await changed(fitters, POE)
        await fitters.settle()
        assert (await fitters.person(appointment_id)).name == "Jane Poe"
        assert list((await fitters.due()).values()) == [
            pytest.approx(fitters.now, abs=MINUTE)
        ]
        await fitters.write(appointment_id)
        fitters.platform.customers["c-1"] = replace(POE, name="Jane Roe")
        fitters.wait()
        await fitters.settle()
        assert (await fitters.person(appointment_id)).name == "Jane Roe"
        assert await fitters.due() == {}

    async def test_what_waits_to_be_written_wins(self, fitters: Fitters) -> None:
        appointment_id = await fitters.written()
        await fitters.revise(appointment_id, phone="+12125550142")
        fitters.wait()
        await changed(fitters, replace(POE, email=JANE.email))
        await fitters.settle()
        assert (await fitters.person(appointment_id)).phone == "+12125550142"
        assert await fitters.due() == {}
        await fitters.write(appointment_id)
        assert fitters.platform.customers["c-1"].phone == "+12125550142"

    async def test_what_was_written_a_moment_ago_is_asked_about_again(
        self, fitters: Fitters
    ) -> None:
        appointment_id = await fitters.written()

        async def write() -> None:
            await fitters.revise(appointment_id, phone="+12125550142", name="Jane Poe")
            await fitters.write(appointment_id)

        fitters.platform.meanwhile = write
        await changed(fitters, replace(POE, email=JANE.email))
        await fitters.settle()
        assert (await fitters.person(appointment_id)).phone == "+12125550142"
        (due_at,) = (await fitters.due()).values()
        assert fitters.now < due_at <= fitters.now + FRESH + SECOND
        fitters.wait(2 * FRESH)
        await fitters.settle()
        assert (await fitters.person(appointment_id)).phone == "+12125550142"
        assert await fitters.due() == {}

    async def test_a_move_that_was_refused_is_not_written_over(
        self, fitters: Fitters
    ) -> None:
        appointment_id = await fitters.written()
        await fitters.rows(
            "UPDATE links SET status = 'failed', last_error = 'MoveRefused'"
        )
        await changed(fitters, POE)
        await fitters.settle()
        assert await link_status(fitters, appointment_id) == "failed"

    async def test_it_does_not_go_to_and_fro(self, fitters: Fitters) -> None:
        """Whatever really changes there is told, as by a webhook."""
        booked = [await fitters.written(hour) for hour in range(3)]
        platform = fitters.platform

        async def tell(customer_id: str) -> None:
            await fitters.tell(customer_id=customer_id)

        platform.on_change = tell
        writes = platform.writes
        await changed(fitters, replace(POE, phone="(310) 555-0199"))
        for _ in range(8):
            await fitters.settle()
            for each in booked:
                await fitters.write(each)
            fitters.wait()
        assert {(await fitters.person(each)).name for each in booked} == {"Jane Poe"}
        assert await fitters.due() == {}
        assert platform.writes == writes
        assert len(platform.customers) == 1
        assert len(platform.asked) <= 2


class TestTroubles:
    @pytest.mark.parametrize(
        ("error", "status", "longest"),
        [
            (ProviderDown(), "failing", SECOND),
            (Throttled(90.0), "active", 91 * SECOND),
            (NotAuthorized(), "needs_reauthorization", LONGEST_WAIT),
        ],
    )
    async def test_what_passes_is_tried_again(
        self, fitters: Fitters, error: ProviderError, status: str, longest: int
    ) -> None:
        appointment_id = await fitters.written()
        fitters.platform.errors.append(error)
        await changed(fitters, POE)
        await fitters.settle()
        assert (await fitters.connection())["status"] == status
        (due_at,) = (await fitters.due()).values()
        assert fitters.now < due_at <= fitters.now + longest + SECOND
        # Another customer of the same account waits as long.
        await fitters.tell(customer_id="c-9")
        await fitters.settle()
        assert fitters.platform.asked == ["c-1"]
        fitters.wait(longest + 2 * SECOND)
        await fitters.settle()
        assert (await fitters.person(appointment_id)).name == "Jane Poe"
        assert (await fitters.connection())["status"] == "active"
        assert await fitters.due() == {}

    async def test_failures_wait_longer_and_longer(self, fitters: Fitters) -> None:
        await changed(fitters, POE)
        for attempts in range(1, 4):
            fitters.platform.errors.append(ProviderDown())
            fitters.wait(MINUTE)
            await fitters.settle()
            rows = await fitters.rows("SELECT attempts FROM changed_customers")
            assert rows == [(attempts,)]
        fitters.wait(MINUTE)
        await fitters.settle()
        assert await fitters.due() == {}

    async def test_what_is_refused_for_good_is_left(self, fitters: Fitters) -> None:
        appointment_id = await fitters.written()
        fitters.platform.errors.append(Rejected())
        await changed(fitters, POE)
        await fitters.settle()
        assert await fitters.due() == {}
        assert await fitters.rows("SELECT FROM changed_customers") == []
        assert await fitters.person(appointment_id) == JANE

    async def test_the_quota_of_the_connection(self, fitters: Fitters) -> None:
        await changed(fitters, POE)
        await changed(fitters, POE, "c-2")
        await fitters.settle(a_minute=1)
        assert len(fitters.platform.asked) == 1
        (due_at,) = (await fitters.due()).values()
        assert due_at <= fitters.now + MINUTE + SECOND

    async def test_a_platform_that_is_switched_off_may_come_back(
        self, fitters: Fitters
    ) -> None:
        await changed(fitters, POE)
        changes = replace(fitters.customer_changes(), platforms={})
        (change_id,) = await fitters.due()
        await changes.settle(fitters.tenant_id, change_id, fitters.now, seconds=5)
        fitters.wait(MINUTE)
        await fitters.settle()
        assert fitters.platform.asked == ["c-1"]

    async def test_a_connection_that_was_removed_leaves_nothing_due(
        self, fitters: Fitters
    ) -> None:
        await changed(fitters, POE)
        await fitters.rows("DELETE FROM links")
        await fitters.rows("DELETE FROM connections")
        assert len(await fitters.due()) == 1
        await fitters.settle()
        assert await fitters.due() == {}


async def test_changes_of_one_account_take_turns(fitters: Fitters) -> None:
    await changed(fitters, POE)
    await changed(fitters, POE, "c-2")
    table = DueWorkTable(fitters.parts.database)
    items = await table.take(
        [CUSTOMER], fitters.now + HOUR, fitters.now + DAY, limit=1000
    )
    lanes = [each.lane for each in items if each.tenant_id == fitters.tenant_id]
    assert lanes == [fitters.connection_id] * 2


async def test_told_and_finished_at_the_same_time(fitters: Fitters) -> None:
    """Whatever comes first, the last change is asked about."""
    for round_number in range(10):
        await changed(fitters, POE, f"c-{round_number}")
        (change_id,) = await fitters.due()
        change = await fitters.changed.get(fitters.tenant_id, change_id, fitters.now)
        assert change is not None
        await asyncio.gather(
            fitters.changed.record(change, fitters.now, None),
            fitters.tell(customer_id=change.customer_id),
        )
        assert len(await fitters.due()) == 1
        await fitters.settle()
        assert await fitters.due() == {}
