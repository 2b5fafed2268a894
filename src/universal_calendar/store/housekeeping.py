"""Rows whose time is over: answers to retries, holds, idle rate limits."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from universal_calendar.store.database import Database

ANSWERS_KEPT: Final = timedelta(hours=48)
"""Twice what is promised: a retry at the edge of a day still finds its answer."""


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
        async with self._database.transaction(tenant_id) as connection:
            answers = await connection.execute(
                "DELETE FROM idempotency_keys WHERE tenant_id = %s AND created_at < %s",
                [tenant_id, now - ANSWERS_KEPT],
            )
            # Expired holds change no answer: nobody reads them, so no revision moves.
            holds = await connection.execute(
                "DELETE FROM claims WHERE tenant_id = %s AND expires_at < %s",
                [tenant_id, now],
            )
            return answers.rowcount + holds.rowcount
