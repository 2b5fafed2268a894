"""Hours of agents without their own: those of the tenant service, kept as schedules."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.services.ports.platform import (
    HoursSource,
    PlatformDown,
    PlatformFailed,
    PlatformScheduleStore,
)
from universal_calendar.services.ports.tenants import Agent

REFRESH_AFTER: Final[Duration] = 15 * MINUTE
PAUSE: Final[Duration] = MINUTE // 2
_MOST_PAUSES: Final = 1024
_MOST_OUTAGES: Final = 3


class PlatformHours:
    """Fetches hours where none are, and keeps what was fetched up to date.

    An agent's own schedule always wins; what was fetched once stays in force while the
    tenant service is down. Without a source nothing is ever fetched.
    """

    def __init__(
        self, source: HoursSource | None, schedules: PlatformScheduleStore
    ) -> None:
        """Take the tenant service, None where there is none."""
        self._source, self._schedules = source, schedules
        self._pauses: OrderedDict[UUID, Instant] = OrderedDict()

    async def provide(self, agent: Agent, now: Instant) -> bool:
        """Tell whether the agent has hours, after asking for them if it has none.

        It may take the tenant service's two seconds: ask outside of any transaction.
        After a vain attempt the service is left alone for half a minute.
        """
        if await self._schedules.has_schedule(agent.tenant_id, agent.agent_id):
            return True
        if self._source is None or now < self._pauses.get(agent.tenant_id, now):
            return False
        has_hours = await self._fetched(self._source, agent, now)
        if not has_hours:
            self._pause(agent.tenant_id, now)
        return has_hours

    async def provide_all(self, agents: Sequence[Agent], now: Instant) -> bool:
        """Ask once for all of a tenant's agents; tell whether any has hours now."""
        provided = [await self.provide(each, now) for each in agents if each.is_active]
        return any(provided)

    async def refresh_stale(self, now: Instant) -> int:
        """Fetch again what is older than 15 minutes; return how many agents' it was.

        A tenant whose answer cannot be used keeps its hours, and after three outages
        the rest waits for the next time.
        """
        if self._source is None:
            return 0
        refreshed, outages = 0, 0
        stale = self._schedules.fetched_before(now - REFRESH_AFTER)
        async for tenant_id, agents in stale:
            try:
                refreshed += await self._refresh(self._source, tenant_id, agents, now)
            except PlatformDown:
                outages += 1
            except (PlatformFailed, TenantNotFound):
                continue
            if outages == _MOST_OUTAGES:
                break
        return refreshed

    async def _fetched(self, source: HoursSource, agent: Agent, now: Instant) -> bool:
        try:
            tenant = await source.fetch(agent.tenant_id, now)
        except (PlatformFailed, TenantNotFound):
            return False
        return await self._schedules.write(agent, tenant.hours, now)

    async def _refresh(
        self,
        source: HoursSource,
        tenant_id: UUID,
        agents: Sequence[Agent],
        now: Instant,
    ) -> int:
        tenant = await source.fetch(tenant_id, now)
        for agent in agents:
            await self._schedules.write(agent, tenant.hours, now)
        return len(agents)

    def _pause(self, tenant_id: UUID, now: Instant) -> None:
        self._pauses[tenant_id] = now + PAUSE
        self._pauses.move_to_end(tenant_id)
        if len(self._pauses) > _MOST_PAUSES:
            self._pauses.popitem(last=False)
