"""A tenant of one's own, so that tests share a server without meeting."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
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


async def open_business(
    parts: Parts,
    *,
    hours: Mapping[str, object] | None = EVERY_DAY,
    timezone: str = "UTC",
) -> Business:
    """Add a tenant, an agent with these hours (None: without), and a key."""
    now = utc_now()
    tenant = await parts.tenants.add("Acme", timezone, from_datetime(now))
    agent = await parts.tenants.add_agent(
        tenant.tenant_id, "Ann", timezone, from_datetime(now)
    )
    if hours is not None:
        await parts.tenants.set_hours(agent, dict(hours))
    _, secret = await parts.api_keys.create(tenant.tenant_id, now)
    return Business(tenant.tenant_id, agent, secret)
