"""Connections, their calendars, and which of them appointments are written to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from universal_calendar.core.errors import AgentNotFound, RateLimited
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports import connections as port
from universal_calendar.services.ports.calendars import Access
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.connections import connection_writes as writes
from universal_calendar.store.connections.connection_health import wake_work
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.rate_limits import RateLimit, RateLimits
from universal_calendar.store.sealing.account_secrets import open_account, open_calendar
from universal_calendar.store.sealing.keyring import Keyring

_CALENDARS: Final = """
SELECT c.calendar_id, c.connection_id, c.is_primary, c.is_read, c.read_at,
    c.sync_error, c.is_schedule, c.sealed, k.data_key,
    coalesce(array_agg(w.agent_id) FILTER (WHERE w.calendar_id IS NOT NULL), '{}')
FROM calendars c
JOIN tenant_keys k ON k.tenant_id = c.tenant_id AND k.version = c.key_version
LEFT JOIN write_calendars w
    ON w.tenant_id = c.tenant_id AND w.calendar_id = c.calendar_id
WHERE c.tenant_id = %s AND k.data_key IS NOT NULL
GROUP BY c.tenant_id, c.calendar_id, k.data_key
ORDER BY c.is_primary DESC, c.created_at, c.calendar_id
"""
_CONNECTIONS: Final = """
SELECT n.connection_id, n.provider, n.status, n.agent_id, n.timezone, n.direction,
    n.is_closed_when_silent, n.tentative_blocks, n.checks_live, n.last_success_at,
    n.next_try_at, n.failing_since, n.created_at, n.sealed, k.data_key
FROM connections n
JOIN tenant_keys k ON k.tenant_id = n.tenant_id AND k.version = n.key_version
WHERE n.tenant_id = %s AND k.data_key IS NOT NULL
ORDER BY n.created_at, n.connection_id
"""
_ACCESS: Final = """
SELECT n.sealed, k.data_key FROM connections n
JOIN tenant_keys k ON k.tenant_id = n.tenant_id AND k.version = n.key_version
WHERE n.tenant_id = %s AND n.connection_id = %s AND k.data_key IS NOT NULL
"""
_SET_WRITE_CALENDAR: Final = """
INSERT INTO write_calendars VALUES (%s, %s, %s)
ON CONFLICT (tenant_id, agent_id) DO UPDATE SET calendar_id = excluded.calendar_id
"""
_COUNT_CHANGE: Final = """
UPDATE agents SET revision = revision + 1
WHERE tenant_id = %s AND agent_id = ANY (%s)
"""


class ConnectionTable:
    """The port `ConnectionStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals columns."""
        self._session, self._keyring = session, keyring

    async def add(self, connection: port.NewConnection, now: Instant) -> port.Kept:
        """Keep a connection, or renew that of the same account; raise AgentNotFound."""
        tenant_id = connection.tenant_id
        async with self._session.transaction(tenant_id) as transaction:
            keys = await read_tenant_keys(transaction, self._keyring, tenant_id)
            kept = await writes.keep(transaction, keys, connection, now)
            of_ours = replace(connection, connection_id=kept.connection_id)
            known = await self._external_ids(transaction, tenant_id, kept.connection_id)
            await writes.keep_calendars(transaction, keys, of_ours, known, now)
        return kept

    async def _external_ids(
        self, transaction: Connection, tenant_id: UUID, connection_id: UUID
    ) -> Mapping[str, UUID]:
        calendars = await self._calendars(transaction, tenant_id)
        return {
            each.external_id: each.calendar_id
            for each in calendars.get(connection_id, ())
        }

    async def all(self, tenant_id: UUID) -> list[port.Connection]:
        """Return the tenant's connections, oldest first."""
        async with self._session.transaction(tenant_id) as transaction:
            calendars = await self._calendars(transaction, tenant_id)
            cursor = await transaction.execute(_CONNECTIONS, [tenant_id])
            rows = await cursor.fetchall()
        return [
            self._connection(tenant_id, row, calendars.get(row[0], ())) for row in rows
        ]

    def _connection(
        self, tenant_id: UUID, row: Row, calendars: Sequence[port.ConnectedCalendar]
    ) -> port.Connection:
        connection_id, provider, status, *used = row[:9]
        *moments, sealed, wrapped = row[9:]
        data_key = self._keyring.data_key(tenant_id, wrapped)
        success, next_try, failing, created = map(_instant, moments)
        return port.Connection(
            tenant_id,
            connection_id,
            provider,
            open_account(data_key, tenant_id, connection_id, sealed).account,
            port.ConnectionStatus(status),
            _usage(*used),
            success,
            next_try,
            failing,
            created or 0,
            calendars,
        )

    async def _calendars(
        self, transaction: Connection, tenant_id: UUID
    ) -> Mapping[UUID, Sequence[port.ConnectedCalendar]]:
        """Return the tenant's calendars by their connection."""
        cursor = await transaction.execute(_CALENDARS, [tenant_id])
        found: dict[UUID, list[port.ConnectedCalendar]] = {}
        for row in await cursor.fetchall():
            found.setdefault(row[1], []).append(self._calendar(tenant_id, row))
        return found

    def _calendar(self, tenant_id: UUID, row: Row) -> port.ConnectedCalendar:
        calendar_id, _, is_primary, is_read, read_at, error, is_schedule, *rest = row
        sealed, wrapped, by = rest
        data_key = self._keyring.data_key(tenant_id, wrapped)
        opened = open_calendar(data_key, tenant_id, calendar_id, sealed)
        return port.ConnectedCalendar(
            calendar_id,
            opened.external_id,
            opened.name,
            is_primary,
            opened.is_writable,
            tuple(by),
            is_read,
            _instant(read_at),
            error,
            is_schedule,
        )

    async def access(self, tenant_id: UUID, connection_id: UUID) -> Access:
        """Return what opens the account; raise ConnectionNotFound."""
        async with self._session.transaction(tenant_id) as transaction:
            cursor = await transaction.execute(_ACCESS, [tenant_id, connection_id])
            row = await cursor.fetchone()
        if row is None:
            raise port.ConnectionNotFound
        sealed, wrapped = row
        data_key = self._keyring.data_key(tenant_id, wrapped)
        account = open_account(data_key, tenant_id, connection_id, sealed)
        return account.access(tenant_id, connection_id)

    async def remove(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Delete it with everything by it; raise ConnectionNotFound."""
        async with self._session.transaction(tenant_id) as transaction:
            await writes.remove(transaction, tenant_id, connection_id)

    async def change(
        self, tenant_id: UUID, connection_id: UUID, usage: port.Usage, now: Instant
    ) -> None:
        """Set what the connection is used for; raise AgentNotFound."""
        async with self._session.transaction(tenant_id) as transaction:
            await writes.change(transaction, tenant_id, connection_id, usage, now)

    async def set_read(
        self, tenant_id: UUID, calendar_id: UUID, *, is_read: bool
    ) -> None:
        """Say whether what takes time there takes it here; forget what was read."""
        async with self._session.transaction(tenant_id) as transaction:
            await writes.set_read(transaction, tenant_id, calendar_id, is_read=is_read)

    async def count_change(self, tenant_id: UUID, agent_ids: Collection[UUID]) -> None:
        """Count a change of what the agents' time is taken by."""
        async with self._session.transaction(tenant_id) as transaction:
            await transaction.execute(_COUNT_CHANGE, [tenant_id, list(agent_ids)])

    async def wake(self, tenant_id: UUID, connection_id: UUID, now: Instant) -> None:
        """Make due at once what waited for the connection to work again."""
        values: dict[str, object] = {
            "tenant": tenant_id,
            "connection": connection_id,
            "now": to_datetime(now),
        }
        async with self._session.transaction(tenant_id) as transaction:
            await wake_work(transaction, values)

    async def set_write_calendar(
        self, tenant_id: UUID, calendar_id: UUID, agent_id: UUID | None
    ) -> None:
        """Have appointments of the agent, or the tenant, written there from now on.

        Raises CalendarNotFound and AgentNotFound.
        """
        async with self._session.transaction(tenant_id) as transaction:
            if agent_id is not None:
                await _check_agent(transaction, tenant_id, agent_id)
            try:
                await transaction.execute(
                    _SET_WRITE_CALENDAR, [tenant_id, agent_id, calendar_id]
                )
            except ForeignKeyViolation:
                raise port.CalendarNotFound from None


class ConnectionQuota:
    """The port `OutgoingQuota`: a bucket for each connection, over all processes."""

    def __init__(self, limits: RateLimits, keyring: Keyring, limit: RateLimit) -> None:
        """Take how much may be asked of one account."""
        self._limits, self._keyring, self._limit = limits, keyring, limit

    async def take(self, connection_id: UUID, now: Instant) -> None:
        """Take one request; raise Throttled if the provider must be spared."""
        bucket = self._keyring.fingerprint(f"connection\0{connection_id}".encode())
        try:
            await self._limits.take(bucket, self._limit, now)
        except RateLimited as error:
            raise Throttled(float(error.retry_after)) from None


async def _check_agent(
    transaction: Connection, tenant_id: UUID, agent_id: UUID
) -> None:
    cursor = await transaction.execute(
        "SELECT FROM agents WHERE tenant_id = %s AND agent_id = %s",
        [tenant_id, agent_id],
    )
    if await cursor.fetchone() is None:
        raise AgentNotFound(agent_id)


def _usage(agent_id: UUID | None, timezone: str | None, *rest: Any) -> port.Usage:
    direction, is_closed_when_silent, tentative_blocks, checks_live = rest
    return port.Usage(
        agent_id,
        timezone,
        port.Direction(direction),
        is_closed_when_silent,
        tentative_blocks,
        checks_live,
    )


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
