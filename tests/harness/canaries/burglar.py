"""Somebody with the database and every master key, who opens what can be opened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from psycopg import Connection, sql

from universal_calendar.store.sealing.encryption import (
    KEY_BYTES,
    CannotDecrypt,
    MasterKeys,
    decrypt,
    place_of,
)
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES

_HEX: Final = "\\x"


@dataclass(frozen=True)
class Sealed:
    """A sealed value, and the place that it is bound to."""

    place: str
    value: bytes


def sealed_values(
    connection: Connection[tuple[Any, ...]], tenant_id: str
) -> list[Sealed]:
    """Return all that is sealed of a tenant."""
    return [
        Sealed(place_of(UUID(tenant_id), table.name, "sealed", "/".join(row_id)), value)
        for table in SEALED_TABLES
        for *row_id, value in connection.execute(
            sql.SQL("SELECT {}, sealed FROM {} WHERE tenant_id = %s").format(
                sql.SQL(", ").join(
                    sql.SQL("{}::text").format(sql.Identifier(name))
                    for name in table.row_id
                ),
                sql.Identifier(table.name),
            ),
            [tenant_id],
        )
    ]


def keys_in(
    rows: Iterable[tuple[str, dict[str, Any]]],
    master: MasterKeys,
    tenant_ids: Iterable[str],
) -> set[bytes]:
    """Return every key that the rows hold: plain, or wrapped by a master key."""
    places = ["hashing"] + [
        place_of(UUID(tenant_id), "tenant_keys", column, "")
        for tenant_id in tenant_ids
        for column in ("data_key", "index_key")
    ]
    found = set(master.keys)
    for value in set(_binary(rows)):
        found |= {value} if len(value) == KEY_BYTES else set()
        found |= set(_unwrapped(master, value, places))
    return found


def _binary(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[bytes]:
    for _table, row in rows:
        for value in row.values():
            if isinstance(value, str) and value.startswith(_HEX):
                yield bytes.fromhex(value[len(_HEX) :])


def _unwrapped(
    master: MasterKeys, value: bytes, places: Iterable[str]
) -> Iterator[bytes]:
    for place in places:
        try:
            yield master.unwrap(value, place)
        except (CannotDecrypt, ValueError):  # ValueError: shorter than a nonce
            continue


def opened_with(keys: Iterable[bytes], sealed: Iterable[Sealed]) -> list[bytes]:
    """Return the plain values of those that one of the keys opens."""
    opened = []
    for each in sealed:
        for key in keys:
            try:
                opened.append(decrypt(key, each.value, each.place))
            except InvalidTag:
                continue
    return opened
