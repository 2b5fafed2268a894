"""Connections: a pool that survives the database's absence and says so plainly."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from universal_calendar.core.errors import DatabaseUnavailable

Connection: TypeAlias = psycopg.AsyncConnection[TupleRow]
Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

_SET_TENANT = "SELECT set_config('app.tenant_id', %s, true)"


class Session(Protocol):
    """Where tables run their statements: the pool, or one transaction of it."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection."""

    def transaction(self, tenant_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection in a transaction that sees this tenant's rows only."""

    async def call(self, statement: str, parameters: Parameters) -> Row:
        """Run a statement that returns one row, in one round trip."""


class Database:
    """A pool of autocommit connections without prepared statements.

    It works behind a transaction pooler: nothing outlives a transaction. Whatever goes
    wrong between here and the server is DatabaseUnavailable.
    """

    def __init__(self, url: str, *, size: int = 10, patience: float = 2.0) -> None:
        """Take a libpq URL, the most connections, and the seconds to wait for one."""
        self._pool = AsyncConnectionPool[Connection](
            url,
            min_size=min(2, size),
            max_size=size,
            timeout=patience,
            reconnect_timeout=5.0,
            open=False,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "connect_timeout": 5,
                "tcp_user_timeout": 10_000,
            },
        )

    async def open(self) -> None:
        """Connect; raise DatabaseUnavailable if the server does not answer."""
        with _translated_errors():
            await self._pool.open(wait=True, timeout=10.0)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection on which each statement is its own transaction."""
        with _translated_errors():
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction that sees this tenant's rows only.

        Leaving the block commits; an exception rolls back.
        """
        async with self.connection() as connection, connection.transaction():
            await connection.execute(_SET_TENANT, [str(tenant_id)])
            yield connection

    async def call(self, statement: str, parameters: Parameters) -> Row:
        """Run a statement that returns one row, in one round trip and transaction."""
        # The hot path: the pool's own context manager costs a third of the call.
        try:
            connection = await self._pool.getconn()
            try:
                return await call(connection, statement, parameters)
            finally:
                await self._pool.putconn(connection)
        except psycopg.OperationalError as error:
            raise unavailable(error) from error


class Bound:
    """A session that lives inside one transaction and never ends it."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        """Take a connection whose transaction sees this tenant's rows."""
        self._connection, self._tenant_id = connection, tenant_id

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend the connection."""
        yield self._connection

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """Lend the connection, for another tenant's rows if need be."""
        if tenant_id == self._tenant_id:
            yield self._connection
            return
        await self._connection.execute(_SET_TENANT, [str(tenant_id)])
        yield self._connection
        await self._connection.execute(_SET_TENANT, [str(self._tenant_id)])

    async def call(self, statement: str, parameters: Parameters) -> Row:
        """Run a statement that returns one row."""
        return await call(self._connection, statement, parameters)


async def call(connection: Connection, statement: str, parameters: Parameters) -> Row:
    """Run a statement that returns one row, with the values in binary."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement.encode(), parameters)
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(statement)
    return row


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


def unavailable(error: psycopg.OperationalError) -> DatabaseUnavailable:
    """Name the cause by class and SQLSTATE; the text may quote a URL or a value."""
    return DatabaseUnavailable(f"{type(error).__name__} {error.sqlstate or ''}".strip())
