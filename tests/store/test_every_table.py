"""Every table is known to what must go through all of them."""

from universal_calendar.bootstrap.parts import Parts
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES
from universal_calendar.store.tenants.tenant_erasure import EMPTIED_TABLES, KEPT_TABLES


async def tables_with(parts: Parts, *columns: str) -> set[str]:
    async with parts.database.connection() as connection:
        cursor = await connection.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND column_name = ANY (%s)",
            [list(columns)],
        )
        return {str(row[0]) for row in await cursor.fetchall()}


async def test_every_sealed_column_is_rotated(parts: Parts) -> None:
    sealed = await tables_with(parts, "sealed", "key_version")
    assert sealed == {table.name for table in SEALED_TABLES}


async def test_every_table_of_tenants_is_emptied_with_one(parts: Parts) -> None:
    tables = await tables_with(parts, "tenant_id")
    assert tables == {*EMPTIED_TABLES, *KEPT_TABLES}
