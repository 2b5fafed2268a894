"""Tenants, their agents and their hours, as people manage them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from universal_calendar.core.errors import AgentNotFound, InvalidField, TenantNotFound
from universal_calendar.core.hours import complete
from universal_calendar.core.instant import Instant
from universal_calendar.core.localtime import zone_named
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.tenants import (
    Agent,
    AgentStore,
    Tenant,
    TenantStore,
)

LONGEST_NAME = 255


class Tenants:
    """Adds and lists tenants and agents, and sets hours."""

    def __init__(self, tenants: TenantStore, agents: AgentStore, new_id: NewId) -> None:
        """Take the ports."""
        self._tenants, self._agents, self._new_id = tenants, agents, new_id

    async def add(
        self, name: str, timezone: str, now: Instant, tenant_id: UUID | None = None
    ) -> Tenant:
        """Add a tenant without agents; raise InvalidField or AlreadyExists."""
        zone = zone_named(timezone).key
        tenant = Tenant(tenant_id or self._new_id(now), _checked(name), zone)
        await self._tenants.add(tenant, now)
        return tenant

    async def all(self) -> list[Tenant]:
        """Return every tenant, oldest first, without those erased meanwhile."""
        found = []
        for tenant_id in await self._tenants.ids():
            with suppress(TenantNotFound):
                found.append(await self._tenants.get(tenant_id))
        return found

    async def get(self, tenant_id: UUID) -> Tenant:
        """Return a tenant; raise TenantNotFound."""
        return await self._tenants.get(tenant_id)

    async def update(
        self, tenant: Tenant, *, name: str | None = None, timezone: str | None = None
    ) -> Tenant:
        """Change what is given of a tenant; raise InvalidField."""
        changed = replace(
            tenant,
            name=tenant.name if name is None else _checked(name),
            timezone=tenant.timezone if timezone is None else zone_named(timezone).key,
        )
        await self._tenants.update(changed)
        return changed

    async def add_agent(
        self,
        tenant_id: UUID,
        name: str,
        timezone: str,
        now: Instant,
        agent_id: UUID | None = None,
    ) -> Agent:
        """Add an agent without hours.

        Raises TenantNotFound, InvalidField or AlreadyExists.
        """
        await self._tenants.get(tenant_id)
        zone = zone_named(timezone).key
        agent = Agent(tenant_id, agent_id or self._new_id(now), _checked(name), zone)
        await self._agents.add(agent, now)
        return agent

    async def agents(self, tenant_id: UUID) -> Sequence[Agent]:
        """Return the tenant's agents, oldest first."""
        await self._tenants.get(tenant_id)
        return await self._agents.of_tenant(tenant_id)

    async def agent(self, agent_id: UUID, tenant_id: UUID | None = None) -> Agent:
        """Return an agent; without a tenant the id must be one tenant's alone.

        Raises AgentNotFound or AmbiguousAgent.
        """
        owner = tenant_id or await self._agents.tenant_of(agent_id)
        for agent in await self._agents.of_tenant(owner):
            if agent.agent_id == agent_id:
                return agent
        raise AgentNotFound(agent_id)

    async def update_agent(
        self,
        agent: Agent,
        *,
        name: str | None = None,
        timezone: str | None = None,
        is_active: bool | None = None,
    ) -> Agent:
        """Change what is given of an agent; raise InvalidField."""
        changed = replace(
            agent,
            name=agent.name if name is None else _checked(name),
            timezone=agent.timezone if timezone is None else zone_named(timezone).key,
            is_active=agent.is_active if is_active is None else is_active,
        )
        await self._agents.update(changed)
        return changed

    async def hours(self, agent: Agent) -> dict[str, object] | None:
        """Return the complete hours document, None where none was ever set."""
        return await self._agents.hours(agent.tenant_id, agent.agent_id)

    async def set_hours(self, agent: Agent, document: object) -> dict[str, object]:
        """Replace all hours and rules; what is absent gets the guide's default.

        Returns the complete document; raises InvalidField.
        """
        whole = complete(document)
        await self._agents.set_hours(agent.tenant_id, agent.agent_id, whole)
        return whole


def _checked(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
        raise InvalidField("name", f"use 1 to {LONGEST_NAME} characters")
    return name
