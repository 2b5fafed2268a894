"""What platforms tell by webhooks becomes due work, for everybody with the account."""

import asyncio
from typing import Any

import pytest

from tests.harness.scenes.business import Business, open_business
from tests.harness.scenes.calendars import now
from tests.harness.scenes.fitters import JANE, SLUG, Fitters, connect_account
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.errors import InvalidField, NotFound, Unauthorized
from universal_calendar.core.instant import HOUR, MINUTE, to_datetime
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.store.connections.connections import ConnectionTable


def an_account() -> str:
    """Return the id of an account that no other test has."""
    return f"acc-{new_id(now())}"


@pytest.fixture
async def fitters(parts: Parts, business: Business) -> Fitters:
    fitters = await connect_account(parts, business, an_account())
    await fitters.rows("DELETE FROM due_work WHERE tenant_id = %s", fitters.tenant_id)
    return fitters


async def due_items(fitters: Fitters, kind: str) -> list[Any]:
    """Return what is due by now of a kind."""
    rows = await fitters.rows(
        "SELECT item_id FROM due_work WHERE tenant_id = %s AND kind = %s"
        " AND due_at <= %s",
        fitters.tenant_id,
        kind,
        to_datetime(fitters.now),
    )
    return [row[0] for row in rows]


async def changes(fitters: Fitters) -> list[tuple[Any, ...]]:
    return await fitters.rows(
        "SELECT connection_id, customer_id, changes FROM changed_customers"
        " ORDER BY customer_id"
    )


async def secrets(fitters: Fitters) -> dict[str, str]:
    table = ConnectionTable(fitters.parts.database, fitters.parts.keyring)
    access = await table.access(fitters.tenant_id, fitters.connection_id)
    return dict(access.secrets)


class TestHints:
    async def test_a_schedule_is_due(self, fitters: Fitters) -> None:
        for _ in range(3):
            await fitters.tell(is_schedule=True)
        assert await due_items(fitters, "sync") == [fitters.calendar_id]
        assert await changes(fitters) == []

    async def test_a_customer_is_one_row(self, fitters: Fitters) -> None:
        await asyncio.gather(*(fitters.tell(customer_id="c-1") for _ in range(20)))
        await fitters.tell(customer_id="c-2")
        assert await changes(fitters) == [
            (fitters.connection_id, "c-1", 20),
            (fitters.connection_id, "c-2", 1),
        ]
        assert len(await due_items(fitters, "customer")) == 2
        assert await due_items(fitters, "sync") == []
        assert fitters.platform.asked == []

    async def test_everybody_with_the_account_is_told(
        self, fitters: Fitters, parts: Parts
    ) -> None:
        twin = await connect_account(parts, await open_business(parts), fitters.account)
        other = await connect_account(parts, fitters.business, an_account())
        stranger = await connect_account(
            parts, await open_business(parts), an_account()
        )
        await fitters.tell(customer_id="c-1")
        assert await changes(fitters) == [(fitters.connection_id, "c-1", 1)]
        assert await changes(twin) == [(twin.connection_id, "c-1", 1)]
        assert await changes(stranger) == []
        assert other.connection_id not in {row[0] for row in await changes(other)}

    async def test_an_account_that_nobody_connected(self, fitters: Fitters) -> None:
        await fitters.tell(
            account="acc-of-nobody",
            is_schedule=True,
            customer_id="c-1",
            is_disconnected=True,
        )
        assert await due_items(fitters, "sync") == await changes(fitters) == []
        assert (await fitters.connection())["status"] == "active"

    async def test_an_account_that_was_disconnected_here(
        self, fitters: Fitters, parts: Parts
    ) -> None:
        table = ConnectionTable(parts.database, parts.keyring)
        await table.remove(fitters.tenant_id, fitters.connection_id)
        await fitters.tell(is_schedule=True, customer_id="c-1", is_disconnected=True)
        assert await changes(fitters) == []
        rows = await fitters.rows(
            "SELECT FROM platform_account_directory WHERE connection_id = %s",
            fitters.connection_id,
        )
        assert rows == []

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE connections SET direction = 'to_provider'",
            "UPDATE calendars SET is_read = false",
        ],
    )
    async def test_what_is_not_read_changes_nothing(
        self, fitters: Fitters, statement: str
    ) -> None:
        await fitters.rows(statement)
        await fitters.tell(is_schedule=True, customer_id="c-1")
        assert await due_items(fitters, "sync") == await changes(fitters) == []

    async def test_the_directory_holds_no_names(self, fitters: Fitters) -> None:
        rows = await fitters.rows(
            "SELECT d::text FROM platform_account_directory d WHERE connection_id = %s",
            fitters.connection_id,
        )
        assert len(rows) == 1
        assert fitters.account not in str(rows)


class TestRefusals:
    async def test_what_is_not_proven(self, fitters: Fitters) -> None:
        with pytest.raises(Unauthorized):
            await fitters.hints.take(SLUG, PushDelivery({}, b"{}"), fitters.now)

    async def test_what_is_no_delivery(self, fitters: Fitters) -> None:
        with pytest.raises(InvalidField):
            await fitters.hints.take(SLUG, PushDelivery({}, b"?"), fitters.now)

    async def test_a_platform_that_is_not_offered(self, fitters: Fitters) -> None:
        with pytest.raises(NotFound):
            await fitters.hints.take("other", PushDelivery({}, b"{}"), fitters.now)

    @pytest.mark.parametrize("field", ["account", "customer_id"])
    @pytest.mark.parametrize("value", ["", "\0", "\ud800", "a" * 5000, "c\n", "ü"])
    async def test_ids_that_are_none(
        self, fitters: Fitters, field: str, value: str
    ) -> None:
        with pytest.raises(InvalidField):
            await fitters.tell(**{"is_schedule": True, field: value})
        assert await due_items(fitters, "sync") == await changes(fitters) == []


class TestDisconnections:
    async def test_nothing_is_asked_with_its_secrets_any_more(
        self, fitters: Fitters
    ) -> None:
        appointment_id = await fitters.written()
        for _ in range(3):
            await fitters.tell(is_disconnected=True)
        assert await secrets(fitters) == {}
        row = await fitters.connection()
        assert row["status"] == "needs_reauthorization"
        assert row["failing_since"] is not None
        assert await due_items(fitters, "connection") == [fitters.connection_id]
        audit = await fitters.rows(
            "SELECT actor_kind FROM audit_entries WHERE action = 'connection.ended'"
        )
        assert audit == [("worker",)]
        # What was booked stays, and with it what is known of it there.
        assert await fitters.person(appointment_id) == JANE
        (link,) = await fitters.rows("SELECT event_id, is_wanted FROM links")
        assert link[0] is not None
        assert link[1]

    async def test_other_accounts_stay(self, fitters: Fitters, parts: Parts) -> None:
        twin = await connect_account(parts, await open_business(parts), fitters.account)
        other = await connect_account(parts, fitters.business, an_account())
        fitters.wait()
        await fitters.tell(is_disconnected=True)
        assert await secrets(twin) == {}
        assert await secrets(other) != {}
        assert (await other.connection())["status"] == "active"

    async def test_connecting_again_mends_all(
        self, fitters: Fitters, parts: Parts
    ) -> None:
        appointment_id = await fitters.written()
        await fitters.tell(customer_id="c-1")
        await fitters.tell(is_disconnected=True)
        await fitters.revise(appointment_id, name="Jane Poe")
        fitters.wait(2 * HOUR)
        await fitters.write(appointment_id)
        await fitters.settle()
        assert fitters.platform.customers["c-1"].name == "Jane Doe"
        assert fitters.platform.asked == []
        again = await connect_account(
            parts, fitters.business, fitters.account, fitters.platform, at=fitters.now
        )
        assert again.connection_id == fitters.connection_id
        assert (await fitters.connection())["status"] == "active"
        connections = Connections(
            ConnectionTable(parts.database, parts.keyring), parts.units, {}, new_id
        )
        known = await connections.get(fitters.tenant_id, fitters.connection_id)
        await connections.wake(known, fitters.now)
        assert set((await fitters.due()).values()) == {fitters.now}
        await fitters.write(appointment_id)
        assert fitters.platform.customers["c-1"].name == "Jane Poe"
        await fitters.settle()
        assert fitters.platform.asked == ["c-1"]

    async def test_told_late_it_ends_no_new_connection(
        self, fitters: Fitters, parts: Parts
    ) -> None:
        left_at = fitters.now
        await fitters.tell(is_disconnected=True)
        at = left_at + MINUTE
        await connect_account(parts, fitters.business, fitters.account, at=at)
        fitters.now = at + MINUTE
        await fitters.tell(is_disconnected=True, occurred_at=left_at)
        assert await secrets(fitters) != {}
        assert (await fitters.connection())["status"] == "active"
        await fitters.tell(is_disconnected=True)
        assert await secrets(fitters) == {}
