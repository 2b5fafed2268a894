"""Booking: decide on one read, write in one statement, answer every retry alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import cast
from uuid import UUID

from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.booking import (
    ALTERNATIVE_DAYS,
    alternatives,
    check_availability,
    check_timing,
)
from universal_calendar.core.errors import (
    IdempotencyMismatch,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import MINUTE, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import exists, from_wall_clock
from universal_calendar.services.decisions import decide
from universal_calendar.services.ports import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
    Allowance,
    Answer,
    AppointmentStore,
    Caller,
    NewAppointment,
    NewId,
    Person,
    Replay,
    StoredAnswer,
    WriteOutcome,
)


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """A wish for a local time of an agent: `minute` of `day` on the agent's clocks."""

    agent_id: UUID
    day: date
    minute: int
    minutes: int
    person: Person = field(repr=False)
    replay: Replay
    source: str
    authority: Authority = Authority.ORDINARY
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """The answer to a booking; `is_replay` if an earlier request made it."""

    answer: Answer
    appointment_id: UUID | None
    is_replay: bool
    key_id: UUID | None
    allowance: Allowance | None


Render = Callable[[BookingRequest, UUID], Answer]


class Appointments:
    """Books and cancels in one dialect."""

    def __init__(
        self,
        agendas: AgendaStore,
        appointments: AppointmentStore,
        new_id: NewId,
        render: Render,
    ) -> None:
        """Take how the dialect answers a booking."""
        self._agendas, self._appointments = agendas, appointments
        self._new_id, self._render = new_id, render

    async def book(
        self, caller: Caller, request: BookingRequest, now: Instant
    ) -> Booked:
        """Book, or answer again what the same request was answered before.

        Raises Unauthorized, RateLimited, AgentNotFound, IdempotencyMismatch, PastStart,
        TooSoon, TooFar and SlotUnavailable, the latter with alternatives.
        """
        query = AgendaQuery(
            caller,
            request.agent_id,
            request.day,
            request.day,
            now,
            hold_id=request.hold_id,
            replay=request.replay,
        )
        return await decide(self._agendas, query, partial(self._attempt, request, now))

    async def _attempt(
        self,
        request: BookingRequest,
        now: Instant,
        store: AgendaStore,
        reading: AgendaReading,
    ) -> Booked | None:
        if reading.stored is not None:
            return _replay(reading, reading.stored)
        if reading.replayed_id is not None:
            return await self._repeat(request, now, store, reading)
        agenda = reading.found
        try:
            wanted = _judge(agenda, request, now)
            return await self._write(request, wanted, now, store, reading)
        except SlotUnavailable as refusal:
            near = await _near(store, agenda, request, now)
            raise SlotUnavailable(refusal.reason, near, agenda.zone) from None

    async def _write(
        self,
        request: BookingRequest,
        wanted: Interval,
        now: Instant,
        store: AgendaStore,
        reading: AgendaReading,
    ) -> Booked | None:
        appointment_id = self._new_id(now)
        answer = self._render(request, appointment_id)
        appointment = NewAppointment(
            appointment_id,
            wanted,
            AppointmentStatus.CONFIRMED,
            request.source,
            request.person,
            request.replay,
            answer,
            request.hold_id,
        )
        outcome = await store.book(reading, appointment, now)
        if outcome is WriteOutcome.CHANGED:
            return None
        if outcome is WriteOutcome.TAKEN:
            raise SlotUnavailable(Unavailability.SLOT_TAKEN)
        return _booked(reading, answer, appointment_id, is_replay=False)

    async def _repeat(
        self,
        request: BookingRequest,
        now: Instant,
        store: AgendaStore,
        reading: AgendaReading,
    ) -> Booked | None:
        """Answer what the reference made before, under a new idempotency key too."""
        answer = self._render(request, cast(UUID, reading.replayed_id))
        if request.replay.idempotency_key is not None:
            outcome = await store.remember(reading, request.replay, answer, now)
            if outcome is WriteOutcome.CHANGED:
                return None
        return _booked(reading, answer, reading.replayed_id, is_replay=True)

    async def cancel(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> None:
        """Cancel, and free the time in the same transaction; again changes nothing.

        Raises AppointmentNotFound, and FinalStatus for one that is over.
        """
        await self._appointments.cancel(tenant_id, appointment_id, now)


def _booked(
    reading: AgendaReading,
    answer: Answer,
    appointment_id: UUID | None,
    *,
    is_replay: bool,
) -> Booked:
    return Booked(answer, appointment_id, is_replay, reading.key_id, reading.allowance)


def _replay(reading: AgendaReading, stored: StoredAnswer) -> Booked:
    if not stored.is_same_request:
        raise IdempotencyMismatch
    return _booked(reading, stored.answer, None, is_replay=True)


def _wanted(agenda: Agenda, request: BookingRequest) -> Interval:
    start = from_wall_clock(request.day, request.minute, agenda.zone)
    return Interval(start, start + request.minutes * MINUTE)


def _judge(agenda: Agenda, request: BookingRequest, now: Instant) -> Interval:
    wanted = _wanted(agenda, request)
    check_timing(agenda, wanted.start, now, request.authority)
    if not exists(request.day, request.minute, agenda.zone):
        raise SlotUnavailable(Unavailability.NO_SUCH_TIME)
    check_availability(agenda, wanted, request.authority)
    return wanted


async def _near(
    store: AgendaStore, agenda: Agenda, request: BookingRequest, now: Instant
) -> list[Interval]:
    reach = timedelta(days=ALTERNATIVE_DAYS)
    query = AgendaQuery(
        Caller(tenant_id=agenda.tenant_id),
        agenda.agent_id,
        request.day - reach,
        request.day + reach,
        now,
    )
    wide = (await store.read(query)).found
    return alternatives(wide, _wanted(wide, request), now)
