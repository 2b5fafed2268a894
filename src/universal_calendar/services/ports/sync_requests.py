"""Syncs that somebody asked for: what is kept of them, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import NotFound
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.syncs import Tally


class SyncNotFound(NotFound):
    """No such sync; POST /sync/trigger returns the id of a new one."""


class NothingToSync(NotFound):
    """No calendar that is read; connect one, or choose one to read, and ask again."""


class SyncStatus(StrEnum):
    """How far a sync is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    """Completed, but a calendar of it could not be read."""


@dataclass(frozen=True, slots=True)
class SyncScope:
    """Which calendars: those of a provider, of a connection; None: of all of them."""

    provider: str | None = None
    connection_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReadCalendar:
    """A calendar that is read, and when its last good sync began."""

    calendar_id: UUID
    read_at: Instant | None


@dataclass(frozen=True, slots=True)
class NewSync:
    """A sync that is asked for now."""

    tenant_id: UUID
    sync_id: UUID
    provider: str | None
    is_full: bool
    requested_at: Instant
    calendar_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Sync:
    """What became of a sync so far.

    `progress` is in percent of its calendars; `errors` are names of classes, each once.
    """

    sync_id: UUID
    status: SyncStatus
    progress: int
    tally: Tally
    errors: Sequence[str]
    completed_at: Instant | None


class SyncStore(Protocol):
    """Keeps syncs that somebody asked for."""

    async def calendars(
        self, tenant_id: UUID, scope: SyncScope
    ) -> Sequence[ReadCalendar]:
        """Return the calendars that are read, locked until the unit ends."""

    async def under_way(
        self, tenant_id: UUID, calendar_ids: Sequence[UUID], *, is_full: bool
    ) -> UUID | None:
        """Return the newest sync of just these calendars that has not ended."""

    async def add(self, sync: NewSync) -> None:
        """Keep a sync."""

    async def get(self, tenant_id: UUID, sync_id: UUID, now: Instant) -> Sync:
        """Return a sync; raise SyncNotFound.

        It does not wait for calendars that nobody reads any more: they were removed,
        or only their owner can open them again.
        """
