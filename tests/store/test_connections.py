"""What goes with a connection, though no foreign key says so."""

import asyncio

from tests.harness.paper.provider import GOOD, Paper
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import now
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import MINUTE, to_datetime
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.ports.connecting import PendingConnection
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.connections.pending_connections import (
    PendingConnectionTable,
)
from universal_calendar.store.housekeeping import Housekeeping


async def test_channels_and_work_go_with_their_connection(
    parts: Parts, business: Business
) -> None:
    table, tenant_id = (
        ConnectionTable(parts.database, parts.keyring),
        business.tenant_id,
    )
    connections = Connections(table, parts.units, {"paper": Paper()}, new_id)
    added = await connections.add(tenant_id, "paper", GOOD, now())
    calendar_id = added.calendars[0].calendar_id
    ids = [tenant_id, new_id(now()), calendar_id]
    async with parts.database.transaction(tenant_id) as connection:
        await connection.execute(
            "INSERT INTO push_channels (tenant_id, channel_id, calendar_id,"
            " key_version, sealed, created_at) VALUES (%s, %s, %s, 1, '', now())",
            ids,
        )
        await connection.execute(
            "INSERT INTO push_channel_directory (tenant_id, channel_id)"
            " VALUES (%s, %s)",
            ids[:2],
        )
        await connection.execute(
            "INSERT INTO due_work VALUES (%s, 'connection', %s, now())",
            [tenant_id, added.connection_id],
        )
    await table.remove(tenant_id, added.connection_id)
    async with parts.database.transaction(tenant_id) as connection:
        for name in ("push_channels", "push_channel_directory", "due_work"):
            cursor = await connection.execute(
                f"SELECT FROM {name} WHERE tenant_id = %s".encode(),
                [tenant_id],
            )
            assert cursor.rowcount == 0, name


async def test_the_same_account_many_times_at_once_is_one_connection(
    parts: Parts, business: Business
) -> None:
    table = ConnectionTable(parts.database, parts.keyring)
    connections = Connections(table, parts.units, {"paper": Paper()}, new_id)
    added = await asyncio.gather(
        *(connections.add(business.tenant_id, "paper", GOOD, now()) for _ in range(8))
    )
    assert len({each.connection_id for each in added}) == 1
    (connection,) = await table.all(business.tenant_id)
    assert len(connection.calendars) == 2


async def test_a_primary_calendar_that_is_gone_is_none_any_more(
    parts: Parts, business: Business
) -> None:
    table, paper = ConnectionTable(parts.database, parts.keyring), Paper()
    connections = Connections(table, parts.units, {"paper": paper}, new_id)
    await connections.add(business.tenant_id, "paper", GOOD, now())
    paper.names = ("Moon", "New")
    await connections.add(business.tenant_id, "paper", GOOD, now())
    (connection,) = await table.all(business.tenant_id)
    primary = {each.name: each.is_primary for each in connection.calendars}
    assert primary == {"Work": False, "Moon": True, "New": False}


async def test_what_nobody_finished_is_forgotten(
    parts: Parts, business: Business
) -> None:
    tenant_id, began = business.tenant_id, now()
    table = PendingConnectionTable(parts.database, parts.keyring)
    actor = Actor(ActorKind.USER, "user-1")
    for expires_at in (began - MINUTE, began + MINUTE):
        pending = PendingConnection(
            tenant_id, new_id(began), "paper", actor, None, None, expires_at
        )
        await table.add(pending, "secret", began - 2 * MINUTE)
    await Housekeeping(parts.database).clear(to_datetime(began))
    async with parts.database.transaction(tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT expires_at FROM pending_connections WHERE tenant_id = %s",
            [tenant_id],
        )
        assert await cursor.fetchall() == [(to_datetime(began + MINUTE),)]
