"""Reading an agenda and claiming time in it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.errors import Conflict
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.answers import Answer, Replay, StoredAnswer
from universal_calendar.services.ports.appointments import NewAppointment
from universal_calendar.services.ports.identity import Allowance, Caller


@dataclass(frozen=True, slots=True)
class AgendaQuery:
    """Which agenda to read, and around which local days (both included).

    The time of the caller's own hold `hold_id`, and of the appointment `moved_id` that
    they are about to move, is free to them.
    """

    caller: Caller
    agent_id: UUID
    first: date
    last: date
    now: Instant
    known_revision: int | None = None
    hold_id: UUID | None = None
    moved_id: UUID | None = None
    replay: Replay | None = None


class Sealer(Protocol):
    """The tenant's encryption keys, as read with the agenda; opaque to services."""


@dataclass(frozen=True, slots=True)
class AgendaReading:
    """What was read; `agenda` is None where the known revision still holds."""

    tenant_id: UUID
    key_id: UUID | None
    allowance: Allowance | None
    agenda: Agenda | None
    sealer: Sealer | None = None
    stored: StoredAnswer | None = None
    replayed_id: UUID | None = None
    calendar_id: UUID | None = None
    """The calendar that this agent's appointments are written to."""
    has_listeners: bool = False
    """Whether software of the tenant wants to hear of appointments."""
    reminder_minutes: tuple[int, ...] = ()
    names: tuple[str, str] = ("", "")
    """The tenant's and the agent's, as people know them."""

    @property
    def found(self) -> Agenda:
        """Return the agenda of a query that knew no revision."""
        if self.agenda is None:
            raise LookupError("the agenda is unchanged, so it was not read")
        return self.agenda


@dataclass(frozen=True, slots=True)
class NewHold:
    """A claim that gives way by itself at `expires_at`."""

    hold_id: UUID
    interval: Interval
    expires_at: Instant


class WriteOutcome(StrEnum):
    """What became of a write that was decided on an agenda."""

    BOOKED = "booked"
    CHANGED = "changed"
    """The agenda changed since it was read: read and decide again."""
    TAKEN = "taken"
    """The constraint refused the time."""


class AgendaStore(Protocol):
    """Reads agendas and claims time in them, each in one round trip."""

    async def read(self, query: AgendaQuery) -> AgendaReading:
        """Read an agenda; raise Unauthorized, RateLimited or AgentNotFound."""

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: Instant
    ) -> WriteOutcome:
        """Write the appointment, its claim and its answer, or none of them."""

    async def conflicts(
        self, agenda: Agenda, wanted: Interval, now: Instant, own: Sequence[UUID] = ()
    ) -> Sequence[Conflict]:
        """Return what overlaps the time, by start; not the claims that are `own`."""

    async def calendar_at(self, agenda: Agenda, provider: str) -> UUID | None:
        """Return the calendar to write this agent's appointments to at a provider."""

    async def hold(
        self, reading: AgendaReading, hold: NewHold, now: Instant
    ) -> WriteOutcome:
        """Claim the time until the hold expires."""

    async def remember(
        self, reading: AgendaReading, replay: Replay, answer: Answer, now: Instant
    ) -> WriteOutcome:
        """Keep an answer for retries; CHANGED if the idempotency key has one now."""

    def locked(
        self, tenant_id: UUID, agent_id: UUID
    ) -> AbstractAsyncContextManager["AgendaStore"]:
        """Lock the agent: inside the block nothing of it changes but by the block."""
