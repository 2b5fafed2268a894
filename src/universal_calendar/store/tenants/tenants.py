"""Tenants, their agents and their hours."""

import json
from collections.abc import Sequence
from uuid import UUID

from psycopg.errors import UniqueViolation

from universal_calendar.core.errors import (
    AgentNotFound,
    AlreadyExists,
    AmbiguousAgent,
    TenantNotFound,
)
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.tenants import Agent, Tenant
from universal_calendar.store.booking.appointments import lock_agent
from universal_calendar.store.database import Bound, Session
from universal_calendar.store.sealing.keyring import Keyring


class TenantTable:
    """Writes and reads tenants."""

    def __init__(self, database: Session, keyring: Keyring) -> None:
        """Take what makes a new tenant's keys."""
        self._database, self._keyring = database, keyring

    async def add(self, tenant: Tenant, now: Instant) -> None:
        """Add a tenant with keys of its own; raise AlreadyExists."""
        try:
            async with self._database.transaction(tenant.tenant_id) as connection:
                await connection.execute(
                    "INSERT INTO tenant_directory VALUES (%s)", [tenant.tenant_id]
                )
                await connection.execute(
                    "INSERT INTO tenants VALUES (%s, %s, %s, %s)",
                    [tenant.tenant_id, tenant.name, tenant.timezone, to_datetime(now)],
                )
                await self._keyring.give_keys(connection, tenant.tenant_id)
        except UniqueViolation:
            raise AlreadyExists("A tenant with this id exists already") from None

    async def ids(self) -> list[UUID]:
        """Return every tenant's id, oldest id first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id FROM tenant_directory ORDER BY tenant_id"
            )
            return [row[0] for row in await cursor.fetchall()]

    async def get(self, tenant_id: UUID) -> Tenant:
        """Return a tenant; raise TenantNotFound, also for one whose keys are gone."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT tenant_id, name, timezone FROM tenants t WHERE tenant_id = %s"
                " AND EXISTS (SELECT FROM tenant_keys k"
                " WHERE k.tenant_id = t.tenant_id AND k.data_key IS NOT NULL)",
                [tenant_id],
            )
            row = await cursor.fetchone()
        if row is None:
            raise TenantNotFound
        return Tenant(*row)

    async def exists(self, tenant_id: UUID) -> bool:
        """Tell whether there is such a tenant, in one indexed look-up."""
        (found,) = await self._database.call(
            "SELECT EXISTS (SELECT FROM tenant_directory WHERE tenant_id = %s)",
            [tenant_id],
        )
        return bool(found)

    async def update(self, tenant: Tenant) -> None:
        """Write name and zone of a tenant that exists."""
        async with self._database.transaction(tenant.tenant_id) as connection:
            await connection.execute(
                "UPDATE tenants SET name = %s, timezone = %s WHERE tenant_id = %s",
                [tenant.name, tenant.timezone, tenant.tenant_id],
            )


class AgentTable:
    """Writes and reads agents and their hours documents."""

    def __init__(self, database: Session) -> None:
        """Take the pool."""
        self._database = database

    async def add(self, agent: Agent, now: Instant) -> None:
        """Add an agent without hours; raise AlreadyExists."""
        try:
            async with self._database.transaction(agent.tenant_id) as connection:
                await connection.execute(
                    "INSERT INTO agents (tenant_id, agent_id, name, timezone,"
                    " is_active, created_at) VALUES (%s, %s, %s, %s, %s, %s)",
                    [
                        agent.tenant_id,
                        agent.agent_id,
                        agent.name,
                        agent.timezone,
                        agent.is_active,
                        to_datetime(now),
                    ],
                )
                await connection.execute(
                    "INSERT INTO agent_directory VALUES (%s, %s)",
                    [agent.agent_id, agent.tenant_id],
                )
        except UniqueViolation:
            raise AlreadyExists("The tenant has an agent with this id") from None

    async def add_first(self, agent: Agent, now: Instant) -> Agent:
        """Add the agent unless its tenant has one by now; return the oldest."""
        async with self._database.transaction(agent.tenant_id) as connection:
            # Two requests at once must not both be the first.
            await connection.execute(
                "SELECT FROM tenants WHERE tenant_id = %s FOR NO KEY UPDATE",
                [agent.tenant_id],
            )
            within = AgentTable(Bound(connection, agent.tenant_id))
            for oldest in await within.of_tenant(agent.tenant_id):
                return oldest
            await within.add(agent, now)
        return agent

    async def lock(
        self, tenant_id: UUID, agent_id: UUID | None = None
    ) -> Sequence[UUID]:
        """Lock an agent, or all there are, by id, until the transaction ends.

        Returns the ids; raises AgentNotFound.
        """
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT agent_id FROM agents WHERE tenant_id = %(tenant)s"
                " AND (%(agent)s::uuid IS NULL OR agent_id = %(agent)s)"
                " ORDER BY agent_id FOR NO KEY UPDATE",
                {"tenant": tenant_id, "agent": agent_id},
            )
            found = [row[0] for row in await cursor.fetchall()]
        if agent_id is not None and not found:
            raise AgentNotFound(agent_id)
        return found

    async def tenant_of(self, agent_id: UUID) -> UUID:
        """Return the one tenant with this agent.

        Raises AgentNotFound, and AmbiguousAgent where several tenants use the id.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id FROM agent_directory WHERE agent_id = %s", [agent_id]
            )
            rows = await cursor.fetchall()
        if not rows:
            raise AgentNotFound(agent_id)
        if len(rows) > 1:
            raise AmbiguousAgent
        tenant_id: UUID = rows[0][0]
        return tenant_id

    async def of_tenant(self, tenant_id: UUID) -> Sequence[Agent]:
        """Return the tenant's agents, oldest first."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT tenant_id, agent_id, name, timezone, is_active FROM agents"
                " WHERE tenant_id = %s ORDER BY created_at, agent_id",
                [tenant_id],
            )
            return [Agent(*row) for row in await cursor.fetchall()]

    async def update(self, agent: Agent) -> None:
        """Write name, zone and activity of an agent that exists."""
        async with self._database.transaction(agent.tenant_id) as connection:
            await lock_agent(connection, agent.tenant_id, agent.agent_id)
            await connection.execute(
                "UPDATE agents SET name = %s, timezone = %s, is_active = %s"
                " WHERE tenant_id = %s AND agent_id = %s",
                [
                    agent.name,
                    agent.timezone,
                    agent.is_active,
                    agent.tenant_id,
                    agent.agent_id,
                ],
            )

    async def hours(self, tenant_id: UUID, agent_id: UUID) -> dict[str, object] | None:
        """Return the hours document, None where none was ever set."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT document::text FROM schedules"
                " WHERE tenant_id = %s AND agent_id = %s",
                [tenant_id, agent_id],
            )
            row = await cursor.fetchone()
        return None if row is None else json.loads(row[0])

    async def set_hours(
        self, tenant_id: UUID, agent_id: UUID, document: dict[str, object]
    ) -> None:
        """Replace the hours document by a complete one."""
        async with self._database.transaction(tenant_id) as connection:
            await lock_agent(connection, tenant_id, agent_id)
            await connection.execute(
                "INSERT INTO schedules VALUES (%s, %s, %s) ON CONFLICT"
                " (tenant_id, agent_id) DO UPDATE SET document = excluded.document,"
                " source = excluded.source, fetched_at = NULL",
                [tenant_id, agent_id, json.dumps(document)],
            )
