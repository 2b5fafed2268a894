"""Calendars that are read: leases, the mirror, and where each sync begins."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.sync import MANY_TIMES, Known, OwnEvent, Reading
from universal_calendar.services.ports.mirror import (
    LeasedCalendar,
    LeaseLost,
    Mirrored,
    Place,
    Trouble,
)
from universal_calendar.services.ports.syncs import SYNC, Tally
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.calendars import mirrored_times
from universal_calendar.store.calendars.leased_calendars import (
    LEASE,
    MINE,
    LeaseRow,
    execute_leased,
    lease_values,
)
from universal_calendar.store.calendars.leased_links import data_keys
from universal_calendar.store.calendars.own_events import READ, OwnEventRow, adopt
from universal_calendar.store.connections.connection_health import (
    record_success,
    record_trouble,
    wake_work,
)
from universal_calendar.store.database import Connection, Database
from universal_calendar.store.event_ids import stored_id
from universal_calendar.store.sealing.encryption import place_of, reopened
from universal_calendar.store.sealing.keyring import Keyring

Values = dict[str, object]

_PLACE: Final = ("sync_tokens", "sealed")
_THIS: Final = "tenant_id = %(tenant)s AND calendar_id = %(calendar)s"
_TOKEN: Final = f"SELECT key_version, sealed FROM sync_tokens WHERE {_THIS}"  # noqa: S608
# Locked in this order: agents, connections, calendars, mirrored times, due_work.
_WHY_NOT: Final = """
SELECT n.direction <> 'to_provider', n.next_try_at
FROM connections n JOIN calendars c USING (tenant_id, connection_id)
WHERE c.tenant_id = %(tenant)s AND c.calendar_id = %(calendar)s
FOR SHARE OF n
"""
_IS_READ: Final = f"""
SELECT is_read FROM calendars WHERE {_THIS} FOR NO KEY UPDATE
"""  # noqa: S608 - constants
_DROP: Final = """
DELETE FROM due_work
WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND item_id = %(calendar)s
"""
_PUT_OFF: Final = """
UPDATE due_work SET due_at = greatest(due_at, %(until)s)
WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND item_id = %(calendar)s
"""
_EXTEND: Final = f"UPDATE calendars SET leased_until = %(until)s WHERE {MINE}"  # noqa: S608
_OWN: Final = f"""
{READ}
WHERE l.tenant_id = %(tenant)s AND l.calendar_id = %(calendar)s
    AND l.event_id IS NOT NULL AND (a.ends_at > %(began)s
        OR l.event_id IN (SELECT unnest(%(events)s::text[]))
        OR l.appointment_id = ANY (%(with_visits)s))
"""
# An event may still be told of after its appointment was cancelled: until it is gone,
# and by who was reading then.
_NAMED: Final = """
SELECT a.appointment_id FROM appointments a
WHERE a.tenant_id = %(tenant)s AND a.appointment_id = ANY (%(named)s)
    AND (a.status NOT IN ('cancelled', 'no_show') OR EXISTS (
        SELECT FROM links l WHERE l.tenant_id = a.tenant_id
            AND l.appointment_id = a.appointment_id
            AND (l.status = 'pending' OR l.updated_at > %(began)s)))
"""
_AHEAD: Final = f"""
SELECT count(*) FROM (
    SELECT FROM mirrored_times WHERE {_THIS} AND ends_at > %(began)s LIMIT %(many)s
) found
"""  # noqa: S608 - constants
# A schedule counts as read once all of it was, whatever was read by name since.
_READ_AT: Final = f"""
UPDATE calendars SET read_at = CASE WHEN %(is_read)s THEN %(began)s ELSE read_at END
WHERE {MINE}
"""  # noqa: S608 - constants
# In the order of their ids, as everybody who locks several.
_COUNT_CHANGE: Final = """
UPDATE agents a SET revision = a.revision + 1
FROM (
    SELECT g.tenant_id, g.agent_id FROM agents g
    WHERE g.tenant_id = %(tenant)s AND EXISTS (
        SELECT FROM calendars c JOIN connections n USING (tenant_id, connection_id)
        WHERE c.tenant_id = g.tenant_id AND c.calendar_id = %(calendar)s
            AND coalesce(n.agent_id = g.agent_id, true))
    ORDER BY g.agent_id FOR NO KEY UPDATE OF g
) touched
WHERE a.tenant_id = touched.tenant_id AND a.agent_id = touched.agent_id
"""
_FINISH: Final = f"""
UPDATE calendars SET leased_until = NULL, sync_attempts = 0, sync_error = NULL,
    window_ends_at = coalesce(%(window_end)s, window_ends_at),
    is_full_wanted = is_full_wanted
        AND (NOT %(is_full)s OR wanted_at IS DISTINCT FROM %(wanted_at)s),
    may_be_empty = may_be_empty
        AND (NOT %(is_settled)s OR wanted_at IS DISTINCT FROM %(wanted_at)s)
WHERE {MINE}
RETURNING wanted_at IS DISTINCT FROM %(wanted_at)s
"""  # noqa: S608 - constants
_KEEP_PLACE: Final = """
INSERT INTO sync_tokens VALUES (%(tenant)s, %(calendar)s, %(version)s, %(sealed)s)
ON CONFLICT (tenant_id, calendar_id) DO UPDATE SET key_version = excluded.key_version,
    sealed = excluded.sealed
"""
_FAIL: Final = f"""
UPDATE calendars SET leased_until = NULL, sync_attempts = sync_attempts + 1,
    sync_error = %(error)s
WHERE {MINE}
"""  # noqa: S608 - constants
_SET_DUE: Final = """
INSERT INTO due_work VALUES (%(tenant)s, %(kind)s, %(calendar)s, %(due)s)
ON CONFLICT (tenant_id, kind, item_id) DO UPDATE SET due_at = excluded.due_at
"""
# Of schedules: what was named or asked for while it was read, and hints that wait for
# the end of a rest.
_SET_DUE_SOONER: Final = f"""
INSERT INTO due_work
SELECT %(tenant)s, %(kind)s, %(calendar)s, least(%(due)s,
    (SELECT min(due_at) FROM named_visits WHERE {_THIS}),
    (SELECT CASE WHEN wanted_at > read_at THEN %(now)s
            WHEN hinted_at > read_at THEN coalesce(rests_until, %(now)s) END
        FROM calendars WHERE {_THIS} AND is_schedule))
ON CONFLICT (tenant_id, kind, item_id) DO UPDATE SET due_at = excluded.due_at
"""  # noqa: S608 - constants


class MirrorTable:
    """The port `MirrorStore` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        """Take what opens and seals columns."""
        self._database, self._keyring = database, keyring

    async def lease(
        self, tenant_id: UUID, calendar_id: UUID, now: Instant, until: Instant
    ) -> LeasedCalendar | None:
        """Take a calendar that is read; None if that is not due, or somebody else's."""
        values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "kind": SYNC,
            "now": to_datetime(now),
            "until": to_datetime(until),
        }
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(LEASE, values)
            row = await cursor.fetchone()
            if row is None:
                await _put_off(connection, values, now)
                return None
            # Who is read is not due as well, however long it takes.
            await connection.execute(_PUT_OFF, values)
            cursor = await connection.execute(_TOKEN, values)
            token = await cursor.fetchone()
            keys = await data_keys(connection, self._keyring, tenant_id)
        calendar = LeaseRow._make(row).leased((tenant_id, calendar_id), until, keys)
        if token is None:
            return calendar
        place = place_of(tenant_id, *_PLACE, calendar_id)
        plain = reopened(keys[token[0]], token[1], place).decode()
        return replace(calendar, sync_token=plain)

    async def extend(self, calendar: LeasedCalendar, until: Instant) -> LeasedCalendar:
        """Go on reading it."""
        async with self._database.transaction(calendar.tenant_id) as connection:
            values = lease_values(calendar) | {"until": to_datetime(until)}
            await execute_leased(connection, _EXTEND, values)
            await connection.execute(_PUT_OFF, values)
        return replace(calendar, leased_until=until)

    async def adopt(self, calendar: LeasedCalendar, reading: Reading) -> None:
        """Link appointments to visits that bear their mark and no link leads to."""
        async with self._database.transaction(calendar.tenant_id) as connection:
            await adopt(connection, lease_values(calendar), reading)

    async def known(self, calendar: LeasedCalendar, reading: Reading) -> Known:
        """Return what is known of the calendar and bears on what was read."""
        if not reading.events and not reading.is_full:
            return Known()
        events = reading.events.values()
        named = {each.appointment_id for each in events if each.appointment_id}
        values = lease_values(calendar) | {
            "began": to_datetime(reading.began),
            "events": [stored_id(each) for each in reading.events],
            "named": list(named),
            # What else a job's visits are is told by which of them is ours.
            "with_visits": list(named) if calendar.is_schedule else [],
            "many": MANY_TIMES,
        }
        async with self._database.transaction(calendar.tenant_id) as connection:
            own = await _own(connection, values, reading.began)
            cursor = await connection.execute(_NAMED, values)
            ours = frozenset(row[0] for row in await cursor.fetchall())
            cursor = await connection.execute(_AHEAD, values)
            (ahead,) = await cursor.fetchone() or (0,)
        return Known(own, ours, ahead)

    async def mirror(
        self, calendar: LeasedCalendar, mirrored: Mirrored, reading: Reading
    ) -> Tally:
        """Make the mirror show the events as they were read, at once."""
        values = lease_values(calendar) | {
            "began": to_datetime(reading.began),
            "window_start": to_datetime(reading.window.start),
            "is_schedule": calendar.is_schedule,
            "is_read": mirrored.is_full or not calendar.is_schedule,
        }
        async with self._database.transaction(calendar.tenant_id) as connection:
            has_changed = await _is_other(connection, mirrored, values)
            if has_changed:
                await connection.execute(_COUNT_CHANGE, values)
            await execute_leased(connection, _READ_AT, values)
            await mirrored_times.forget_past(connection, values)
            if has_changed:
                return await mirrored_times.write(connection, mirrored, values)
        return Tally(len(mirrored.event_ids))

    async def finish(
        self, calendar: LeasedCalendar, place: Place | None, now: Instant, due: Instant
    ) -> None:
        """Give the lease back after a sync that went well."""
        values = lease_values(calendar) | {
            "now": to_datetime(now),
            "due": to_datetime(due),
            "window_end": None if place is None else to_datetime(place.window.end),
            "is_full": place is not None and place.is_full,
            "is_settled": place is not None,
        }
        async with self._database.transaction(calendar.tenant_id) as connection:
            cursor = await connection.execute(_FINISH, values)
            row = await cursor.fetchone()
            if row is None:
                raise LeaseLost
            if place is not None:
                await self._keep_place(connection, calendar, place, values)
            if row[0]:
                values["due"] = values["now"]
            await connection.execute(_SET_DUE_SOONER, values)
        await self._record_success(calendar, values)

    async def _keep_place(
        self,
        connection: Connection,
        calendar: LeasedCalendar,
        place: Place,
        values: Values,
    ) -> None:
        keys = await read_tenant_keys(connection, self._keyring, calendar.tenant_id)
        plain = place.sync_token.encode()
        sealed = keys.seal(plain, *_PLACE, calendar.calendar_id)
        await connection.execute(
            _KEEP_PLACE, values | {"version": keys.version, "sealed": sealed}
        )

    async def _record_success(self, calendar: LeasedCalendar, values: Values) -> None:
        # Apart: whoever removes a connection locks it before its calendars.
        async with self._database.transaction(calendar.tenant_id) as connection:
            is_recovered = await record_success(connection, values)
        if is_recovered:
            async with self._database.transaction(calendar.tenant_id) as connection:
                await wake_work(connection, values)

    async def fail(
        self, calendar: LeasedCalendar, trouble: Trouble, now: Instant, due: Instant
    ) -> None:
        """Give the lease back after a sync that failed."""
        values = lease_values(calendar) | {
            "now": to_datetime(now),
            "due": to_datetime(due),
            "error": trouble.error,
        }
        async with self._database.transaction(calendar.tenant_id) as connection:
            await execute_leased(connection, _FAIL, values)
            await connection.execute(_SET_DUE, values)
        async with self._database.transaction(calendar.tenant_id) as connection:
            await record_trouble(
                connection, values, trouble.connection_status, trouble.paused_until
            )


async def _put_off(connection: Connection, values: Values, now: Instant) -> None:
    """Have it due when its connection may be tried again, or never if it is not read.

    While somebody reads it, that one says when it is due.
    """
    cursor = await connection.execute(_WHY_NOT, values)
    is_reading, next_try_at = await cursor.fetchone() or (False, None)
    cursor = await connection.execute(_IS_READ, values)
    (is_read,) = await cursor.fetchone() or (False,)
    if not (is_reading and is_read):
        await connection.execute(_DROP, values)
    elif next_try_at is not None and from_datetime(next_try_at) > now:
        await connection.execute(_PUT_OFF, values | {"until": next_try_at})


async def _is_other(connection: Connection, mirrored: Mirrored, values: Values) -> bool:
    if not mirrored.event_ids and not mirrored.is_full:
        return False
    await mirrored_times.stage(connection, mirrored, values)
    return await mirrored_times.differs(connection, mirrored, values)


async def _own(
    connection: Connection, values: Values, began: Instant
) -> list[OwnEvent]:
    cursor = await connection.execute(_OWN, values)
    return [OwnEventRow._make(row).event(began) for row in await cursor.fetchall()]
