"""Connections, their calendars, and which of them appointments are written to."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from universal_calendar.core.errors import AgentNotFound, RateLimited
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports import connections as port
from universal_calendar.services.ports.calendars import Access
from universal_calendar.store.account_secrets import (
    SealedAccount,
    SealedCalendar,
    account_index,
    open_account,
    open_calendar,
    seal_account,
    seal_calendar,
)
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.encryption import TenantKeys
from universal_calendar.store.keyring import Keyring
from universal_calendar.store.links import wake_links
from universal_calendar.store.rate_limits import RateLimit, RateLimits

Values = dict[str, object]

# The same account again: its credentials are new, whatever they were.
_RENEW: Final = """
UPDATE connections SET status = 'active', next_try_at = NULL, failing_since = NULL,
    renewing_until = NULL, agent_id = %(agent)s,
    key_version = %(version)s, sealed = %(sealed)s, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
_FIND: Final = """
SELECT connection_id FROM connections
WHERE tenant_id = %(tenant)s AND provider = %(provider)s AND account_index = %(index)s
FOR UPDATE
"""
_ADD: Final = """
INSERT INTO connections (tenant_id, connection_id, provider, account_index, status,
    agent_id, key_version, sealed, created_at, updated_at)
VALUES (%(tenant)s, %(connection)s, %(provider)s, %(index)s, 'active', %(agent)s,
    %(version)s, %(sealed)s, %(now)s, %(now)s)
ON CONFLICT (tenant_id, provider, account_index) DO NOTHING
"""
_CALENDARS: Final = """
SELECT c.calendar_id, c.connection_id, c.is_primary, c.sealed, k.data_key,
    coalesce(array_agg(w.agent_id) FILTER (WHERE w.calendar_id IS NOT NULL), '{}')
FROM calendars c
JOIN tenant_keys k ON k.tenant_id = c.tenant_id AND k.version = c.key_version
LEFT JOIN write_calendars w
    ON w.tenant_id = c.tenant_id AND w.calendar_id = c.calendar_id
WHERE c.tenant_id = %s AND k.data_key IS NOT NULL
GROUP BY c.tenant_id, c.calendar_id, k.data_key ORDER BY c.created_at, c.calendar_id
"""
_CONNECTIONS: Final = """
SELECT n.connection_id, n.provider, n.status, n.agent_id, n.timezone,
    n.last_success_at, n.next_try_at, n.created_at, n.sealed, k.data_key
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
_ADD_CALENDAR: Final = """
INSERT INTO calendars VALUES (%(tenant)s, %(calendar)s, %(connection)s, %(is_primary)s,
    %(version)s, %(sealed)s, %(now)s)
ON CONFLICT (tenant_id, calendar_id) DO UPDATE SET is_primary = excluded.is_primary,
    key_version = excluded.key_version, sealed = excluded.sealed
"""
_FIRST_WRITE_CALENDAR: Final = """
INSERT INTO write_calendars VALUES (%s, %s, %s)
ON CONFLICT (tenant_id, agent_id) DO NOTHING
"""
_SET_WRITE_CALENDAR: Final = """
INSERT INTO write_calendars VALUES (%s, %s, %s)
ON CONFLICT (tenant_id, agent_id) DO UPDATE SET calendar_id = excluded.calendar_id
"""
# Links before their connection: the order in which whoever writes an event locks.
_REMOVE_LINKS: Final = """
DELETE FROM links WHERE tenant_id = %(tenant)s AND calendar_id IN (
    SELECT calendar_id FROM calendars
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s)
"""
_REMOVE: Final = """
DELETE FROM connections
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""


class ConnectionTable:
    """The port `ConnectionStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals columns."""
        self._session, self._keyring = session, keyring

    async def add(self, connection: port.NewConnection, now: Instant) -> UUID:
        """Keep a connection, or renew that of the same account; return its id.

        Raises AgentNotFound.
        """
        tenant_id = connection.tenant_id
        async with self._session.transaction(tenant_id) as transaction:
            keys = await read_tenant_keys(transaction, self._keyring, tenant_id)
            values = _connection_values(keys, connection, now)
            try:
                connection_id = await _keep(transaction, keys, connection, values)
            except ForeignKeyViolation:
                raise AgentNotFound(connection.agent_id) from None
            values["connection"] = connection_id
            known = await self._external_ids(transaction, tenant_id, connection_id)
            await _keep_calendars(transaction, keys, connection, known, values)
        async with self._session.transaction(tenant_id) as transaction:
            await wake_links(transaction, values)
        return connection_id

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
        connection_id, provider, status, agent_id, timezone, *moments = row[:8]
        sealed, wrapped = row[8:]
        data_key = self._keyring.data_key(tenant_id, wrapped)
        success, next_try, created = (
            None if each is None else from_datetime(each) for each in moments
        )
        return port.Connection(
            tenant_id,
            connection_id,
            provider,
            open_account(data_key, tenant_id, connection_id, sealed).account,
            port.ConnectionStatus(status),
            agent_id,
            timezone,
            success,
            next_try,
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
            calendar_id, connection_id, is_primary, sealed, wrapped, agents = row
            data_key = self._keyring.data_key(tenant_id, wrapped)
            opened = open_calendar(data_key, tenant_id, calendar_id, sealed)
            found.setdefault(connection_id, []).append(
                port.ConnectedCalendar(
                    calendar_id,
                    opened.external_id,
                    opened.name,
                    is_primary,
                    opened.is_writable,
                    tuple(agents),
                )
            )
        return found

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
        """Delete credentials, calendars and links; raise ConnectionNotFound."""
        values = {"tenant": tenant_id, "connection": connection_id}
        async with self._session.transaction(tenant_id) as transaction:
            await transaction.execute(_REMOVE_LINKS, values)
            cursor = await transaction.execute(_REMOVE, values)
            if cursor.rowcount == 0:
                raise port.ConnectionNotFound

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


def _connection_values(
    keys: TenantKeys, connection: port.NewConnection, now: Instant
) -> Values:
    return {
        "tenant": connection.tenant_id,
        "connection": connection.connection_id,
        "provider": connection.provider,
        "agent": connection.agent_id,
        "index": account_index(keys, connection.provider, connection.account),
        "version": keys.version,
        "now": to_datetime(now),
    }


async def _keep(
    transaction: Connection,
    keys: TenantKeys,
    connection: port.NewConnection,
    values: Values,
) -> UUID:
    """Add the connection or renew it; its id is part of what is sealed."""
    account = SealedAccount(connection.account, connection.secrets)
    sealed = seal_account(keys, connection.connection_id, account)
    cursor = await transaction.execute(_ADD, values | {"sealed": sealed})
    if cursor.rowcount:
        return connection.connection_id
    cursor = await transaction.execute(_FIND, values)
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("the connection was removed meanwhile")
    known: UUID = row[0]
    sealed = seal_account(keys, known, account)
    await transaction.execute(_RENEW, values | {"connection": known, "sealed": sealed})
    return known


async def _keep_calendars(
    transaction: Connection,
    keys: TenantKeys,
    connection: port.NewConnection,
    known: Mapping[str, UUID],
    values: Values,
) -> None:
    """Add or rename calendars; those that are gone stay, with their links."""
    primary: UUID | None = None
    for each in connection.calendars:
        calendar_id = known.get(each.external_id, each.calendar_id)
        plain = SealedCalendar(each.external_id, each.name, each.is_writable)
        calendar = {
            "calendar": calendar_id,
            "is_primary": each.is_primary,
            "sealed": seal_calendar(keys, calendar_id, plain),
        }
        await transaction.execute(_ADD_CALENDAR, values | calendar)
        if each.is_primary and each.is_writable:
            primary = calendar_id
    if primary is not None:
        await transaction.execute(
            _FIRST_WRITE_CALENDAR,
            [connection.tenant_id, connection.agent_id, primary],
        )
