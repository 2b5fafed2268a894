"""Channels by which providers tell of changes: ours, and what is known of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.calendars import Access, PushChannel


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel; None in `opened`: nobody knows whether the provider has opened it."""

    channel_id: UUID
    created_at: Instant
    secret: str = field(repr=False)
    opened: PushChannel | None

    @property
    def expires_at(self) -> Instant:
        """Return when it tells no more; one that may not be open is over already."""
        return self.created_at if self.opened is None else self.opened.expires_at


@dataclass(frozen=True, slots=True)
class HeardCalendar:
    """A calendar, what opens its account, and its channels, oldest first."""

    calendar_id: UUID
    connection_id: UUID
    provider: str
    external_id: str = field(repr=False)
    access: Access
    channels: Sequence[KnownChannel] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimedChannel:
    """A channel that a delivery says to be about, and the secret that proves it."""

    tenant_id: UUID
    calendar_id: UUID
    channel_id: UUID
    secret: str = field(repr=False)


class ChannelStore(Protocol):
    """Keeps channels. Nothing here waits for a provider."""

    async def calendar(
        self, tenant_id: UUID, calendar_id: UUID
    ) -> HeardCalendar | None:
        """Return a calendar with its channels; None if it is gone."""

    async def calendars_of(
        self, tenant_id: UUID, connection_id: UUID
    ) -> Sequence[HeardCalendar]:
        """Return the connection's calendars that have channels."""

    async def add(
        self, tenant_id: UUID, calendar_id: UUID, channel: KnownChannel
    ) -> bool:
        """Keep a channel that is about to be opened; False if its calendar is gone."""

    async def opened(self, tenant_id: UUID, channel: PushChannel, now: Instant) -> bool:
        """Note that it is open, and until when; False if it was forgotten meanwhile."""

    async def forget(
        self, tenant_id: UUID, channel_ids: Collection[UUID], now: Instant
    ) -> None:
        """Delete channels: whatever comes by them is refused from now on."""

    async def claimed(
        self, provider: str, channel_ids: Collection[UUID]
    ) -> Sequence[ClaimedChannel]:
        """Return those of the channels that are the provider's, of any tenant."""

    async def lose(
        self, tenant_id: UUID, channel_ids: Collection[UUID], now: Instant
    ) -> None:
        """Note that they tell no more, or soon will not."""
