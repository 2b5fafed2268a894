"""A business whose jobs are on the schedule of a platform on paper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from typing_extensions import override

from tests.harness.paper.schedule import PaperSchedule
from tests.harness.scenes.business import open_business
from tests.harness.scenes.front_desk import ACTOR
from tests.harness.scenes.staffed import Staffed
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.providers.provider import Manifest, Provider
from universal_calendar.services.connections.connection_usage import change_usage
from universal_calendar.services.ports.connections import Direction
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.store.calendars.schedules import ScheduleTable

SLUG = "paper"


@dataclass
class Scheduled(Staffed):
    """The business, and what people do at its platform."""

    platform: PaperSchedule

    async def hint(self, name: str | None = None) -> None:
        """Have a webhook tell of a visit or job, or that anything may have changed."""
        schedules = ScheduleTable(self.parts.database)
        await schedules.hint(self.tenant_id, [self.calendar_id], name, self.now)

    async def use_for(self, direction: Direction) -> None:
        """Say whether its visits are read, appointments written to it, or both."""
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            await change_usage(
                unit,
                self.connection_id,
                lambda usage: replace(usage, direction=direction),
            )

    @override
    async def due_in(self) -> float:
        """Return in how many seconds it is to be read, as a schedule always is."""
        due_in = await super().due_in()
        assert due_in is not None
        return due_in

    async def wait_until_due(self) -> None:
        """Let time pass until it is to be read, if it is not yet."""
        self.wait(max(0, round(await self.due_in() * SECOND)))

    async def written_visit(self, agent: Agent, interval: Interval) -> tuple[UUID, str]:
        """Book, write, and wait until it is believed; return the event's id too."""
        appointment_id = await self.book(agent, interval)
        await self.write_and_wait(appointment_id)
        return appointment_id, self.platform.event_of(appointment_id)

    @override
    async def asked(self, agent: Agent, window: Interval) -> Sequence[Interval]:
        """Return what the platform, which answers, says takes an agent's time."""
        found = await super().asked(agent, window)
        assert found is not None
        return found

    async def is_as(
        self, appointment_id: UUID, agent: Agent, interval: Interval
    ) -> bool:
        """Tell whether an appointment is an agent's, then, and not cancelled."""
        found = await self.appointment(appointment_id)
        place = found.agent_id, found.interval
        return place == (agent.agent_id, interval) and not found.status.is_final

    async def occupied(self, interval: Interval) -> Sequence[Agent]:
        """Return the agents whose time others take then."""
        return [each for each in self.agents if await self.taken(each, interval)]

    async def statuses(self) -> dict[str, str]:
        """Return the status of every visit that is listed, by event id."""
        listed = await self.listed()
        return {each.event_id: str(each.visit.status) for each in listed}

    async def half_read(self) -> int:
        """Return how many readings of it are to go on."""
        return len(await self.rows("SELECT FROM half_readings"))

    async def somebody_waits(self) -> bool:
        """Tell whether a transaction waits for another."""
        return bool(await self.rows("SELECT FROM pg_locks WHERE NOT granted"))


def offering(platform: PaperSchedule) -> Providers:
    """Return the platform as the only provider there is."""
    manifest = Manifest(SLUG, "Paper", frozenset())
    opened = Provider(manifest, platform, platform, None, field_service=platform)
    return {SLUG: opened}


async def open_scheduled(parts: Parts) -> Scheduled:
    """Open a business, and connect and read an account of a platform of its own."""
    platform, business = PaperSchedule(), await open_business(parts)
    scheduled = Scheduled(parts, business, offering(platform), platform)
    await scheduled.begin(SLUG, {"account": f"acme-{business.tenant_id}"})
    platform.calls.clear()
    return scheduled
