"""Tenants that are to be forgotten: their keys first, then their rows."""

from typing import Final, LiteralString
from uuid import UUID

from psycopg import sql

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import Actor, NewId
from universal_calendar.store.audit import AuditTable
from universal_calendar.store.database import Bound, Database
from universal_calendar.store.sealing.encryption import forget_keys
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.tenants.key_rotation import KeyTable, shut_agents

ACTION: Final = "tenant.erased"
"""The one entry of the audit log that stays."""

# Every table of tenants' rows, each before those that it refers to.
EMPTIED_TABLES: Final[tuple[LiteralString, ...]] = (
    "due_work",
    "pending_connections",
    "sync_directory",
    "sync_calendars",
    "syncs",
    "push_channel_directory",
    "push_channels",
    "mirrored_times",
    "named_visits",
    "half_readings",
    "visits",
    "changed_customers",
    "turns",
    "technicians",
    "platform_account_directory",
    "sync_tokens",
    "claims",
    "links",
    "deliveries",
    "notices",
    "webhook_endpoints",
    "idempotency_keys",
    "appointments",
    "blocks",
    "write_calendars",
    "calendars",
    "connections",
    "schedules",
    "agent_directory",
    "agents",
    "api_key_directory",
    "api_keys",
    "tenant_directory",
)
# What is left of a tenant keeps its id from being used again.
KEPT_TABLES: Final = ("tenants", "tenant_keys", "audit_entries")

_SHUT_OUT: Final[tuple[LiteralString, ...]] = (
    "UPDATE tenant_keys SET data_key = NULL, index_key = NULL WHERE tenant_id = %s",
    "UPDATE tenants SET name = '', timezone = 'UTC' WHERE tenant_id = %s",
    "UPDATE agents SET name = '', is_active = false WHERE tenant_id = %s",
    "UPDATE api_keys SET label = '' WHERE tenant_id = %s",
    "DELETE FROM api_key_directory WHERE tenant_id = %s",
    "DELETE FROM agent_directory WHERE tenant_id = %s",
    "DELETE FROM tenant_directory WHERE tenant_id = %s",
)
_DELETE: Final = sql.SQL("DELETE FROM {table} WHERE tenant_id = %s")
_DELETE_ENTRIES: Final = (
    "DELETE FROM audit_entries WHERE tenant_id = %s AND action <> %s"
)


class TenantErasureTable:
    """The port `TenantErasureStore` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring, new_id: NewId) -> None:
        """Take what makes ids for the audit log."""
        self._database, self._new_id = database, new_id
        self._keys = KeyTable(database, keyring)

    async def is_destroyed(self, tenant_id: UUID) -> bool:
        """Tell whether the tenant's keys are destroyed; raise TenantNotFound."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT bool_and(data_key IS NULL) FROM tenant_keys"
                " WHERE tenant_id = %s",
                [tenant_id],
            )
            row = await cursor.fetchone()
        if row is None or row[0] is None:
            raise TenantNotFound
        return bool(row[0])

    async def destroy(self, tenant_id: UUID, actor: Actor, now: Instant) -> None:
        """Destroy the tenant's keys and shut out its credentials, at once."""
        async with self._database.transaction(tenant_id) as connection:
            await shut_agents(connection, tenant_id)
            session = Bound(connection, tenant_id)
            audit = AuditTable(session, tenant_id, actor, now, self._new_id)
            await audit.record(ACTION, tenant_id)
            for statement in _SHUT_OUT:
                await connection.execute(statement, [tenant_id])
        forget_keys()

    async def outlast(self) -> None:
        """Wait until every transaction that is open now has ended; raise StillBusy."""
        await self._keys.outlast()

    async def remove(self, tenant_id: UUID) -> int:
        """Delete the rows of a tenant whose keys are destroyed; return how many."""
        deleted = 0
        async with self._database.transaction(tenant_id) as connection:
            for table in EMPTIED_TABLES:
                statement = _DELETE.format(table=sql.Identifier(table))
                cursor = await connection.execute(statement, [tenant_id])
                deleted += cursor.rowcount
            await connection.execute(_DELETE_ENTRIES, [tenant_id, ACTION])
        return deleted
