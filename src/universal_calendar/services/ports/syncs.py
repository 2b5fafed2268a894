"""Syncs: who wants a calendar read, and what came of it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant

SYNC: Final = "sync"
"""The kind of due work whose items are calendars that are to be read."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Events that a sync looked at, and what it did with them here."""

    processed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0


class SyncRequests(Protocol):
    """Has calendars read soon."""

    async def want(
        self,
        tenant_id: UUID,
        calendar_ids: Collection[UUID],
        now: Instant,
        *,
        is_full: bool = False,
        may_be_empty: bool = False,
    ) -> None:
        """Make the calendars' syncs due at once; a hundred times is as good as once.

        A sync that is running already is followed by another. `may_be_empty` lets the
        next full sync find nothing where there was much.
        """


class SyncRuns(Protocol):
    """Keeps what came of syncs that somebody asked for."""

    async def begun(self, tenant_id: UUID, calendar_id: UUID, at: Instant) -> None:
        """Note that a sync of the calendar began."""

    async def finished(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        began: Instant,
        tally: Tally,
        error: str | None,
    ) -> None:
        """Count a sync for every run that was requested before it began.

        `error` is the name of a class; None: it was read to its end.
        """


class ChannelKeeper(Protocol):
    """Keeps channels open by which providers tell of changes."""

    async def keep(self, tenant_id: UUID, calendar_id: UUID, now: Instant) -> bool:
        """Open a channel where none is, or one that ends soon; tell whether one is.

        Whatever the provider does, this raises nothing of it: polling goes on.
        """
