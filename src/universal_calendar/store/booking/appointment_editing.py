"""Changes of appointments, with what follows from them: events, notices, reminders."""

from contextlib import suppress
from typing import Final
from uuid import UUID

from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.errors import AppointmentNotFound
from universal_calendar.core.instant import Instant, instant_text, to_datetime
from universal_calendar.services.ports.appointments import Appointment, NewNotice
from universal_calendar.services.ports.notices import AppointmentSnapshot, NoticeKind
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.booking.appointments import (
    LOCK_ONE,
    READ_ONE,
    appointment_of,
    give_up_claim,
    lock_agent,
)
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.sealing.encryption import TenantKeys
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import (
    email_index,
    phone_index,
    seal_person,
)
from universal_calendar.store.sealing.snapshots import seal_snapshot

Values = dict[str, object]

_AGENT: Final = """
SELECT agent_id FROM appointments
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s
"""
_CLAIM: Final = """
SELECT claim_time(%(tenant)s, %(agent)s, %(now)s, %(appointment)s, %(starts_at)s,
    %(ends_at)s, NULL, %(hold)s)
"""
_WRITE: Final = """
UPDATE appointments SET agent_id = %(agent)s, starts_at = %(starts_at)s,
    ends_at = %(ends_at)s, timezone = %(timezone)s, status = %(status)s,
    version = %(version)s, updated_at = %(updated_at)s,
    cancellation_reason = %(reason)s, key_version = %(key_version)s,
    sealed = %(sealed)s, phone_index = %(phone_index)s, email_index = %(email_index)s,
    external_reference_id = %(reference)s, customer_id = %(customer_id)s,
    lead_id = %(lead_id)s, conversation_id = %(conversation_id)s,
    job_type = %(job_type)s, urgency = %(urgency)s,
    estimated_minutes = %(estimated_minutes)s, estimated_cost = %(estimated_cost)s
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s
"""
_WRITE_CALENDAR: Final = """
SELECT calendar_id FROM write_calendars
WHERE tenant_id = %(tenant)s AND (agent_id = %(agent)s OR agent_id IS NULL)
ORDER BY agent_id NULLS LAST LIMIT 1
"""
# Whoever was named is of the agent who had it then.
_FOLLOW: Final = """
UPDATE links SET wanted_version = %(version)s, status = 'pending', attempts = 0,
    next_try_at = NULL, updated_at = %(now)s,
    technician = CASE WHEN %(is_named)s THEN %(technician)s ELSE technician END,
    technician_version = CASE WHEN %(is_named)s THEN %(version)s
        ELSE technician_version END
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s AND is_wanted
"""
# A job is given to somebody else where it is: no other calendar is to have it.
_FOLLOW_SCHEDULE: Final = f"""
{_FOLLOW} AND calendar_id IN (SELECT c.calendar_id FROM calendars c
    WHERE c.tenant_id = %(tenant)s AND c.is_schedule)
"""  # noqa: S608 - constants
_LINK: Final = """
INSERT INTO links (tenant_id, appointment_id, calendar_id, wanted_version, updated_at)
VALUES (%(tenant)s, %(appointment)s, %(calendar)s, %(version)s, %(now)s)
ON CONFLICT (tenant_id, appointment_id, calendar_id) DO UPDATE SET is_wanted = true,
    wanted_version = %(version)s, status = 'pending', attempts = 0,
    next_try_at = NULL, updated_at = %(now)s
"""
_UNLINK: Final = """
UPDATE links SET is_wanted = false, wanted_version = %(version)s, status = 'pending',
    attempts = 0, next_try_at = NULL, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s AND is_wanted
    AND calendar_id IS DISTINCT FROM %(calendar)s
"""
_NAMED: Final = """
SELECT technician FROM links
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s AND is_wanted
    AND technician_version > synced_version
ORDER BY technician LIMIT 1
"""
_DUE: Final = """
INSERT INTO due_work VALUES (%(tenant)s, %(kind)s, %(item)s, %(settle_at)s)
ON CONFLICT (tenant_id, kind, item_id) DO UPDATE SET due_at = excluded.due_at
"""
_NOTICE: Final = """
INSERT INTO notices (tenant_id, notice_id, appointment_id, kind, tells_customer,
    key_version, sealed, created_at)
VALUES (%(tenant)s, %(notice)s, %(appointment)s, %(kind)s, %(tells_customer)s,
    %(key_version)s, %(sealed)s, %(now)s)
"""
_REMINDED: Final = (AppointmentStatus.PENDING, AppointmentStatus.CONFIRMED)


class _GivenAway(Exception):
    """Another agent got the appointment before its own was locked."""


class AppointmentEditing:
    """The port `AppointmentEditor` on PostgreSQL."""

    def __init__(
        self, session: Session, keyring: Keyring, tenant_id: UUID, now: Instant
    ) -> None:
        """Take a session inside a transaction."""
        self._session, self._keyring = session, keyring
        self._tenant_id, self._now = tenant_id, now

    async def lock(
        self, appointment_id: UUID, next_agent_id: UUID | None = None
    ) -> Appointment:
        """Lock an appointment, its agent, and the one it is to be given to.

        Counts a change of both. Raises AppointmentNotFound.
        """
        values: Values = {"tenant": self._tenant_id, "appointment": appointment_id}
        while True:
            agent_id = await self._agent_of(values)
            with suppress(_GivenAway):
                return await self._locked(values, agent_id, next_agent_id or agent_id)

    async def _agent_of(self, values: Values) -> UUID:
        row = await self._row(_AGENT, values)
        if row is None:
            raise AppointmentNotFound
        agent_id: UUID = row[0]
        return agent_id

    async def _locked(self, values: Values, *agent_ids: UUID) -> Appointment:
        """Lock all of them, or none if the appointment is not the first's any more."""
        tenant_id = self._tenant_id
        async with (
            self._session.transaction(tenant_id) as connection,
            connection.transaction(),
        ):
            for agent_id in sorted(set(agent_ids)):
                await lock_agent(connection, tenant_id, agent_id)
            await connection.execute(LOCK_ONE, values)
            cursor = await connection.execute(READ_ONE, values)
            row = await cursor.fetchone()
            if row is None:
                raise AppointmentNotFound
            appointment = appointment_of(self._keyring, row)
            if appointment.agent_id != agent_ids[0]:
                raise _GivenAway
        return appointment

    async def claim(
        self, appointment: Appointment, hold_id: UUID | None = None
    ) -> bool:
        """Move the claim to where the appointment is to be; False: it is taken.

        The hold, if it is that agent's, is used up.
        """
        await self.free(appointment.appointment_id)
        values = self._values(appointment) | {"hold": hold_id}
        row = await self._row(_CLAIM, values)
        return row is not None and bool(row[0])

    async def free(self, appointment_id: UUID) -> None:
        """Give the claim up."""
        async with self._session.transaction(self._tenant_id) as connection:
            await give_up_claim(connection, self._tenant_id, appointment_id)

    async def write(self, appointment: Appointment) -> None:
        """Replace what is known of the appointment."""
        async with self._session.transaction(self._tenant_id) as connection:
            keys = await self._keys(connection)
            values = self._values(appointment) | _columns(keys, appointment)
            await connection.execute(_WRITE, values)

    async def want_event(
        self,
        appointment: Appointment,
        settle_at: Instant,
        *,
        is_moved: bool,
        technician_id: str | None = None,
    ) -> bool:
        """Have the event follow the appointment; tell whether there is one.

        `is_moved`: to another agent, and so into that one's write calendar; a visit
        stays on its schedule, for another technician.
        """
        values = self._values(appointment) | {
            "technician": technician_id,
            "is_named": is_moved or technician_id is not None,
        }
        if await self._execute(_FOLLOW_SCHEDULE if is_moved else _FOLLOW, values):
            return await self._due("calendar", appointment.appointment_id, settle_at)
        row = await self._row(_WRITE_CALENDAR, values)
        values["calendar"] = None if row is None else row[0]
        changed = await self._execute(_UNLINK, values)
        if row is not None:
            changed += await self._execute(_LINK, values)
        if not changed:
            return False
        return await self._due("calendar", appointment.appointment_id, settle_at)

    async def named_technician(self, appointment_id: UUID) -> str | None:
        """Return who was named to have the visit, while that is not written yet."""
        values: Values = {"tenant": self._tenant_id, "appointment": appointment_id}
        row = await self._row(_NAMED, values)
        return None if row is None else row[0]

    async def unwant_event(self, appointment: Appointment, settle_at: Instant) -> bool:
        """Have the event deleted; tell whether there is one."""
        values = self._values(appointment) | {"calendar": None}
        if not await self._execute(_UNLINK, values):
            return False
        return await self._due("calendar", appointment.appointment_id, settle_at)

    async def tell(
        self,
        appointment: Appointment,
        kind: NoticeKind,
        notice: NewNotice,
        settle_at: Instant,
    ) -> None:
        """Have people told of the appointment as it is now."""
        async with self._session.transaction(self._tenant_id) as connection:
            keys = await self._keys(connection)
            snapshot = await _snapshot(connection, appointment)
            values = self._values(appointment) | {
                "notice": notice.notice_id,
                "kind": kind,
                "tells_customer": notice.tells_customer,
                "key_version": keys.version,
                "sealed": seal_snapshot(keys, notice.notice_id, snapshot),
            }
            await connection.execute(_NOTICE, values)
        await self._due("notice", notice.notice_id, settle_at)

    async def has_listeners(self) -> bool:
        """Tell whether software of the tenant wants to hear of appointments."""
        row = await self._row(
            "SELECT has_listeners FROM tenants WHERE tenant_id = %(tenant)s",
            {"tenant": self._tenant_id},
        )
        return row is not None and bool(row[0])

    async def schedule_reminder(self, appointment: Appointment) -> None:
        """Set when its customer is reminded next, or that they are not."""
        values = self._values(appointment)
        if appointment.status not in _REMINDED:
            values["starts_at"] = None
        await self._execute(
            "SELECT schedule_reminder(%(tenant)s, %(appointment)s, %(starts_at)s,"
            " %(now)s)",
            values,
        )

    def _values(self, appointment: Appointment) -> Values:
        return {
            "tenant": self._tenant_id,
            "appointment": appointment.appointment_id,
            "agent": appointment.agent_id,
            "starts_at": to_datetime(appointment.interval.start),
            "ends_at": to_datetime(appointment.interval.end),
            "version": appointment.version,
            "now": to_datetime(self._now),
        }

    async def _keys(self, connection: Connection) -> TenantKeys:
        return await read_tenant_keys(connection, self._keyring, self._tenant_id)

    async def _due(self, kind: str, item_id: UUID, settle_at: Instant) -> bool:
        values: Values = {
            "tenant": self._tenant_id,
            "kind": kind,
            "item": item_id,
            "settle_at": to_datetime(settle_at),
        }
        await self._execute(_DUE, values)
        return True

    async def _execute(self, statement: str, values: Values) -> int:
        async with self._session.transaction(self._tenant_id) as connection:
            cursor = await connection.execute(statement, values)
            return cursor.rowcount

    async def _row(self, statement: str, values: Values) -> Row | None:
        async with self._session.transaction(self._tenant_id) as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchone()


def _columns(keys: TenantKeys, appointment: Appointment) -> Values:
    person, details = appointment.person, appointment.details
    return {
        "timezone": appointment.timezone,
        "status": appointment.status,
        "updated_at": to_datetime(appointment.updated_at),
        "reason": appointment.cancellation_reason,
        "key_version": keys.version,
        "sealed": seal_person(keys, appointment.appointment_id, person),
        "phone_index": phone_index(keys, person),
        "email_index": email_index(keys, person),
        "reference": details.external_reference_id,
        "customer_id": details.customer_id,
        "lead_id": details.lead_id,
        "conversation_id": details.conversation_id,
        "job_type": details.job_type,
        "urgency": details.urgency,
        "estimated_minutes": details.estimated_minutes,
        "estimated_cost": details.estimated_cost,
    }


async def _snapshot(
    connection: Connection, appointment: Appointment
) -> AppointmentSnapshot:
    cursor = await connection.execute(
        "SELECT t.name, a.name FROM tenants t JOIN agents a USING (tenant_id)"
        " WHERE t.tenant_id = %s AND a.agent_id = %s",
        [appointment.tenant_id, appointment.agent_id],
    )
    tenant_name, agent_name = await cursor.fetchone() or ("", "")
    person = appointment.person
    return AppointmentSnapshot(
        appointment.appointment_id,
        appointment.tenant_id,
        tenant_name,
        appointment.agent_id,
        agent_name,
        instant_text(appointment.interval.start),
        instant_text(appointment.interval.end),
        appointment.timezone,
        appointment.status,
        appointment.version,
        appointment.source,
        person.title,
        person.name or "",
        person.phone,
        person.email,
        person.description,
        person.address,
        appointment.cancellation_reason,
    )
