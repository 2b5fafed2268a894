"""Whom to remind, and when: due reminders become notices, each once."""

from typing import Final
from uuid import UUID

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.core.instant import (
    Instant,
    from_datetime,
    instant_text,
    to_datetime,
)
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    NoticeKind,
    TenantNoticeSettings,
)
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.notices.notices import settings_of
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import open_person
from universal_calendar.store.sealing.snapshots import seal_snapshot

# Whoever comes second waits here, and then finds the notice, or the row gone. When it
# is due is not asked: the sweep puts it off when it wakes us.
_TAKE: Final = """
SELECT FROM due_work
WHERE tenant_id = %(tenant)s AND kind = 'reminder' AND item_id = %(appointment)s
FOR UPDATE
"""
# A row where the last reminder that should have come has not: one for all that were
# missed. The settings, or the appointment, may have changed since it was set.
_READ: Final = """
SELECT a.sealed, k.data_key, t.name, a.agent_id, g.name, a.starts_at, a.ends_at,
    a.timezone, a.status, a.version, a.source
FROM appointments a
JOIN tenants t USING (tenant_id)
JOIN agents g USING (tenant_id, agent_id)
JOIN tenant_keys k ON k.tenant_id = a.tenant_id AND k.version = a.key_version
WHERE a.tenant_id = %(tenant)s AND a.appointment_id = %(appointment)s
    AND a.status IN ('pending', 'confirmed') AND a.starts_at > %(now)s
    AND k.data_key IS NOT NULL AND (
        SELECT max(a.starts_at - make_interval(mins => m))
        FROM unnest(t.reminder_minutes) m
        WHERE a.starts_at - make_interval(mins => m) <= %(now)s
    ) > (
        SELECT coalesce(max(n.created_at), '-infinity') FROM notices n
        WHERE n.tenant_id = a.tenant_id AND n.appointment_id = a.appointment_id
            AND n.kind = %(kind)s
    )
"""
_ADD: Final = """
INSERT INTO notices (tenant_id, notice_id, appointment_id, kind, tells_customer,
    key_version, sealed, created_at)
VALUES (%(tenant)s, %(notice)s, %(appointment)s, %(kind)s, true, %(version)s,
    %(sealed)s, %(now)s)
"""
_SCHEDULE_NEXT: Final = """
SELECT schedule_reminder(%(tenant)s, %(appointment)s, (
    SELECT starts_at FROM appointments
    WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s
        AND status IN ('pending', 'confirmed')
), %(now)s)
"""
_SCHEDULE_ALL: Final = """
SELECT schedule_reminder(tenant_id, appointment_id, starts_at, %(now)s)
FROM appointments
WHERE tenant_id = %(tenant)s AND starts_at > %(now)s
    AND status IN ('pending', 'confirmed')
"""
_SET: Final = """
UPDATE tenants SET reminder_minutes = %(minutes)s, sends_email = %(email)s,
    sends_sms = %(sms)s, sends_broadcast = %(broadcast)s
WHERE tenant_id = %(tenant)s
"""


class ReminderTable:
    """The port `ReminderStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals columns."""
        self._session, self._keyring = session, keyring

    async def take(
        self, tenant_id: UUID, appointment_id: UUID, notice_id: UUID, now: Instant
    ) -> bool:
        """Turn a due reminder into a notice, and set the next; False if none is due."""
        values = {
            "tenant": tenant_id,
            "appointment": appointment_id,
            "notice": notice_id,
            "kind": NoticeKind.REMINDER,
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_TAKE, values)
            if await cursor.fetchone() is None:
                return False
            cursor = await connection.execute(_READ, values)
            row = await cursor.fetchone()
            if row is not None:
                snapshot = self._snapshot(tenant_id, appointment_id, row)
                await self._add(connection, values, snapshot, notice_id)
            await connection.execute(_SCHEDULE_NEXT, values)
        return row is not None

    async def _add(
        self,
        connection: Connection,
        values: dict[str, object],
        snapshot: AppointmentSnapshot,
        notice_id: UUID,
    ) -> None:
        tenant_id = snapshot.tenant_id
        keys = await read_tenant_keys(connection, self._keyring, tenant_id)
        sealed = seal_snapshot(keys, notice_id, snapshot)
        await connection.execute(
            _ADD, values | {"version": keys.version, "sealed": sealed}
        )
        await connection.execute(
            "INSERT INTO due_work VALUES (%(tenant)s, 'notice', %(notice)s, %(now)s)",
            values,
        )

    def _snapshot(
        self, tenant_id: UUID, appointment_id: UUID, row: Row
    ) -> AppointmentSnapshot:
        sealed, wrapped, tenant_name, agent_id, agent_name, *times, timezone = row[:8]
        status, version, source = row[8:]
        start, end = (instant_text(from_datetime(moment)) for moment in times)
        data_key = self._keyring.data_key(tenant_id, wrapped)
        person = open_person(data_key, tenant_id, appointment_id, sealed)
        return AppointmentSnapshot(
            appointment_id,
            tenant_id,
            tenant_name,
            agent_id,
            agent_name,
            start,
            end,
            timezone,
            status,
            version,
            source,
            title=person.title,
            customer_name=person.name or "",
            customer_phone=person.phone,
            customer_email=person.email,
            description=person.description,
            address=person.address,
        )

    async def settings(self, tenant_id: UUID) -> TenantNoticeSettings:
        """Return the tenant's settings; raise TenantNotFound."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT reminder_minutes, sends_email, sends_sms, sends_broadcast"
                " FROM tenants WHERE tenant_id = %s",
                [tenant_id],
            )
            row = await cursor.fetchone()
        if row is None:
            raise TenantNotFound
        return settings_of(row)

    async def set_settings(
        self, tenant_id: UUID, settings: TenantNoticeSettings, now: Instant
    ) -> None:
        """Replace the settings, and set the reminders of what is booked anew.

        Raises TenantNotFound.
        """
        values = {
            "tenant": tenant_id,
            "minutes": list(settings.reminder_minutes),
            "email": settings.sends_email,
            "sms": settings.sends_sms,
            "broadcast": settings.sends_broadcast,
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_SET, values)
            if cursor.rowcount == 0:
                raise TenantNotFound
            await connection.execute(_SCHEDULE_ALL, values)
