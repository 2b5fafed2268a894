"""as-connection-service: tells the people of a tenant who are online."""

from collections.abc import Mapping
from uuid import UUID

from typing_extensions import override

from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.sister_service import SERVICE_KEY_HEADER, SisterService
from universal_calendar.services.ports.platform import Broadcaster, BroadcastEvent


class ConnectionService(Broadcaster):
    """Broadcasts to every connection of a tenant."""

    def __init__(self, url: str, service_key: str, sender: Sender) -> None:
        """Take the service's base URL and our key for it."""
        self._service = SisterService("as-connection-service", url, sender)
        self._headers = {SERVICE_KEY_HEADER: service_key}

    @override
    async def broadcast(
        self, tenant_id: UUID, event: BroadcastEvent, data: Mapping[str, object]
    ) -> None:
        content = {"event": event, "data": {**data, "tenantId": str(tenant_id)}}
        await self._service.post(
            f"/broadcast/tenant/{tenant_id}", content, self._headers
        )
