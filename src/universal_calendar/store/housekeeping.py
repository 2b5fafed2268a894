"""Rows whose time is over: answers to retries, holds, notices, idle rate limits."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from universal_calendar.store.database import Database

ANSWERS_KEPT: Final = timedelta(hours=48)
"""Twice what is promised: a retry at the edge of a day still finds its answer."""

NOTICES_KEPT: Final = timedelta(days=90)
"""As long as a receiver may want to compare what it got with what was sent."""

SYNCS_KEPT: Final = timedelta(days=30)
"""As long as somebody may want to know what came of a sync."""

CHANNELS_KEPT: Final = timedelta(days=2)
"""Past its end, or since an opening that nobody answered and nobody repeats."""

_OVER: Final = {
    "DELETE FROM idempotency_keys WHERE tenant_id = %s AND created_at < %s": (
        ANSWERS_KEPT
    ),
    # Expired holds change no answer: nobody reads them, so no revision moves.
    "DELETE FROM claims WHERE tenant_id = %s AND expires_at < %s": timedelta(0),
    "DELETE FROM notices WHERE tenant_id = %s AND created_at < %s": NOTICES_KEPT,
    "DELETE FROM pending_connections WHERE tenant_id = %s AND expires_at < %s": (
        timedelta(0)
    ),
    "DELETE FROM turns WHERE tenant_id = %s AND ends_at < %s": timedelta(0),
    # Whose a sync or a channel is goes before it.
    "DELETE FROM sync_directory WHERE sync_id IN (SELECT sync_id FROM syncs"
    " WHERE tenant_id = %s AND requested_at < %s)": SYNCS_KEPT,
    "DELETE FROM syncs WHERE tenant_id = %s AND requested_at < %s": SYNCS_KEPT,
    "DELETE FROM push_channel_directory WHERE channel_id IN (SELECT channel_id"
    " FROM push_channels WHERE tenant_id = %s"
    " AND coalesce(expires_at, created_at) < %s)": CHANNELS_KEPT,
    "DELETE FROM push_channels WHERE tenant_id = %s"
    " AND coalesce(expires_at, created_at) < %s": CHANNELS_KEPT,
}


class Housekeeping:
    """Deletes what no answer depends on any more."""

    def __init__(self, database: Database) -> None:
        """Take the pool."""
        self._database = database

    async def clear(self, now: datetime) -> int:
        """Delete for every tenant; return the number of rows."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM rate_limits WHERE empty_at < %s", [now]
            )
            deleted = cursor.rowcount
            cursor = await connection.execute("SELECT tenant_id FROM tenant_directory")
            tenants = [row[0] for row in await cursor.fetchall()]
        for tenant_id in tenants:
            deleted += await self._clear_tenant(tenant_id, now)
        return deleted

    async def _clear_tenant(self, tenant_id: UUID, now: datetime) -> int:
        deleted = 0
        async with self._database.transaction(tenant_id) as connection:
            for statement, kept in _OVER.items():
                cursor = await connection.execute(statement, [tenant_id, now - kept])
                deleted += cursor.rowcount
        return deleted
