"""Rotating a tenant's keys, and looking at what is sealed by them."""

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from tests.harness.crowd import Wish, ask, clients, day_after
from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.tenants.key_rotation import KeyRotation, Rotated
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES, SealedRows
from universal_calendar.store.tenants.key_rotation import KeyTable

NOW = from_datetime(utc_now())
TESTER = Actor(ActorKind.COMMAND_LINE, "test")


def silent(done: int, total: int) -> None:
    """Report nothing."""


async def rotate(parts: Parts, tenant_id: UUID, patience: float = 30) -> Rotated:
    """Rotate at once: what follows must not depend on the grace."""
    keys = KeyTable(parts.database, parts.keyring, patience=patience)
    (rotated,) = await KeyRotation(keys).rotate([tenant_id], silent, grace=0)
    return rotated


async def rows_of(
    parts: Parts, tenant_id: UUID, statement: LiteralString
) -> list[tuple[Any, ...]]:
    async with parts.database.transaction(tenant_id) as connection:
        cursor = await connection.execute(statement)
        return await cursor.fetchall()


async def versions(parts: Parts, tenant_id: UUID) -> dict[int, bool]:
    """Return the tenant's versions, and which of them can still open something."""
    rows = await rows_of(
        parts,
        tenant_id,
        "SELECT version, data_key IS NOT NULL AND index_key IS NOT NULL"
        " FROM tenant_keys ORDER BY 1",
    )
    return dict(rows)


async def plain_values(parts: Parts, tenant_id: UUID) -> dict[str, list[bytes | None]]:
    """Decrypt every sealed value of the tenant; raise for one that does not open."""
    found = {}
    for table in SEALED_TABLES:
        rows = SealedRows(table, tenant_id, parts.keyring)
        pages = [page async for page in rows.pages(parts.database)]
        found[table.name] = [row.plain for page in pages for row in page]
    return found


@dataclass(frozen=True)
class Desk:
    """A business that is booked at the running service."""

    business: Business
    url: str

    async def book(self, hour: int = 9) -> UUID:
        """Book John for half an hour of tomorrow."""
        async with clients(1) as client:
            wish = Wish(self.business, day_after(1), hour * 60)
            return UUID((await ask(client, self.url, wish)).booking_id)
