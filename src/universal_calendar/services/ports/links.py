"""Links: each says what should be in a calendar for an appointment, and what is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.calendars import Access, WrittenEvent
from universal_calendar.services.ports.connections import ConnectionStatus
from universal_calendar.services.ports.visits import VisitDraft


class LinkStatus(StrEnum):
    """How far a link is; the wire's `syncStatus`."""

    PENDING = "pending"
    SYNCED = "synced"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LinkId:
    """Which appointment, in which of our calendars."""

    tenant_id: UUID
    appointment_id: UUID
    calendar_id: UUID


@dataclass(frozen=True, slots=True)
class LinkState:
    """A link as callers are told of it.

    `event_id` is the provider's; None before it answered, and once it deleted the
    event. `last_error` is the name of a class of error.
    """

    link_id: LinkId
    connection_id: UUID
    provider: str
    is_wanted: bool
    wanted_version: int
    synced_version: int
    status: LinkStatus
    event_id: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class LeasedLink:
    """A link that nobody else writes until `leased_until`, and all it takes to do so.

    `version` is what the write will have made of it. `is_begun`: some write under this
    generation's key may have reached the provider, whatever came back; `is_first`:
    none before this one. `visit` is what a platform's schedule wants to know, None for
    every other calendar.
    """

    link_id: LinkId
    leased_until: Instant
    is_wanted: bool
    version: int
    generation: int
    is_begun: bool
    known: WrittenEvent | None
    attempts: int
    provider: str
    access: Access
    calendar: str
    interval: Interval
    timezone: str
    sequence: int
    person: Person = field(repr=False)
    cancellation_reason: str | None = None
    visit: VisitDraft | None = field(default=None, repr=False)
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The event is as it was drafted."""

    event: WrittenEvent


@dataclass(frozen=True, slots=True)
class Deleted:
    """The event is gone, or never was."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The write failed, and what follows for the link and its connection.

    `error` is the name of a class. `is_key_burnt`: the event needs another key.
    Connection: None leaves its status, or its present pause, as it is.
    """

    error: str
    status: LinkStatus
    next_try_at: Instant | None = None
    is_key_burnt: bool = False
    connection_status: ConnectionStatus | None = None
    paused_until: Instant | None = None


Result: TypeAlias = Written | Deleted | Failed


class LinkStore(Protocol):
    """Keeps links. Nothing here waits for a provider."""

    async def states(
        self, tenant_id: UUID, appointment_id: UUID
    ) -> Sequence[LinkState]:
        """Return the appointment's links, those to be deleted first."""

    async def lease(
        self, link_id: LinkId, now: Instant, until: Instant
    ) -> LeasedLink | None:
        """Take a link that is pending; None if it is not due, or somebody else's."""

    async def record(
        self, link: LeasedLink, result: Result, now: Instant
    ) -> LinkStatus | None:
        """Write down what became of it, and when it is due again, if at all.

        Returns the link's status now: pending after a success means that the
        appointment changed meanwhile. None: the lease ended before, nothing is kept.
        A visit is listed as it was written, or as cancelled.
        """

    async def close(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> None:
        """Set when work on the appointment's links is due; never, if none is left."""
