"""A business whose jobs are on the schedule of a platform, read and written on demand.

Ann is no technician: visits of nobody take her time. Ben and Eve are technicians, and
what Temp does takes nobody's time here.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from typing_extensions import override

from tests.harness.outside.platforms import Platform
from tests.harness.scenes.business import open_business
from tests.harness.scenes.followed import ACTOR, Followed
from tests.harness.scenes.front_desk import FrontDesk, Place
from tests.harness.scenes.scheduled import add_agent
from universal_calendar.bootstrap.channels import webhooks
from universal_calendar.bootstrap.live_check import live_check
from universal_calendar.bootstrap.outside import Outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers, providers
from universal_calendar.bootstrap.syncs import calendar_sync
from universal_calendar.bootstrap.worker import (
    calendar_writes,
    connections,
    customer_changes,
)
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import (
    DAY,
    MINUTE,
    from_datetime,
    to_datetime,
)
from universal_calendar.core.interval import Interval, Intervals, clip, merge
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.core.wanted import ExactTime
from universal_calendar.services.budget import Budget
from universal_calendar.services.field_service.technicians import assign
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.appointments import Appointment, Page, Person
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visit_store import KnownVisit, VisitFilter
from universal_calendar.services.ports.visits import NOBODY
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visits import VisitTable


@dataclass
class Visited(Followed):
    """The business, its team, and the platform."""

    platform: Platform
    outside: Outside
    offered: Providers
    agents: list[Agent]
    team: list[str]
    """Technicians' ids; the last is no agent."""
    works_as: dict[str, UUID | None]
    """Agents by technicians' ids, NOBODY among them."""
    is_rested: bool = False

    def begin_process(self) -> None:
        """Go on as a process that remembers nothing."""
        self.offered = providers(self.parts, self.outside)
        self.take_over(self.offered)

    def take_over(self, offered: Providers) -> None:
        """Go on as the process that has these."""
        self.offered = offered
        self.syncs = calendar_sync(self.parts, offered)
        self.writes = calendar_writes(self.parts, offered)

    async def connect(self) -> None:
        """Connect the account once more, with the credentials that it has now."""
        await connections(self.parts, self.offered).add(
            self.tenant_id, self.platform.slug, self.platform.credentials(), self.now
        )

    # What may be asked of platforms is counted by a clock that does not stand still.

    @override
    def wait(self, duration: int = FRESH + SECOND) -> None:
        super().wait(duration)
        self.is_rested = self.is_rested or duration > FRESH

    @override
    async def sync(self, *, seconds: float = 30.0) -> None:
        await self.refill()
        self.now += 1  # whoever asks does so after it was read last
        await self.want()
        await super().sync(seconds=seconds)

    async def read_due(self, *, seconds: float) -> None:
        """Read what webhooks named, and all of it only if that is due."""
        await self.refill()
        await super().sync(seconds=seconds)

    @override
    async def write(self, appointment_id: UUID) -> None:
        await self.refill()
        await super().write(appointment_id)

    async def write_by(self, process: Providers, appointment_id: UUID) -> None:
        """Settle the appointment's event, as another process would."""
        writes = calendar_writes(self.parts, process)
        await writes.settle(self.tenant_id, appointment_id, self.now, seconds=10)

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
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            for each in sorted(ids - {NOBODY, *self.team[:2]}):
                await assign(unit, self.connection_id, each, None)

    # Here

    async def book(self, agent: Agent, interval: Interval, person: Person) -> UUID:
        """Book an agent's time, without writing it yet."""
        start = to_datetime(interval.start)
        minute = start.hour * 60 + start.minute
        place = Place(agent, start.date(), minute, interval.length // MINUTE)
        booked = await FrontDesk(self.parts).book(place, self.now, person=person)
        assert booked.appointment_id is not None
        return booked.appointment_id

    async def known(self, appointment_id: UUID) -> Appointment:
        """Return an appointment."""
        return await self.parts.appointments.get(self.tenant_id, appointment_id)

    async def taken(self, agent: Agent, window: Interval) -> Intervals:
        """Return what others take of an agent's time, as its agenda has it."""
        first, last = ExactTime(window).days
        caller = Caller(tenant_id=self.tenant_id)
        query = AgendaQuery(caller, agent.agent_id, first, last, self.now)
        agenda = (await self.parts.agendas.read(query)).found
        found = agenda.busy.overlapping(window)
        return merge(clip([each.interval for each in found], window))

    async def asked(self, agent: Agent, window: Interval) -> Intervals | None:
        """Return what the platform says of it now; None: it does not answer."""
        self.wait()
        await self.refill()
        checking = live_check(self.parts, self.offered)
        budget = Budget.beginning(self.now, 3.0)
        verdict = await checking.ask(self.tenant_id, agent.agent_id, window, budget)
        if verdict.unanswered:
            return None
        return merge(clip([each.interval for each in verdict.found], window))

    async def listed(self) -> list[KnownVisit]:
        """Return the list of visits."""
        table = VisitTable(self.parts.database, self.parts.keyring)
        span = VisitFilter(self.now - 100 * DAY, self.now + 500 * DAY)
        page = Page(limit=1000)
        found, total = await table.page(self.tenant_id, self.calendar_id, span, page)
        assert len(found) == total
        return found

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
    now = from_datetime(utc_now() + timedelta(seconds=1))
    ben, eve = [
        await add_agent(parts, business.tenant_id, name, now) for name in ("Ben", "Eve")
    ]
    team = [platform.hires(name) for name in ("Ben", "Eve", "Temp")]
    connection = await connections(parts, offered).add(
        business.tenant_id, platform.slug, platform.credentials(), now
    )
    (calendar,) = connection.calendars
    agents = [business.agent, ben, eve]
    ids = [each.agent_id for each in agents]
    works_as = dict(zip([NOBODY, *team], [*ids, None], strict=True))
    visited = Visited(
        parts,
        business,
        calendar_sync(parts, offered),
        calendar_writes(parts, offered),
        connection.connection_id,
        calendar.calendar_id,
        now,
        platform,
        outside,
        offered,
        agents,
        team,
        works_as,
    )
    await visited.sync()
    await visited.dismiss_others()
    return visited
