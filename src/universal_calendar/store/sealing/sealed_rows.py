"""Sealed columns of every table, for what must go through all of them."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final, LiteralString
from uuid import UUID

from psycopg import sql

from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.sealing.encryption import (
    TenantKeys,
    Unreadable,
    place_of,
    reopened,
)
from universal_calendar.store.sealing.keyring import Keyring

PAGE: Final = 500
_COLUMN: Final = "sealed"


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with a sealed column; `row_id` is its primary key after tenant_id.

    Its values are bound to the row by that key, joined with slashes.
    """

    name: LiteralString
    row_id: tuple[LiteralString, ...]


APPOINTMENTS: Final = SealedTable("appointments", ("appointment_id",))
ANSWERS: Final = SealedTable("idempotency_keys", ("route", "key"))
NOTICES: Final = SealedTable("notices", ("notice_id",))
SEALED_TABLES: Final = (
    APPOINTMENTS,
    ANSWERS,
    NOTICES,
    SealedTable("blocks", ("block_id",)),
    SealedTable("connections", ("connection_id",)),
    SealedTable("calendars", ("calendar_id",)),
    SealedTable("sync_tokens", ("calendar_id",)),
    SealedTable("push_channels", ("channel_id",)),
    SealedTable("pending_connections", ("pending_id",)),
    SealedTable("technicians", ("connection_id", "technician_id")),
    SealedTable("visits", ("calendar_id", "event_id")),
    SealedTable("webhook_endpoints", ("endpoint_id",)),
)

_PAGE_OF: Final = sql.SQL("""
SELECT {row_id}, t.sealed, k.data_key FROM {table} t
LEFT JOIN tenant_keys k ON k.tenant_id = t.tenant_id AND k.version = t.key_version
WHERE t.tenant_id = %(tenant)s AND ({anywhere} OR ({row_id}) > ({after}))
    AND (%(below)s::integer IS NULL OR t.key_version < %(below)s)
ORDER BY {row_id} LIMIT %(limit)s {locking}
""")
_WRITE: Final = sql.SQL("""
UPDATE {table} t SET key_version = %(version)s, sealed = %(sealed)s
WHERE t.tenant_id = %(tenant)s AND ({row_id}) = ({values})
""")
_COUNT: Final = sql.SQL(
    "SELECT count(*) FROM {table} WHERE tenant_id = %(tenant)s"
    " AND key_version < %(below)s"
)
# Who holds some of these rows and waits for none of the others cannot deadlock.
_SKIPPING: Final = sql.SQL("FOR NO KEY UPDATE OF t SKIP LOCKED")


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row's key after tenant_id, and its plain value; None: its key is destroyed."""

    row_id: tuple[object, ...]
    plain: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedRows:
    """One tenant's rows of one table, decrypted."""

    table: SealedTable
    tenant_id: UUID
    keyring: Keyring

    async def page(
        self,
        connection: Connection,
        after: tuple[object, ...] | None,
        *,
        below: int | None = None,
        is_locking: bool = False,
    ) -> list[SealedRow]:
        """Return the next rows by key, of all versions or of those below one.

        Locking leaves out what others have locked. Raises Unreadable.
        """
        statement = _PAGE_OF.format(
            table=sql.Identifier(self.table.name),
            row_id=_columns(self.table),
            anywhere=sql.SQL("true" if after is None else "false"),
            after=_placeholders(self.table, is_null=after is None),
            locking=_SKIPPING if is_locking else sql.SQL(""),
        )
        values = self._values(after) | {"below": below, "limit": PAGE}
        cursor = await connection.execute(statement, values)
        return [self._opened(row) for row in await cursor.fetchall()]

    def _opened(self, row: Row) -> SealedRow:
        *row_id, sealed, wrapped = row
        if wrapped is None:
            return SealedRow(tuple(row_id), None)
        place = place_of(self.tenant_id, self.table.name, _COLUMN, _named(row_id))
        data_key = self.keyring.data_key(self.tenant_id, wrapped)
        return SealedRow(tuple(row_id), reopened(data_key, sealed, place))

    async def pages(self, session: Session) -> AsyncIterator[list[SealedRow]]:
        """Go through every row, a page at a time, without locking any."""
        after = None
        async with session.transaction(self.tenant_id) as connection:
            while page := await self.page(connection, after):
                yield page
                after = page[-1].row_id

    async def write(
        self, connection: Connection, keys: TenantKeys, rows: Iterable[SealedRow]
    ) -> None:
        """Seal the plain values with the current keys; raise Unreadable for None."""
        statement = _WRITE.format(
            table=sql.Identifier(self.table.name),
            row_id=_columns(self.table),
            values=_placeholders(self.table),
        )
        values = [self._values(row.row_id) | self._sealed(keys, row) for row in rows]
        await connection.cursor().executemany(statement, values)

    def _sealed(self, keys: TenantKeys, row: SealedRow) -> dict[str, object]:
        place = (self.table.name, _COLUMN, _named(row.row_id))
        if row.plain is None:
            raise Unreadable(place_of(self.tenant_id, *place))
        return {"version": keys.version, "sealed": keys.seal(row.plain, *place)}

    async def count_below(self, connection: Connection, version: int) -> int:
        """Return how many rows are sealed by a version before this one."""
        statement = _COUNT.format(table=sql.Identifier(self.table.name))
        cursor = await connection.execute(
            statement, {"tenant": self.tenant_id, "below": version}
        )
        row = await cursor.fetchone()
        return 0 if row is None else int(row[0])

    def _values(self, row_id: tuple[object, ...] | None) -> dict[str, object]:
        named = zip(self.table.row_id, row_id or (), strict=False)
        return {"tenant": self.tenant_id, **dict(named)}


def _named(row_id: Iterable[object]) -> str:
    return "/".join(map(str, row_id))


def _columns(table: SealedTable) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier("t", name) for name in table.row_id)


def _placeholders(table: SealedTable, *, is_null: bool = False) -> sql.Composable:
    if is_null:
        return sql.SQL(", ").join([sql.SQL("NULL")] * len(table.row_id))
    return sql.SQL(", ").join(sql.Placeholder(name) for name in table.row_id)
