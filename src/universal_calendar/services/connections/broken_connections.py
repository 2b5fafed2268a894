"""Telling the platform of a connection whose owner must connect it again."""

from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.connections import (
    Connection,
    ConnectionStatus,
    ConnectionStore,
)
from universal_calendar.services.ports.due_work import DueItem, FinishedWork
from universal_calendar.services.ports.platform import (
    Alerts,
    Broadcaster,
    BroadcastEvent,
    PlatformFailed,
    Severity,
)

CONNECTION: Final = "connection"
"""The kind of due work; its items are connections."""
_RULE: Final = "calendar_connection_broken"


class BrokenConnections:
    """Tells operators by an alert, and whoever of the tenant is online."""

    def __init__(
        self,
        connections: ConnectionStore,
        finished: FinishedWork,
        alerts: Alerts | None,
        broadcaster: Broadcaster | None,
    ) -> None:
        """Take whom to tell, None where nobody is configured."""
        self._connections, self._finished = connections, finished
        self._alerts, self._broadcaster = alerts, broadcaster

    async def settle(self, tenant_id: UUID, connection_id: UUID, _now: Instant) -> None:
        """Tell, unless it was mended meanwhile; who cannot be told is told later.

        Whoever is told before the other service fails may be told twice.
        """
        found = [
            each
            for each in await self._connections.all(tenant_id)
            if each.connection_id == connection_id
            and each.status is ConnectionStatus.NEEDS_REAUTHORIZATION
        ]
        try:
            for each in found:
                await self._tell(each)
        except PlatformFailed:
            return
        await self._finished.finish(DueItem(tenant_id, CONNECTION, connection_id))

    async def _tell(self, broken: Connection) -> None:
        if self._alerts is not None:
            text = f"The {broken.provider} connection must be authorised again"
            await self._alerts.raise_alert(broken.tenant_id, _RULE, text, Severity.HIGH)
        if self._broadcaster is not None:
            data = {
                "tenantId": str(broken.tenant_id),
                "connectionId": str(broken.connection_id),
                "provider": broken.provider,
                "status": str(broken.status),
            }
            event = BroadcastEvent.CALENDAR_CONNECTION_ERROR
            await self._broadcaster.broadcast(broken.tenant_id, event, data)
