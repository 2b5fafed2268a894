"""The booking services on open parts, with short words for what tests ask of them."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import MINUTE, Instant, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import from_wall_clock, zone_named
from universal_calendar.core.wanted import LocalTime
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
)
from universal_calendar.services.booking.appointments import (
    Appointments,
    Booked,
    BookingRequest,
)
from universal_calendar.services.booking.holds import DEFAULT_TTL_SECONDS, Holds
from universal_calendar.services.ports.agendas import AgendaStore, NewHold
from universal_calendar.services.ports.answers import Replay
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.identity import Actor, ActorKind, Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.web.agent_api.answers import booking_answer

ACTOR = Actor(ActorKind.WORKER, "test")
JOHN = Person("Visit", "John")


@dataclass(frozen=True)
class Place:
    """A local time of an agent, so many minutes long."""

    agent: Agent
    day: date
    minute: int
    minutes: int = 30

    @classmethod
    def at(cls, agent: Agent, interval: Interval) -> "Place":
        """Return a time of whole minutes as one of the agent's; its zone decides."""
        zone = zone_named(agent.timezone)
        start = to_datetime(interval.start).astimezone(zone)
        minute = start.hour * 60 + start.minute
        return cls(agent, start.date(), minute, interval.length // MINUTE)

    @property
    def interval(self) -> Interval:
        """Return the time itself; the agent's zone decides."""
        start = from_wall_clock(self.day, self.minute, zone_named(self.agent.timezone))
        return Interval(start, start + self.minutes * MINUTE)

    def later(self, minutes: int) -> "Place":
        """Return the same length, so many minutes later."""
        days, minute = divmod(self.minute + minutes, 1440)
        day = self.day + timedelta(days=days)
        return Place(self.agent, day, minute, self.minutes)


class FrontDesk:
    """Books, holds and cancels as the tenant, through the services alone."""

    def __init__(self, parts: Parts, store: AgendaStore | None = None) -> None:
        """Take another way to the agendas where a test stands in it."""
        self.store = store or parts.agendas
        self.appointments = Appointments(self.store, new_id, booking_answer)
        self.changes = AppointmentChanges(new_id, has_channels=False)
        self.units = parts.units
        self.holds = Holds(self.store, parts.appointments, new_id)

    async def book(
        self,
        place: Place,
        now: Instant,
        *,
        hold_id: UUID | None = None,
        key: str | None = None,
        api_key: str | None = None,
        person: Person = JOHN,
    ) -> Booked:
        """Book; `key` is the idempotency key."""
        tenant = place.agent.tenant_id
        caller = Caller(api_key) if api_key else Caller(tenant_id=tenant)
        what = f"{place.agent.agent_id} {place.day} {place.minute} {place.minutes}"
        request = BookingRequest(
            place.agent.agent_id,
            LocalTime(place.day, place.minute, place.minutes),
            person,
            Replay("test", key, None, what.encode()),
            "test",
            ACTOR,
            hold_id=hold_id,
        )
        return await self.appointments.book(caller, request, now)

    async def hold(
        self, place: Place, now: Instant, ttl: int = DEFAULT_TTL_SECONDS
    ) -> NewHold:
        """Hold the time for `ttl` seconds."""
        agent = place.agent
        caller = Caller(tenant_id=agent.tenant_id)
        return await self.holds.place(caller, agent.agent_id, place.interval, now, ttl)

    async def cancel(self, agent: Agent, appointment_id: UUID, now: Instant) -> None:
        """Cancel an appointment."""
        async with self.units.begin(agent.tenant_id, ACTOR, now) as unit:
            await self.changes.cancel(unit, appointment_id, Cancellation("test"))

    async def release(self, agent: Agent, hold_id: UUID) -> None:
        """Release a hold."""
        await self.holds.release(agent.tenant_id, hold_id)
