"""A business whose jobs are on the schedule of a platform that remembers.

What the technician Temp does takes nobody's time here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from typing_extensions import override

from tests.harness.outside.platforms import Platform
from tests.harness.scenes.business import open_business
from tests.harness.scenes.staffed import Staffed
from universal_calendar.bootstrap.channels import webhooks
from universal_calendar.bootstrap.outside import Outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers, providers
from universal_calendar.bootstrap.worker import calendar_writes, customer_changes
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval, Intervals, clip, merge
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visits import NOBODY
from universal_calendar.store.field_service.technicians import TechnicianTable


@dataclass
class Visited(Staffed):
    """The business, its team, and the platform."""

    platform: Platform
    outside: Outside
    team: list[str]
    """Technicians' ids; the last is no agent."""
    is_rested: bool = field(default=False, init=False)

    @property
    def works_as(self) -> Mapping[str, UUID | None]:
        """Return agents by technicians' ids, NOBODY among them."""
        ids = [each.agent_id for each in self.agents]
        return dict(zip([NOBODY, *self.team], [*ids, None], strict=True))

    def begin_process(self) -> None:
        """Go on as a process that remembers nothing."""
        self.take_over(providers(self.parts, self.outside))

    async def connect(self) -> None:
        """Connect the account once more, with the credentials that it has now."""
        await self.open_account(self.platform.slug, self.platform.credentials())

    # What may be asked of platforms is counted by a clock that does not stand still.

    @override
    def wait(self, duration: int = FRESH + SECOND) -> None:
        super().wait(duration)
        self.is_rested = self.is_rested or duration > FRESH

    @override
    async def read_due(self, *, seconds: float = 30.0) -> None:
        """Read what webhooks named, and all of it only if that is due."""
        await self.refill()
        await super().read_due(seconds=seconds)

    @override
    async def write(self, appointment_id: UUID) -> None:
        await self.refill()
        await super().write(appointment_id)

    async def write_by(self, process: Providers, appointment_id: UUID) -> None:
        """Settle the appointment's event, as another process would."""
        writes = calendar_writes(self.parts, process)
        await writes.settle(self.tenant_id, appointment_id, self.now, seconds=10)

    @override
    async def asked(self, agent: Agent, window: Interval) -> Intervals | None:
        self.wait()
        await self.refill()
        found = await super().asked(agent, window)
        return None if found is None else merge(clip(found, window))

    async def refill(self) -> None:
        """Have all quotas full again, if enough time has passed for that."""
        if self.is_rested:
            self.is_rested = False
            await self.rows("DELETE FROM rate_limits")

    async def dismiss_others(self) -> None:
        """Say of everybody but Ben and Eve that what they do takes nobody's time."""
        table = TechnicianTable(self.parts.database, self.parts.keyring)
        known = await table.all(self.tenant_id, self.connection_id)
        ids = {each.technician.technician_id for each in known}
        for each in sorted(ids - {NOBODY, *self.team[:2]}):
            await self.assign(each, None)

    # Between

    async def hear(self, delivery: PushDelivery) -> None:
        """Take in what the platform's webhook tells."""
        taking = webhooks(self.parts, self.offered)
        take = taking.takers[self.platform.slug]
        await take(self.platform.slug, delivery, from_datetime(utc_now()))

    async def ask_about_customers(self) -> None:
        """Ask about every customer who is due, as the worker would."""
        changes = customer_changes(self.parts, self.offered)
        due = await self.rows(
            "SELECT item_id FROM due_work"
            " WHERE tenant_id = %s AND kind = 'customer' AND due_at <= %s",
            self.tenant_id,
            to_datetime(self.now),
        )
        for (change_id,) in due:
            await changes.settle(self.tenant_id, change_id, self.now, seconds=10)


async def open_visited(parts: Parts, outside: Outside, platform: Platform) -> Visited:
    """Open a business, and connect and read its account at the platform."""
    business, offered = await open_business(parts), providers(parts, outside)
    team = [platform.hires(name) for name in ("Ben", "Eve", "Temp")]
    visited = Visited(parts, business, offered, platform, outside, team)
    await visited.begin(platform.slug, platform.credentials())
    await visited.dismiss_others()
    return visited
