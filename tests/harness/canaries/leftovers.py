"""What a service leaves behind, in whatever place, for a search."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from psycopg import sql

from tests.harness.canaries.flood import Answer
from tests.harness.canaries.flooded import finish
from tests.harness.canaries.strings import Canaries, Canary
from tests.harness.canaries.world import Superuser, World
from universal_calendar.bootstrap.parts import open_parts
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES, SealedRows

Row = dict[str, Any]

_TABLES: Final = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'history')
"""


@dataclass(frozen=True)
class Leftovers:
    """All of it; `rows` is every row there is and ever was, by its table."""

    canaries: Canaries
    answers: list[Answer]
    printed: bytes
    server_log: bytes
    metrics: bytes
    rows: list[tuple[str, Row]]
    in_files: dict[str, set[Canary]]
    """By the database's files, as they are on the disk."""
    opened: bytes
    """Whatever is sealed, opened with the tenants' keys."""
    told: dict[str, bytes]
    spans: bytes

    def in_columns(self) -> dict[str, set[Canary]]:
        """Return what is readable in rows, by column."""
        found: dict[str, set[Canary]] = {}
        for table, row in self.rows:
            if self.canaries.found_in(orjson.dumps(row)):
                for column, value in row.items():
                    here = self.canaries.found_in(orjson.dumps(value))
                    found.setdefault(f"{table}.{column}", set()).update(here)
        return {column: each for column, each in found.items() if each}


def collected(world: World) -> Leftovers:
    """Look into every place."""
    finish(world)
    with world.superuser() as connection:
        connection.execute("CHECKPOINT")
        rows = [*history(connection), *dump(connection)]
    printed = "".join([*world.lines, *world.printed])
    return Leftovers(
        world.canaries,
        list(world.flood.answers),
        printed.encode(),
        world.place.logged().encode(),
        b"".join(_metrics(world)),
        rows,
        dict(_files(world)),
        asyncio.run(opened(world)),
        world.told(),
        world.hooked("spans"),
    )


def _metrics(world: World) -> Iterator[bytes]:
    for each in (world.flood, world.flood.beside):
        yield each.raw("(metrics)", "GET", "/metrics").content


def history(connection: Superuser) -> Iterator[tuple[str, Row]]:
    """Return every row as it was whenever it was written."""
    for table, row in connection.execute("SELECT * FROM history.rows"):
        yield table, orjson.loads(row)


def dump(connection: Superuser) -> Iterator[tuple[str, Row]]:
    """Return every row of every table, and the statements that sessions ran last."""
    for schema, table in connection.execute(_TABLES).fetchall():
        name = sql.Identifier(schema, table)
        rows = connection.execute(
            sql.SQL("SELECT to_jsonb(t)::text FROM {} t").format(name)
        )
        yield from ((table, orjson.loads(row)) for (row,) in rows)
    for (query,) in connection.execute("SELECT query FROM pg_stat_activity"):
        yield "pg_stat_activity", {"query": query}


def _files(world: World) -> Iterator[tuple[str, set[Canary]]]:
    data = world.place.home / "postgresql" / "data"
    for file in data.rglob("*"):
        if file.is_file():
            yield str(file.relative_to(data)), world.canaries.plain_in(_read(file))


def _read(file: Any) -> bytes:
    try:
        return bytes(file.read_bytes())
    except FileNotFoundError:  # the server took it away meanwhile
        return b""


async def opened(world: World) -> bytes:
    """Open whatever is sealed, with all keys that there are."""
    found: list[bytes] = []
    async with open_parts(world.place.settings, world.server) as parts:
        for tenant in await parts.tenants.all():
            for table in SEALED_TABLES:
                sealed = SealedRows(table, tenant.tenant_id, parts.keyring)
                async for page in sealed.pages(parts.database):
                    found += [row.plain for row in page if row.plain is not None]
    return b"\n".join(found)


def names(canaries: Iterable[Canary]) -> list[str]:
    """Return where canaries were sent, without saying them."""
    return sorted({each.origin for each in canaries})
