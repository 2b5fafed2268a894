"""Channels by which providers tell of changes, and whose they are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final
from uuid import UUID

import orjson
from psycopg.errors import ForeignKeyViolation

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.calendars import Access, PushChannel
from universal_calendar.services.ports.channels import (
    ClaimedChannel,
    HeardCalendar,
    KnownChannel,
)
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.audit import AuditTable
from universal_calendar.store.database import Bound, Connection, Database, Row
from universal_calendar.store.sealing.account_secrets import open_account, open_calendar
from universal_calendar.store.sealing.encryption import TenantKeys, place_of, reopened
from universal_calendar.store.sealing.keyring import Keyring

_WORKER: Final = Actor(ActorKind.WORKER, "channels")

_CALENDARS: Final = """
SELECT c.calendar_id, c.connection_id, n.provider, c.sealed, k.data_key, n.sealed,
    a.data_key
FROM calendars c
JOIN connections n USING (tenant_id, connection_id)
JOIN tenant_keys k ON k.tenant_id = c.tenant_id AND k.version = c.key_version
JOIN tenant_keys a ON a.tenant_id = n.tenant_id AND a.version = n.key_version
WHERE c.tenant_id = %(tenant)s AND k.data_key IS NOT NULL AND a.data_key IS NOT NULL
"""
_ONE: Final = " AND c.calendar_id = %(calendar)s"
_TOLD_OF: Final = """ AND c.connection_id = %(connection)s AND EXISTS (
    SELECT FROM push_channels p
    WHERE p.tenant_id = c.tenant_id AND p.calendar_id = c.calendar_id)"""
_CHANNELS: Final = """
SELECT p.channel_id, p.created_at, p.expires_at, p.sealed, k.data_key
FROM push_channels p
JOIN tenant_keys k ON k.tenant_id = p.tenant_id AND k.version = p.key_version
WHERE p.tenant_id = %s AND p.calendar_id = %s AND k.data_key IS NOT NULL
ORDER BY p.created_at, p.channel_id
"""
_ADD: Final = """
INSERT INTO push_channels (tenant_id, channel_id, calendar_id, key_version, sealed,
    created_at)
VALUES (%(tenant)s, %(channel)s, %(calendar)s, %(version)s, %(sealed)s, %(now)s)
"""
_OPENING: Final = """
SELECT p.calendar_id, p.sealed, k.data_key
FROM push_channels p
JOIN tenant_keys k ON k.tenant_id = p.tenant_id AND k.version = p.key_version
WHERE p.tenant_id = %(tenant)s AND p.channel_id = %(channel)s
    AND k.data_key IS NOT NULL
FOR NO KEY UPDATE OF p
"""
_OPENED: Final = """
UPDATE push_channels SET expires_at = %(expires_at)s, key_version = %(version)s,
    sealed = %(sealed)s
WHERE tenant_id = %(tenant)s AND channel_id = %(channel)s
"""
_FORGET: Final = """
DELETE FROM push_channels WHERE tenant_id = %(tenant)s AND channel_id = ANY(%(ids)s)
RETURNING channel_id, calendar_id, expires_at IS NOT NULL
"""
_FORGET_WHOSE: Final = """
DELETE FROM push_channel_directory
WHERE tenant_id = %(tenant)s AND channel_id = ANY(%(ids)s)
"""
_WHOSE: Final = """
SELECT tenant_id, channel_id FROM push_channel_directory WHERE channel_id = ANY(%s)
ORDER BY tenant_id
"""
_CLAIMED: Final = """
SELECT p.calendar_id, p.channel_id, p.sealed, k.data_key
FROM push_channels p
JOIN calendars c USING (tenant_id, calendar_id)
JOIN connections n USING (tenant_id, connection_id)
JOIN tenant_keys k ON k.tenant_id = p.tenant_id AND k.version = p.key_version
WHERE p.tenant_id = %s AND p.channel_id = ANY(%s) AND n.provider = %s
    AND k.data_key IS NOT NULL
"""
_LOSE: Final = """
UPDATE push_channels SET expires_at = %(now)s
WHERE tenant_id = %(tenant)s AND channel_id = ANY(%(ids)s) AND expires_at > %(now)s
"""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What is encrypted of a channel; `external_id` once the provider has said it."""

    secret: str = field(repr=False)
    external_id: str | None = field(default=None, repr=False)


class ChannelTable:
    """The port `ChannelStore` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring, new_id: NewId) -> None:
        """Take what opens sealed columns, and makes ids for the audit log."""
        self._database, self._keyring, self._new_id = database, keyring, new_id

    async def calendar(
        self, tenant_id: UUID, calendar_id: UUID
    ) -> HeardCalendar | None:
        """Return a calendar with its channels; None if it is gone."""
        async with self._database.transaction(tenant_id) as connection:
            values = {"tenant": tenant_id, "calendar": calendar_id}
            cursor = await connection.execute(_CALENDARS + _ONE, values)
            row = await cursor.fetchone()
            if row is None:
                return None
            return await self._heard(connection, tenant_id, row)

    async def calendars_of(
        self, tenant_id: UUID, connection_id: UUID
    ) -> list[HeardCalendar]:
        """Return the connection's calendars that have channels."""
        async with self._database.transaction(tenant_id) as connection:
            values = {"tenant": tenant_id, "connection": connection_id}
            cursor = await connection.execute(_CALENDARS + _TOLD_OF, values)
            rows = await cursor.fetchall()
            return [await self._heard(connection, tenant_id, row) for row in rows]

    async def _heard(
        self, connection: Connection, tenant_id: UUID, row: Row
    ) -> HeardCalendar:
        calendar_id, connection_id, provider, sealed, wrapped, *account = row
        data_key = self._keyring.data_key(tenant_id, wrapped)
        cursor = await connection.execute(_CHANNELS, [tenant_id, calendar_id])
        return HeardCalendar(
            calendar_id,
            connection_id,
            provider,
            open_calendar(data_key, tenant_id, calendar_id, sealed).external_id,
            self._access(tenant_id, connection_id, account),
            [self._channel(tenant_id, each) for each in await cursor.fetchall()],
        )

    def _access(
        self, tenant_id: UUID, connection_id: UUID, account: Sequence[bytes]
    ) -> Access:
        sealed, wrapped = account
        data_key = self._keyring.data_key(tenant_id, wrapped)
        opened = open_account(data_key, tenant_id, connection_id, sealed)
        return opened.access(tenant_id, connection_id)

    def _channel(self, tenant_id: UUID, row: Row) -> KnownChannel:
        channel_id, created_at, expires_at, sealed, wrapped = row
        content = self._opened(tenant_id, channel_id, sealed, wrapped)
        opened = None
        if content.external_id is not None and expires_at is not None:
            until = from_datetime(expires_at)
            opened = PushChannel(str(channel_id), content.external_id, until)
        return KnownChannel(
            channel_id, from_datetime(created_at), content.secret, opened
        )

    def _opened(
        self, tenant_id: UUID, channel_id: UUID, sealed: bytes, wrapped: bytes
    ) -> _Sealed:
        data_key = self._keyring.data_key(tenant_id, wrapped)
        place = place_of(tenant_id, "push_channels", "sealed", channel_id)
        return _Sealed(**orjson.loads(reopened(data_key, sealed, place)))

    async def add(
        self, tenant_id: UUID, calendar_id: UUID, channel: KnownChannel
    ) -> bool:
        """Keep a channel that is about to be opened; False if its calendar is gone."""
        try:
            async with self._database.transaction(tenant_id) as connection:
                keys = await read_tenant_keys(connection, self._keyring, tenant_id)
                values = {
                    "tenant": tenant_id,
                    "channel": channel.channel_id,
                    "calendar": calendar_id,
                    "version": keys.version,
                    "sealed": _seal(keys, channel.channel_id, _Sealed(channel.secret)),
                    "now": to_datetime(channel.created_at),
                }
                await connection.execute(_ADD, values)
                await connection.execute(
                    "INSERT INTO push_channel_directory VALUES (%(channel)s,"
                    " %(tenant)s)",
                    values,
                )
        except ForeignKeyViolation:
            return False
        return True

    async def opened(self, tenant_id: UUID, channel: PushChannel, now: Instant) -> bool:
        """Note that it is open, and until when; False if it was forgotten meanwhile."""
        channel_id = UUID(channel.channel_id)
        values: dict[str, object] = {"tenant": tenant_id, "channel": channel_id}
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_OPENING, values)
            row = await cursor.fetchone()
            if row is None:
                return False
            calendar_id, sealed, wrapped = row
            known = self._opened(tenant_id, channel_id, sealed, wrapped)
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            content = _Sealed(known.secret, channel.external_id)
            values |= {
                "expires_at": to_datetime(channel.expires_at),
                "version": keys.version,
                "sealed": _seal(keys, channel_id, content),
            }
            await connection.execute(_OPENED, values)
            await self._audit(connection, tenant_id, now, "opened", [calendar_id])
        return True

    async def forget(
        self, tenant_id: UUID, channel_ids: Collection[UUID], now: Instant
    ) -> None:
        """Delete channels: whatever comes by them is refused from now on."""
        values = {"tenant": tenant_id, "ids": list(channel_ids)}
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_FORGET, values)
            closed = [row[1] for row in await cursor.fetchall() if row[2]]
            await connection.execute(_FORGET_WHOSE, values)
            await self._audit(connection, tenant_id, now, "closed", closed)

    async def _audit(
        self,
        connection: Connection,
        tenant_id: UUID,
        now: Instant,
        what: str,
        calendar_ids: Iterable[UUID],
    ) -> None:
        session = Bound(connection, tenant_id)
        audit = AuditTable(session, tenant_id, _WORKER, now, self._new_id)
        for each in calendar_ids:
            await audit.record(f"push_channel.{what}", each)

    async def claimed(
        self, provider: str, channel_ids: Collection[UUID]
    ) -> list[ClaimedChannel]:
        """Return those of the channels that are the provider's, of any tenant."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_WHOSE, [list(channel_ids)])
            rows = await cursor.fetchall()
        found: list[ClaimedChannel] = []
        for tenant_id, group in groupby(rows, key=lambda row: row[0]):
            ids = [row[1] for row in group]
            found += await self._claimed_of(tenant_id, provider, ids)
        return found

    async def _claimed_of(
        self, tenant_id: UUID, provider: str, channel_ids: list[UUID]
    ) -> list[ClaimedChannel]:
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                _CLAIMED, [tenant_id, channel_ids, provider]
            )
            rows = await cursor.fetchall()
        return [
            ClaimedChannel(
                tenant_id,
                calendar_id,
                channel_id,
                self._opened(tenant_id, channel_id, sealed, wrapped).secret,
            )
            for calendar_id, channel_id, sealed, wrapped in rows
        ]

    async def lose(
        self, tenant_id: UUID, channel_ids: Collection[UUID], now: Instant
    ) -> None:
        """Note that they tell no more, or soon will not."""
        values = {
            "tenant": tenant_id,
            "ids": list(channel_ids),
            "now": to_datetime(now),
        }
        async with self._database.transaction(tenant_id) as connection:
            await connection.execute(_LOSE, values)


def _seal(keys: TenantKeys, channel_id: UUID, content: _Sealed) -> bytes:
    return keys.seal(orjson.dumps(content), "push_channels", "sealed", channel_id)
