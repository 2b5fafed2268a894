"""The mirror: what takes time in calendars outside, and how far each is read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.sync import Known, OwnEvent, Reading
from universal_calendar.core.sync_plan import MirroredTime
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.connections import ConnectionStatus
from universal_calendar.services.ports.syncs import Tally


class LeaseLost(Exception):
    """Somebody else reads the calendar by now, or nobody is to."""


@dataclass(frozen=True, slots=True)
class LeasedCalendar:
    """A calendar that nobody else reads until `leased_until`, and all it takes to.

    `read_at` is when it was last read, `window_end` how far it is known, `wanted_at`
    when somebody last asked for it, all as of the lease. `attempts` counts the failures
    since it last went well. `is_schedule`: a field-service platform's; `is_whole_due`:
    it is to be read whole by now, which it is anyway at `whole_due_at`.
    """

    tenant_id: UUID
    calendar_id: UUID
    leased_until: Instant
    provider: str
    access: Access
    external_id: str = field(repr=False)
    sync_token: str | None = field(repr=False)
    window_end: Instant | None
    wanted_at: Instant | None
    is_full_wanted: bool
    may_be_empty: bool
    attempts: int
    is_schedule: bool = False
    whole_due_at: Instant | None = None
    is_whole_due: bool = True


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Events that were read, whole: each has these times now and no others.

    `is_full`: what is not among them takes no time at all.
    """

    event_ids: Collection[str]
    times: Sequence[MirroredTime]
    is_full: bool


@dataclass(frozen=True, slots=True)
class Place:
    """How far a calendar is read: where the next sync begins, and of which window."""

    sync_token: str = field(repr=False)
    window: Interval
    is_full: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a sync failed, and what follows for its connection.

    `error` is the name of a class. None leaves the connection's status, or its present
    pause, as it is.
    """

    error: str
    connection_status: ConnectionStatus | None = None
    paused_until: Instant | None = None


class MirrorStore(Protocol):
    """Keeps mirrors. Nothing here waits for a provider.

    Whoever lost the lease writes nothing: LeaseLost is raised instead.
    """

    async def lease(
        self, tenant_id: UUID, calendar_id: UUID, now: Instant, until: Instant
    ) -> LeasedCalendar | None:
        """Take a calendar that is read; None if that is not due, or somebody else's.

        One that waits for its connection is due once that may be tried again; one that
        is not read is not due at all.
        """

    async def extend(self, calendar: LeasedCalendar, until: Instant) -> LeasedCalendar:
        """Go on reading it."""

    async def adopt(self, calendar: LeasedCalendar, reading: Reading) -> None:
        """Link appointments to visits that bear their mark and no link leads to.

        So a schedule that was disconnected finds its own again. Where an appointment
        changed meanwhile, its visit follows.
        """

    async def known(self, calendar: LeasedCalendar, reading: Reading) -> Known:
        """Return what is known of the calendar and bears on what was read."""

    async def mirror(
        self, calendar: LeasedCalendar, mirrored: Mirrored, reading: Reading
    ) -> Tally:
        """Make the mirror show the events as they were read, at once.

        Counts a change of the agents concerned, if there is any. It is as of `began`.
        """

    async def finish(
        self, calendar: LeasedCalendar, place: Place | None, now: Instant, due: Instant
    ) -> None:
        """Give the lease back after a sync that went well, with when it is due again.

        It is due at once if somebody asked for it meanwhile. No place: the next one
        begins where this one did.
        """

    async def fail(
        self, calendar: LeasedCalendar, trouble: Trouble, now: Instant, due: Instant
    ) -> None:
        """Give the lease back after a sync that failed, likewise."""


class OwnEventStore(Protocol):
    """Settles what owners did to our events, within one transaction.

    Whoever comes here has locked the appointment.
    """

    async def lock(self, appointment_id: UUID, calendar_id: UUID) -> OwnEvent | None:
        """Lock the appointment's event in the calendar; None if it has none."""

    async def follow(
        self, appointment_id: UUID, calendar_id: UUID, etag: str | None
    ) -> None:
        """Note that the event is as the appointment is: there is nothing to write."""

    async def forget(self, appointment_id: UUID, calendar_id: UUID) -> None:
        """Note that the event is gone: there is nothing to delete."""

    async def refuse(
        self, appointment_id: UUID, calendar_id: UUID, etag: str | None
    ) -> None:
        """Note that the appointment did not follow the event to where it is."""
