"""Links between appointments and calendars, and when work on them is due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.services.ports.links import (
    Deleted,
    Failed,
    LeasedLink,
    LinkId,
    LinkState,
    LinkStatus,
    Result,
    Written,
)
from universal_calendar.store.audit import AuditTable
from universal_calendar.store.calendars.leased_links import lease_link
from universal_calendar.store.calendars.schedules import ScheduleTable
from universal_calendar.store.connections.connection_health import (
    record_success,
    record_trouble,
    wake_work,
)
from universal_calendar.store.database import Bound, Connection, Row, Session
from universal_calendar.store.event_ids import stored_id
from universal_calendar.store.field_service.visits import VisitTable
from universal_calendar.store.sealing.keyring import Keyring

Values = dict[str, object]

_WORKER: Final = Actor(ActorKind.WORKER, "calendar_writes")
_THIS: Final = """tenant_id = %(tenant)s AND appointment_id = %(appointment)s
    AND calendar_id = %(calendar)s"""
_STATES: Final = """
SELECT l.calendar_id, c.connection_id, n.provider, l.is_wanted, l.wanted_version,
    l.synced_version, l.status, l.event_id, l.last_error
FROM links l
JOIN calendars c USING (tenant_id, calendar_id)
JOIN connections n USING (tenant_id, connection_id)
WHERE l.tenant_id = %s AND l.appointment_id = %s
ORDER BY l.is_wanted, l.calendar_id
"""
_SYNCED: Final = f"""
UPDATE links SET
    synced_version = CASE WHEN is_wanted = %(is_wanted)s THEN %(version)s
        ELSE synced_version END,
    status = CASE WHEN is_wanted = %(is_wanted)s AND wanted_version = %(version)s
        THEN 'synced' ELSE 'pending' END,
    event_id = %(event)s, etag = %(etag)s, is_begun = %(is_wanted)s,
    generation = generation + %(burnt_keys)s, attempts = 0, last_error = NULL,
    next_try_at = NULL, leased_until = NULL, updated_at = %(now)s
WHERE {_THIS} AND leased_until = %(lease)s
RETURNING status
"""  # noqa: S608 - constants
_FAILED: Final = f"""
UPDATE links SET
    status = CASE WHEN is_wanted = %(is_wanted)s AND wanted_version = %(version)s
        THEN %(status)s ELSE 'pending' END,
    attempts = attempts + 1, last_error = %(error)s, next_try_at = %(next_try_at)s,
    event_id = CASE WHEN %(is_key_burnt)s THEN NULL ELSE event_id END,
    etag = CASE WHEN %(is_key_burnt)s THEN NULL ELSE etag END,
    is_begun = is_begun AND NOT %(is_key_burnt)s,
    generation = generation + %(is_key_burnt)s::integer,
    leased_until = NULL, updated_at = %(now)s
WHERE {_THIS} AND leased_until = %(lease)s
RETURNING status
"""  # noqa: S608 - constants
# No row: nobody reads it.
_IS_MIRRORED: Final = """
SELECT EXISTS (SELECT FROM mirrored_times m WHERE m.tenant_id = c.tenant_id
    AND m.calendar_id = c.calendar_id AND m.event_id = %(event)s)
FROM calendars c JOIN connections n USING (tenant_id, connection_id)
WHERE c.tenant_id = %(tenant)s AND c.calendar_id = %(calendar)s AND c.is_read
    AND n.direction <> 'to_provider'
"""
# Whoever changes links upserts due_work after them. Locked first, then looked at anew:
# so a change that commits meanwhile is seen, and one that comes later finds no row.
_LOCK_DUE: Final = """
SELECT FROM due_work
WHERE tenant_id = %(tenant)s AND kind = 'calendar' AND item_id = %(appointment)s
FOR UPDATE
"""
_NEXT_DUE: Final = """
SELECT min(greatest(%(now)s, l.next_try_at, l.leased_until, n.next_try_at))
FROM links l
JOIN calendars c USING (tenant_id, calendar_id)
JOIN connections n USING (tenant_id, connection_id)
WHERE l.tenant_id = %(tenant)s AND l.appointment_id = %(appointment)s
    AND l.status = 'pending'
"""
_SET_DUE: Final = """
INSERT INTO due_work VALUES (%(tenant)s, 'calendar', %(appointment)s, %(due_at)s)
ON CONFLICT (tenant_id, kind, item_id) DO UPDATE SET due_at = excluded.due_at
"""
_DONE: Final = """
DELETE FROM due_work
WHERE tenant_id = %(tenant)s AND kind = 'calendar' AND item_id = %(appointment)s
"""


class LinkTable:
    """The port `LinkStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring, new_id: NewId) -> None:
        """Take what opens sealed columns, and makes ids for the audit log."""
        self._session, self._keyring, self._new_id = session, keyring, new_id

    async def states(self, tenant_id: UUID, appointment_id: UUID) -> list[LinkState]:
        """Return the appointment's links, those to be deleted first."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_STATES, [tenant_id, appointment_id])
            rows = await cursor.fetchall()
        return [_state(tenant_id, appointment_id, row) for row in rows]

    async def lease(
        self, link_id: LinkId, now: Instant, until: Instant
    ) -> LeasedLink | None:
        """Take a link that is pending; None if it is not due, or somebody else's."""
        async with self._session.transaction(link_id.tenant_id) as connection:
            return await lease_link(connection, self._keyring, link_id, now, until)

    async def record(
        self, link: LeasedLink, result: Result, now: Instant
    ) -> LinkStatus | None:
        """Write down what became of it, and when it is due again, if at all.

        Returns the link's status now; None if the lease ended before.
        """
        values = _values(link.link_id, now) | _lease_values(link)
        async with self._session.transaction(link.link_id.tenant_id) as connection:
            status = await _record_link(connection, link, result, values)
            if status is None:
                return None
            is_recovered = await _record_connection(connection, link, result, values)
            await set_due(connection, values)
            if not isinstance(result, Failed):
                await self._list(connection, link, result, now)
                await self._audit(connection, link, result, now)
        if is_recovered:
            await self._wake(link, values)
        if link.visit is not None:
            await self._hint(link, result, now)
        return status

    async def _hint(self, link: LeasedLink, result: Result, now: Instant) -> None:
        """Have a visit read that takes, or took, time of more than its appointment's.

        Whom we have just sent elsewhere with it is known to be where they were.
        """
        event_id, technicians = _visit_of(link, result)
        if event_id is None:
            return
        link_id = link.link_id
        values = _values(link_id, now) | {"event": stored_id(event_id)}
        async with self._session.transaction(link_id.tenant_id) as connection:
            cursor = await connection.execute(_IS_MIRRORED, values)
            row = await cursor.fetchone()
        if row is not None and (row[0] or len(technicians) > 1):
            schedules = ScheduleTable(self._session)
            await schedules.hint(
                link_id.tenant_id, [link_id.calendar_id], event_id, now
            )

    async def _list(
        self, connection: Connection, link: LeasedLink, result: Result, now: Instant
    ) -> None:
        """Have the list of visits say what was written."""
        link_id = link.link_id
        visits = VisitTable(Bound(connection, link_id.tenant_id), self._keyring)
        place = link_id.tenant_id, link_id.calendar_id
        if isinstance(result, Written) and result.event.visit is not None:
            event_id = result.event.event_id
            await visits.keep(*place, {event_id: result.event.visit}, now)
            await visits.name(*place, event_id, link_id.appointment_id)
        elif isinstance(result, Deleted) and link.visit and link.known:
            await visits.cancel(*place, link.known.event_id, now)

    async def _audit(
        self, connection: Connection, link: LeasedLink, result: Result, now: Instant
    ) -> None:
        tenant_id = link.link_id.tenant_id
        session = Bound(connection, tenant_id)
        audit = AuditTable(session, tenant_id, _WORKER, now, self._new_id)
        action = "event.written" if isinstance(result, Written) else "event.deleted"
        await audit.record(action, link.link_id.appointment_id)

    async def _wake(self, link: LeasedLink, values: Values) -> None:
        async with self._session.transaction(link.link_id.tenant_id) as connection:
            await wake_work(connection, values)

    async def close(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> None:
        """Set when work on the appointment's links is due; never, if none is left."""
        values = {
            "tenant": tenant_id,
            "appointment": appointment_id,
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as connection:
            await set_due(connection, values)


def _visit_of(link: LeasedLink, result: Result) -> tuple[str | None, Sequence[str]]:
    """Return the visit that was written or deleted, and who has it now."""
    if isinstance(result, Written):
        visit = result.event.visit
        return result.event.event_id, () if visit is None else visit.technicians
    if isinstance(result, Deleted) and link.known is not None:
        return link.known.event_id, ()
    return None, ()


async def _record_link(
    connection: Connection, link: LeasedLink, result: Result, values: Values
) -> LinkStatus | None:
    if isinstance(result, Failed):
        cursor = await connection.execute(_FAILED, values | _failed_values(result))
    else:
        cursor = await connection.execute(_SYNCED, values | _event_values(link, result))
    row = await cursor.fetchone()
    return None if row is None else LinkStatus(row[0])


async def _record_connection(
    connection: Connection, link: LeasedLink, result: Result, values: Values
) -> bool:
    """Note how well the connection is; tell whether it just recovered."""
    if isinstance(result, Failed):
        trouble = result.connection_status, result.paused_until
        await record_trouble(connection, values, *trouble)
        return False
    # Else nobody was asked.
    return link.is_begun and await record_success(connection, values)


async def set_due(connection: Connection, values: Values) -> None:
    """Set when work on an appointment's links is due; never, if none is left.

    `values`: tenant, appointment and now.
    """
    await connection.execute(_LOCK_DUE, values)
    cursor = await connection.execute(_NEXT_DUE, values)
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        await connection.execute(_DONE, values)
    else:
        await connection.execute(_SET_DUE, values | {"due_at": row[0]})


def _state(tenant_id: UUID, appointment_id: UUID, row: Row) -> LinkState:
    return LinkState(
        link_id=LinkId(tenant_id, appointment_id, row[0]),
        connection_id=row[1],
        provider=row[2],
        is_wanted=row[3],
        wanted_version=row[4],
        synced_version=row[5],
        status=LinkStatus(row[6]),
        event_id=row[7],
        last_error=row[8],
    )


def _values(link_id: LinkId, now: Instant) -> Values:
    return {
        "tenant": link_id.tenant_id,
        "appointment": link_id.appointment_id,
        "calendar": link_id.calendar_id,
        "now": to_datetime(now),
    }


def _lease_values(link: LeasedLink) -> Values:
    return {
        "lease": to_datetime(link.leased_until),
        "is_wanted": link.is_wanted,
        "version": link.version,
        "connection": link.access.connection_id,
    }


def _event_values(link: LeasedLink, result: Written | Deleted) -> Values:
    event = result.event if isinstance(result, Written) else None
    return {
        "event": None if event is None else event.event_id,
        "etag": None if event is None else event.etag,
        # Providers burn the key of an event that is deleted.
        "burnt_keys": int(event is None and link.is_begun),
    }


def _failed_values(result: Failed) -> Values:
    return {
        "status": result.status,
        "error": result.error,
        "next_try_at": _moment(result.next_try_at),
        "is_key_burnt": result.is_key_burnt,
    }


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
