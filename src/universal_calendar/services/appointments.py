"""Booking: decide on one read, write in one statement, answer every retry alike."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, cast
from uuid import UUID

from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.booking import check_availability, check_timing
from universal_calendar.core.errors import (
    IdempotencyMismatch,
    InvalidField,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.wanted import WantedTime
from universal_calendar.services.decisions import decide
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
    WriteOutcome,
)
from universal_calendar.services.ports.answers import Answer, Replay, StoredAnswer
from universal_calendar.services.ports.appointments import (
    AppointmentDetails,
    NewAppointment,
    NewNotice,
    Person,
)
from universal_calendar.services.ports.identity import (
    Actor,
    Allowance,
    Caller,
    NewId,
)
from universal_calendar.services.surroundings import Outlook, Place, look_around

SETTLING: Final = MINUTE // 20
"""How long a request may take to settle what it booked: three seconds."""


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """A wish for an agent's time; `actor` is the audit log's.

    `agent_id` None: whoever is free. `provider` None: the agent's write calendar.
    """

    agent_id: UUID | None
    time: WantedTime
    person: Person = field(repr=False)
    replay: Replay
    source: str
    actor: Actor
    details: AppointmentDetails = field(default_factory=AppointmentDetails)
    authority: Authority = Authority.ORDINARY
    status: AppointmentStatus = AppointmentStatus.CONFIRMED
    hold_id: UUID | None = None
    provider: str | None = None

    @property
    def agent(self) -> UUID:
        """Return the agent of a wish that names one."""
        if self.agent_id is None:
            raise LookupError("nobody was chosen yet")
        return self.agent_id


@dataclass(frozen=True, slots=True)
class Booked:
    """The answer to a booking; `is_replay` if an earlier request made it.

    `appointment_id` is None for a replayed answer. What `has_calendar` and `notice_id`
    name is written, but not settled yet. `provisional_until`: the answer is not final.
    """

    answer: Answer
    appointment_id: UUID | None
    is_replay: bool
    reading: AgendaReading
    has_calendar: bool = False
    notice_id: UUID | None = None
    provisional_until: Instant | None = None

    @property
    def key_id(self) -> UUID | None:
        """Return the API key that asked."""
        return self.reading.key_id

    @property
    def allowance(self) -> Allowance | None:
        """Return what is left of the caller's rate limit."""
        return self.reading.allowance


Render = Callable[[BookingRequest, Agenda, UUID], Answer]


@dataclass(frozen=True, slots=True)
class Announcing:
    """Who is told of bookings, and whether the answer waits for it.

    `has_channels`: some channel is configured that may tell a customer.
    `answers_after_settling`: the dialect's answer says what came of it.
    """

    has_channels: bool = False
    answers_after_settling: bool = False

    @property
    def settling(self) -> Duration:
        """Return how long the worker leaves it to the request."""
        return SETTLING if self.answers_after_settling else 0


class Appointments:
    """Books in one dialect."""

    def __init__(
        self,
        agendas: AgendaStore,
        new_id: NewId,
        render: Render,
        announcing: Announcing = Announcing(),
    ) -> None:
        """Take how the dialect answers a booking."""
        self._agendas, self._new_id, self._render = agendas, new_id, render
        self._announcing = announcing

    async def book(
        self,
        caller: Caller,
        request: BookingRequest,
        now: Instant,
        outlook: Outlook = Outlook.ALTERNATIVES,
    ) -> Booked:
        """Book, or answer again what the same request was answered before.

        Raises Unauthorized, RateLimited, AgentNotFound, IdempotencyMismatch, PastStart,
        TooSoon, TooFar, InvalidField for a provider that is not connected, and
        SlotUnavailable with the outlook that was asked for.
        """
        first, last = request.time.days
        query = AgendaQuery(
            caller,
            request.agent,
            first,
            last,
            now,
            hold_id=request.hold_id,
            replay=request.replay,
        )
        attempt = partial(self._attempt, request, now, outlook)
        return await decide(self._agendas, query, attempt)

    async def _attempt(
        self,
        request: BookingRequest,
        now: Instant,
        outlook: Outlook,
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
            nearby = await look_around(store, _place(agenda, request), now, outlook)
            raise SlotUnavailable(refusal.reason, nearby) from None

    async def _write(
        self,
        request: BookingRequest,
        wanted: Interval,
        now: Instant,
        store: AgendaStore,
        reading: AgendaReading,
    ) -> Booked | None:
        reading = await _with_calendar(store, request, reading)
        new = self._new_appointment(request, wanted, now, reading)
        outcome = await store.book(reading, new, now)
        if outcome is WriteOutcome.CHANGED:
            return None
        if outcome is WriteOutcome.TAKEN:
            raise SlotUnavailable(Unavailability.SLOT_TAKEN)
        return Booked(
            new.answer,
            new.appointment_id,
            is_replay=False,
            reading=reading,
            has_calendar=new.calendar_id is not None,
            notice_id=None if new.notice is None else new.notice.notice_id,
            provisional_until=new.provisional_until,
        )

    def _new_appointment(
        self,
        request: BookingRequest,
        wanted: Interval,
        now: Instant,
        reading: AgendaReading,
    ) -> NewAppointment:
        appointment_id = self._new_id(now)
        is_told = self._announcing.has_channels or reading.has_listeners
        must_settle = is_told or reading.calendar_id is not None
        waits = must_settle and self._announcing.answers_after_settling
        return NewAppointment(
            appointment_id,
            wanted,
            request.status,
            request.source,
            request.person,
            request.details,
            request.replay,
            self._render(request, reading.found, appointment_id),
            _known(request.actor, reading),
            entry_id=self._new_id(now),
            settle_at=now + self._announcing.settling,
            hold_id=request.hold_id,
            calendar_id=reading.calendar_id,
            notice=NewNotice(self._new_id(now)) if is_told else None,
            remind_at=first_reminder(wanted.start, reading.reminder_minutes, now),
            provisional_until=now + SETTLING if waits else None,
        )

    async def _repeat(
        self,
        request: BookingRequest,
        now: Instant,
        store: AgendaStore,
        reading: AgendaReading,
    ) -> Booked | None:
        """Answer what the reference made before, under a new idempotency key too."""
        replayed_id = cast(UUID, reading.replayed_id)
        answer = self._render(request, reading.found, replayed_id)
        if request.replay.idempotency_key is not None:
            outcome = await store.remember(reading, request.replay, answer, now)
            if outcome is WriteOutcome.CHANGED:
                return None
        return Booked(answer, replayed_id, is_replay=True, reading=reading)


def _known(actor: Actor, reading: AgendaReading) -> Actor:
    """Return the actor by the key's id where a key was judged with the reading."""
    if reading.key_id is None:
        return actor
    return replace(actor, actor_id=str(reading.key_id))


def _replay(reading: AgendaReading, stored: StoredAnswer) -> Booked:
    if not stored.is_same_request:
        raise IdempotencyMismatch
    return Booked(
        stored.answer,
        None,
        is_replay=True,
        reading=reading,
        provisional_until=stored.provisional_until,
    )


def _judge(agenda: Agenda, request: BookingRequest, now: Instant) -> Interval:
    wanted = request.time.interval(agenda.zone)
    check_timing(agenda, wanted.start, now, request.authority)
    if not request.time.exists(agenda.zone):
        raise SlotUnavailable(Unavailability.NO_SUCH_TIME)
    check_availability(agenda, wanted, request.authority)
    return wanted


async def _with_calendar(
    store: AgendaStore, request: BookingRequest, reading: AgendaReading
) -> AgendaReading:
    """Return the reading with the calendar that the request wants written to."""
    if request.provider is None:
        return reading
    calendar_id = await store.calendar_at(reading.found, request.provider)
    if calendar_id is None:
        raise InvalidField("provider", "connect it first, or leave it out")
    return replace(reading, calendar_id=calendar_id)


def _place(agenda: Agenda, request: BookingRequest) -> Place:
    return Place(agenda, request.time, hold_id=request.hold_id)


def first_reminder(
    start: Instant, minutes: tuple[int, ...], now: Instant
) -> Instant | None:
    """Return the first reminder that is not past yet, None if there is none."""
    return min(
        (at for each in minutes if (at := start - each * MINUTE) > now), default=None
    )
