"""Versions of tenants' keys, and the wrapping of all keys by the master key."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.services.ports.privacy import StillBusy
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Database
from universal_calendar.store.sealing.encryption import forget_keys
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES, SealedRows

_PATIENCE: Final = 60.0
_PAUSE_SECONDS: Final = 0.05

_LOCK_TENANT: Final = "SELECT FROM tenants WHERE tenant_id = %s FOR NO KEY UPDATE"
_LOCK_AGENTS: Final = (
    "SELECT FROM agents WHERE tenant_id = %s ORDER BY agent_id FOR UPDATE"
)
_COUNT_CHANGE: Final = "UPDATE agents SET revision = revision + 1 WHERE tenant_id = %s"
_CURRENT: Final = """
SELECT version, index_key FROM tenant_keys WHERE tenant_id = %s AND data_key IS NOT NULL
ORDER BY version DESC LIMIT 1
"""
_OPEN_TRANSACTIONS: Final = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE usename = current_user
        AND datname = current_database() AND pid <> pg_backend_pid()
        AND xact_start < %s
)
"""


class KeyTable:
    """The port `KeyStore` on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        patience: float = _PATIENCE,
    ) -> None:
        """Take the seconds to wait for others' transactions."""
        self._database, self._keyring = database, keyring
        self._patience = patience

    async def tenant_ids(self) -> list[UUID]:
        """Return every tenant's id."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id FROM tenant_directory ORDER BY tenant_id"
            )
            return [row[0] for row in await cursor.fetchall()]

    async def add_version(self, tenant_id: UUID) -> int:
        """Make a new data key the current one; return its version.

        No booking that read the earlier key can be written after this. Raises
        TenantNotFound.
        """
        async with self._database.transaction(tenant_id) as connection:
            await shut_agents(connection, tenant_id)
            cursor = await connection.execute(_CURRENT, [tenant_id])
            row = await cursor.fetchone()
            if row is None:
                raise TenantNotFound
            version, index_key = row[0] + 1, row[1]
            await connection.execute(
                "INSERT INTO tenant_keys VALUES (%s, %s, %s, %s)",
                [tenant_id, version, self._keyring.new_data_key(tenant_id), index_key],
            )
        return int(version)

    async def count_older(self, tenant_id: UUID, version: int) -> int:
        """Return how many values are sealed by versions before this one."""
        async with self._database.transaction(tenant_id) as connection:
            return await self._count_older(connection, tenant_id, version)

    async def _count_older(
        self, connection: Connection, tenant_id: UUID, version: int
    ) -> int:
        counts = [
            await SealedRows(table, tenant_id, self._keyring).count_below(
                connection, version
            )
            for table in SEALED_TABLES
        ]
        return sum(counts)

    async def reseal(self, tenant_id: UUID, version: int) -> AsyncIterator[int]:
        """Seal with the current key what earlier versions sealed.

        Yields the number of rows of each batch, each a transaction of its own.
        """
        for table in SEALED_TABLES:
            rows, after = SealedRows(table, tenant_id, self._keyring), None
            while True:
                async with self._database.transaction(tenant_id) as connection:
                    page = await rows.page(
                        connection, after, below=version, is_locking=True
                    )
                    if not page:
                        break
                    keys = await read_tenant_keys(connection, self._keyring, tenant_id)
                    await rows.write(connection, keys, page)
                after = page[-1].row_id
                yield len(page)

    async def outlast(self) -> None:
        """Wait until every transaction that is open now has ended; raise StillBusy."""
        deadline = time.monotonic() + self._patience
        (moment,) = await self._database.call("SELECT clock_timestamp()", [])
        while (await self._database.call(_OPEN_TRANSACTIONS, [moment]))[0]:
            if time.monotonic() > deadline:
                raise StillBusy
            await asyncio.sleep(_PAUSE_SECONDS)

    async def destroy_older(self, tenant_id: UUID, version: int) -> int | None:
        """Destroy the versions before this one; return how many.

        None: something is still sealed by them, and nothing was destroyed.
        """
        async with self._database.transaction(tenant_id) as connection:
            if await self._count_older(connection, tenant_id, version):
                return None
            cursor = await connection.execute(
                "UPDATE tenant_keys SET data_key = NULL, index_key = NULL"
                " WHERE tenant_id = %s AND version < %s AND data_key IS NOT NULL",
                [tenant_id, version],
            )
        forget_keys()
        return cursor.rowcount

    async def rewrap_installation(self) -> int:
        """Wrap the installation's keys by the current master key; return how many."""
        async with self._database.connection() as connection:
            outdated = await self._outdated_of_installation(connection)
            for purpose, wrapped in outdated:
                await connection.execute(
                    "UPDATE installation_keys SET wrapped = %s WHERE purpose = %s",
                    [wrapped, purpose],
                )
        return len(outdated)

    async def _outdated_of_installation(
        self, connection: Connection
    ) -> list[tuple[str, bytes]]:
        cursor = await connection.execute(
            "SELECT purpose, wrapped FROM installation_keys"
        )
        renewed = [
            (purpose, self._keyring.rewrapped_for_installation(purpose, wrapped))
            for purpose, wrapped in await cursor.fetchall()
        ]
        return [(purpose, wrapped) for purpose, wrapped in renewed if wrapped]

    async def rewrap(self, tenant_id: UUID) -> int:
        """Wrap a tenant's keys by the current master key; return how many were not.

        Raises CannotDecrypt.
        """
        async with self._database.transaction(tenant_id) as connection:
            outdated = await self._outdated(connection, tenant_id)
            for version, column, wrapped in outdated:
                await connection.execute(_REWRAP[column], [wrapped, tenant_id, version])
        return len(outdated)

    async def _outdated(
        self, connection: Connection, tenant_id: UUID
    ) -> list[tuple[int, str, bytes]]:
        """Return what is to be written; the rows stay locked until then."""
        cursor = await connection.execute(
            "SELECT version, data_key, index_key FROM tenant_keys"
            " WHERE tenant_id = %s ORDER BY version FOR UPDATE",
            [tenant_id],
        )
        stored = [
            (version, column, wrapped)
            for version, *keys in await cursor.fetchall()
            for column, wrapped in zip(_REWRAP, keys, strict=True)
            if wrapped is not None
        ]
        renewed = [
            (version, column, self._keyring.rewrapped(tenant_id, column, wrapped))
            for version, column, wrapped in stored
        ]
        return [(version, column, key) for version, column, key in renewed if key]

    async def count_outdated(self) -> int:
        """Return how many keys an earlier master key wraps."""
        async with self._database.connection() as connection:
            count = len(await self._outdated_of_installation(connection))
        for tenant_id in await self.tenant_ids():
            async with self._database.transaction(tenant_id) as connection:
                count += len(await self._outdated(connection, tenant_id))
        return count


_REWRAP: Final = {
    "data_key": "UPDATE tenant_keys SET data_key = %s"
    " WHERE tenant_id = %s AND version = %s",
    "index_key": "UPDATE tenant_keys SET index_key = %s"
    " WHERE tenant_id = %s AND version = %s",
}


async def shut_agents(connection: Connection, tenant_id: UUID) -> None:
    """Make every booking that was decided already decide anew, with what holds then."""
    await connection.execute(_LOCK_TENANT, [tenant_id])
    # In the order in which all do it who lock more than one.
    await connection.execute(_LOCK_AGENTS, [tenant_id])
    await connection.execute(_COUNT_CHANGE, [tenant_id])
