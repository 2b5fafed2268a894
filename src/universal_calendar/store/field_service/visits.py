"""Visits of platforms: what names a customer sealed, the rest to list and find them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Page, Person
from universal_calendar.services.ports.visit_store import KnownVisit, VisitFilter
from universal_calendar.services.ports.visits import Visit
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Session
from universal_calendar.store.event_ids import stored_id
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visit_rows import (
    StoredVisit,
    columns_of,
    new_rows,
    opened_visit,
)
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import email_index, phone_index

Values = dict[str, object]

_THESE: Final = "v.tenant_id = %(tenant)s AND v.calendar_id = %(calendar)s"
_COLUMNS: Final = """v.event_id, v.job_id, v.visit_id, v.customer_id, v.status,
    v.starts_at, v.ends_at, v.technicians, v.phone_index, v.email_index,
    v.content_index"""
_STORED: Final = f"""
SELECT {_COLUMNS} FROM visits v
WHERE {_THESE} AND v.event_id = ANY (%(events)s)
"""  # noqa: S608 - constants
_KEEP: Final = """
INSERT INTO visits AS v (tenant_id, calendar_id, event_id, job_id, visit_id,
    customer_id, status, starts_at, ends_at, technicians, phone_index, email_index,
    content_index, read_at, key_version, sealed)
SELECT %(tenant)s, %(calendar)s, r.event_id, r.job_id, r.visit_id, r.customer_id,
    r.status, r.starts_at, r.ends_at,
    ARRAY(SELECT jsonb_array_elements_text(r.technicians::jsonb)),
    r.phone_index, r.email_index, r.content_index, %(read_at)s, %(version)s, r.sealed
FROM unnest(%(event_id)s::text[], %(job_id)s::text[], %(visit_id)s::text[],
    %(customer_id)s::text[], %(status)s::text[], %(starts_at)s::timestamptz[],
    %(ends_at)s::timestamptz[], %(technicians)s::text[], %(phone_index)s::bytea[],
    %(email_index)s::bytea[], %(content_index)s::bytea[], %(sealed)s::bytea[])
    AS r(event_id, job_id, visit_id, customer_id, status, starts_at, ends_at,
        technicians, phone_index, email_index, content_index, sealed)
ORDER BY r.event_id
ON CONFLICT (tenant_id, calendar_id, event_id) DO UPDATE SET job_id = excluded.job_id,
    visit_id = excluded.visit_id, customer_id = excluded.customer_id,
    status = excluded.status, starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, technicians = excluded.technicians,
    phone_index = excluded.phone_index, email_index = excluded.email_index,
    content_index = excluded.content_index, read_at = excluded.read_at,
    key_version = excluded.key_version, sealed = excluded.sealed
WHERE v.read_at <= excluded.read_at
"""
_NAME: Final = """
UPDATE visits v SET appointment_id = %(appointment)s
WHERE v.tenant_id = %(tenant)s AND v.calendar_id = %(calendar)s
    AND v.event_id = %(event)s AND v.appointment_id IS DISTINCT FROM %(appointment)s
"""
_RETIRE: Final = """
UPDATE visits v SET status = 'cancelled', read_at = %(began)s
WHERE v.tenant_id = %(tenant)s AND v.calendar_id = %(calendar)s
    AND v.status <> 'cancelled'
    AND v.starts_at < %(window_end)s AND v.ends_at > %(window_start)s
    AND v.read_at < %(began)s
    AND NOT EXISTS (SELECT FROM unnest(%(found)s::text[]) AS f(event_id)
        WHERE f.event_id = v.event_id)
"""
_CANCEL: Final = """
UPDATE visits v SET status = 'cancelled', read_at = %(now)s
WHERE v.tenant_id = %(tenant)s AND v.calendar_id = %(calendar)s
    AND v.event_id = %(event)s AND v.status IN ('scheduled', 'in_progress')
    AND v.read_at <= %(now)s
"""
# One that was cancelled is still known as what it was. Put on the schedule again by
# others, it is theirs.
_READ: Final = """
SELECT v.tenant_id, v.calendar_id, v.event_id, v.job_id, v.visit_id, v.customer_id,
    v.status, v.starts_at, v.ends_at, v.technicians, v.sealed, k.data_key,
    CASE WHEN v.status = 'cancelled' THEN coalesce(l.appointment_id, v.appointment_id)
        ELSE l.appointment_id END
FROM visits v
JOIN tenant_keys k ON k.tenant_id = v.tenant_id AND k.version = v.key_version
LEFT JOIN links l ON l.tenant_id = v.tenant_id AND l.calendar_id = v.calendar_id
    AND l.event_id = v.event_id
"""
_LISTED: Final = f"""
{_THESE} AND v.starts_at >= %(starts_from)s AND v.starts_at < %(starts_before)s
    AND (%(status)s::text IS NULL OR v.status = %(status)s)
"""
_COUNT: Final = f"SELECT count(*) FROM visits v WHERE {_LISTED}"  # noqa: S608 - constants
_PAGE: Final = f"""
{_READ} WHERE {_LISTED}
ORDER BY v.starts_at, v.event_id LIMIT %(limit)s OFFSET %(offset)s
"""
_OF_JOB: Final = f"""
{_READ} WHERE {_THESE} AND v.job_id = %(job)s
ORDER BY v.starts_at, v.event_id
"""
_OF_APPOINTMENT: Final = f"""
{_READ} WHERE {_THESE} AND l.appointment_id = %(appointment)s
"""
_OURS: Final = f"""
{_READ} WHERE {_THESE} AND v.event_id = ANY (%(events)s)
    AND l.appointment_id IS NOT NULL
"""
_OF_CUSTOMER: Final = f"""
SELECT a.appointment_id FROM visits v
JOIN links l ON l.tenant_id = v.tenant_id AND l.calendar_id = v.calendar_id
    AND l.event_id = v.event_id
JOIN appointments a
    ON a.tenant_id = l.tenant_id AND a.appointment_id = l.appointment_id
WHERE {_THESE} AND v.customer_id = %(customer)s AND a.ends_at > %(now)s
    AND a.status IN ('pending', 'confirmed', 'in_progress')
ORDER BY a.starts_at, a.appointment_id
"""  # noqa: S608 - constants
# By phone or e-mail, or as appointments of theirs.
_OF_PERSON: Final = """
v.tenant_id = %(tenant)s AND (v.phone_index = %(phone)s OR v.email_index = %(email)s
    OR v.appointment_id = ANY (%(appointments)s) OR EXISTS (
        SELECT FROM links o WHERE o.tenant_id = v.tenant_id
        AND o.calendar_id = v.calendar_id AND o.event_id = v.event_id
        AND o.appointment_id = ANY (%(appointments)s)))
"""
_READ_OF_PERSON: Final = f"""
{_READ} WHERE {_OF_PERSON} ORDER BY v.starts_at, v.calendar_id, v.event_id
"""
_FORGET_CHANGES: Final = f"""
DELETE FROM changed_customers c USING calendars k
JOIN visits v ON v.tenant_id = k.tenant_id AND v.calendar_id = k.calendar_id
WHERE c.tenant_id = k.tenant_id AND c.connection_id = k.connection_id
    AND c.customer_id = v.customer_id AND {_OF_PERSON}
"""  # noqa: S608 - constants
_FORGET: Final = f"DELETE FROM visits v WHERE {_OF_PERSON}"  # noqa: S608 - constants


class VisitTable:
    """The port `VisitStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals columns."""
        self._session, self._keyring = session, keyring
        self._technicians = TechnicianTable(session, keyring)

    async def keep(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        visits: Mapping[str, Visit],
        read_at: Instant,
    ) -> None:
        """Write down visits as they are now, by event id; only what is new in them."""
        named = {stored_id(event_id): visit for event_id, visit in visits.items()}
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "events": list(named),
            "read_at": to_datetime(read_at),
        }
        async with self._session.transaction(tenant_id) as connection:
            stored = await _stored(connection, values)
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            new = list(new_rows(keys, named, stored))
            if new:
                columns = columns_of(keys, calendar_id, new)
                values |= {"version": keys.version, **columns}
                await connection.execute(_KEEP, values)

    async def customers_changed(
        self, tenant_id: UUID, calendar_id: UUID, visits: Mapping[str, Visit]
    ) -> set[str]:
        """Return whose visits of ours say something else of them than what is kept."""
        told = {stored_id(event_id): visit for event_id, visit in visits.items()}
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "events": list(told),
        }
        changed = {
            told[known.event_id].customer_id
            for known in await self._known(tenant_id, _OURS, values)
            if not _is_same_customer(known.visit, told[known.event_id])
        }
        return {each for each in changed if each is not None}

    async def retire(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        window: Interval,
        found: Collection[str],
        began: Instant,
    ) -> None:
        """Call cancelled what lies in the window and is not among the event ids."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "window_start": to_datetime(window.start),
            "window_end": to_datetime(window.end),
            "found": [stored_id(event_id) for event_id in found],
            "began": to_datetime(began),
        }
        async with self._session.transaction(tenant_id) as connection:
            await connection.execute(_RETIRE, values)

    async def name(
        self, tenant_id: UUID, calendar_id: UUID, event_id: str, appointment_id: UUID
    ) -> None:
        """Note which appointment a visit is, for when it is on no schedule any more."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "event": stored_id(event_id),
            "appointment": appointment_id,
        }
        async with self._session.transaction(tenant_id) as connection:
            await connection.execute(_NAME, values)

    async def cancel(
        self, tenant_id: UUID, calendar_id: UUID, event_id: str, now: Instant
    ) -> None:
        """Call a visit cancelled that was taken off the schedule, if it is known."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "event": stored_id(event_id),
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as connection:
            await connection.execute(_CANCEL, values)

    async def page(
        self, tenant_id: UUID, calendar_id: UUID, wanted: VisitFilter, page: Page
    ) -> tuple[list[KnownVisit], int]:
        """Return a page, by start and then event id, and how many there are in all."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "starts_from": to_datetime(wanted.starts_from),
            "starts_before": to_datetime(wanted.starts_before),
            "status": wanted.status,
            "limit": page.limit,
            "offset": page.offset,
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_COUNT, values)
            (total,) = await cursor.fetchone() or (0,)
        return await self._known(tenant_id, _PAGE, values), total

    async def of_job(
        self, tenant_id: UUID, calendar_id: UUID, job_id: str
    ) -> list[KnownVisit]:
        """Return a job's visits, by start, with those that were cancelled."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "job": job_id,
        }
        return await self._known(tenant_id, _OF_JOB, values)

    async def of_appointment(
        self, tenant_id: UUID, calendar_id: UUID, appointment_id: UUID
    ) -> KnownVisit | None:
        """Return the visit that an appointment is; None before it was written."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "appointment": appointment_id,
        }
        found = await self._known(tenant_id, _OF_APPOINTMENT, values)
        return found[0] if found else None

    async def of_customer(
        self, tenant_id: UUID, calendar_id: UUID, customer_id: str, now: Instant
    ) -> list[UUID]:
        """Return the appointments to come that are visits to the customer."""
        values: Values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "customer": customer_id,
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_OF_CUSTOMER, values)
            return [row[0] for row in await cursor.fetchall()]

    async def of_person(
        self, tenant_id: UUID, person: Person, appointment_ids: Collection[UUID]
    ) -> list[KnownVisit]:
        """Return the visits to somebody, and those that the appointments are."""
        async with self._session.transaction(tenant_id) as connection:
            values = await self._person(connection, tenant_id, person, appointment_ids)
        return await self._known(tenant_id, _READ_OF_PERSON, values)

    async def forget(
        self, tenant_id: UUID, person: Person, appointment_ids: Collection[UUID]
    ) -> int:
        """Delete what `of_person` returns; return how many.

        Nor is anybody asked about these customers any more.
        """
        async with self._session.transaction(tenant_id) as connection:
            values = await self._person(connection, tenant_id, person, appointment_ids)
            await connection.execute(_FORGET_CHANGES, values)
            cursor = await connection.execute(_FORGET, values)
            return cursor.rowcount

    async def _person(
        self,
        connection: Connection,
        tenant_id: UUID,
        person: Person,
        appointment_ids: Collection[UUID],
    ) -> Values:
        keys = await read_tenant_keys(connection, self._keyring, tenant_id)
        return {
            "tenant": tenant_id,
            "phone": phone_index(keys, person),
            "email": email_index(keys, person),
            "appointments": list(appointment_ids),
        }

    async def _known(
        self, tenant_id: UUID, statement: str, values: Values
    ) -> list[KnownVisit]:
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(statement.encode(), values)
            rows = await cursor.fetchall()
        names = {
            calendar_id: await self._technicians.names(tenant_id, calendar_id)
            for calendar_id in {row[1] for row in rows}
        }
        return [opened_visit(self._keyring, row, names[row[1]]) for row in rows]


def _is_same_customer(one: Visit, other: Visit) -> bool:
    """Tell whether two visits say the same of whom they are for; notes do not count."""
    people = (replace(each.customer, notes=None) for each in (one, other))
    return one.customer_id == other.customer_id and next(people) == next(people)


async def _stored(connection: Connection, values: Values) -> Mapping[str, StoredVisit]:
    cursor = await connection.execute(_STORED, values)
    return {row[0]: StoredVisit._make(row) for row in await cursor.fetchall()}
