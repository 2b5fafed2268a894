"""A business whose account at a platform on paper is connected, and watched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from typing_extensions import override

from tests.harness.paper.platform import PaperPlatform
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import Diary, now
from tests.harness.scenes.scene import Scene
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import Instant
from universal_calendar.services.calendars.calendar_writes import CalendarWrites
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.field_service.technicians import Technicians, assign
from universal_calendar.services.ports.calendars import (
    Access,
    EventDraft,
    WrittenEvent,
)
from universal_calendar.services.ports.connections import Connection
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.links import LinkState
from universal_calendar.services.ports.visits import Technician
from universal_calendar.store.calendars.links import LinkTable
from universal_calendar.store.connections.connections import (
    ConnectionQuota,
    ConnectionTable,
)
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visits import VisitTable
from universal_calendar.store.rate_limits import RateLimit

ACTOR = Actor(ActorKind.COMMAND_LINE, "test")
ANN = Technician("t-1", "Ann")
BOB = Technician("t-2", "Bob")


@dataclass
class WatchedPlatform(PaperPlatform):
    """Remembers what it was told, and has the technicians that it is given."""

    team: Sequence[Technician] = (ANN,)
    drafts: list[EventDraft] = field(default_factory=list)
    deleted: list[tuple[str, str | None]] = field(default_factory=list)

    @override
    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        self.drafts.append(draft)
        return await super().put_event(access, calendar, draft, known, seconds=seconds)

    @override
    async def delete_event(
        self,
        access: Access,
        calendar: str,
        event_id: str,
        *,
        seconds: float,
        reason: str | None = None,
    ) -> None:
        self.deleted.append((event_id, reason))
        await super().delete_event(access, calendar, event_id, seconds=seconds)

    @override
    async def technicians(
        self, access: Access, *, seconds: float
    ) -> Sequence[Technician]:
        return self.team


@dataclass
class Workshop(Scene):
    """A tenant with the platform's account, connected as anybody would."""

    parts: Parts
    business: Business
    platform: WatchedPlatform
    connection: Connection

    @property
    def account(self) -> tuple[UUID, UUID]:
        """Return how technicians name the connection."""
        return self.tenant_id, self.connection.connection_id

    @property
    def calendar_id(self) -> UUID:
        """Return the schedule's id."""
        assert self.connection.schedule is not None
        return self.connection.schedule.calendar_id

    @property
    def diary(self) -> Diary:
        """Return what books, by the rows that a booking writes."""
        return Diary(self.parts, self.business)

    @property
    def technicians(self) -> Technicians:
        """Return the service."""
        table = TechnicianTable(self.parts.database, self.parts.keyring)
        return Technicians(table, self.parts.units)

    @property
    def visits(self) -> VisitTable:
        """Return the list of visits."""
        return VisitTable(self.parts.database, self.parts.keyring)

    async def refresh(self, at: Instant | None = None) -> dict[str, UUID | None]:
        """Ask the platform who there is."""
        access = Access(*self.account, {"account": "acme"})
        known = await self.technicians.refresh(
            self.platform, access, at or now(), seconds=5
        )
        return dict(known)

    async def assign(self, technician_id: str, agent_id: UUID | None) -> None:
        """Say as which agent a technician works."""
        async with self.parts.units.begin(self.tenant_id, ACTOR, now()) as unit:
            await assign(unit, self.connection.connection_id, technician_id, agent_id)

    async def settle(self, appointment_id: UUID) -> Sequence[LinkState]:
        """Write what is due of an appointment."""
        limit = RateLimit(10_000, timedelta(minutes=1))
        writes = CalendarWrites(
            LinkTable(self.parts.database, self.parts.keyring, new_id),
            {"paper": self.platform},
            ConnectionQuota(self.parts.rate_limits, self.parts.keyring, limit),
            lambda: 0.5,
        )
        return await writes.settle(self.tenant_id, appointment_id, now(), seconds=5)

    async def agent_named(self, name: str) -> UUID:
        """Add an agent."""
        agent = await self.parts.tenants.add_agent(self.tenant_id, name, "UTC", now())
        return agent.agent_id

    async def revision(self, agent_id: UUID) -> int:
        """Return how often the agent's time was changed."""
        ((revision,),) = await self.rows(
            "SELECT revision FROM agents WHERE agent_id = %s", agent_id
        )
        assert isinstance(revision, int)
        return revision


def connections_of(parts: Parts, platform: PaperPlatform) -> Connections:
    """Return what connects accounts of the platform."""
    table = ConnectionTable(parts.database, parts.keyring)
    return Connections(table, parts.units, {"paper": platform}, new_id)


async def open_workshop(parts: Parts, business: Business) -> Workshop:
    """Connect the business's account."""
    platform = WatchedPlatform()
    connection = await connections_of(parts, platform).add(
        business.tenant_id, "paper", {"account": "acme"}, now()
    )
    return Workshop(parts, business, platform, connection)
