"""A business whose jobs are on a platform's schedule, read and written on demand.

Ann is its oldest agent, and no technician: visits of nobody take her time. Ben and Eve
are technicians. Time stands still between the steps of a test.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.harness.paper.schedule import PaperSchedule
from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.harness.scenes.front_desk import FrontDesk, Place
from universal_calendar.bootstrap.live_check import live_check
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.bootstrap.syncs import calendar_sync
from universal_calendar.bootstrap.worker import calendar_writes, connections
from universal_calendar.clock import utc_now
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.instant import (
    DAY,
    HOUR,
    MINUTE,
    Instant,
    from_datetime,
    to_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.core.wanted import ExactTime
from universal_calendar.providers.provider import Manifest, Provider
from universal_calendar.services.booking.appointment_changes import Revision
from universal_calendar.services.budget import Budget
from universal_calendar.services.field_service.schedules import Schedules
from universal_calendar.services.field_service.technicians import Technicians, assign
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.appointments import Appointment, Page
from universal_calendar.services.ports.identity import Actor, ActorKind, Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visit_store import VisitFilter
from universal_calendar.store.calendars.schedules import ScheduleTable
from universal_calendar.store.calendars.syncs import SyncRequestTable
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visits import VisitTable

ACTOR = Actor(ActorKind.WORKER, "test")
Rows = list[tuple[Any, ...]]


@dataclass
class Scheduled:
    """The business, its platform, and what time it is."""

    parts: Parts
    offered: Providers
    platform: PaperSchedule
    business: Business
    ann: Agent
    ben: Agent
    eve: Agent
    connection_id: UUID
    calendar_id: UUID
    now: Instant
    opened_at: Instant = field(init=False)

    def __post_init__(self) -> None:
        self.opened_at = self.now

    @property
    def tenant_id(self) -> UUID:
        """Return whose schedule it is."""
        return self.business.tenant_id

    def wait(self, duration: int = FRESH + SECOND) -> None:
        """Let time pass: long enough that what was written is believed."""
        self.now += duration

    def hour(self, number: int, day: int = 3) -> Interval:
        """Return the hour so many hours after nine, days after the scene opened."""
        morning = (self.opened_at // DAY + day) * DAY + 9 * HOUR
        return Interval(morning + number * HOUR, morning + (number + 1) * HOUR)

    def schedules(self) -> Schedules:
        """Return what reading schedules takes."""
        database, keyring = self.parts.database, self.parts.keyring
        technicians = Technicians(TechnicianTable(database, keyring), self.parts.units)
        return Schedules(
            {"paper": self.platform},
            technicians,
            VisitTable(database, keyring),
            ScheduleTable(database),
        )

    async def sync(self, *, seconds: float = 30) -> None:
        """Read the schedule whole, as the worker would that is asked to."""
        self.now += 1  # whoever asks does so after it was read last
        calendar = [self.calendar_id]
        requests = SyncRequestTable(self.parts.database)
        await requests.want(self.tenant_id, calendar, self.now)
        await self.settle(seconds=seconds)

    async def settle(self, *, seconds: float = 30) -> None:
        """Read of the schedule what is due, as the worker would."""
        syncs = calendar_sync(self.parts, self.offered)
        await syncs.settle(self.tenant_id, self.calendar_id, self.now, seconds=seconds)

    async def hint(self, name: str | None = None) -> None:
        """Have a webhook tell of a visit or job, or that anything may have changed."""
        schedules = ScheduleTable(self.parts.database)
        await schedules.hint(self.tenant_id, [self.calendar_id], name, self.now)

    # Here

    async def book(self, agent: Agent, interval: Interval) -> UUID:
        """Book an agent's time, without writing it yet."""
        start = to_datetime(interval.start)
        minute = start.hour * 60 + start.minute
        place = Place(agent, start.date(), minute, interval.length // MINUTE)
        booked = await FrontDesk(self.parts).book(place, self.now)
        assert booked.appointment_id is not None
        return booked.appointment_id

    async def write(self, appointment_id: UUID) -> None:
        """Settle the appointment's visit, as far as that goes."""
        writes = calendar_writes(self.parts, self.offered)
        await writes.settle(self.tenant_id, appointment_id, self.now, seconds=10)

    async def written(self, agent: Agent, interval: Interval) -> tuple[UUID, str]:
        """Book, write, and wait until it is believed; return the event's id too."""
        appointment_id = await self.book(agent, interval)
        await self.write(appointment_id)
        self.wait()
        return appointment_id, self.platform.event_of(appointment_id)

    async def revise(self, appointment_id: UUID, revision: Revision) -> None:
        """Change the appointment, without writing it yet."""
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            changes = FrontDesk(self.parts).changes
            await changes.revise(unit, appointment_id, revision)

    async def appointment(self, appointment_id: UUID) -> Appointment:
        """Return it."""
        return await self.parts.appointments.get(self.tenant_id, appointment_id)

    async def is_as(
        self, appointment_id: UUID, agent: Agent, interval: Interval
    ) -> bool:
        """Tell whether an appointment is an agent's, then, and not cancelled."""
        found = await self.appointment(appointment_id)
        place = found.agent_id, found.interval
        return place == (agent.agent_id, interval) and not found.status.is_final

    async def agenda(self, agent: Agent, interval: Interval) -> Agenda:
        """Return what is known of an agent's days."""
        first, last = ExactTime(interval).days
        caller = Caller(tenant_id=self.tenant_id)
        query = AgendaQuery(caller, agent.agent_id, first, last, self.now)
        return (await self.parts.agendas.read(query)).found

    async def taken(self, interval: Interval) -> list[Agent]:
        """Return the agents whose time is taken by others then."""
        return [
            each
            for each in (self.ann, self.ben, self.eve)
            if any((await self.agenda(each, interval)).busy.overlapping(interval))
        ]

    async def asked(self, agent: Agent, interval: Interval) -> list[Interval]:
        """Return what the platform says takes the agent's time right now."""
        budget = Budget.beginning(self.now, 3.0)
        checking = live_check(self.parts, self.offered)
        verdict = await checking.ask(self.tenant_id, agent.agent_id, interval, budget)
        assert not verdict.unanswered
        return [each.interval for each in verdict.found]

    async def assign(self, technician_id: str, agent: Agent | None) -> None:
        """Say whose time a technician's visits take."""
        agent_id = None if agent is None else agent.agent_id
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            await assign(unit, self.connection_id, technician_id, agent_id)

    async def listed(self) -> dict[str, str]:
        """Return the status of every visit that is listed, by event id."""
        table = VisitTable(self.parts.database, self.parts.keyring)
        span = VisitFilter(self.now - 40 * DAY, self.now + 500 * DAY)
        page = Page(limit=1000)
        found, _ = await table.page(self.tenant_id, self.calendar_id, span, page)
        return {each.event_id: str(each.visit.status) for each in found}

    async def link(self, appointment_id: UUID) -> dict[str, Any]:
        """Return the row of its link."""
        ((row,),) = await self.rows(
            "SELECT row_to_json(l) FROM links l WHERE appointment_id = %s",
            appointment_id,
        )
        return dict(row)

    async def calendar(self) -> dict[str, Any]:
        """Return the schedule's row."""
        ((row,),) = await self.rows(
            "SELECT row_to_json(c) FROM calendars c WHERE calendar_id = %s",
            self.calendar_id,
        )
        return dict(row)

    async def half_read(self) -> int:
        """Return how many readings of it are to go on."""
        return len(await self.rows("SELECT FROM half_readings"))

    async def due_at(self) -> Instant:
        """Return when it is to be read again."""
        ((due_at,),) = await self.rows(
            "SELECT due_at FROM due_work WHERE kind = 'sync' AND item_id = %s",
            self.calendar_id,
        )
        return from_datetime(due_at)

    async def somebody_waits(self) -> bool:
        """Tell whether a transaction waits for another."""
        return bool(await self.rows("SELECT FROM pg_locks WHERE NOT granted"))

    async def rows(self, statement: str, *values: object) -> Rows:
        """Return what the tenant sees in the database."""
        async with self.parts.database.transaction(self.tenant_id) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description is not None else []


def offering(platform: PaperSchedule) -> Providers:
    """Return the platform as the only provider there is."""
    manifest = Manifest("paper", "Paper", frozenset())
    opened = Provider(manifest, platform, platform, None, field_service=platform)
    return {"paper": opened}


async def add_agent(parts: Parts, tenant_id: UUID, name: str, now: Instant) -> Agent:
    """Add an agent that is open like the business."""
    agent = await parts.tenants.add_agent(tenant_id, name, "UTC", now)
    await parts.tenants.set_hours(agent, EVERY_DAY)
    return agent


async def open_scheduled(parts: Parts) -> Scheduled:
    """Open a business, and connect and read an account of a platform of its own."""
    platform = PaperSchedule()
    business, offered = await open_business(parts), offering(platform)
    now = from_datetime(utc_now() + timedelta(seconds=1))
    ben, eve = [
        await add_agent(parts, business.tenant_id, name, now) for name in ("Ben", "Eve")
    ]
    connection = await connections(parts, offered).add(
        business.tenant_id, "paper", {"account": f"acme-{business.tenant_id}"}, now
    )
    (calendar,) = connection.calendars
    assert calendar.is_read
    scheduled = Scheduled(
        parts,
        offered,
        platform,
        business,
        business.agent,
        ben,
        eve,
        connection.connection_id,
        calendar.calendar_id,
        now,
    )
    await scheduled.sync()
    platform.calls.clear()
    return scheduled
