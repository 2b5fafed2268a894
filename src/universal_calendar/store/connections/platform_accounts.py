"""Accounts at field-service platforms: found by what webhooks call them, and ended."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.core.retry import LONGEST_WAIT
from universal_calendar.services.ports.connections import ConnectionStatus
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.services.ports.platform_accounts import ConnectedAccount
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.audit import AuditTable
from universal_calendar.store.connections.connection_health import record_trouble
from universal_calendar.store.database import Bound, Connection, Database
from universal_calendar.store.sealing.account_secrets import open_account, seal_account
from universal_calendar.store.sealing.keyring import Keyring

Values = dict[str, object]

_WORKER: Final = Actor(ActorKind.WORKER, "platform_hints")

_REMEMBER: Final = """
INSERT INTO platform_account_directory (provider, account_hash, tenant_id,
    connection_id, connected_at)
VALUES (%(provider)s, %(hash)s, %(tenant)s, %(connection)s, %(now)s)
ON CONFLICT (provider, account_hash, tenant_id, connection_id)
DO UPDATE SET connected_at = excluded.connected_at
"""
_FIND: Final = """
SELECT tenant_id, connection_id FROM platform_account_directory
WHERE provider = %s AND account_hash = %s ORDER BY tenant_id
"""
_SCHEDULES: Final = """
SELECT n.connection_id, array_agg(c.calendar_id) FILTER (
    WHERE c.is_schedule AND c.is_read AND n.direction <> 'to_provider')
FROM connections n LEFT JOIN calendars c USING (tenant_id, connection_id)
WHERE n.tenant_id = %s AND n.connection_id = ANY (%s)
GROUP BY n.connection_id
"""
# Whoever connects it again holds this lock while it says so in the directory.
_LOCK: Final = """
SELECT n.sealed, k.data_key FROM connections n
JOIN tenant_keys k ON k.tenant_id = n.tenant_id AND k.version = n.key_version
WHERE n.tenant_id = %(tenant)s AND n.connection_id = %(connection)s
    AND k.data_key IS NOT NULL
FOR UPDATE OF n
"""
_IS_LATER: Final = """
SELECT FROM platform_account_directory
WHERE connection_id = %(connection)s AND connected_at > %(ended_at)s
"""
_SEAL: Final = """
UPDATE connections SET key_version = %(version)s, sealed = %(sealed)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""


async def remember_account(
    transaction: Connection,
    connection: tuple[UUID, UUID],
    provider: str,
    account: str,
    now: Instant,
) -> None:
    """Have the platform's webhooks find a connection, which was just (re)connected.

    `connection` is a tenant's id and a connection's, whose row is locked.
    """
    tenant_id, connection_id = connection
    values: Values = {
        "provider": provider,
        "hash": _hash(account),
        "tenant": tenant_id,
        "connection": connection_id,
        "now": to_datetime(now),
    }
    await transaction.execute(_REMEMBER, values)


async def forget_account(transaction: Connection, connection_id: UUID) -> None:
    """Have no webhook find the connection any more."""
    await transaction.execute(
        "DELETE FROM platform_account_directory WHERE connection_id = %s",
        [connection_id],
    )


class PlatformAccountTable:
    """The port `PlatformAccountStore` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring, new_id: NewId) -> None:
        """Take what opens sealed columns, and makes ids for the audit log."""
        self._database, self._keyring, self._new_id = database, keyring, new_id

    async def connections(self, provider: str, account: str) -> list[ConnectedAccount]:
        """Return the connections of an account, whosesoever they are."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_FIND, [provider, _hash(account)])
            rows = await cursor.fetchall()
        found: list[ConnectedAccount] = []
        for tenant_id, group in groupby(rows, key=lambda row: row[0]):
            found += await self._connected(tenant_id, [row[1] for row in group])
        return found

    async def _connected(
        self, tenant_id: UUID, connection_ids: Sequence[UUID]
    ) -> list[ConnectedAccount]:
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_SCHEDULES, [tenant_id, connection_ids])
            return [
                ConnectedAccount(tenant_id, connection_id, schedules or ())
                for connection_id, schedules in await cursor.fetchall()
            ]

    async def end(
        self, tenant_id: UUID, connection_id: UUID, ended_at: Instant, now: Instant
    ) -> None:
        """Forget what opens the account: its owner must connect it again.

        Whoever watches is told. Nothing changes if it was connected since `ended_at`,
        or has ended before.
        """
        known = tenant_id, connection_id
        async with self._database.transaction(tenant_id) as connection:
            if not await self._emptied(connection, known, ended_at):
                return
            await record_trouble(
                connection,
                _values(known) | {"now": to_datetime(now)},
                ConnectionStatus.NEEDS_REAUTHORIZATION,
                now + LONGEST_WAIT,
            )
            session = Bound(connection, tenant_id)
            audit = AuditTable(session, tenant_id, _WORKER, now, self._new_id)
            await audit.record("connection.ended", connection_id)

    async def _emptied(
        self, connection: Connection, known: tuple[UUID, UUID], ended_at: Instant
    ) -> bool:
        """Keep the account's name alone; tell whether there was more."""
        values = _values(known) | {"ended_at": to_datetime(ended_at)}
        cursor = await connection.execute(_LOCK, values)
        row = await cursor.fetchone()
        cursor = await connection.execute(_IS_LATER, values)
        if row is None or await cursor.fetchone() is not None:
            return False
        account = open_account(self._keyring.data_key(known[0], row[1]), *known, row[0])
        if not account.secrets:
            return False
        keys = await read_tenant_keys(connection, self._keyring, known[0])
        sealed = seal_account(keys, known[1], replace(account, secrets={}))
        await connection.execute(
            _SEAL, values | {"version": keys.version, "sealed": sealed}
        )
        return True


def _values(known: tuple[UUID, UUID]) -> Values:
    return {"tenant": known[0], "connection": known[1]}


def _hash(account: str) -> bytes:
    return hashlib.sha256(account.encode()).digest()
