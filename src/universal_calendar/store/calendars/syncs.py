"""Syncs of calendars: wanted, and what came of those that were asked for."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.sync_requests import (
    NewSync,
    ReadCalendar,
    Sync,
    SyncNotFound,
    SyncScope,
    SyncStatus,
)
from universal_calendar.services.ports.syncs import SYNC, Tally
from universal_calendar.store.database import Connection, Row, Session

Values = dict[str, object]

# Calendars are locked in the order of their ids, and before due_work.
_WANT: Final = """
UPDATE calendars c SET wanted_at = greatest(c.wanted_at, %(now)s),
    is_full_wanted = c.is_full_wanted OR %(is_full)s,
    may_be_empty = c.may_be_empty OR %(may_be_empty)s
FROM (
    SELECT tenant_id, calendar_id FROM calendars
    WHERE tenant_id = %(tenant)s AND calendar_id = ANY(%(calendars)s)
    ORDER BY calendar_id FOR NO KEY UPDATE
) wanted
WHERE c.tenant_id = wanted.tenant_id AND c.calendar_id = wanted.calendar_id
RETURNING c.calendar_id
"""
_DUE: Final = """
INSERT INTO due_work
SELECT %(tenant)s, %(kind)s, calendar_id, %(now)s
FROM unnest(%(calendars)s::uuid[]) wanted (calendar_id) ORDER BY calendar_id
ON CONFLICT (tenant_id, kind, item_id)
DO UPDATE SET due_at = least(due_work.due_at, excluded.due_at)
"""
# Syncs are locked in the order of their ids, and before their calendars.
_AWAITING: Final = """
SELECT s.sync_id FROM syncs s JOIN sync_calendars c USING (tenant_id, sync_id)
WHERE s.tenant_id = %(tenant)s AND c.calendar_id = %(calendar)s AND NOT c.is_done
    AND s.requested_at <= %(began)s
ORDER BY s.sync_id FOR NO KEY UPDATE OF s
"""
_BEGIN: Final = """
UPDATE syncs SET started_at = %(began)s
WHERE tenant_id = %(tenant)s AND sync_id = ANY(%(syncs)s) AND started_at IS NULL
"""
_DONE: Final = """
UPDATE sync_calendars SET is_done = true
WHERE tenant_id = %(tenant)s AND calendar_id = %(calendar)s
    AND sync_id = ANY(%(syncs)s)
"""
_COUNT: Final = """
UPDATE syncs SET started_at = coalesce(started_at, %(began)s),
    events_processed = events_processed + %(processed)s,
    events_created = events_created + %(created)s,
    events_updated = events_updated + %(updated)s,
    events_deleted = events_deleted + %(deleted)s,
    errors = CASE WHEN %(error)s::text IS NULL OR %(error)s = ANY(errors) THEN errors
        ELSE errors || %(error)s::text END
WHERE tenant_id = %(tenant)s AND sync_id = ANY(%(syncs)s)
"""
_COMPLETE: Final = """
UPDATE syncs s SET completed_at = %(now)s
WHERE s.tenant_id = %(tenant)s AND s.sync_id = ANY(%(syncs)s)
    AND s.completed_at IS NULL AND NOT EXISTS (
        SELECT FROM sync_calendars c WHERE c.tenant_id = s.tenant_id
            AND c.sync_id = s.sync_id AND NOT c.is_done)
"""
_CALENDARS: Final = """
SELECT c.calendar_id, c.read_at
FROM calendars c JOIN connections n USING (tenant_id, connection_id)
WHERE c.tenant_id = %(tenant)s AND c.is_read AND n.direction <> 'to_provider'
    AND (%(provider)s::text IS NULL OR n.provider = %(provider)s)
    AND (%(connection)s::uuid IS NULL OR n.connection_id = %(connection)s)
ORDER BY c.calendar_id FOR NO KEY UPDATE OF c
"""
_UNDER_WAY: Final = """
SELECT s.sync_id FROM syncs s
JOIN sync_calendars c USING (tenant_id, sync_id)
WHERE s.tenant_id = %(tenant)s AND s.completed_at IS NULL AND s.is_full = %(is_full)s
GROUP BY s.sync_id
HAVING array_agg(c.calendar_id ORDER BY c.calendar_id) = %(calendars)s
ORDER BY s.sync_id DESC LIMIT 1
"""
_ADD: Final = """
INSERT INTO syncs (tenant_id, sync_id, provider, is_full, requested_at)
VALUES (%(tenant)s, %(sync)s, %(provider)s, %(is_full)s, %(now)s)
"""
_ADD_CALENDARS: Final = """
INSERT INTO sync_calendars (tenant_id, sync_id, calendar_id)
SELECT %(tenant)s, %(sync)s, unnest(%(calendars)s::uuid[])
"""
_LOCK: Final = """
SELECT FROM syncs WHERE tenant_id = %(tenant)s AND sync_id = %(sync)s
    AND completed_at IS NULL
FOR NO KEY UPDATE
"""
# Nobody reads these any more, so nobody will say that they are done.
_SKIP_UNREAD: Final = """
UPDATE sync_calendars s SET is_done = true
FROM calendars c JOIN connections n USING (tenant_id, connection_id)
WHERE s.tenant_id = %(tenant)s AND s.sync_id = %(sync)s AND NOT s.is_done
    AND c.tenant_id = s.tenant_id AND c.calendar_id = s.calendar_id
    AND (NOT c.is_read OR n.status = 'needs_reauthorization')
RETURNING CASE WHEN c.is_read THEN 'NotAuthorized' END
"""
_IS_LEFT: Final = """
SELECT FROM sync_calendars WHERE tenant_id = %(tenant)s AND sync_id = %(sync)s LIMIT 1
"""
_BLAME: Final = """
UPDATE syncs SET errors = errors || %(error)s::text
WHERE tenant_id = %(tenant)s AND sync_id = %(sync)s AND %(error)s <> ALL(errors)
"""
_GET: Final = """
SELECT s.sync_id, s.started_at, s.completed_at, s.errors, s.events_processed,
    s.events_created, s.events_updated, s.events_deleted, count(c.calendar_id),
    count(c.calendar_id) FILTER (WHERE c.is_done)
FROM syncs s LEFT JOIN sync_calendars c USING (tenant_id, sync_id)
WHERE s.tenant_id = %(tenant)s AND s.sync_id = %(sync)s
GROUP BY s.tenant_id, s.sync_id
"""


class SyncRequestTable:
    """The port `SyncRequests` on PostgreSQL."""

    def __init__(self, session: Session) -> None:
        """Take the pool, or the transaction to do it in."""
        self._session = session

    async def want(
        self,
        tenant_id: UUID,
        calendar_ids: Collection[UUID],
        now: Instant,
        *,
        is_full: bool = False,
        may_be_empty: bool = False,
    ) -> None:
        """Make the calendars' syncs due at once; a hundred times is as good as once.

        Calendars that are not there are passed over.
        """
        values: Values = {
            "tenant": tenant_id,
            "kind": SYNC,
            "calendars": list(calendar_ids),
            "now": to_datetime(now),
            "is_full": is_full,
            "may_be_empty": may_be_empty,
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_WANT, values)
            there = [row[0] for row in await cursor.fetchall()]
            await connection.execute(_DUE, values | {"calendars": there})


class SyncRunTable:
    """The port `SyncRuns` on PostgreSQL."""

    def __init__(self, session: Session, now: Callable[[], datetime]) -> None:
        """Take the clock that syncs complete by."""
        self._session, self._now = session, now

    async def begun(self, tenant_id: UUID, calendar_id: UUID, at: Instant) -> None:
        """Note that a sync of the calendar began."""
        values = _run(tenant_id, calendar_id, at)
        async with self._session.transaction(tenant_id) as connection:
            if syncs := await _awaiting(connection, values):
                await connection.execute(_BEGIN, values | {"syncs": syncs})

    async def finished(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        began: Instant,
        tally: Tally,
        error: str | None,
    ) -> None:
        """Count a sync for every run that was requested before it began."""
        values = _run(tenant_id, calendar_id, began) | {
            "processed": tally.processed,
            "created": tally.created,
            "updated": tally.updated,
            "deleted": tally.deleted,
            "error": error,
            "now": self._now(),
        }
        async with self._session.transaction(tenant_id) as connection:
            values["syncs"] = await _awaiting(connection, values)
            if values["syncs"]:
                for statement in (_DONE, _COUNT, _COMPLETE):
                    await connection.execute(statement, values)


def _run(tenant_id: UUID, calendar_id: UUID, began: Instant) -> Values:
    return {
        "tenant": tenant_id,
        "calendar": calendar_id,
        "began": to_datetime(began),
    }


async def _awaiting(connection: Connection, values: Values) -> list[UUID]:
    """Return, locked, the syncs that wait for the calendar."""
    cursor = await connection.execute(_AWAITING, values)
    return [row[0] for row in await cursor.fetchall()]


class SyncTable:
    """The port `SyncStore` on PostgreSQL."""

    def __init__(self, session: Session) -> None:
        """Take the pool, or the transaction to do it in."""
        self._session = session

    async def tenant_of(self, sync_id: UUID) -> UUID | None:
        """Return whose sync it is; None if there is none."""
        async with self._session.connection() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id FROM sync_directory WHERE sync_id = %s", [sync_id]
            )
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def calendars(self, tenant_id: UUID, scope: SyncScope) -> list[ReadCalendar]:
        """Return the calendars that are read, locked until the unit ends."""
        values = {
            "tenant": tenant_id,
            "provider": scope.provider,
            "connection": scope.connection_id,
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_CALENDARS, values)
            rows = await cursor.fetchall()
        return [ReadCalendar(row[0], _instant(row[1])) for row in rows]

    async def under_way(
        self, tenant_id: UUID, calendar_ids: Sequence[UUID], *, is_full: bool
    ) -> UUID | None:
        """Return the newest sync of just these calendars that has not ended."""
        values = {
            "tenant": tenant_id,
            "calendars": sorted(calendar_ids),
            "is_full": is_full,
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_UNDER_WAY, values)
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def add(self, sync: NewSync) -> None:
        """Keep a sync."""
        values: Values = {
            "tenant": sync.tenant_id,
            "sync": sync.sync_id,
            "provider": sync.provider,
            "is_full": sync.is_full,
            "now": to_datetime(sync.requested_at),
            "calendars": list(sync.calendar_ids),
        }
        async with self._session.transaction(sync.tenant_id) as connection:
            await connection.execute(_ADD, values)
            await connection.execute(_ADD_CALENDARS, values)
            await connection.execute(
                "INSERT INTO sync_directory VALUES (%(sync)s, %(tenant)s)", values
            )

    async def get(self, tenant_id: UUID, sync_id: UUID, now: Instant) -> Sync:
        """Return a sync; raise SyncNotFound."""
        values: Values = {
            "tenant": tenant_id,
            "sync": sync_id,
            "syncs": [sync_id],
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as connection:
            await _settle(connection, values)
            cursor = await connection.execute(_GET, values)
            row = await cursor.fetchone()
        if row is None:
            raise SyncNotFound
        return _sync(row)


async def _settle(connection: Connection, values: Values) -> None:
    """Have a sync that has not ended wait for no calendar that nobody reads."""
    cursor = await connection.execute(_LOCK, values)
    if await cursor.fetchone() is None:
        return
    cursor = await connection.execute(_SKIP_UNREAD, values)
    errors = {row[0] for row in await cursor.fetchall()} - {None}
    cursor = await connection.execute(_IS_LEFT, values)
    if await cursor.fetchone() is None:
        errors.add("ConnectionNotFound")
    for error in errors:
        await connection.execute(_BLAME, values | {"error": error})
    await connection.execute(_COMPLETE, values)


def _sync(row: Row) -> Sync:
    sync_id, started_at, completed_at, errors, *tally, calendars, done = row
    is_complete = completed_at is not None
    return Sync(
        sync_id,
        _status(errors, is_begun=started_at is not None, is_complete=is_complete),
        100 if is_complete else 100 * done // max(1, calendars),
        Tally(*tally),
        tuple(errors),
        _instant(completed_at),
    )


def _status(
    errors: Collection[str], *, is_begun: bool, is_complete: bool
) -> SyncStatus:
    if not is_complete:
        return SyncStatus.RUNNING if is_begun else SyncStatus.QUEUED
    return SyncStatus.FAILED if errors else SyncStatus.COMPLETED


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
