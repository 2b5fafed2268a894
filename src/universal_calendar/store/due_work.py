"""What is due over all tenants, and tasks that nobody works on any more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.changed_customers import CUSTOMER
from universal_calendar.services.ports.due_work import DueItem
from universal_calendar.services.ports.syncs import SYNC
from universal_calendar.store.database import Session

CALENDAR: Final = "calendar"

_TAKE: Final = """
UPDATE due_work d SET due_at = %(again_at)s
FROM (
    SELECT tenant_id, kind, item_id FROM due_work
    WHERE due_at <= %(now)s AND kind = ANY(%(kinds)s)
    ORDER BY due_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
) due
WHERE d.tenant_id = due.tenant_id AND d.kind = due.kind AND d.item_id = due.item_id
RETURNING d.tenant_id, d.kind, d.item_id
"""
_LANES_OF_WRITES: Final = """
SELECT DISTINCT ON (l.appointment_id) l.appointment_id, c.connection_id
FROM links l JOIN calendars c USING (tenant_id, calendar_id)
WHERE l.tenant_id = %s AND l.appointment_id = ANY(%s) AND l.status = 'pending'
ORDER BY l.appointment_id, c.connection_id
"""
_LANES_OF_SYNCS: Final = """
SELECT calendar_id, connection_id FROM calendars
WHERE tenant_id = %s AND calendar_id = ANY(%s)
"""
_LANES_OF_CUSTOMERS: Final = """
SELECT change_id, connection_id FROM changed_customers
WHERE tenant_id = %s AND change_id = ANY(%s)
"""
_LANES: Final[Mapping[str, str]] = {
    CALENDAR: _LANES_OF_WRITES,
    CUSTOMER: _LANES_OF_CUSTOMERS,
    SYNC: _LANES_OF_SYNCS,
}
_FINISH: Final = """
DELETE FROM due_work WHERE tenant_id = %s AND kind = %s AND item_id = %s
"""
# A worker that lives but could not write down the end of a task leaves it so for ever.
_STUCK: Final = """
SELECT j.id FROM procrastinate_jobs j
WHERE j.status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_events e
    WHERE e.job_id = j.id AND e.type = 'started' AND e.at > %s)
"""


class DueWorkTable:
    """The port `DueWorkStore` on PostgreSQL."""

    def __init__(self, session: Session) -> None:
        """Take the pool."""
        self._session = session

    async def take(
        self, kinds: Collection[str], now: Instant, again_at: Instant, limit: int
    ) -> list[DueItem]:
        """Return what is due, longest waiting first, and put it off to `again_at`."""
        values = {
            "kinds": list(kinds),
            "now": to_datetime(now),
            "again_at": to_datetime(again_at),
            "limit": limit,
        }
        async with self._session.connection() as connection:
            cursor = await connection.execute(_TAKE, values)
            items = [DueItem(*row) for row in await cursor.fetchall()]
        return await self._with_lanes(items)

    async def _with_lanes(self, items: Sequence[DueItem]) -> list[DueItem]:
        ordered = sorted(items, key=lambda item: (item.tenant_id, item.kind))
        complete: list[DueItem] = []
        for (tenant_id, kind), group in groupby(
            ordered, key=lambda item: (item.tenant_id, item.kind)
        ):
            of_tenant = list(group)
            lanes = await self._lanes(tenant_id, kind, of_tenant)
            complete += [
                replace(item, lane=lanes.get(item.item_id)) for item in of_tenant
            ]
        return complete

    async def _lanes(
        self, tenant_id: UUID, kind: str, items: Sequence[DueItem]
    ) -> Mapping[UUID, UUID]:
        """Return each item's connection, the first of an appointment's several."""
        statement = _LANES.get(kind)
        if statement is None:
            return {}
        async with self._session.transaction(tenant_id) as connection:
            ids = [item.item_id for item in items]
            cursor = await connection.execute(statement, [tenant_id, ids])
            return dict(await cursor.fetchall())

    async def finish(self, item: DueItem) -> None:
        """Delete the item's row."""
        async with self._session.connection() as connection:
            await connection.execute(_FINISH, [item.tenant_id, item.kind, item.item_id])

    async def stuck_tasks(self, started_before: datetime) -> list[int]:
        """Return the ids of tasks that are said to be run since before then."""
        async with self._session.connection() as connection:
            cursor = await connection.execute(_STUCK, [started_before])
            return [row[0] for row in await cursor.fetchall()]
