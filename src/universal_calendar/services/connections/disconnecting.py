"""Disconnecting: the provider is told, then everything is forgotten."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

import structlog

from universal_calendar.core.instant import Instant
from universal_calendar.core.provider_errors import ProviderError
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.ports.connecting import Connectable
from universal_calendar.services.ports.identity import Actor

TELLING_SECONDS: Final = 5.0
_log = structlog.get_logger()


class ChannelCloser(Protocol):
    """Closes the channels by which a provider tells of changes."""

    async def close_all(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Close every channel of the connection, as far as that goes in seconds."""


@dataclass(frozen=True, slots=True)
class Disconnecting:
    """Ends connections."""

    connections: Connections
    offered: Mapping[str, Connectable]
    channels: ChannelCloser

    async def disconnect(
        self, tenant_id: UUID, connection_id: UUID, actor: Actor, now: Instant
    ) -> None:
        """Close channels, revoke the authorisation, forget the account.

        A provider that does not answer keeps nobody from being forgotten. Raises
        ConnectionNotFound.
        """
        connection = await self.connections.get(tenant_id, connection_id)
        known = tenant_id, connection_id
        await self.channels.close_all(*known)
        await self._revoke(connection.provider, *known)
        await self.connections.remove(tenant_id, connection_id, now, actor=actor)

    async def _revoke(
        self, provider: str, tenant_id: UUID, connection_id: UUID
    ) -> None:
        offered = self.offered.get(provider)
        if offered is None or offered.authorizer is None:
            return
        access = await self.connections.access(tenant_id, connection_id)
        try:
            async with asyncio.timeout(TELLING_SECONDS):
                await offered.authorizer.revoke(access, seconds=TELLING_SECONDS)
        except (ProviderError, TimeoutError) as error:
            _log.warning("not_revoked", error_type=type(error).__qualname__)
