"""Whether a connection works, as its writes and its syncs found out."""

from datetime import datetime
from typing import Final

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.connections import ConnectionStatus
from universal_calendar.store.database import Connection

Values = dict[str, object]

# Most writes change nothing of the connection: then its row is left alone. A calendar
# that its owner must see to keeps it failing.
_WELL: Final = """
UPDATE connections n SET next_try_at = NULL, last_success_at = %(now)s,
    updated_at = %(now)s,
    status = CASE WHEN before.is_stuck THEN 'failing' ELSE 'active' END,
    failing_since = CASE WHEN before.is_stuck THEN coalesce(failing_since, %(now)s) END
FROM (
    SELECT tenant_id, connection_id, status <> 'active' AS was_unwell, EXISTS (
        SELECT FROM calendars c
        WHERE c.tenant_id = b.tenant_id AND c.connection_id = b.connection_id
            AND c.is_read AND c.sync_error IN ('LooksEmpty', 'Rejected')) AS is_stuck
    FROM connections b
    WHERE b.tenant_id = %(tenant)s AND b.connection_id = %(connection)s
) before
WHERE n.tenant_id = before.tenant_id AND n.connection_id = before.connection_id
    AND (n.status <> 'active' OR n.next_try_at IS NOT NULL
        OR coalesce(n.last_success_at < %(now)s - interval '1 minute', true))
RETURNING before.was_unwell AND NOT before.is_stuck
"""
# Its owner, and the platform's operators, are told once for each time it breaks.
_TELL: Final = """
INSERT INTO due_work
SELECT tenant_id, 'connection', connection_id, %(now)s FROM connections
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
    AND status <> 'needs_reauthorization'
    AND %(connection_status)s = 'needs_reauthorization'
ON CONFLICT (tenant_id, kind, item_id) DO NOTHING
"""
_UNWELL: Final = """
UPDATE connections SET status = coalesce(%(connection_status)s, status),
    failing_since = CASE WHEN coalesce(%(connection_status)s, status) <> 'active'
        THEN coalesce(failing_since, %(now)s) END,
    next_try_at = coalesce(%(paused_until)s, next_try_at), updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
_OF_CONNECTION: Final = """
    FROM links l JOIN calendars c USING (tenant_id, calendar_id)
    WHERE l.tenant_id = %(tenant)s AND c.connection_id = %(connection)s
        AND l.status = 'pending'
"""
# What somebody else has locked is being seen to already.
_WAKE_LINKS: Final = f"""
UPDATE links SET next_try_at = NULL
WHERE (tenant_id, appointment_id, calendar_id) IN (
    SELECT l.tenant_id, l.appointment_id, l.calendar_id {_OF_CONNECTION}
        AND l.next_try_at IS NOT NULL
    FOR UPDATE OF l SKIP LOCKED)
"""  # noqa: S608 - constants
_WAKE_DUE: Final = f"""
UPDATE due_work SET due_at = %(now)s
WHERE (tenant_id, kind, item_id) IN (
    SELECT d.tenant_id, d.kind, d.item_id FROM due_work d
    WHERE d.tenant_id = %(tenant)s AND d.due_at > %(now)s AND (
        d.kind = 'calendar' AND d.item_id IN (SELECT l.appointment_id {_OF_CONNECTION})
        OR d.kind = 'sync' AND d.item_id IN (
            SELECT c.calendar_id FROM calendars c WHERE c.tenant_id = %(tenant)s
                AND c.connection_id = %(connection)s)
        OR d.kind = 'customer' AND d.item_id IN (
            SELECT c.change_id FROM changed_customers c WHERE c.tenant_id = %(tenant)s
                AND c.connection_id = %(connection)s))
    FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - constants


async def record_success(connection: Connection, values: Values) -> bool:
    """Note that the provider did what it was asked; tell whether it had not before.

    `values`, here and below: tenant, connection and now.
    """
    cursor = await connection.execute(_WELL, values)
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def record_trouble(
    connection: Connection,
    values: Values,
    status: ConnectionStatus | None,
    paused_until: Instant | None,
) -> None:
    """Note that it did not; None leaves the status, or the pause, as it is."""
    if status is None and paused_until is None:
        return
    unwell = values | {
        "connection_status": status,
        "paused_until": _moment(paused_until),
    }
    await connection.execute(_TELL, unwell)
    await connection.execute(_UNWELL, unwell)


async def wake_work(connection: Connection, values: Values) -> None:
    """Make due at once what waits for a connection: writes, syncs, customers.

    In a transaction of its own: it locks rows that others lock in other orders.
    """
    await connection.execute(_WAKE_LINKS, values)
    await connection.execute(_WAKE_DUE, values)


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
