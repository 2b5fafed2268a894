"""What providers tell by channels: proven, then turned into syncs that are due.

A delivery says no more than "look here". So nothing of it is kept: the calendar is due,
which is durable before the provider gets its answer, and once is as good as a hundred
times.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from universal_calendar.core.errors import InvalidField, NotFound, Unproven
from universal_calendar.core.instant import Instant
from universal_calendar.core.wire import parse_uuid
from universal_calendar.services.ports.calendars import (
    PushDelivery,
    PushNotification,
    PushProvider,
)
from universal_calendar.services.ports.channels import ChannelStore, ClaimedChannel
from universal_calendar.services.ports.syncs import SyncRequests

Proven = tuple[ClaimedChannel, PushNotification]


class PushHints:
    """Takes deliveries in. No provider is asked anything."""

    def __init__(
        self,
        channels: ChannelStore,
        providers: Mapping[str, PushProvider],
        requests: SyncRequests,
    ) -> None:
        """Take the providers that push, by name."""
        self._channels, self._providers = channels, providers
        self._requests = requests

    async def take(
        self, provider: str, delivery: PushDelivery, now: Instant
    ) -> str | None:
        """Have the calendars read that a delivery is about.

        Returns the text that answers a provider which only asks whether we are there.
        Raises NotFound for a provider that does not push, InvalidField for what is no
        delivery, and Unproven where nothing in it is proven.
        """
        if provider not in self._providers:
            raise NotFound
        pushes = self._providers[provider]
        challenge = pushes.challenge(delivery)
        if challenge is not None:
            return challenge
        notifications = pushes.notifications(delivery)
        proven = await self._proven(provider, delivery, notifications)
        if notifications and not proven:
            raise Unproven
        for tenant_id in {channel.tenant_id for channel, _ in proven}:
            of_tenant = [each for each in proven if each[0].tenant_id == tenant_id]
            await self._note(tenant_id, of_tenant, now)
        return None

    async def _proven(
        self,
        provider: str,
        delivery: PushDelivery,
        notifications: Sequence[PushNotification],
    ) -> Sequence[Proven]:
        pushes = self._providers[provider]
        named = [
            (channel_id, each)
            for each in notifications
            if (channel_id := _channel_id(each)) is not None
        ]
        ids = {channel_id for channel_id, _ in named}
        known = await self._channels.claimed(provider, ids) if ids else ()
        claimed = {each.channel_id: each for each in known}
        return [
            (claimed[channel_id], each)
            for channel_id, each in named
            if channel_id in claimed
            and pushes.is_genuine(delivery, each, claimed[channel_id].secret)
        ]

    async def _note(
        self, tenant_id: UUID, proven: Sequence[Proven], now: Instant
    ) -> None:
        lost = {channel.channel_id for channel, each in proven if each.is_channel_lost}
        if lost:
            await self._channels.lose(tenant_id, lost, now)
        calendars = {channel.calendar_id for channel, _ in proven}
        await self._requests.want(tenant_id, calendars, now)


def _channel_id(notification: PushNotification) -> UUID | None:
    """Return the id, if it is one as we give them."""
    try:
        return parse_uuid(notification.channel_id, "channelId")
    except InvalidField:
        return None
