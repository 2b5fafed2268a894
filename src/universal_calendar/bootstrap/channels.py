"""Channels by which providers tell of changes, on open parts."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from starlette.requests import Request

from universal_calendar.bootstrap.parts import MINUTE, Parts, new_id
from universal_calendar.bootstrap.providers import Providers, platform_configs
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.calendars.channels import Channels, Making
from universal_calendar.services.calendars.push_hints import PushHints
from universal_calendar.services.field_service.platform_hints import PlatformHints
from universal_calendar.services.ports.calendars import PushProvider
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.settings import Environment, Settings
from universal_calendar.store.calendars.push_channels import ChannelTable
from universal_calendar.store.calendars.schedules import ScheduleTable
from universal_calendar.store.calendars.syncs import SyncRequestTable
from universal_calendar.store.connections.connections import ConnectionQuota
from universal_calendar.store.connections.platform_accounts import PlatformAccountTable
from universal_calendar.store.field_service.changed_customers import (
    ChangedCustomerTable,
)
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.web.addresses import address_of
from universal_calendar.web.webhooks import Take, Webhooks

_SECRET_BYTES: Final = 32
CLOSING_SECONDS: Final = 4.0
"""What a disconnection spends on closing channels."""


def channels(parts: Parts, offered: Providers) -> Channels:
    """Build what keeps channels open, and closes them."""
    limit = RateLimit(parts.settings.connection_rate_limit, timedelta(minutes=1))
    return Channels(
        _table(parts),
        _pushing(offered),
        ConnectionQuota(parts.rate_limits, parts.keyring, limit),
        Making(
            new_id,
            lambda: secrets.token_urlsafe(_SECRET_BYTES),
            push_base_url(parts.settings),
        ),
    )


@dataclass(frozen=True, slots=True)
class ChannelCloser:
    """Closes the channels of connections that end now."""

    channels: Channels

    async def close_all(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Close every channel of the connection, as far as that goes in 4 seconds."""
        await self.channels.close_all(
            tenant_id, connection_id, _now(), seconds=CLOSING_SECONDS
        )


def push_base_url(settings: Settings) -> str | None:
    """Return where providers reach this service; None: they cannot, or must not.

    What they tell is proven by a secret: outside development it travels by https only.
    """
    url = settings.public_base_url
    if url is None or settings.environment is Environment.DEVELOPMENT:
        return url
    return url if url.startswith("https://") else None


def webhooks(parts: Parts, offered: Providers) -> Webhooks:
    """Build what takes deliveries in."""
    pushing, settings = _pushing(offered), parts.settings
    pushes = PushHints(_table(parts), pushing, SyncRequestTable(parts.database))
    platforms = _telling(parts, offered)
    hints = _platform_hints(parts, platforms)
    allowed = RateLimit(settings.webhook_rate_limit, MINUTE)

    async def limit(request: Request, now: Instant) -> None:
        address = address_of(request, settings.trusted_proxies)
        bucket = parts.keyring.fingerprint(f"webhooks\0{address}".encode())
        await parts.rate_limits.take(bucket, allowed, now)

    takers: dict[str, Take] = dict.fromkeys(pushing, pushes.take)
    takers |= dict.fromkeys(platforms, hints.take)
    return Webhooks(takers, limit, _now)


def _platform_hints(
    parts: Parts, platforms: Mapping[str, FieldServiceProvider]
) -> PlatformHints:
    return PlatformHints(
        PlatformAccountTable(parts.database, parts.keyring, new_id),
        platforms,
        ScheduleTable(parts.database),
        ChangedCustomerTable(parts.database, parts.keyring, new_id),
    )


def _telling(parts: Parts, offered: Providers) -> Mapping[str, FieldServiceProvider]:
    """Return the platforms whose webhooks we can prove."""
    configs = platform_configs(parts.settings)
    return {
        slug: each.field_service
        for slug, each in offered.items()
        if each.field_service is not None and configs[slug].webhook_secret is not None
    }


def _table(parts: Parts) -> ChannelTable:
    return ChannelTable(parts.database, parts.keyring, new_id)


def _pushing(offered: Providers) -> Mapping[str, PushProvider]:
    return {
        slug: each.pushes for slug, each in offered.items() if each.pushes is not None
    }


def _now() -> Instant:
    return from_datetime(utc_now())
