"""Accounts at platforms are connected, and everything goes with them again."""

import hashlib

import pytest

from tests.harness.paper.provider import GOOD, Paper
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import now
from tests.services.workshop import (
    ACTOR,
    WatchedPlatform,
    Workshop,
    connections_of,
    open_workshop,
)
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import MINUTE
from universal_calendar.services.connections.connection_usage import change_usage
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.connecting import PendingConnection
from universal_calendar.services.ports.connections import Usage
from universal_calendar.services.ports.visits import NOBODY, Visit, VisitStatus
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.connections.pending_connections import (
    PendingConnectionTable,
)

DIRECTORY = "SELECT FROM platform_account_directory WHERE tenant_id = %s"


@pytest.fixture
async def workshop(parts: Parts, business: Business) -> Workshop:
    return await open_workshop(parts, business)


async def test_an_account_is_a_schedule_that_is_read_and_written(
    workshop: Workshop,
) -> None:
    (calendar,) = workshop.connection.calendars
    assert (calendar.is_schedule, calendar.is_read) == (True, True)
    assert calendar.written_by == (None,)
    assert workshop.connection.schedule == calendar
    known = await workshop.technicians.all(*workshop.account)
    assert [(each.technician.technician_id, each.agent_id) for each in known] == [
        (NOBODY, workshop.business.agent.agent_id)
    ]


async def test_who_takes_nobodys_visits_is_chosen_once(workshop: Workshop) -> None:
    van = await workshop.agent_named("Van")
    await workshop.assign(NOBODY, van)
    connections = connections_of(workshop.parts, workshop.platform)
    secrets = {"account": "acme"}
    again = await connections.add(workshop.tenant_id, "paper", secrets, now())
    assert again.connection_id == workshop.connection.connection_id
    assert await workshop.refresh() == {
        NOBODY: van,
        "t-1": workshop.business.agent.agent_id,
    }


async def test_a_tenant_without_agents_gets_its_default_agent(parts: Parts) -> None:
    tenant = await parts.tenants.add("Empty", "UTC", now())
    connections = connections_of(parts, WatchedPlatform())
    added = await connections.add(
        tenant.tenant_id, "paper", {"account": "empty"}, now()
    )
    async with parts.units.begin(tenant.tenant_id, ACTOR, now()) as unit:
        (agent,) = await unit.agents.of_tenant(tenant.tenant_id)
        agents = await unit.technicians.agents(tenant.tenant_id, added.connection_id)
    assert agents == {NOBODY: agent.agent_id}


async def test_an_agent_has_no_schedule(workshop: Workshop) -> None:
    agent_id = workshop.business.agent.agent_id
    connections = connections_of(workshop.parts, workshop.platform)
    with pytest.raises(InvalidField, match="agentId"):
        await connections.add(
            workshop.tenant_id, "paper", {"account": "other"}, now(), agent_id
        )
    assert len(await connections.all(workshop.tenant_id)) == 1
    async with workshop.parts.units.begin(workshop.tenant_id, ACTOR, now()) as unit:
        with pytest.raises(InvalidField, match="agentId"):
            await change_usage(
                unit, workshop.connection.connection_id, lambda _: Usage(agent_id)
            )


async def test_webhooks_find_schedules_alone(
    workshop: Workshop, parts: Parts, business: Business
) -> None:
    table = ConnectionTable(parts.database, parts.keyring)
    connections = Connections(table, parts.units, {"cards": Paper()}, new_id)
    await connections.add(workshop.tenant_id, "cards", GOOD, now())
    rows = await workshop.rows(
        "SELECT provider, account_hash, connection_id FROM platform_account_directory"
        " WHERE tenant_id = %s",
        workshop.tenant_id,
    )
    digest = hashlib.sha256(b"acme").digest()
    assert rows == [("paper", digest, workshop.connection.connection_id)]


async def test_everything_goes_with_the_connection(workshop: Workshop) -> None:
    await workshop.refresh()
    visit = Visit("j-1", "v-1", VisitStatus.SCHEDULED, ("t-1",), None, "Leak")
    place = workshop.tenant_id, workshop.calendar_id
    await workshop.visits.keep(*place, {"v-1": visit}, now())
    connections = connections_of(workshop.parts, workshop.platform)
    await connections.remove(*workshop.account, now())
    for table in ("technicians", "visits"):
        assert await workshop.rows(f"SELECT FROM {table}") == []
    assert await workshop.rows(DIRECTORY, workshop.tenant_id) == []


async def test_a_schedule_stays_one_while_its_owner_agrees(
    workshop: Workshop, parts: Parts
) -> None:
    tenant_id, began = workshop.tenant_id, now()
    access = Access(tenant_id, new_id(began), {"account": "acme"})
    account = await workshop.platform.account(access, seconds=5)
    pending = PendingConnection(
        tenant_id,
        new_id(began),
        "paper",
        ACTOR,
        None,
        None,
        began + MINUTE,
        account=account,
    )
    table = PendingConnectionTable(parts.database, parts.keyring)
    await table.add(pending, "secret", began)
    taken = await table.take(tenant_id, pending.pending_id, "secret", began)
    assert taken.account == account
    assert account.calendars[0].is_schedule
