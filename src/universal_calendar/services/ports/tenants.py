"""Tenants, their agents and their hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant


@dataclass(frozen=True, slots=True)
class Tenant:
    """A business that owns agents; `timezone` is an IANA name."""

    tenant_id: UUID
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Agent:
    """Who or what is booked; an inactive one is unknown to every caller."""

    tenant_id: UUID
    agent_id: UUID
    name: str
    timezone: str
    is_active: bool = True


class TenantStore(Protocol):
    """Keeps tenants."""

    async def add(self, tenant: Tenant, now: Instant) -> None:
        """Add a tenant with keys of its own; raise AlreadyExists."""

    async def ids(self) -> Sequence[UUID]:
        """Return every tenant's id, oldest first."""

    async def get(self, tenant_id: UUID) -> Tenant:
        """Return a tenant; raise TenantNotFound."""

    async def exists(self, tenant_id: UUID) -> bool:
        """Tell whether there is such a tenant, in one indexed look-up."""

    async def update(self, tenant: Tenant) -> None:
        """Write name and zone of a tenant that exists."""


class AgentStore(Protocol):
    """Keeps agents and their hours documents."""

    async def add(self, agent: Agent, now: Instant) -> None:
        """Add an agent without hours; raise AlreadyExists."""

    async def add_first(self, agent: Agent, now: Instant) -> Agent:
        """Add the agent unless its tenant has one by now; return the oldest."""

    async def lock(
        self, tenant_id: UUID, agent_id: UUID | None = None
    ) -> Sequence[UUID]:
        """Lock an agent, or all there are, by id, until the transaction ends.

        Returns the ids; raises AgentNotFound.
        """

    async def tenant_of(self, agent_id: UUID) -> UUID:
        """Return the agent's tenant; raise AgentNotFound or AmbiguousAgent."""

    async def of_tenant(self, tenant_id: UUID) -> Sequence[Agent]:
        """Return the tenant's agents, oldest first."""

    async def update(self, agent: Agent) -> None:
        """Write name, zone and activity of an agent that exists."""

    async def hours(self, tenant_id: UUID, agent_id: UUID) -> dict[str, object] | None:
        """Return the hours document, None where none was ever set."""

    async def set_hours(
        self, tenant_id: UUID, agent_id: UUID, document: dict[str, object]
    ) -> None:
        """Replace the hours document by a complete one."""
