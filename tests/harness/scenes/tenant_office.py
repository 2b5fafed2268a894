"""The tenant API's use-cases on open parts, with settlings that a test steers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.harness.scenes.business import EVERY_DAY, Business, add_agent
from tests.harness.scenes.scene import Scene
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import (
    HOUR,
    MINUTE,
    Instant,
    from_datetime,
    to_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.wanted import ExactTime
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
    Changed,
    Revision,
    SettledChanges,
)
from universal_calendar.services.booking.appointments import (
    Announcing,
    Appointments,
    BookingRequest,
)
from universal_calendar.services.booking.assignment import Assignment
from universal_calendar.services.booking.settled_bookings import SettledBookings
from universal_calendar.services.booking.settling import Settlement
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.appointments import (
    Appointment,
    Outcome,
    Person,
)
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.store.booking.candidates import CandidateTable
from universal_calendar.web.tenant_api.appointment_answers import (
    FINISHING,
    booking_answer,
)

SECOND = MINUTE // 60
ACTOR = Actor(ActorKind.SERVICE, "test")
PERSON = Person("Visit", "John", "+12125551234", "john@example.com")


def opening(days: int = 3) -> Instant:
    """Return 09:00 UTC in so many days."""
    day = utc_now().replace(hour=9, minute=0, second=0, microsecond=0)
    return from_datetime(day + timedelta(days=days))


def hours_from(start: Instant, hours: float = 1, later: float = 0) -> Interval:
    """Return so many hours, from so many hours after the start."""
    begin = start + int(later * HOUR)
    return Interval(begin, begin + int(hours * HOUR))


async def nothing(_tenant_id: UUID, _item_id: UUID) -> None:
    """Settle nothing."""


@dataclass
class Steered:
    """A settling that does what the test wants, and remembers for what."""

    act: Callable[[UUID, UUID], Awaitable[None]] = nothing
    items: list[UUID] = field(default_factory=list)

    async def settle(
        self, tenant_id: UUID, item_id: UUID, _now: Instant, /, *, seconds: float
    ) -> None:
        """Act."""
        self.items.append(item_id)
        await self.act(tenant_id, item_id)


class TenantOffice(Scene):
    """Books and changes as the tenant's operator."""

    def __init__(self, parts: Parts, business: Business) -> None:
        """Take whose office it is."""
        self.parts, self.business = parts, business
        self.agent, self.now = business.agent, from_datetime(utc_now())
        self.events, self.notices = Steered(), Steered()
        booking = Appointments(
            parts.agendas,
            new_id,
            booking_answer,
            Announcing(answers_after_settling=True),
        )
        settlement = Settlement(self.events, self.notices)
        assignment = Assignment(
            CandidateTable(parts.database), parts.agendas, booking, self._provide
        )
        self.bookings = SettledBookings(
            booking, assignment, parts.units, settlement, FINISHING
        )
        self.changes = AppointmentChanges(new_id, has_channels=False)
        self.settled = SettledChanges(parts.units, settlement)

    async def _provide(self, _tenant_id: UUID, _now: Instant) -> UUID:
        return self.agent.agent_id

    async def hire(self, name: str, hours: dict[str, Any] = EVERY_DAY) -> Agent:
        """Add an agent with hours."""
        return await add_agent(self.parts, self.tenant_id, name, self.now, hours)

    def wish(
        self, interval: Interval, key: str | None = None, **more: Any
    ) -> BookingRequest:
        """Return a wish for the office's agent, or for whom it is said."""
        agent_id = more.pop("agent_id", self.agent.agent_id)
        replay = Replay("test", key, None, f"{agent_id} {interval}".encode())
        return BookingRequest(
            agent_id, ExactTime(interval), PERSON, replay, "test", ACTOR, **more
        )

    async def book(
        self, interval: Interval, key: str | None = None, **more: Any
    ) -> Answer:
        """Book."""
        now = more.pop("now", self.now)
        wish = self.wish(interval, key, **more)
        return await self.bookings.book(self.tenant_id, wish, now)

    async def revise(self, appointment_id: UUID, **what: Any) -> Changed:
        """Change an appointment."""
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            return await self.changes.revise(unit, appointment_id, Revision(**what))

    async def cancel(self, appointment_id: UUID, **what: Any) -> Changed:
        """Cancel an appointment."""
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            return await self.changes.cancel(
                unit, appointment_id, Cancellation("rescheduling", **what)
            )

    async def outcome(self, changed: Changed) -> Outcome:
        """Settle a change."""
        return await self.settled.settle(changed, ACTOR, self.now)

    async def read(self, appointment_id: UUID) -> Appointment:
        """Return an appointment."""
        return await self.parts.appointments.get(self.tenant_id, appointment_id)

    async def listen(self) -> None:
        """Have somebody's software hear of appointments."""
        await self.rows("UPDATE tenants SET has_listeners = true")

    async def connect(self, agent: Agent | None = None) -> UUID:
        """Give the agent, or all of them, a calendar to write to."""
        ids = [new_id(self.now) for _ in range(2)]
        at, tenant = to_datetime(self.now), self.tenant_id
        await self.rows(
            "INSERT INTO connections (tenant_id, connection_id, provider,"
            " account_index, status, key_version, sealed, created_at, updated_at)"
            " VALUES (%s, %s, 'fake', %s, 'active', 1, '', %s, %s)",
            tenant,
            ids[0],
            ids[0].bytes,
            at,
            at,
        )
        await self.rows(
            "INSERT INTO calendars (tenant_id, calendar_id, connection_id, is_primary,"
            " key_version, sealed, created_at) VALUES (%s, %s, %s, true, 1, '', %s)",
            tenant,
            ids[1],
            ids[0],
            at,
        )
        await self.rows(
            "INSERT INTO write_calendars VALUES (%s, %s, %s)",
            tenant,
            None if agent is None else agent.agent_id,
            ids[1],
        )
        return ids[1]

    async def tell_customer(self, tenant_id: UUID, notice_id: UUID) -> None:
        """Settle a notice: an e-mail was accepted."""
        at = to_datetime(self.now)
        await self.rows(
            "INSERT INTO deliveries (tenant_id, delivery_id, notice_id, channel,"
            " status, give_up_at, created_at, updated_at)"
            " VALUES (%s, %s, %s, 'email', 'delivered', %s, %s, %s)",
            tenant_id,
            new_id(self.now),
            notice_id,
            at,
            at,
            at,
        )

    async def write_events(self, tenant_id: UUID, appointment_id: UUID) -> None:
        """Settle events: each calendar is as it is wanted."""
        await self.rows(
            "UPDATE links SET status = 'synced', synced_version = wanted_version,"
            " event_id = CASE WHEN is_wanted THEN 'event-1' END"
            " WHERE tenant_id = %s AND appointment_id = %s",
            tenant_id,
            appointment_id,
        )


def slowly(
    act: Callable[[UUID, UUID], Awaitable[None]], seconds: float
) -> Callable[[UUID, UUID], Awaitable[None]]:
    """Act after so many seconds, as a slow provider would."""

    async def acting(tenant_id: UUID, item_id: UUID) -> None:
        await asyncio.sleep(seconds)
        await act(tenant_id, item_id)

    return acting
