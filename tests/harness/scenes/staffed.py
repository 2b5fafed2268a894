"""A business whose jobs are on a platform's schedule, read and written on demand.

Ann is its oldest agent, and no technician: visits of nobody take her time. Ben and Eve
are technicians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from typing_extensions import override

from tests.harness.scenes.business import add_agent
from tests.harness.scenes.followed import Followed
from tests.harness.scenes.front_desk import ACTOR, JOHN, Place
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.instant import DAY
from universal_calendar.core.interval import Interval, Intervals, clip, merge
from universal_calendar.core.wanted import ExactTime
from universal_calendar.services.field_service.technicians import assign
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.appointments import Page, Person
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visit_store import KnownVisit, VisitFilter
from universal_calendar.store.field_service.visits import VisitTable


@dataclass
class Staffed(Followed):
    """The business, and whose time visits at its platform take."""

    ben: Agent = field(init=False)
    eve: Agent = field(init=False)

    @property
    def ann(self) -> Agent:
        """Return who is no technician."""
        return self.business.agent

    @property
    def agents(self) -> Sequence[Agent]:
        """Return all, oldest first."""
        return [self.ann, self.ben, self.eve]

    async def begin(self, platform: str, credentials: Mapping[str, str]) -> None:
        """Add Ben and Eve, and connect and read the account."""
        self.ben, self.eve = [
            await add_agent(self.parts, self.tenant_id, name, self.now)
            for name in ("Ben", "Eve")
        ]
        await self.open_account(platform, credentials)
        await self.sync()

    @override
    async def sync(self, *, seconds: float = 30.0) -> None:
        """Read the schedule whole, as the worker would that is asked to."""
        self.now += 1  # whoever asks does so after it was read last
        await self.want()
        await self.read_due(seconds=seconds)

    async def assign(self, technician_id: str, agent: Agent | None) -> None:
        """Say whose time a technician's visits take."""
        agent_id = None if agent is None else agent.agent_id
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            await assign(unit, self.connection_id, technician_id, agent_id)

    async def book(
        self, agent: Agent, interval: Interval, person: Person = JOHN
    ) -> UUID:
        """Book an agent's time, without writing it yet."""
        return await self.take(Place.at(agent, interval), person)

    async def agenda(self, agent: Agent, interval: Interval) -> Agenda:
        """Return what is known of an agent's days."""
        first, last = ExactTime(interval).days
        caller = Caller(tenant_id=self.tenant_id)
        query = AgendaQuery(caller, agent.agent_id, first, last, self.now)
        return (await self.parts.agendas.read(query)).found

    async def taken(self, agent: Agent, window: Interval) -> Intervals:
        """Return what others take of an agent's time, as its agenda has it."""
        found = (await self.agenda(agent, window)).busy.overlapping(window)
        return merge(clip([each.interval for each in found], window))

    async def listed(self) -> list[KnownVisit]:
        """Return the list of visits."""
        table = VisitTable(self.parts.database, self.parts.keyring)
        span = VisitFilter(self.now - 100 * DAY, self.now + 500 * DAY)
        page = Page(limit=1000)
        found, total = await table.page(self.tenant_id, self.calendar_id, span, page)
        assert len(found) == total
        return found
