"""Syncs on request: asked for once, followed until they end."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.sync_requests import (
    NewSync,
    NothingToSync,
    Sync,
    SyncScope,
    SyncStatus,
)
from universal_calendar.services.ports.units import Unit

FULL_SECONDS: Final = 30
INCREMENTAL_SECONDS: Final = 5

_MENDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NotAuthorized": "The provider no longer lets us in: connect the account again",
        "ConnectionNotFound": "The account was disconnected meanwhile: connect it again"
        " to read it",
        "Throttled": "The provider asked to come back later: it is read again by itself"
        " then",
        "ProviderDown": "The provider could not be reached: it is read again by itself",
        "LooksEmpty": "A calendar suddenly has so little in it that this is not"
        " believed: if it is right, ask for a sync with force",
        "Rejected": "The provider refused to show the calendar: see whether it still"
        " exists there and is shared with the account",
        "SyncTokenStale": "The provider forgot what had changed: everything is read"
        " again by itself",
    }
)
_ANY_MEND: Final = "A calendar could not be read ({}): it is read again by itself"


@dataclass(frozen=True, slots=True)
class SyncWish:
    """What to read: everything, or what changed.

    `may_be_empty`: its owner says that a calendar is to be believed which suddenly has
    nothing in it. Such a wish is always about everything.
    """

    scope: SyncScope
    is_full: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class RequestedSync:
    """A sync that was asked for, or was under way already.

    `last_sync_at` is when its calendars were last read before, if ever.
    """

    sync_id: UUID
    estimated_seconds: int
    last_sync_at: Instant | None


class Syncs:
    """Asks for syncs; whoever works through what is due does them."""

    def __init__(self, new_id: NewId) -> None:
        """Take what makes ids."""
        self._new_id = new_id

    async def request(self, unit: Unit, wish: SyncWish) -> RequestedSync:
        """Have calendars read soon; raise NothingToSync.

        A sync of the same calendars that has not ended is returned instead of another,
        unless the wish may find them empty.
        """
        calendars = await unit.syncs.calendars(unit.tenant_id, wish.scope)
        if not calendars:
            raise NothingToSync
        ids = [each.calendar_id for each in calendars]
        is_full = wish.is_full or wish.may_be_empty
        sync_id = None
        if not wish.may_be_empty:
            sync_id = await self._under_way(unit, ids, is_full=is_full)
        if sync_id is None:
            sync_id = await self._begin(unit, wish, ids, is_full=is_full)
        seconds = FULL_SECONDS if is_full else INCREMENTAL_SECONDS
        known = [each.read_at for each in calendars if each.read_at is not None]
        return RequestedSync(sync_id, seconds * len(ids), max(known, default=None))

    async def _under_way(
        self, unit: Unit, calendar_ids: list[UUID], *, is_full: bool
    ) -> UUID | None:
        sync_id = await unit.syncs.under_way(
            unit.tenant_id, calendar_ids, is_full=is_full
        )
        if sync_id is None:
            return None
        sync = await self.get(unit, sync_id)
        if sync.status is SyncStatus.QUEUED:
            await self._want(unit, calendar_ids, is_full=is_full)
        return None if sync.completed_at is not None else sync_id

    async def _begin(
        self, unit: Unit, wish: SyncWish, calendar_ids: list[UUID], *, is_full: bool
    ) -> UUID:
        sync_id = self._new_id(unit.now)
        await unit.syncs.add(
            NewSync(
                unit.tenant_id,
                sync_id,
                wish.scope.provider,
                is_full,
                unit.now,
                calendar_ids,
            )
        )
        await self._want(
            unit, calendar_ids, is_full=is_full, may_be_empty=wish.may_be_empty
        )
        await unit.audit.record("sync.requested", sync_id)
        return sync_id

    async def _want(
        self,
        unit: Unit,
        calendar_ids: list[UUID],
        *,
        is_full: bool,
        may_be_empty: bool = False,
    ) -> None:
        await unit.sync_requests.want(
            unit.tenant_id,
            calendar_ids,
            unit.now,
            is_full=is_full,
            may_be_empty=may_be_empty,
        )

    async def get(self, unit: Unit, sync_id: UUID) -> Sync:
        """Return how far a sync is; raise SyncNotFound."""
        return await unit.syncs.get(unit.tenant_id, sync_id, unit.now)


def advice(error: str) -> str:
    """Return the next step after an error, given by the name of its class."""
    return _MENDS.get(error, _ANY_MEND.format(error))
