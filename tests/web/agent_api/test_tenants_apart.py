"""Two tenants on one service know nothing of each other, by any route."""

from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from psycopg import sql

from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.web.api import BOOKING, Api, day_after
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

OF_EACH_REQUEST = {"x-request-id", "date", "ratelimit", "ratelimit-policy"}
KEY = {"Idempotency-Key": "of-both"}
REFERENCE: dict[str, Any] = {"external_reference_id": "of-both"}
LOOK_UPS = {
    *("tenant_directory", "agent_directory", "api_key_directory", "due_work"),
    *("push_channel_directory", "sync_directory", "platform_account_directory"),
}


def seen(answer: httpx2.Response) -> tuple[object, ...]:
    """Return all that a caller gets, but for what differs between any two requests."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in OF_EACH_REQUEST
    }
    return answer.status_code, headers, answer.content


def tried(api: Api) -> list[tuple[object, ...]]:
    """Ask for an agent in every way that there is."""
    day = day_after(1)
    wish = api.wish(day, "10:00", participant_name="")
    return [
        seen(answer)
        for answer in (
            api.free_slots(day),
            api.free_slots(day, duration_minutes=45),
            api.free_slots(day_after(2), day),
            api.book(day, "10:00"),
            api.book(day, "10:00", KEY, **REFERENCE),
            api.book("2020-01-01", "10:00"),
            api.with_key(None).book(day, "10:00", api_key=api.api_key),
            api.request("POST", BOOKING, json=wish),
            api.request("GET", f"/api/calendar/agents/{api.agent_id}"),
            api.request("DELETE", f"/api/calendar/free-slots/{api.agent_id}"),
        )
    ]


async def agent_with_id(parts: Parts, agent_id: UUID) -> Business:
    """Open a business whose agent has this id."""
    business = await open_business(parts, hours=None)
    now = from_datetime(utc_now())
    agent = await parts.tenants.add_agent(
        business.tenant_id, "Ann", "UTC", now, agent_id
    )
    await parts.tenants.set_hours(agent, EVERY_DAY)
    return Business(business.tenant_id, agent, business.api_key)


async def test_an_agent_of_another_tenant_leaves_no_trace(
    api: Api, parts: Parts
) -> None:
    agent_id = new_id(from_datetime(utc_now()))
    curious = api.with_agent(agent_id)
    before = tried(curious)
    other = await agent_with_id(parts, agent_id)
    theirs = api.of(other)
    assert theirs.book(day_after(1), "10:00", KEY, **REFERENCE).status_code == 201
    assert tried(curious) == before
    assert {status for status, *_ in before} == {400, 404, 405, 422}


async def test_the_same_agent_id_in_two_tenants_is_two_agents(
    api: Api, parts: Parts
) -> None:
    agent_id = new_id(from_datetime(utc_now()))
    one = api.of(await agent_with_id(parts, agent_id))
    two = api.of(await agent_with_id(parts, agent_id))
    day = day_after(1)
    first = one.book(day, "10:00", KEY, **REFERENCE)
    second = two.book(day, "10:00", KEY, **REFERENCE)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["booking_id"] != second.json()["booking_id"]
    assert one.book(day, "11:00").status_code == 201
    assert "11:00" in two.starts(day)


class TestRowLevelSecurity:
    """The database alone keeps tenants apart, for the role that owns its tables too."""

    @pytest.fixture
    def booked(self, api: Api) -> Api:
        assert api.book(day_after(1), "10:00", KEY, **REFERENCE).status_code == 201
        return api

    async def tables(self, parts: Parts) -> list[str]:
        async with parts.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT table_name FROM information_schema.columns"
                " WHERE table_schema = current_schema() AND column_name = 'tenant_id'"
                " ORDER BY table_name"
            )
            found = {str(row[0]) for row in await cursor.fetchall()}
        assert found > LOOK_UPS | {"agents", "claims", "appointments", "api_keys"}
        return sorted(found - LOOK_UPS)

    async def rows(self, parts: Parts, table: str, tenant_id: str | None) -> int:
        async with parts.database.connection() as connection, connection.transaction():
            if tenant_id is not None:
                await connection.execute(
                    "SELECT set_config('app.tenant_id', %s, true)", [tenant_id]
                )
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            row = await (await connection.execute(query)).fetchone()
        assert row is not None
        return int(row[0])

    async def test_a_tenant_sees_its_rows(
        self, booked: Api, business: Business, parts: Parts
    ) -> None:
        tenant_id = str(business.tenant_id)
        for table in ("agents", "appointments", "audit_entries", "claims"):
            assert await self.rows(parts, table, tenant_id) > 0, table

    async def test_every_table_is_under_it(self, parts: Parts) -> None:
        async with parts.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
                " WHERE relrowsecurity AND relforcerowsecurity"
            )
            forced = {str(row[0]) for row in await cursor.fetchall()}
        assert forced.issuperset(await self.tables(parts))

    @pytest.mark.parametrize("tenant_id", [None, "", str(UUID(int=5))])
    async def test_nobody_else_sees_a_row(
        self, tenant_id: str | None, booked: Api, parts: Parts
    ) -> None:
        for table in await self.tables(parts):
            assert await self.rows(parts, table, tenant_id) == 0, table

    async def test_nobody_writes_a_row_for_another(
        self, business: Business, parts: Parts
    ) -> None:
        other = await open_business(parts)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with parts.database.transaction(other.tenant_id) as connection:
                await connection.execute(
                    "INSERT INTO schedules VALUES (%s, %s, '{}')",
                    [business.tenant_id, business.agent.agent_id],
                )

    async def test_the_owner_cannot_step_around_it(self, parts: Parts) -> None:
        async with parts.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT rolsuper OR rolbypassrls FROM pg_roles"
                " WHERE rolname = current_user"
            )
            assert await cursor.fetchone() == (False,)
