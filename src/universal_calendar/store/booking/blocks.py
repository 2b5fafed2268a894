"""Blocks, with their titles and reasons sealed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from universal_calendar.core.errors import BlockNotFound
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.blocks import (
    Block,
    BlockedAppointment,
    BlockFilter,
    BlockPage,
)
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.sealing.encryption import TenantKeys, decrypt, place_of
from universal_calendar.store.sealing.keyring import Keyring

Values = dict[str, object]

_PLACE: Final = ("blocks", "sealed")
_ADD: Final = """
INSERT INTO blocks (tenant_id, block_id, agent_id, starts_at, ends_at, is_soft,
    key_version, sealed, created_at)
VALUES (%(tenant)s, %(block)s, %(agent)s, %(starts_at)s, %(ends_at)s, %(is_soft)s,
    %(key_version)s, %(sealed)s, %(created_at)s)
"""
# A claim lasts at most 31 days: the second bound on its end is for the index.
_CONFLICTING: Final = """
SELECT claim_id, starts_at, ends_at, agent_id FROM claims
WHERE tenant_id = %(tenant)s AND agent_id = ANY (%(agents)s)
    AND ends_at > %(starts_at)s AND ends_at < %(ends_at)s + interval '31 days'
    AND starts_at < %(ends_at)s AND expires_at IS NULL
ORDER BY starts_at, claim_id
"""
_COUNT_CHANGE: Final = """
UPDATE agents SET revision = revision + 1
WHERE tenant_id = %(tenant)s AND agent_id = ANY (%(agents)s)
"""
_REMOVE: Final = (
    "DELETE FROM blocks WHERE tenant_id = %(tenant)s AND block_id = %(block)s"
)
_READ: Final = """
SELECT b.tenant_id, b.block_id, b.agent_id, b.starts_at, b.ends_at, b.is_soft,
    b.created_at, b.sealed, k.data_key
FROM blocks b
JOIN tenant_keys k ON k.tenant_id = b.tenant_id AND k.version = b.key_version
"""
_LISTED: Final = """
WHERE b.tenant_id = %(tenant)s
    AND (%(starts_from)s::timestamptz IS NULL OR b.starts_at >= %(starts_from)s)
    AND (%(starts_before)s::timestamptz IS NULL OR b.starts_at < %(starts_before)s)
    AND (%(agent)s::uuid IS NULL OR b.agent_id = %(agent)s OR b.agent_id IS NULL)
"""
_COUNT: Final = f"SELECT count(*) FROM blocks b {_LISTED}"  # noqa: S608 - constants
_PAGE: Final = """
ORDER BY b.starts_at, b.block_id LIMIT %(limit)s OFFSET %(offset)s
"""


class BlockTable:
    """The port `BlockStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals titles and reasons."""
        self._session, self._keyring = session, keyring

    async def add(
        self, block: Block, agent_ids: Sequence[UUID]
    ) -> list[BlockedAppointment]:
        """Add a block, count a change of its agents, return what lies in its time."""
        async with self._session.transaction(block.tenant_id) as connection:
            keys = await read_tenant_keys(connection, self._keyring, block.tenant_id)
            values = _values(block, keys) | {"agents": list(agent_ids)}
            await connection.execute(_ADD, values)
            await connection.execute(_COUNT_CHANGE, values)
            cursor = await connection.execute(_CONFLICTING, values)
            rows = await cursor.fetchall()
        return [
            BlockedAppointment(found, _interval(start, end), agent_id)
            for found, start, end, agent_id in rows
        ]

    async def get(self, tenant_id: UUID, block_id: UUID) -> Block:
        """Return a block; raise BlockNotFound."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                f"{_READ} WHERE b.tenant_id = %s AND b.block_id = %s",
                [tenant_id, block_id],
            )
            row = await cursor.fetchone()
        if row is None:
            raise BlockNotFound
        return self._block(row)

    async def page(self, tenant_id: UUID, wanted: BlockFilter, page: Page) -> BlockPage:
        """Return a page of blocks; one past the end is empty."""
        values = _filter(tenant_id, wanted, page)
        async with self._session.transaction(tenant_id) as connection:
            total = await _count(connection, values)
            cursor = await connection.execute(f"{_READ} {_LISTED} {_PAGE}", values)
            rows = await cursor.fetchall()
        return BlockPage([self._block(row) for row in rows], total)

    async def remove(self, block: Block, agent_ids: Sequence[UUID]) -> None:
        """Remove a block and count a change of its agents; raise BlockNotFound."""
        values: Values = {
            "tenant": block.tenant_id,
            "block": block.block_id,
            "agents": list(agent_ids),
        }
        async with self._session.transaction(block.tenant_id) as connection:
            cursor = await connection.execute(_REMOVE, values)
            if cursor.rowcount == 0:
                raise BlockNotFound
            await connection.execute(_COUNT_CHANGE, values)

    def _block(self, row: Row) -> Block:
        tenant_id, block_id, agent_id, start, end, is_soft, created_at, *sealed = row
        title, reason = self._words(tenant_id, block_id, *sealed)
        return Block(
            tenant_id,
            block_id,
            agent_id,
            _interval(start, end),
            is_soft,
            from_datetime(created_at),
            title,
            reason,
        )

    def _words(
        self, tenant_id: UUID, block_id: UUID, sealed: bytes, wrapped: bytes | None
    ) -> tuple[str | None, str | None]:
        """Return title and reason; of a tenant whose keys are destroyed nothing."""
        if wrapped is None:
            return None, None
        data_key = self._keyring.data_key(tenant_id, wrapped)
        place = place_of(tenant_id, *_PLACE, block_id)
        words = orjson.loads(decrypt(data_key, sealed, place))
        return words["title"], words["reason"]


def _interval(start: datetime, end: datetime) -> Interval:
    return Interval(from_datetime(start), from_datetime(end))


def _values(block: Block, keys: TenantKeys) -> Values:
    words = orjson.dumps({"title": block.title, "reason": block.reason})
    return {
        "tenant": block.tenant_id,
        "block": block.block_id,
        "agent": block.agent_id,
        "starts_at": to_datetime(block.interval.start),
        "ends_at": to_datetime(block.interval.end),
        "is_soft": block.is_soft,
        "key_version": keys.version,
        "sealed": keys.seal(words, *_PLACE, block.block_id),
        "created_at": to_datetime(block.created_at),
    }


def _filter(tenant_id: UUID, wanted: BlockFilter, page: Page) -> Values:
    starts = wanted.starts_from, wanted.starts_before
    first, before = (None if each is None else to_datetime(each) for each in starts)
    return {
        "tenant": tenant_id,
        "starts_from": first,
        "starts_before": before,
        "agent": wanted.agent_id,
        "limit": page.limit,
        "offset": page.offset,
    }


async def _count(connection: Connection, values: Values) -> int:
    cursor = await connection.execute(_COUNT, values)
    (total,) = await cursor.fetchone() or (0,)
    return int(total)
