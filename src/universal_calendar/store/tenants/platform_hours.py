"""Schedules that came from the tenant service, beside agents' own ones."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from typing_extensions import override

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.platform import PlatformScheduleStore
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.store.booking.appointments import lock_agent
from universal_calendar.store.database import Connection, Session


class PlatformScheduleTable(PlatformScheduleStore):
    """The port `PlatformScheduleStore` on PostgreSQL."""

    def __init__(self, database: Session) -> None:
        """Take the pool."""
        self._database = database

    @override
    async def has_schedule(self, tenant_id: UUID, agent_id: UUID) -> bool:
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT FROM schedules WHERE tenant_id = %s AND agent_id = %s",
                [tenant_id, agent_id],
            )
            return cursor.rowcount > 0

    @override
    async def write(
        self, agent: Agent, document: Mapping[str, object] | None, now: Instant
    ) -> bool:
        text = None if document is None else json.dumps(document)
        async with self._database.transaction(agent.tenant_id) as connection:
            source, is_same = await _standing(connection, agent, text)
            if source == "own":
                return True
            if is_same:
                await _note_fetching(connection, agent, now)
            elif source is not None or text is not None:
                await lock_agent(connection, agent.tenant_id, agent.agent_id)
                await _replace(connection, agent, text, now)
        return text is not None

    @override
    async def fetched_before(
        self, moment: Instant
    ) -> AsyncIterator[tuple[UUID, Sequence[Agent]]]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id FROM tenant_directory ORDER BY tenant_id"
            )
            tenants = [row[0] for row in await cursor.fetchall()]
        for tenant_id in tenants:
            agents = await self._stale_of(tenant_id, moment)
            if agents:
                yield tenant_id, agents

    async def _stale_of(self, tenant_id: UUID, moment: Instant) -> list[Agent]:
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT a.tenant_id, a.agent_id, a.name, a.timezone, a.is_active"
                " FROM schedules s JOIN agents a USING (tenant_id, agent_id)"
                " WHERE s.tenant_id = %s AND s.source = 'platform'"
                " AND s.fetched_at < %s ORDER BY a.agent_id",
                [tenant_id, to_datetime(moment)],
            )
            return [Agent(*row) for row in await cursor.fetchall()]


async def _standing(
    connection: Connection, agent: Agent, text: str | None
) -> tuple[str | None, bool]:
    """Return the schedule's source, and whether it is this very document."""
    cursor = await connection.execute(
        "SELECT source, coalesce(document::jsonb = %s::jsonb, false) FROM schedules"
        " WHERE tenant_id = %s AND agent_id = %s",
        [text, agent.tenant_id, agent.agent_id],
    )
    row = await cursor.fetchone()
    return (None, False) if row is None else (row[0], row[1])


async def _note_fetching(connection: Connection, agent: Agent, now: Instant) -> None:
    await connection.execute(
        "UPDATE schedules SET fetched_at = %s"
        " WHERE tenant_id = %s AND agent_id = %s AND source = 'platform'",
        [to_datetime(now), agent.tenant_id, agent.agent_id],
    )


async def _replace(
    connection: Connection, agent: Agent, text: str | None, now: Instant
) -> None:
    """Write or delete; an own schedule may have come since, and stays."""
    if text is None:
        await connection.execute(
            "DELETE FROM schedules"
            " WHERE tenant_id = %s AND agent_id = %s AND source = 'platform'",
            [agent.tenant_id, agent.agent_id],
        )
        return
    await connection.execute(
        "INSERT INTO schedules (tenant_id, agent_id, document, source, fetched_at)"
        " VALUES (%s, %s, %s, 'platform', %s)"
        " ON CONFLICT (tenant_id, agent_id) DO UPDATE"
        " SET document = excluded.document, fetched_at = excluded.fetched_at"
        " WHERE schedules.source = 'platform'",
        [agent.tenant_id, agent.agent_id, text, to_datetime(now)],
    )
