"""A business, and what it has in the database."""

from typing import Any
from uuid import UUID

from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Parts

Rows = list[tuple[Any, ...]]


class Scene:
    """What a test knows of a business of its own; it says how it comes by the parts."""

    parts: Parts
    business: Business

    @property
    def tenant_id(self) -> UUID:
        """Return whose scene it is."""
        return self.business.tenant_id

    async def rows(self, statement: str, *values: object) -> Rows:
        """Run a statement as the tenant; return what it tells, if it tells anything."""
        async with self.parts.database.transaction(self.tenant_id) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description is not None else []

    async def row(self, table: str, key: str, value: object) -> dict[str, Any]:
        """Return the one row that has this value."""
        statement = f"SELECT row_to_json(r) FROM {table} r WHERE {key} = %s"  # noqa: S608 - names of the tests' own
        ((row,),) = await self.rows(statement, value)
        return dict(row)
