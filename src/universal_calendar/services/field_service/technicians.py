"""Technicians of a platform's account: who they are, and as which agent they work."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from universal_calendar.core.errors import AgentNotFound
from universal_calendar.core.instant import Instant
from universal_calendar.services.budget import ended_after
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.services.ports.technicians import (
    KnownTechnician,
    TechnicianStore,
)
from universal_calendar.services.ports.units import Unit, Units
from universal_calendar.services.ports.visits import NOBODY, Technician
from universal_calendar.services.tenants.default_agent import ensure_default_agent

_WORKER: Final = Actor(ActorKind.WORKER, "technicians")
Agents: TypeAlias = Mapping[str, UUID | None]
"""Agents by technicians' ids, NOBODY among them; None: no agent here."""


class Technicians:
    """Keeps what is known of technicians as the platform tells it."""

    def __init__(self, technicians: TechnicianStore, units: Units) -> None:
        """Take where they are kept."""
        self._technicians, self._units = technicians, units

    async def refresh(
        self,
        platform: FieldServiceProvider,
        access: Access,
        now: Instant,
        *,
        seconds: float,
    ) -> Agents:
        """Ask the platform who there is; return the agents of all, by their ids.

        Whoever has no agent of their name gets one that was added since. Raises the
        platform's errors.
        """
        async with ended_after(seconds):
            found = await platform.technicians(access, seconds=seconds)
        connection = access.tenant_id, access.connection_id
        if await self._technicians.knows(*connection, found):
            return await self._technicians.agents(*connection)
        async with self._units.begin(access.tenant_id, _WORKER, now) as unit:
            return await _keep(unit, access.connection_id, found)

    async def all(
        self, tenant_id: UUID, connection_id: UUID
    ) -> Sequence[KnownTechnician]:
        """Return the technicians, NOBODY first, then by name."""
        return await self._technicians.all(tenant_id, connection_id)


async def _keep(unit: Unit, connection_id: UUID, found: Sequence[Technician]) -> Agents:
    tenant_id = unit.tenant_id
    await unit.agents.lock(tenant_id)
    before = await unit.technicians.agents(tenant_id, connection_id)
    after = await unit.technicians.keep(tenant_id, connection_id, found)
    # What a technician does who was unknown took nobody's time.
    changed = {each for each, agent_id in after.items() if before.get(each) != agent_id}
    concerned = {agents.get(each) for agents in (before, after) for each in changed}
    await _count_change(unit, concerned)
    await unit.audit.record("technicians.changed", connection_id)
    return after


async def assign(
    unit: Unit, connection_id: UUID, technician_id: str, agent_id: UUID | None
) -> None:
    """Say as which agent a technician works; None: what they do takes no time here.

    Their visits take that agent's time at once. Raises TechnicianNotFound, and
    AgentNotFound, also for an agent that is inactive.
    """
    tenant_id = unit.tenant_id
    await unit.agents.lock(tenant_id)
    active = [each for each in await unit.agents.of_tenant(tenant_id) if each.is_active]
    if agent_id not in {None, *(each.agent_id for each in active)}:
        raise AgentNotFound(agent_id)
    before = await unit.technicians.agents(tenant_id, connection_id)
    await unit.technicians.assign(tenant_id, connection_id, technician_id, agent_id)
    await _count_change(unit, {before.get(technician_id), agent_id})
    await unit.audit.record("technicians.changed", connection_id)


async def give_nobodys_visits(unit: Unit, connection_id: UUID, new_id: NewId) -> None:
    """Have visits without a technician take the default agent's time, at first.

    Raises NotFound where every agent is inactive.
    """
    known = unit.tenant_id, connection_id
    if NOBODY in await unit.technicians.agents(*known):
        return
    agent = await ensure_default_agent(unit, new_id)
    await unit.technicians.keep(*known, [Technician(NOBODY, "")])
    await unit.technicians.assign(*known, NOBODY, agent.agent_id)


async def _count_change(unit: Unit, agent_ids: Collection[UUID | None]) -> None:
    concerned = [each for each in agent_ids if each is not None]
    await unit.connections.count_change(unit.tenant_id, concerned)
