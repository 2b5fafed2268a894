"""A tenant of one's own, so that tests share a server without meeting."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.ports.tenants import Agent

ALWAYS_OPEN_DAYS = {
    day: [{"start": "09:00", "end": "17:00"}]
    for day in (
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    )
}
EVERY_DAY = {"working_hours": ALWAYS_OPEN_DAYS}


@dataclass(frozen=True)
class Business:
    """A tenant with one agent and a key for all its agents."""

    tenant_id: UUID
    agent: Agent
    api_key: str

    @property
    def agent_id(self) -> str:
        """Return the agent's id as the wire has it."""
        return str(self.agent.agent_id)


async def add_agent(
    parts: Parts,
    tenant_id: UUID,
    name: str,
    now: Instant,
    hours: Mapping[str, object] | None = EVERY_DAY,
    timezone: str = "UTC",
) -> Agent:
    """Add an agent with these hours (None: without)."""
    agent = await parts.tenants.add_agent(tenant_id, name, timezone, now)
    if hours is not None:
        await parts.tenants.set_hours(agent, dict(hours))
    return agent


async def open_business(
    parts: Parts,
    *,
    hours: Mapping[str, object] | None = EVERY_DAY,
    timezone: str = "UTC",
) -> Business:
    """Add a tenant, an agent with these hours (None: without), and a key."""
    moment = utc_now()
    now = from_datetime(moment)
    tenant_id = (await parts.tenants.add("Acme", timezone, now)).tenant_id
    agent = await add_agent(parts, tenant_id, "Ann", now, hours, timezone)
    _, secret = await parts.api_keys.create(tenant_id, moment)
    return Business(tenant_id, agent, secret)
