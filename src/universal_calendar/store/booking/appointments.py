"""Appointments as they are, and holds given back."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.errors import AppointmentNotFound
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import (
    Appointment,
    AppointmentDetails,
    AppointmentFilter,
    Outcome,
    Page,
    Person,
    WrittenEvent,
)
from universal_calendar.services.ports.notices import NoticeKind
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import (
    email_index,
    open_person,
    phone_index,
)

READ: Final = """
SELECT a.tenant_id, a.appointment_id, a.agent_id, a.starts_at, a.ends_at, a.timezone,
    a.status, a.source, a.version, a.created_at, a.updated_at, a.cancellation_reason,
    a.sealed, k.data_key, a.external_reference_id, a.customer_id, a.lead_id,
    a.conversation_id, a.job_type, a.urgency, a.estimated_minutes, a.estimated_cost
FROM appointments a
JOIN tenant_keys k ON k.tenant_id = a.tenant_id AND k.version = a.key_version
"""
_ONE: Final = "WHERE a.tenant_id = %(tenant)s AND a.appointment_id = %(appointment)s"
READ_ONE: Final = f"{READ} {_ONE}"
# Without the join of READ: a row that was waited for is compared with what it is joined
# to as that was before, and would be missing if its key was rotated meanwhile.
LOCK_ONE: Final = f"SELECT FROM appointments a {_ONE} FOR NO KEY UPDATE"
_CONDITIONS: Final = {
    "starts_from": "a.starts_at >= %(starts_from)s",
    "starts_before": "a.starts_at < %(starts_before)s",
    "status": "a.status = %(status)s",
    "agent": "a.agent_id = %(agent)s",
    "reference": "a.external_reference_id = %(reference)s",
    "phone": "a.phone_index = %(phone)s",
    "email": "a.email_index = %(email)s",
}
_ORDER: Final = """
ORDER BY a.starts_at, a.appointment_id LIMIT %(limit)s OFFSET %(offset)s
"""
_DETAILS: Final = """
SELECT a.appointment_id, a.external_reference_id, a.customer_id, a.lead_id,
    a.conversation_id, a.job_type, a.urgency, a.estimated_minutes, a.estimated_cost
FROM appointments a
WHERE a.tenant_id = %s AND a.appointment_id = ANY (%s)
"""
# The event that is wanted, else the one that is to go.
_EVENT: Final = """
SELECT l.event_id, l.status, l.is_wanted, n.provider
FROM links l
JOIN calendars c USING (tenant_id, calendar_id)
JOIN connections n USING (tenant_id, connection_id)
WHERE l.tenant_id = %s AND l.appointment_id = %s
ORDER BY l.is_wanted DESC, l.updated_at DESC, l.calendar_id LIMIT 1
"""
_TOLD: Final = """
SELECT coalesce(bool_or(channel IN ('email', 'sms')), false),
    coalesce(bool_or(channel NOT IN ('email', 'sms')), false)
FROM deliveries WHERE tenant_id = %s AND notice_id = %s AND status = 'delivered'
"""


class AppointmentTable:
    """The port `AppointmentStore` on PostgreSQL."""

    def __init__(self, database: Session, keyring: Keyring) -> None:
        """Take what opens sealed columns."""
        self._database, self._keyring = database, keyring

    async def get(self, tenant_id: UUID, appointment_id: UUID) -> Appointment:
        """Return an appointment; raise AppointmentNotFound."""
        values = {"tenant": tenant_id, "appointment": appointment_id}
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(READ_ONE, values)
            row = await cursor.fetchone()
        if row is None:
            raise AppointmentNotFound
        return appointment_of(self._keyring, row)

    async def details(
        self, tenant_id: UUID, appointment_ids: Collection[UUID]
    ) -> Mapping[UUID, AppointmentDetails]:
        """Return the details of those that there are, in one statement."""
        values = [tenant_id, list(appointment_ids)]
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_DETAILS, values)
            rows = await cursor.fetchall()
        return {row[0]: AppointmentDetails(*row[1:]) for row in rows}

    async def page(
        self, tenant_id: UUID, wanted: AppointmentFilter, page: Page
    ) -> tuple[list[Appointment], int]:
        """Return a page, by start and then id, and how many there are in all."""
        async with self._database.transaction(tenant_id) as connection:
            values = await self._filter(connection, tenant_id, wanted)
            given = [_CONDITIONS[name] for name in values]
            where = "WHERE " + " AND ".join(["a.tenant_id = %(tenant)s", *given])
            values |= {
                "tenant": tenant_id,
                "limit": page.limit,
                "offset": page.offset,
            }
            cursor = await connection.execute(
                f"SELECT count(*) FROM appointments a {where}",  # noqa: S608 - constants
                values,
            )
            (total,) = await cursor.fetchone() or (0,)
            cursor = await connection.execute(f"{READ} {where} {_ORDER}", values)
            rows = await cursor.fetchall()
        return [appointment_of(self._keyring, row) for row in rows], total

    async def _filter(
        self, connection: Connection, tenant_id: UUID, wanted: AppointmentFilter
    ) -> dict[str, object]:
        values: dict[str, object] = {
            "starts_from": _moment(wanted.starts_from),
            "starts_before": _moment(wanted.starts_before),
            "status": wanted.status,
            "agent": wanted.agent_id,
            "reference": wanted.external_reference_id,
        }
        if wanted.phone is not None or wanted.email is not None:
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            sought = Person("", phone=wanted.phone, email=wanted.email)
            values["phone"] = phone_index(keys, sought)
            values["email"] = email_index(keys, sought)
        return {name: value for name, value in values.items() if value is not None}

    async def outcome(
        self, tenant_id: UUID, appointment_id: UUID, notice_id: UUID | None = None
    ) -> Outcome:
        """Return what became of the event, and of a notice."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_EVENT, [tenant_id, appointment_id])
            row = await cursor.fetchone()
            event = None if row is None else WrittenEvent(*row)
            if notice_id is None:
                return Outcome(event)
            cursor = await connection.execute(_TOLD, [tenant_id, notice_id])
            told = await cursor.fetchone() or (False, False)
        return Outcome(event, *told)

    async def last_notice(
        self, tenant_id: UUID, appointment_id: UUID, kind: NoticeKind
    ) -> UUID | None:
        """Return the last notice of that kind."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT notice_id FROM notices WHERE tenant_id = %s AND"
                " appointment_id = %s AND kind = %s"
                " ORDER BY created_at DESC, notice_id DESC LIMIT 1",
                [tenant_id, appointment_id, kind],
            )
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def release_hold(self, tenant_id: UUID, hold_id: UUID) -> bool:
        """Give a hold's time back; tell whether there was one."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT agent_id FROM claims WHERE tenant_id = %s AND claim_id = %s"
                " AND expires_at IS NOT NULL",
                [tenant_id, hold_id],
            )
            row = await cursor.fetchone()
            if row is None:
                return False
            await lock_agent(connection, tenant_id, row[0])
            return await give_up_claim(connection, tenant_id, hold_id)


def appointment_of(keyring: Keyring, row: Row) -> Appointment:
    """Read a row of READ; of a tenant whose keys are destroyed nobody is known."""
    tenant_id, appointment_id, agent_id, starts_at, ends_at, timezone, *rest = row
    status, source, version, created_at, updated_at, reason, sealed, wrapped = rest[:8]
    person = Person("")
    if wrapped is not None:
        data_key = keyring.data_key(tenant_id, wrapped)
        person = open_person(data_key, tenant_id, appointment_id, sealed)
    return Appointment(
        tenant_id,
        appointment_id,
        agent_id,
        Interval(from_datetime(starts_at), from_datetime(ends_at)),
        timezone,
        AppointmentStatus(status),
        source,
        version,
        from_datetime(created_at),
        from_datetime(updated_at),
        reason,
        person,
        AppointmentDetails(*rest[8:]),
    )


async def lock_agent(connection: Connection, tenant_id: UUID, agent_id: UUID) -> None:
    """Lock the agent's row and count a change, before anything of it is changed."""
    await connection.execute(
        "UPDATE agents SET revision = revision + 1"
        " WHERE tenant_id = %s AND agent_id = %s",
        [tenant_id, agent_id],
    )


async def give_up_claim(
    connection: Connection, tenant_id: UUID, claim_id: UUID
) -> bool:
    """Delete a claim of an agent whose row is locked; tell whether there was one."""
    cursor = await connection.execute(
        "DELETE FROM claims WHERE tenant_id = %s AND claim_id = %s",
        [tenant_id, claim_id],
    )
    return cursor.rowcount == 1


def _moment(instant: Instant | None) -> object:
    return None if instant is None else to_datetime(instant)
