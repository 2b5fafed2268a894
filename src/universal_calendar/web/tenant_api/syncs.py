"""Syncs in the tenant API: asked for, and followed."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema

from universal_calendar.core.errors import Forbidden
from universal_calendar.core.instant import Instant, instant_text
from universal_calendar.core.wire import parse_uuid
from universal_calendar.services.calendars.sync_requests import (
    RequestedSync,
    Syncs,
    SyncWish,
    advice,
)
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.sync_requests import (
    Sync,
    SyncNotFound,
    SyncScope,
    SyncStatus,
)
from universal_calendar.web.tenant_api.errors import invalid_input
from universal_calendar.web.tenant_api.fields import (
    Answered,
    Id,
    Inputs,
    OfTenant,
    Token,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Arrival,
    Call,
    Data,
    Operation,
    Source,
)

_TAG: Final = "Synchronization"
_ID: Final = "syncId"
PROVIDERS: Final = ("google", "microsoft", "apple", "jobber", "housecallpro")
"""The names that the specification knows; each may have no connection here."""

ProviderName = Annotated[
    Token, WithJsonSchema({"type": "string", "examples": list(PROVIDERS)})
]


class TriggerSync(Inputs):
    """Which calendars to read, and how much of them."""

    tenant_id: Id | None = None
    sync_type: Annotated[
        Literal["full", "incremental"],
        Field(description="Everything, or what changed since the last sync."),
    ]
    provider: Annotated[
        ProviderName | None, Field(description="Default: every provider.")
    ] = None
    force: Annotated[
        bool,
        Field(
            description="Read everything, and believe a calendar that suddenly is empty"
        ),
    ] = False


class TriggeredSync(Answered):
    """A sync, or the one of the same calendars that was under way already."""

    sync_id: UUID
    status: Literal["started"]
    estimated_duration: Annotated[int, Field(description="In seconds.")]
    last_sync_at: datetime | None


class SyncState(Answered):
    """How far a sync is; `errors` tell the next step."""

    sync_id: UUID
    status: SyncStatus
    progress: Annotated[int, Field(ge=0, le=100)]
    events_processed: int
    events_created: int
    events_updated: int
    events_deleted: int
    errors: list[str]
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SyncsApi:
    """The handlers, with what they need.

    `owner_of` finds a sync's tenant; `offered` are providers that this installation
    knows beside those of the specification.
    """

    syncs: Syncs
    owner_of: Callable[[UUID], Awaitable[UUID | None]]
    offered: Collection[str] = field(default_factory=tuple)

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "POST",
                "/sync/trigger",
                "Have calendars read now",
                _TAG,
                Role.OWNER,
                TriggerSync,
                self.trigger,
                TriggeredSync,
                source=Source.BODY,
                errors={404: "NOT_FOUND: no calendar is read"},
            ),
            Operation(
                "GET",
                f"/sync/status/{{{_ID}}}",
                "How far a sync is",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.status,
                SyncState,
                tenant_of=self.tenant,
            ),
        ]

    async def trigger(self, call: Call, inputs: TriggerSync) -> Data:
        """Ask for a sync, once."""
        known = sorted({*PROVIDERS, *self.offered})
        if inputs.provider is not None and inputs.provider not in known:
            raise invalid_input("provider", f"Use one of: {', '.join(known)}")
        wish = SyncWish(
            SyncScope(inputs.provider),
            is_full=inputs.sync_type == "full",
            may_be_empty=inputs.force,
        )
        return requested(await self.syncs.request(call.unit, wish))

    async def tenant(self, arrival: Arrival, inputs: OfTenant) -> UUID:
        """Return whose sync it is; another tenant's is not there."""
        named, own = inputs.tenant_id, arrival.principal.tenant_id
        if own is not None and named not in (None, own):
            raise Forbidden
        owner = await self.owner_of(parse_uuid(arrival.path[_ID], _ID))
        if owner is None or (named or own or owner) != owner:
            raise SyncNotFound
        return owner

    async def status(self, call: Call, _inputs: OfTenant) -> Data:
        """Return how far a sync is."""
        return sync_state(await self.syncs.get(call.unit, call.id(_ID)))


def requested(sync: RequestedSync) -> Data:
    """Write a sync that was asked for."""
    return {
        "syncId": sync.sync_id,
        "status": "started",
        "estimatedDuration": sync.estimated_seconds,
        "lastSyncAt": _text(sync.last_sync_at),
    }


def sync_state(sync: Sync) -> Data:
    """Write how far a sync is."""
    return {
        "syncId": sync.sync_id,
        "status": sync.status,
        "progress": sync.progress,
        "eventsProcessed": sync.tally.processed,
        "eventsCreated": sync.tally.created,
        "eventsUpdated": sync.tally.updated,
        "eventsDeleted": sync.tally.deleted,
        "errors": [advice(each) for each in sync.errors],
        "completedAt": _text(sync.completed_at),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else instant_text(instant)
