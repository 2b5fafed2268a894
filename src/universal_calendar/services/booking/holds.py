"""Holds: time kept for a caller who is still making up their mind."""

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.assignment import offers, ranked
from universal_calendar.core.booking import check_availability, check_timing
from universal_calendar.core.errors import (
    HoldNotFound,
    HoursNotConfigured,
    InvalidField,
    Nearby,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.wanted import ExactTime
from universal_calendar.services.booking.assignment import Provide
from universal_calendar.services.booking.decisions import decide
from universal_calendar.services.booking.surroundings import (
    ALTERNATIVE_REACH,
    Outlook,
    Place,
    conflicts_at,
    look_around,
)
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
    NewHold,
    WriteOutcome,
)
from universal_calendar.services.ports.appointments import AppointmentStore
from universal_calendar.services.ports.candidates import CandidateQuery
from universal_calendar.services.ports.identity import Caller, NewId
from universal_calendar.services.ports.units import Unit

DEFAULT_TTL_SECONDS: Final = 300
LONGEST_TTL_SECONDS: Final = 900


class Holds:
    """Places and releases holds; a hold is judged like a booking."""

    def __init__(
        self,
        agendas: AgendaStore,
        appointments: AppointmentStore,
        new_id: NewId,
        outlook: Outlook = Outlook.NOTHING,
    ) -> None:
        """Take the ports, and how much a refusal is to say."""
        self._agendas, self._appointments = agendas, appointments
        self._new_id, self._outlook = new_id, outlook

    async def place(
        self,
        caller: Caller,
        agent_id: UUID,
        wanted: Interval,
        now: Instant,
        ttl_seconds: int = DEFAULT_TTL_SECONDS,
    ) -> NewHold:
        """Hold the time for 1 to 900 seconds.

        Raises InvalidField for another length, and what a booking would raise.
        """
        if not 1 <= ttl_seconds <= LONGEST_TTL_SECONDS:
            raise InvalidField("ttlSeconds", f"use 1 to {LONGEST_TTL_SECONDS}")
        hold = NewHold(self._new_id(now), wanted, now + ttl_seconds * SECOND)
        query = AgendaQuery(caller, agent_id, *ExactTime(wanted).days, now)
        return await decide(self._agendas, query, partial(self._attempt, hold, now))

    async def _attempt(
        self, hold: NewHold, now: Instant, store: AgendaStore, reading: AgendaReading
    ) -> NewHold | None:
        try:
            return await _written(hold, now, store, reading)
        except SlotUnavailable as refusal:
            place = Place(reading.found, ExactTime(hold.interval))
            nearby = await look_around(store, place, now, self._outlook)
            raise SlotUnavailable(refusal.reason, nearby) from None

    async def release(self, tenant_id: UUID, hold_id: UUID) -> bool:
        """Give the time back; tell whether there was such a hold."""
        return await self._appointments.release_hold(tenant_id, hold_id)


async def _written(
    hold: NewHold, now: Instant, store: AgendaStore, reading: AgendaReading
) -> NewHold | None:
    check_timing(reading.found, hold.interval.start, now)
    check_availability(reading.found, hold.interval)
    outcome = await store.hold(reading, hold, now)
    if outcome is WriteOutcome.TAKEN:
        raise SlotUnavailable(Unavailability.SLOT_TAKEN)
    return hold if outcome is WriteOutcome.BOOKED else None


@dataclass(frozen=True, slots=True)
class HoldWish:
    """A time to be held; `agent_id` None: with whoever is free."""

    interval: Interval
    agent_id: UUID | None = None
    ttl_seconds: int = DEFAULT_TTL_SECONDS


@dataclass(frozen=True, slots=True)
class UnitHolds:
    """Places and releases holds within a transaction."""

    new_id: NewId
    provide: Provide

    async def place(self, unit: Unit, wish: HoldWish) -> tuple[UUID, NewHold]:
        """Hold the time; return with whom.

        Raises what booking raises, and InvalidField for more than 900 seconds.
        """
        agent_id = wish.agent_id
        if agent_id is None:
            agent_id = await self._whoever_is_free(unit, ExactTime(wish.interval))
        hold = await self._holds(unit).place(
            Caller(tenant_id=unit.tenant_id),
            agent_id,
            wish.interval,
            unit.now,
            wish.ttl_seconds,
        )
        await unit.audit.record("hold.created", hold.hold_id)
        return agent_id, hold

    async def release(self, unit: Unit, hold_id: UUID) -> None:
        """Give the time back; raise HoldNotFound."""
        if not await self._holds(unit).release(unit.tenant_id, hold_id):
            raise HoldNotFound
        await unit.audit.record("hold.released", hold_id)

    def _holds(self, unit: Unit) -> Holds:
        return Holds(unit.agendas, unit.appointments, self.new_id, Outlook.CONFLICTS)

    async def _whoever_is_free(self, unit: Unit, time: ExactTime) -> UUID:
        """Choose as for a booking; all agents stay locked, so the choice holds."""
        await unit.agents.lock(unit.tenant_id)
        first, last = time.days
        query = CandidateQuery(unit.tenant_id, first, last, unit.now)
        candidates = await unit.candidates.read(query)
        if not candidates:
            raise HoursNotConfigured(await self.provide(unit.tenant_id, unit.now))
        best = ranked(candidates, time, unit.now)[0]
        if isinstance(best.refusal, SlotUnavailable):
            nearby = await _nearby(unit, best.agenda, time)
            raise SlotUnavailable(best.refusal.reason, nearby)
        if best.refusal is not None:
            raise best.refusal
        return best.agenda.agent_id


async def _nearby(unit: Unit, agenda: Agenda, time: ExactTime) -> Nearby:
    """Return what is in the way of the agent, and what is free with any."""
    first, last = time.days
    reach = ALTERNATIVE_REACH
    query = CandidateQuery(unit.tenant_id, first - reach, last + reach, unit.now)
    agendas = [each.agenda for each in await unit.candidates.read(query)]
    conflicts = await conflicts_at(unit.agendas, Place(agenda, time), unit.now)
    found, silences = offers(agendas, time, unit.now), agenda.knowledge.silences
    return Nearby(agenda.zone, found, conflicts, silences)
