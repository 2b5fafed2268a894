"""Channels by which providers tell of changes: opened, renewed, closed, listened to.

A channel is kept here before the provider is asked to open it, so that whatever comes
by it is known. A new one is open before the old one is closed: nothing is missed in
between. What is told is a hint and never the truth: polling goes on.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import DAY, HOUR, Instant
from universal_calendar.core.provider_errors import ProviderError, Rejected
from universal_calendar.services.budget import PATIENCE_SECONDS
from universal_calendar.services.ports.calendars import (
    PushAddress,
    PushChannel,
    PushProvider,
)
from universal_calendar.services.ports.channels import (
    ChannelStore,
    HeardCalendar,
    KnownChannel,
)
from universal_calendar.services.ports.connections import OutgoingQuota
from universal_calendar.services.ports.identity import NewId

RENEWED_BEFORE: Final = 12 * HOUR
"""How long before its end a channel is renewed: a quarter of its life, if shorter."""
TRIED_AGAIN_FOR: Final = DAY
"""How long the same channel is asked for again whose opening was not answered."""


@dataclass(frozen=True, slots=True)
class Making:
    """How channels are made: their ids, their secrets, and where they lead.

    `base_url` is where providers reach this service; None: they do not.
    """

    new_id: NewId
    new_secret: Callable[[], str]
    base_url: str | None

    def address(self, provider: str, channel: KnownChannel) -> PushAddress:
        """Return where the provider is to tell of changes."""
        url = f"{self.base_url}/webhooks/{provider}?channel={channel.channel_id}"
        return PushAddress(str(channel.channel_id), url, channel.secret)


class Channels:
    """Keeps channels open, and closes them. The port `ChannelKeeper`."""

    def __init__(
        self,
        channels: ChannelStore,
        providers: Mapping[str, PushProvider],
        quota: OutgoingQuota,
        making: Making,
    ) -> None:
        """Take the providers that push, by name."""
        self._channels, self._providers = channels, providers
        self._quota, self._making = quota, making

    async def keep(self, tenant_id: UUID, calendar_id: UUID, now: Instant) -> bool:
        """Open a channel where none is, or one that ends soon; tell whether one is.

        Whatever the provider does, this raises nothing of it: polling goes on, and the
        next call tries again.
        """
        if self._making.base_url is None or not self._providers:
            return False
        calendar = await self._channels.calendar(tenant_id, calendar_id)
        if calendar is None or calendar.provider not in self._providers:
            return False
        opened = [each for each in calendar.channels if each.opened is not None]
        best = max(opened, key=lambda each: each.expires_at, default=None)
        if best is None or is_ending(best, now):
            renewed = await self._open(calendar, now)
            if renewed is None:
                return best is not None and best.expires_at > now
            best = renewed
        await self._close_others(calendar, best, now)
        return True

    async def _open(self, calendar: HeardCalendar, now: Instant) -> KnownChannel | None:
        """Open a channel; None if it is not open, as far as we know."""
        channel = await self._begun(calendar, now)
        if channel is None:
            return None
        address = self._making.address(calendar.provider, channel)
        tenant_id = calendar.access.tenant_id
        try:
            await self._quota.take(calendar.connection_id, now)
            opened = await self._providers[calendar.provider].open_channel(
                calendar.access,
                calendar.external_id,
                address,
                seconds=PATIENCE_SECONDS,
            )
        except Rejected:
            await self._channels.forget(tenant_id, [channel.channel_id], now)
            return None
        except ProviderError:
            return None
        if not await self._channels.opened(tenant_id, opened, now):
            await self._close(calendar, opened, PATIENCE_SECONDS, now)
            return None
        return KnownChannel(
            channel.channel_id, channel.created_at, channel.secret, opened
        )

    async def _begun(
        self, calendar: HeardCalendar, now: Instant
    ) -> KnownChannel | None:
        """Return the channel that is to be opened: the last one, if nobody answered."""
        for each in calendar.channels:
            if each.opened is None and now - each.created_at < TRIED_AGAIN_FOR:
                return each
        making = self._making
        channel = KnownChannel(making.new_id(now), now, making.new_secret(), None)
        is_kept = await self._channels.add(
            calendar.access.tenant_id, calendar.calendar_id, channel
        )
        return channel if is_kept else None

    async def _close_others(
        self, calendar: HeardCalendar, best: KnownChannel, now: Instant
    ) -> None:
        """Close and forget what the best channel stands for now.

        What could not be closed is tried again next time, until it is over anyway.
        """
        over = [
            each.channel_id
            for each in calendar.channels
            if each.channel_id != best.channel_id
            and (
                each.opened is None
                or each.expires_at < now - TRIED_AGAIN_FOR
                or await self._close(calendar, each.opened, PATIENCE_SECONDS, now)
            )
        ]
        if over:
            await self._channels.forget(calendar.access.tenant_id, over, now)

    async def _close(
        self,
        calendar: HeardCalendar,
        channel: PushChannel,
        seconds: float,
        now: Instant,
    ) -> bool:
        """Close a channel at its provider; tell whether that was done."""
        try:
            await self._quota.take(calendar.connection_id, now)
            await self._providers[calendar.provider].close_channel(
                calendar.access, channel, seconds=seconds
            )
        except ProviderError:
            return False
        return True

    async def close_all(
        self, tenant_id: UUID, connection_id: UUID, now: Instant, *, seconds: float
    ) -> None:
        """Close the connection's channels as far as that goes in so many seconds.

        All are forgotten: what comes by one that is still open is refused.
        """
        calendars = await self._channels.calendars_of(tenant_id, connection_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._close_each(calendars, seconds, now)
        ids = [channel.channel_id for each in calendars for channel in each.channels]
        if ids:
            await self._channels.forget(tenant_id, ids, now)

    async def _close_each(
        self, calendars: Sequence[HeardCalendar], seconds: float, now: Instant
    ) -> None:
        for calendar in calendars:
            if calendar.provider not in self._providers:
                continue
            for channel in calendar.channels:
                if channel.opened is not None:
                    await self._close(calendar, channel.opened, seconds, now)


def is_ending(channel: KnownChannel, now: Instant) -> bool:
    """Tell whether a channel is to be renewed: it ends soon, or was lost."""
    life = channel.expires_at - channel.created_at
    return channel.expires_at - now <= min(life // 4, RENEWED_BEFORE)
