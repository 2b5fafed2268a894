"""Schedules between two readings: what was named, and what is half read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import ChangedEvent
from universal_calendar.services.ports.mirror import LeasedCalendar
from universal_calendar.services.ports.schedules import HalfReading, NamedVisit, Rest
from universal_calendar.services.ports.syncs import SYNC
from universal_calendar.store.calendars.leased_calendars import (
    MINE,
    check_lease,
    execute_leased,
    lease_values,
)
from universal_calendar.store.database import Session

Values = dict[str, object]

MOST_NAMED: Final = 20
"""So many are read before anything else gets its turn."""
_THIS: Final = "tenant_id = %(tenant)s AND calendar_id = %(calendar)s"
# Calendars are locked in the order of their ids, then what is named, then due_work.
_LOCK: Final = """
SELECT calendar_id FROM calendars
WHERE tenant_id = %(tenant)s AND calendar_id = ANY (%(calendars)s)
ORDER BY calendar_id FOR NO KEY UPDATE
"""
_NAME: Final = """
INSERT INTO named_visits AS v (tenant_id, calendar_id, name, named_at, due_at)
SELECT %(tenant)s, calendar_id, %(name)s, %(now)s, %(now)s
FROM unnest(%(calendars)s::uuid[]) AS c(calendar_id)
ON CONFLICT (tenant_id, calendar_id, name) DO UPDATE
SET times = v.times + 1, named_at = excluded.named_at,
    due_at = least(v.due_at, excluded.due_at)
"""
_HINT: Final = """
UPDATE calendars SET hinted_at = greatest(hinted_at, %(now)s)
WHERE tenant_id = %(tenant)s AND calendar_id = ANY (%(calendars)s)
"""
_DUE: Final = """
INSERT INTO due_work
SELECT c.tenant_id, %(kind)s, c.calendar_id,
    CASE WHEN %(name)s::text IS NULL THEN greatest(c.rests_until, %(now)s)
        ELSE %(now)s END
FROM calendars c
WHERE c.tenant_id = %(tenant)s AND c.calendar_id = ANY (%(calendars)s)
ORDER BY c.calendar_id
ON CONFLICT (tenant_id, kind, item_id)
DO UPDATE SET due_at = least(due_work.due_at, excluded.due_at)
"""
_NAMED: Final = f"""
SELECT name, times FROM named_visits WHERE {_THIS} AND due_at <= %(now)s
ORDER BY due_at, name LIMIT %(most)s
"""  # noqa: S608 - constants
_EVENTS: Final = f"""
SELECT event_id FROM visits WHERE {_THIS} AND event_id = %(name)s
UNION
SELECT event_id FROM visits
WHERE {_THIS} AND job_id = %(name)s AND status <> 'cancelled'
"""  # noqa: S608 - constants
_THESE: Final = """
    v.tenant_id = %(tenant)s AND v.calendar_id = %(calendar)s AND v.name = r.name
"""
_READ: Final = "unnest(%(names)s::text[], %(times)s::integer[]) AS r(name, times)"
_FORGET: Final = f"""
DELETE FROM named_visits v USING {_READ} WHERE {_THESE} AND v.times = r.times
"""  # noqa: S608 - constants
_AGAIN: Final = f"""
UPDATE named_visits v SET due_at = %(again)s FROM {_READ} WHERE {_THESE}
"""  # noqa: S608 - constants
_HALF: Final = f"""
SELECT began_at, window_starts_at, window_ends_at, page_token, events, spent
FROM half_readings WHERE {_THIS}
"""  # noqa: S608 - constants
_KEEP: Final = """
INSERT INTO half_readings VALUES (%(tenant)s, %(calendar)s, %(began)s,
    %(window_start)s, %(window_end)s, %(page_token)s, %(spent)s, %(events)s)
ON CONFLICT (tenant_id, calendar_id) DO UPDATE SET began_at = excluded.began_at,
    window_starts_at = excluded.window_starts_at,
    window_ends_at = excluded.window_ends_at, page_token = excluded.page_token,
    spent = excluded.spent, events = excluded.events
"""
_FORGET_HALF: Final = f"DELETE FROM half_readings WHERE {_THIS}"  # noqa: S608
_REST: Final = f"""
UPDATE calendars SET whole_due_at = %(whole_due)s, rests_until = %(rests_until)s
WHERE {MINE}
"""  # noqa: S608 - constants
_FORGET_NAMED: Final = f"""
DELETE FROM named_visits WHERE {_THIS} AND named_at < %(began)s
"""  # noqa: S608 - constants


class ScheduleTable:
    """The port `ScheduleStore` on PostgreSQL."""

    def __init__(self, session: Session) -> None:
        """Take the pool, or the transaction to do it in."""
        self._session = session

    async def hint(
        self,
        tenant_id: UUID,
        calendar_ids: Collection[UUID],
        name: str | None,
        now: Instant,
    ) -> None:
        """Have what is named read soon, or all of it once the schedules have rested.

        Schedules that are not there are passed over.
        """
        values: Values = {
            "tenant": tenant_id,
            "calendars": list(calendar_ids),
            "name": name,
            "now": to_datetime(now),
            "kind": SYNC,
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_LOCK, values)
            values["calendars"] = [row[0] for row in await cursor.fetchall()]
            await connection.execute(_HINT if name is None else _NAME, values)
            await connection.execute(_DUE, values)

    async def named(
        self, calendar: LeasedCalendar, now: Instant
    ) -> Sequence[NamedVisit]:
        """Return what was named and is to be read by now, a few at most."""
        values = lease_values(calendar) | {"now": to_datetime(now), "most": MOST_NAMED}
        async with self._session.transaction(calendar.tenant_id) as connection:
            cursor = await connection.execute(_NAMED, values)
            return [NamedVisit(*row) for row in await cursor.fetchall()]

    async def events_of(self, calendar: LeasedCalendar, name: str) -> Sequence[str]:
        """Return the ids of the events that a name stands for, as far as is known."""
        values = lease_values(calendar) | {"name": name}
        async with self._session.transaction(calendar.tenant_id) as connection:
            cursor = await connection.execute(_EVENTS, values)
            return [row[0] for row in await cursor.fetchall()]

    async def settle(
        self,
        calendar: LeasedCalendar,
        named: Sequence[NamedVisit],
        again_at: Instant | None,
    ) -> None:
        """Forget what was read, or have it read again then."""
        values = lease_values(calendar) | {
            "names": [each.name for each in named],
            "times": [each.times for each in named],
            "again": None if again_at is None else to_datetime(again_at),
        }
        statement = _FORGET if again_at is None else _AGAIN
        async with self._session.transaction(calendar.tenant_id) as connection:
            await check_lease(connection, values)
            await connection.execute(statement, values)

    async def half_read(self, calendar: LeasedCalendar) -> HalfReading | None:
        """Return how far a whole reading came that did not end."""
        values = lease_values(calendar)
        async with self._session.transaction(calendar.tenant_id) as connection:
            cursor = await connection.execute(_HALF, values)
            row = await cursor.fetchone()
        if row is None:
            return None
        began, start, end, page_token, events, spent = row
        return HalfReading(
            from_datetime(began),
            Interval(from_datetime(start), from_datetime(end)),
            page_token,
            _unpacked(events),
            spent // timedelta(microseconds=1),
        )

    async def keep(self, calendar: LeasedCalendar, half: HalfReading | None) -> None:
        """Keep how far a whole reading came; None: there is nothing to go on with."""
        values = lease_values(calendar)
        async with self._session.transaction(calendar.tenant_id) as connection:
            await check_lease(connection, values)
            if half is None:
                await connection.execute(_FORGET_HALF, values)
                return
            values |= {
                "began": to_datetime(half.began),
                "window_start": to_datetime(half.window.start),
                "window_end": to_datetime(half.window.end),
                "page_token": half.page_token,
                "spent": timedelta(microseconds=half.spent),
                "events": _packed(half.events.values()),
            }
            await connection.execute(_KEEP, values)

    async def rest(self, calendar: LeasedCalendar, began: Instant, rest: Rest) -> None:
        """Note that it was read whole, which answers every hint of before it began."""
        values = lease_values(calendar) | {
            "began": to_datetime(began),
            "whole_due": to_datetime(rest.whole_due_at),
            "rests_until": to_datetime(rest.rests_until),
        }
        async with self._session.transaction(calendar.tenant_id) as connection:
            await execute_leased(connection, _REST, values)
            await connection.execute(_FORGET_NAMED, values)
            await connection.execute(_FORGET_HALF, values)


def _packed(events: Iterable[ChangedEvent]) -> bytes:
    return orjson.dumps(
        [
            (
                each.event_id,
                each.etag,
                each.is_deleted,
                each.is_all_day,
                each.busy,
                [(interval.start, interval.end) for interval in each.intervals],
                each.appointment_id,
                each.technicians,
            )
            for each in events
        ]
    )


def _unpacked(content: bytes) -> Mapping[str, ChangedEvent]:
    return {row[0]: _event(row) for row in orjson.loads(content)}


def _event(row: Sequence[Any]) -> ChangedEvent:
    event_id, etag, is_deleted, is_all_day, busy, spans, appointment, technicians = row
    return ChangedEvent(
        event_id,
        etag,
        is_deleted,
        is_all_day,
        None if busy is None else BusyType(busy),
        tuple(Interval(start, end) for start, end in spans),
        None if appointment is None else UUID(appointment),
        None if technicians is None else tuple(technicians),
    )
