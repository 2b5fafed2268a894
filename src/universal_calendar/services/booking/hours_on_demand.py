"""Work that needs hours: where there are none, the tenant service is asked first."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from universal_calendar.core.errors import HoursNotConfigured
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.tenants import AgentStore
from universal_calendar.services.tenants.platform_hours import PlatformHours

T = TypeVar("T")


class HoursOnDemand:
    """Repeats work that found no hours, once they were fetched."""

    def __init__(self, hours: PlatformHours, agents: AgentStore) -> None:
        """Take who fetches hours, and for whom."""
        self._hours, self._agents = hours, agents

    async def run(
        self, tenant_id: UUID, now: Instant, work: Callable[[], Awaitable[T]]
    ) -> T:
        """Do the work; raise HoursNotConfigured if nobody knows the hours.

        The work must have changed nothing when it raises that, and hold no transaction.
        """
        try:
            return await work()
        except HoursNotConfigured:
            agents = await self._agents.of_tenant(tenant_id)
            if not await self._hours.provide_all(agents, now):
                raise
        return await work()
