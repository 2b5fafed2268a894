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
    UniversalCalendarError,
)
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.reminder import first_reminder
from universal_calendar.core.wanted import WantedTime
from universal_calendar.services.booking.decisions import decide
from universal_calendar.services.booking.live_check import (
    ANSWER_SECONDS,
    LiveCheck,
    Verdict,
    hold_of,
)
from universal_calendar.services.booking.surroundings import Outlook, Place, look_around
from universal_calendar.services.budget import Budget
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
    NewHold,
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

SETTLING: Final = MINUTE // 20
"""How long a request may take to settle what it booked: three seconds."""
HELD: Final = SETTLING + 5 * MINUTE // 60
"""How long a time is kept for a request that asks providers and then dies."""


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """A wish for an agent's time; `actor` is the audit log's.

    `agent_id` None: whoever is free. `provider` None: the agent's write calendar.
    `technician_id`: of the provider's technicians, who is to have the visit there.
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
    technician_id: str | None = None

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


@dataclass(frozen=True, slots=True)
class _Try:
    """A wish on its way, and who may see the time of `hold_id` as free.

    Once the providers were asked, `verdict` is what they told, and `admitted` knows
    the caller, who is judged and counted once.
    """

    request: BookingRequest
    now: Instant
    outlook: Outlook
    hold_id: UUID | None
    verdict: Verdict | None = None
    admitted: AgendaReading | None = None

    def query(self, caller: Caller) -> AgendaQuery:
        """Return what is to be read."""
        first, last = self.request.time.days
        return AgendaQuery(
            caller,
            self.request.agent,
            first,
            last,
            self.now,
            hold_id=self.hold_id,
            replay=self.request.replay,
        )

    def seen(self, reading: AgendaReading) -> AgendaReading:
        """Return the reading with all that is known by now."""
        if self.verdict is None or self.admitted is None:
            return reading
        return replace(
            reading,
            key_id=self.admitted.key_id,
            allowance=self.admitted.allowance,
            agenda=self.verdict.applied_to(reading.found),
        )

    def place(self, agenda: Agenda) -> Place:
        """Return where the wish is."""
        found = () if self.verdict is None else self.verdict.found
        return Place(agenda, self.request.time, self.hold_id, found=found)


@dataclass(frozen=True, slots=True)
class _Held:
    """A time that is kept while the providers are asked about it."""

    reading: AgendaReading
    hold_id: UUID
    wanted: Interval


class Appointments:
    """Books in one dialect."""

    def __init__(
        self,
        agendas: AgendaStore,
        new_id: NewId,
        render: Render,
        announcing: Announcing = Announcing(),
        live_check: LiveCheck | None = None,
    ) -> None:
        """Take how the dialect answers a booking, and what asks providers first."""
        self._agendas, self._new_id, self._render = agendas, new_id, render
        self._announcing, self._live_check = announcing, live_check

    async def book(
        self,
        caller: Caller,
        request: BookingRequest,
        now: Instant,
        outlook: Outlook = Outlook.ALTERNATIVES,
        budget: Budget | None = None,
    ) -> Booked:
        """Book, or answer again what the same request was answered before.

        Providers that are asked first get two seconds, or what is left of the budget.
        Raises Unauthorized, RateLimited, AgentNotFound, IdempotencyMismatch, PastStart,
        TooSoon, TooFar, SlotUnavailable, and InvalidField for a provider not connected.
        """
        spent = budget or Budget.beginning(now, ANSWER_SECONDS)
        hold_id = request.hold_id
        if hold_id is None and self._live_check is not None:
            hold_id = hold_of(request.agent, request.time, request.replay)
        first = _Try(request, now, outlook, hold_id)
        done = await self._decided(first, caller)
        if isinstance(done, Booked):
            return done
        return await self._book_checked(first, done, spent)

    async def _decided(self, wish: _Try, caller: Caller) -> Booked | _Held:
        attempt = partial(self._attempt, wish)
        return await decide(self._agendas, wish.query(caller), attempt)

    async def _book_checked(self, first: _Try, held: _Held, budget: Budget) -> Booked:
        """Ask the providers; book the time that is held, or give it back."""
        tenant_id = held.reading.tenant_id
        try:
            verdict = await self._asked(first, held, budget)
            second = replace(
                first, hold_id=held.hold_id, verdict=verdict, admitted=held.reading
            )
            done = await self._decided(second, Caller(tenant_id=tenant_id))
        except UniversalCalendarError:
            await self._give_back(first, held)
            raise
        booked = cast(Booked, done)  # who was asked is not asked again
        if booked.is_replay:
            await self._give_back(first, held)
        return booked

    async def _asked(self, first: _Try, held: _Held, budget: Budget) -> Verdict:
        live_check = cast(LiveCheck, self._live_check)
        agenda, wanted = held.reading.found, held.wanted
        rules = agenda.seen_by(first.request.authority).rules
        window = Interval(wanted.start - rules.before, wanted.end + rules.after)
        return await live_check.ask(agenda.tenant_id, agenda.agent_id, window, budget)

    async def _give_back(self, first: _Try, held: _Held) -> None:
        if self._live_check is not None and first.request.hold_id is None:
            await self._live_check.release(held.reading.tenant_id, held.hold_id)

    async def _attempt(
        self, wish: _Try, store: AgendaStore, unseen: AgendaReading
    ) -> Booked | _Held | None:
        reading, request, now = wish.seen(unseen), wish.request, wish.now
        if reading.stored is not None:
            return _replay(reading, reading.stored)
        if reading.replayed_id is not None:
            return await self._repeat(request, now, store, reading)
        try:
            wanted = _judge(reading.found, request, now)
            if self._asks_first(wish, reading):
                return await self._hold(wish, wanted, store, reading)
            return await self._write(wish, wanted, store, reading)
        except SlotUnavailable as refusal:
            place = wish.place(reading.found)
            nearby = await look_around(store, place, now, wish.outlook)
            raise SlotUnavailable(refusal.reason, nearby, place.found) from None

    def _asks_first(self, wish: _Try, reading: AgendaReading) -> bool:
        is_asked = wish.verdict is not None or self._live_check is None
        return not is_asked and reading.found.knowledge.checks_live

    async def _hold(
        self, wish: _Try, wanted: Interval, store: AgendaStore, reading: AgendaReading
    ) -> _Held | None:
        """Keep the time from others, unless the caller does so already."""
        if wish.request.hold_id is not None:
            return _Held(reading, wish.request.hold_id, wanted)
        hold_id = wish.hold_id or self._new_id(wish.now)
        hold = NewHold(hold_id, wanted, wish.now + HELD)
        outcome = await store.hold(reading, hold, wish.now)
        if outcome is WriteOutcome.CHANGED:
            return None
        if outcome is WriteOutcome.TAKEN:
            raise SlotUnavailable(Unavailability.SLOT_TAKEN)
        return _Held(reading, hold_id, wanted)

    async def _write(
        self, wish: _Try, wanted: Interval, store: AgendaStore, reading: AgendaReading
    ) -> Booked | None:
        reading = await _with_calendar(store, wish.request, reading)
        new = self._new_appointment(wish, wanted, reading)
        outcome = await store.book(reading, new, wish.now)
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
        self, wish: _Try, wanted: Interval, reading: AgendaReading
    ) -> NewAppointment:
        request, now = wish.request, wish.now
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
            hold_id=request.hold_id if wish.verdict is None else wish.hold_id,
            calendar_id=reading.calendar_id,
            notice=NewNotice(self._new_id(now)) if is_told else None,
            remind_at=first_reminder(wanted.start, reading.reminder_minutes, now),
            provisional_until=now + SETTLING if waits else None,
            technician_id=request.technician_id,
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
