"""Connections of every tenant that do not do what is asked of them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.store.database import Database

_TROUBLED: Final = """
SELECT connection_id, provider, status FROM connections
WHERE tenant_id = %s AND (status <> 'active' OR failing_since IS NOT NULL)
ORDER BY connection_id
"""


@dataclass(frozen=True, slots=True)
class TroubledConnection:
    """A connection that fails now, or that its owner must connect again."""

    tenant_id: UUID
    connection_id: UUID
    provider: str
    status: str


async def troubled_connections(database: Database) -> list[TroubledConnection]:
    """Return those of every tenant, tenant by tenant."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT tenant_id FROM tenant_directory ORDER BY tenant_id"
        )
        tenants = [row[0] for row in await cursor.fetchall()]
    found = []
    for tenant_id in tenants:
        async with database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_TROUBLED, [tenant_id])
            rows = await cursor.fetchall()
        found += [TroubledConnection(tenant_id, *row) for row in rows]
    return found
