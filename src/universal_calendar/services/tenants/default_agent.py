"""The agent that a tenant gets when something first needs one."""

from typing import Final

from universal_calendar.core.errors import NotFound
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.units import Unit

DEFAULT_AGENT_NAME: Final = "Default"


async def ensure_default_agent(unit: Unit, new_id: NewId) -> Agent:
    """Return the unit's tenant's oldest active agent.

    A tenant without any agent gets one without hours, in the tenant's zone. Raises
    NotFound where every agent is inactive.
    """
    agents = await unit.agents.of_tenant(unit.tenant_id)
    if not agents:
        agents = [await _first_agent(unit, new_id)]
    for agent in agents:
        if agent.is_active:
            return agent
    raise NotFound("The tenant has no active agent")


async def _first_agent(unit: Unit, new_id: NewId) -> Agent:
    tenant = await unit.tenants.get(unit.tenant_id)
    wanted = Agent(
        tenant.tenant_id, new_id(unit.now), DEFAULT_AGENT_NAME, tenant.timezone
    )
    oldest = await unit.agents.add_first(wanted, unit.now)
    if oldest == wanted:
        await unit.audit.record("agent.created", wanted.agent_id)
    return oldest
