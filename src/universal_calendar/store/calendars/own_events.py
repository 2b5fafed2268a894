"""Our events in calendars outside, and what their owners did to them."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.instant import (
    MINUTE,
    Instant,
    from_datetime,
    to_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.sync import OwnEvent, Reading, Writing
from universal_calendar.services.ports.links import LinkStatus
from universal_calendar.store.calendars.links import set_due
from universal_calendar.store.database import Connection, Session
from universal_calendar.store.event_ids import stored_id

Values = dict[str, object]

_MOVE_REFUSED: Final = "MoveRefused"
_THIS: Final = """tenant_id = %(tenant)s AND appointment_id = %(appointment)s
    AND calendar_id = %(calendar)s"""
READ: Final = """
SELECT l.appointment_id, a.agent_id, l.event_id, l.etag, l.status, l.last_error,
    l.is_wanted, l.leased_until, l.updated_at, a.starts_at, a.ends_at, a.status
FROM links l JOIN appointments a USING (tenant_id, appointment_id)
"""
_LOCK: Final = f"""
{READ}
WHERE l.tenant_id = %(tenant)s AND l.appointment_id = %(appointment)s
    AND l.calendar_id = %(calendar)s AND l.event_id IS NOT NULL
FOR NO KEY UPDATE OF l
"""
_FOLLOW: Final = f"""
UPDATE links SET status = 'synced', synced_version = wanted_version, etag = %(etag)s,
    attempts = 0, last_error = NULL, next_try_at = NULL
WHERE {_THIS}
"""  # noqa: S608 - constants
# Providers burn the key of an event that is deleted.
_FORGET: Final = f"""
UPDATE links SET status = 'synced', synced_version = wanted_version, event_id = NULL,
    etag = NULL, is_begun = false, generation = generation + 1, attempts = 0,
    last_error = NULL, next_try_at = NULL
WHERE {_THIS}
"""  # noqa: S608 - constants
_REFUSE: Final = f"""
UPDATE links SET status = 'failed', etag = %(etag)s, last_error = %(error)s
WHERE {_THIS}
"""  # noqa: S608 - constants
# Nobody here wrote the event lately: what is told of it counts at once.
_ADOPT: Final = """
INSERT INTO links (tenant_id, appointment_id, calendar_id, wanted_version,
    synced_version, status, event_id, etag, is_begun, updated_at)
SELECT a.tenant_id, a.appointment_id, %(calendar)s, a.version,
    CASE WHEN same THEN a.version ELSE 0 END,
    CASE WHEN same THEN 'synced' ELSE 'pending' END, t.event_id, t.etag, true, %(seen)s
FROM unnest(%(appointments)s::uuid[], %(events)s::text[], %(etags)s::text[],
        %(starts)s::timestamptz[], %(ends)s::timestamptz[])
    AS t(appointment_id, event_id, etag, starts_at, ends_at)
JOIN appointments a
    ON a.tenant_id = %(tenant)s AND a.appointment_id = t.appointment_id,
LATERAL (SELECT (a.starts_at, a.ends_at) = (t.starts_at, t.ends_at)) AS s(same)
WHERE a.status IN ('pending', 'confirmed', 'in_progress') AND a.ends_at > %(now)s
    AND EXISTS (SELECT FROM connections n WHERE n.tenant_id = a.tenant_id
        AND n.connection_id = %(connection)s AND n.direction = 'bidirectional')
ON CONFLICT DO NOTHING
RETURNING appointment_id
"""


class OwnEventRow(NamedTuple):
    """What READ returns."""

    appointment_id: UUID
    agent_id: UUID
    event_id: str
    etag: str | None
    status: str
    last_error: str | None
    is_wanted: bool
    leased_until: datetime | None
    updated_at: datetime
    starts_at: datetime
    ends_at: datetime
    appointment_status: str

    def event(self, now: Instant) -> OwnEvent:
        """Return the event; who may write it until after `now` is writing it."""
        is_final = AppointmentStatus(self.appointment_status).is_final
        return OwnEvent(
            self.appointment_id,
            self.agent_id,
            self.event_id,
            self.etag,
            Interval(from_datetime(self.starts_at), from_datetime(self.ends_at)),
            is_open=self.is_wanted and not is_final,
            writing=self._writing(now),
            written_at=from_datetime(self.updated_at),
        )

    def _writing(self, now: Instant) -> Writing:
        if self.leased_until is not None and from_datetime(self.leased_until) > now:
            return Writing.RUNNING
        if self.status == LinkStatus.SYNCED:
            return Writing.SETTLED
        is_refused = self.last_error == _MOVE_REFUSED
        if self.status == LinkStatus.FAILED and is_refused:
            return Writing.REFUSED
        return Writing.WAITING


class OwnEventTable:
    """The port `OwnEventStore` on PostgreSQL."""

    def __init__(self, session: Session, tenant_id: UUID, now: Instant) -> None:
        """Take a session inside a transaction."""
        self._session, self._tenant_id, self._now = session, tenant_id, now

    async def lock(self, appointment_id: UUID, calendar_id: UUID) -> OwnEvent | None:
        """Lock the appointment's event in the calendar; None if it has none."""
        async with self._session.transaction(self._tenant_id) as connection:
            values = self._values(appointment_id, calendar_id)
            cursor = await connection.execute(_LOCK, values)
            row = await cursor.fetchone()
        return None if row is None else OwnEventRow._make(row).event(self._now)

    async def follow(
        self, appointment_id: UUID, calendar_id: UUID, etag: str | None
    ) -> None:
        """Note that the event is as the appointment is: there is nothing to write."""
        values = self._values(appointment_id, calendar_id) | {"etag": etag}
        await self._settle(_FOLLOW, values)

    async def forget(self, appointment_id: UUID, calendar_id: UUID) -> None:
        """Note that the event is gone: there is nothing to delete."""
        await self._settle(_FORGET, self._values(appointment_id, calendar_id))

    async def refuse(
        self, appointment_id: UUID, calendar_id: UUID, etag: str | None
    ) -> None:
        """Note that the appointment did not follow the event to where it is."""
        values = self._values(appointment_id, calendar_id)
        await self._settle(_REFUSE, values | {"etag": etag, "error": _MOVE_REFUSED})

    async def _settle(self, statement: str, values: Values) -> None:
        async with self._session.transaction(self._tenant_id) as connection:
            await connection.execute(statement, values)
            await set_due(connection, values)

    def _values(self, appointment_id: UUID, calendar_id: UUID) -> Values:
        return {
            "tenant": self._tenant_id,
            "appointment": appointment_id,
            "calendar": calendar_id,
            "now": to_datetime(self._now),
        }


async def adopt(connection: Connection, values: Values, reading: Reading) -> None:
    """Link appointments to the events that bear their mark and no link leads to.

    `values`: tenant, calendar, connection.
    """
    marked = [
        (event.appointment_id, event.event_id, event.etag, min(event.intervals))
        for event in reading.events.values()
        if event.appointment_id and event.intervals and not event.is_deleted
    ]
    if not marked:
        return
    columns = {
        "appointments": [each[0] for each in marked],
        "events": [stored_id(each[1]) for each in marked],
        "etags": [each[2] for each in marked],
        "starts": [to_datetime(each[3].start) for each in marked],
        "ends": [to_datetime(each[3].end) for each in marked],
        "seen": to_datetime(reading.began - MINUTE),
        "now": to_datetime(reading.began),
    }
    cursor = await connection.execute(_ADOPT, {**values, **columns})
    for (appointment_id,) in await cursor.fetchall():
        due = {**values, "appointment": appointment_id, "now": columns["now"]}
        await set_due(connection, due)
