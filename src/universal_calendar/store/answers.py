"""The first answer to each idempotent request, encrypted, for every retry."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.answers import Answer, Replay, StoredAnswer
from universal_calendar.store.database import Connection, Session
from universal_calendar.store.sealing.encryption import TenantKeys, decrypt, place_of
from universal_calendar.store.sealing.keyring import Keyring

_PLACE: Final = ("idempotency_keys", "sealed")
_CLAIM: Final = """
INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status, key_version,
    sealed, created_at)
VALUES (%(tenant)s, %(route)s, %(key)s, %(fingerprint)s, 0, 0, '', %(now)s)
ON CONFLICT DO NOTHING
"""
_RELEASE: Final = """
DELETE FROM idempotency_keys
WHERE tenant_id = %(tenant)s AND route = %(route)s AND key = %(key)s AND status = 0
"""
_READ: Final = """
SELECT i.fingerprint, i.status, i.sealed, k.data_key, i.provisional_until
FROM idempotency_keys i
JOIN tenant_keys k ON k.tenant_id = i.tenant_id AND k.version = i.key_version
WHERE i.tenant_id = %(tenant)s AND i.route = %(route)s AND i.key = %(key)s
"""
_KEEP: Final = """
UPDATE idempotency_keys SET status = %(status)s, key_version = %(version)s,
    sealed = %(sealed)s, provisional_until = NULL
WHERE tenant_id = %(tenant)s AND route = %(route)s AND key = %(key)s
    AND (status = 0 OR provisional_until IS NOT NULL)
"""


class AnswerTable:
    """The port `AnswerStore` on PostgreSQL, for one tenant."""

    def __init__(
        self, session: Session, keyring: Keyring, tenant_id: UUID, now: Instant
    ) -> None:
        """Take whose answers these are."""
        self._session, self._keyring = session, keyring
        self._tenant_id, self._now = tenant_id, now

    async def claim(self, replay: Replay) -> StoredAnswer | None:
        """Return the answer there is, else claim the key until the unit ends.

        A concurrent twin waits here for the first one's end.
        """
        return None if await self.reserve(replay) else await self.read(replay)

    async def reserve(self, replay: Replay) -> bool:
        """Claim the key beyond the unit's end; False where somebody has it already."""
        values = self._values(replay) | {"now": to_datetime(self._now)}
        async with self._session.transaction(self._tenant_id) as connection:
            cursor = await connection.execute(_CLAIM, values)
            return bool(cursor.rowcount)

    async def release(self, replay: Replay) -> None:
        """Give a key back that was reserved, unless there is an answer by now."""
        async with self._session.transaction(self._tenant_id) as connection:
            await connection.execute(_RELEASE, self._values(replay))

    async def read(self, replay: Replay) -> StoredAnswer | None:
        """Return the answer under the key, final or not."""
        async with self._session.transaction(self._tenant_id) as connection:
            cursor = await connection.execute(_READ, self._values(replay))
            row = await cursor.fetchone()
        if row is None:
            return None
        stored = StoredRow._make(row)
        return stored_answer(self._keyring, self._tenant_id, replay, stored)

    async def keep(self, replay: Replay, answer: Answer) -> Answer:
        """Keep the answer as the final one, unless there is one; return which it is."""
        async with self._session.transaction(self._tenant_id) as connection:
            keys = await read_tenant_keys(connection, self._keyring, self._tenant_id)
            values = self._values(replay) | {
                "status": answer.status,
                "version": keys.version,
                "sealed": sealed_answer(keys, replay, answer),
            }
            cursor = await connection.execute(_KEEP, values)
            if cursor.rowcount:
                return answer
        first = await self.read(replay)
        return answer if first is None else first.answer

    def _values(self, replay: Replay) -> dict[str, object]:
        return {
            "tenant": self._tenant_id,
            "route": replay.route,
            "key": replay.idempotency_key,
            "fingerprint": self._keyring.fingerprint(replay.request),
        }


async def read_tenant_keys(
    connection: Connection, keyring: Keyring, tenant_id: UUID
) -> TenantKeys:
    """Return the tenant's current keys; raise TenantNotFound if they are destroyed."""
    cursor = await connection.execute(
        "SELECT version, data_key, index_key FROM tenant_keys WHERE tenant_id = %s"
        " ORDER BY version DESC LIMIT 1",
        [tenant_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise TenantNotFound
    return keyring.tenant_keys(tenant_id, *row)


class StoredRow(NamedTuple):
    """An idempotency key's row, with the data key that its answer was sealed with."""

    fingerprint: bytes
    status: int
    sealed: bytes
    data_key: bytes
    provisional_until: datetime | None


def stored_answer(
    keyring: Keyring, tenant_id: UUID, replay: Replay, row: StoredRow
) -> StoredAnswer:
    """Decrypt a stored answer and compare the requests."""
    place = place_of(tenant_id, *_PLACE, _row(replay))
    body = decrypt(keyring.data_key(tenant_id, row.data_key), row.sealed, place)
    until = row.provisional_until
    return StoredAnswer(
        Answer(row.status, body),
        row.fingerprint == keyring.fingerprint(replay.request),
        None if until is None else from_datetime(until),
    )


def sealed_answer(keys: TenantKeys, replay: Replay, answer: Answer) -> bytes:
    """Encrypt an answer for its row."""
    return keys.seal(answer.body, *_PLACE, _row(replay))


def _row(replay: Replay) -> str:
    return f"{replay.route}/{replay.idempotency_key}"
