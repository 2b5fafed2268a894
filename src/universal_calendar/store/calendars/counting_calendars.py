"""The calendars that count for an agent, opened: whom to ask, and about what."""

from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.core.sync import OwnEvent
from universal_calendar.services.ports.counting_calendars import CountingConnection
from universal_calendar.store.calendars.own_events import OwnEventRow
from universal_calendar.store.database import Row, Session
from universal_calendar.store.sealing.account_secrets import open_account, open_calendar
from universal_calendar.store.sealing.keyring import Keyring

# What counts is said in migrations/functions/read_agenda.sql.
_READ: Final = """
SELECT n.connection_id, n.provider, coalesce(n.timezone, tenants.timezone),
    n.tentative_blocks, coalesce(n.next_try_at > %(now)s, false), n.sealed, nk.data_key,
    CASE WHEN c.is_schedule THEN (
        SELECT jsonb_object_agg(t.technician_id, t.agent_id) FROM technicians t
        WHERE t.tenant_id = n.tenant_id AND t.connection_id = n.connection_id) END,
    c.calendar_id, c.sealed, ck.data_key
FROM calendars c
JOIN connections n USING (tenant_id, connection_id)
JOIN tenants USING (tenant_id)
JOIN tenant_keys nk ON nk.tenant_id = n.tenant_id AND nk.version = n.key_version
JOIN tenant_keys ck ON ck.tenant_id = c.tenant_id AND ck.version = c.key_version
WHERE c.tenant_id = %(tenant)s AND c.is_read AND n.direction <> 'to_provider'
    AND (n.agent_id = %(agent)s OR n.agent_id IS NULL)
ORDER BY n.connection_id
"""
# As in OwnEventRow. What was taken away since it was asked about may have been told of.
_OWN: Final = """
SELECT a.appointment_id, a.agent_id, coalesce(l.event_id, ''), l.etag,
    coalesce(l.status, 'pending'), l.last_error, coalesce(l.is_wanted, false),
    l.leased_until, coalesce(l.updated_at, a.updated_at), a.starts_at, a.ends_at,
    a.status
FROM appointments a
LEFT JOIN links l ON l.tenant_id = a.tenant_id
    AND l.appointment_id = a.appointment_id AND l.calendar_id = %(calendar)s
WHERE a.tenant_id = %(tenant)s AND a.appointment_id = ANY (%(appointments)s)
    AND (a.status NOT IN ('cancelled', 'no_show') OR l.event_id IS NOT NULL
        OR l.status = 'pending' OR l.updated_at > %(began)s)
"""


class CountingCalendarTable:
    """The port `CountingCalendars` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens sealed columns."""
        self._session, self._keyring = session, keyring

    async def of(
        self, tenant_id: UUID, agent_id: UUID, now: Instant
    ) -> list[CountingConnection]:
        """Return the connections whose calendars count for the agent."""
        values = {"tenant": tenant_id, "agent": agent_id, "now": to_datetime(now)}
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_READ, values)
            rows = await cursor.fetchall()
        return list(self._connections(tenant_id, rows))

    async def own_events(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        appointment_ids: Collection[UUID],
        began: Instant,
    ) -> list[OwnEvent]:
        """Return what appointments are in a calendar."""
        values = {
            "tenant": tenant_id,
            "calendar": calendar_id,
            "appointments": list(appointment_ids),
            "began": to_datetime(began),
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_OWN, values)
            rows = map(OwnEventRow._make, await cursor.fetchall())
        return [row.event(began) for row in rows]

    def _connections(
        self, tenant_id: UUID, rows: list[Row]
    ) -> Iterator[CountingConnection]:
        for connection_id, group in groupby(rows, itemgetter(0)):
            own = list(group)
            _, provider, zone, tentative_blocks, is_paused, sealed, wrapped = own[0][:7]
            data_key = self._keyring.data_key(tenant_id, wrapped)
            account = open_account(data_key, tenant_id, connection_id, sealed)
            yield CountingConnection(
                provider,
                account.access(tenant_id, connection_id, zone),
                tentative_blocks,
                is_paused,
                dict(self._calendar(tenant_id, row) for row in own),
                _agents(own[0][7]),
            )

    def _calendar(self, tenant_id: UUID, row: Row) -> tuple[str, UUID]:
        calendar_id, sealed, wrapped = row[8:]
        data_key = self._keyring.data_key(tenant_id, wrapped)
        opened = open_calendar(data_key, tenant_id, calendar_id, sealed)
        return opened.external_id, calendar_id


def _agents(technicians: Mapping[str, str | None] | None) -> dict[str, UUID | None]:
    """Read the agents of a schedule's technicians, by their ids."""
    return {
        technician_id: None if agent_id is None else UUID(agent_id)
        for technician_id, agent_id in (technicians or {}).items()
    }
