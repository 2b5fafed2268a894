"""A tenant with a platform's schedule, as the tables know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tests.harness.scenes.business import Business, add_agent
from tests.harness.scenes.calendars import now
from tests.harness.scenes.scene import Scene
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import MINUTE, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.connections import NewCalendar, NewConnection
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visits import Customer, Visit, VisitStatus
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visits import VisitTable

CUSTOMER = Customer("Jane Canary", "+1 555 010 0200", "Jane@example.com", "1 Main St")


@dataclass(frozen=True)
class Schedule(Scene):
    """A connection with one calendar, the schedule."""

    parts: Parts
    business: Business
    connection_id: UUID
    calendar_id: UUID
    began: Instant

    @property
    def agent(self) -> Agent:
        """Return the business's first."""
        return self.business.agent

    @property
    def ids(self) -> tuple[UUID, UUID]:
        """Return how visits name it."""
        return self.tenant_id, self.calendar_id

    @property
    def account(self) -> tuple[UUID, UUID]:
        """Return how technicians name it."""
        return self.tenant_id, self.connection_id

    @property
    def technicians(self) -> TechnicianTable:
        """Return the technicians outside any transaction."""
        return TechnicianTable(self.parts.database, self.parts.keyring)

    @property
    def visits(self) -> VisitTable:
        """Return the visits outside any transaction."""
        return VisitTable(self.parts.database, self.parts.keyring)

    async def agent_named(self, name: str) -> UUID:
        """Add an agent."""
        add = add_agent(self.parts, self.tenant_id, name, self.began, hours=None)
        return (await add).agent_id

    def interval(self, minutes: int) -> Interval:
        """Return an hour that begins so many minutes after it was connected."""
        start = self.began + minutes * MINUTE
        return Interval(start, start + 60 * MINUTE)

    def visit(
        self,
        name: str,
        minutes: int = 60,
        *,
        status: VisitStatus = VisitStatus.SCHEDULED,
        technicians: Sequence[str] = ("t-1",),
        customer: Customer = CUSTOMER,
    ) -> Visit:
        """Return a visit of a job of its own."""
        return Visit(
            f"job-{name}",
            name,
            status,
            tuple(technicians),
            self.interval(minutes),
            f"Canary {name}",
            "c-1",
            customer,
        )


def new_schedule(calendar_id: UUID) -> NewCalendar:
    """Return a platform's schedule, to be connected."""
    return NewCalendar(
        calendar_id,
        "schedule",
        "Acme",
        is_primary=True,
        is_writable=True,
        is_read=True,
        is_schedule=True,
    )


async def connected_schedule(parts: Parts, business: Business) -> Schedule:
    """Connect a platform's account, without asking anybody."""
    tenant_id, began = business.tenant_id, now()
    calendar_id, connection_id = new_id(began), new_id(began)
    calendars = [new_schedule(calendar_id)]
    new = NewConnection(
        tenant_id, connection_id, "paper", None, "acme", {"key": "x"}, calendars
    )
    await ConnectionTable(parts.database, parts.keyring).add(new, began)
    return Schedule(parts, business, connection_id, calendar_id, began)
