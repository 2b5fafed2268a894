"""Connecting accounts, on open parts."""

import secrets
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from universal_calendar.bootstrap.channels import ChannelCloser, channels
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.bootstrap.tenant_gate import callers_limit
from universal_calendar.bootstrap.worker import connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.connections.connecting import Connecting
from universal_calendar.services.connections.connecting_in_browser import (
    BrowserConnecting,
)
from universal_calendar.services.connections.disconnecting import Disconnecting
from universal_calendar.services.connections.redeeming import Making, Redeeming
from universal_calendar.services.ports.connecting import Connectable
from universal_calendar.web.addresses import address_of
from universal_calendar.web.connecting.pages import Pages
from universal_calendar.web.connecting.routes import ConnectingPages

_SECRET_BYTES: Final = 32


def connectables(offered: Providers) -> Mapping[str, Connectable]:
    """Return the providers whose accounts can be connected."""
    return {
        slug: Connectable(
            slug,
            each.manifest.name,
            each.calendars,
            each.authorizer,
            each.manifest.credentials,
        )
        for slug, each in offered.items()
        if each.calendars is not None
    }


def connecting(parts: Parts, offered: Providers) -> Connecting:
    """Build what connects accounts."""
    making = Making(
        new_id,
        lambda: secrets.token_urlsafe(_SECRET_BYTES),
        parts.settings.public_base_url,
    )
    redeeming = Redeeming(parts.units, connectables(offered), making)
    return Connecting(connections(parts, offered), redeeming)


def disconnecting(parts: Parts, offered: Providers) -> Disconnecting:
    """Build what ends connections."""
    closer = ChannelCloser(channels(parts, offered))
    service = connections(parts, offered)
    return Disconnecting(service, connectables(offered), closer)


def connecting_pages(parts: Parts, offered: Providers) -> ConnectingPages:
    """Build the pages on which accounts are connected."""
    settings = parts.settings
    take = callers_limit(parts)

    def address(request: Request) -> str:
        return address_of(request, settings.trusted_proxies)

    async def limit(request: Request, now: Instant) -> None:
        await take(f"anonymous\0{address(request)}", now)

    return ConnectingPages(
        BrowserConnecting(connecting(parts, offered)),
        Pages(settings.oauth_return_url),
        limit,
        address,
        lambda: from_datetime(utc_now()),
    )
