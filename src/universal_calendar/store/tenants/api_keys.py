"""API keys: only their keyed hash is stored."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.errors import UniqueViolation

from universal_calendar.core.errors import (
    AlreadyExists,
    KeyNotFound,
    Unauthorized,
)
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.api_keys import ApiKey
from universal_calendar.store.database import Row, Session
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.store.sealing.keyring import Keyring

_LET_IN: Final = """
INSERT INTO api_key_directory (key_hash, tenant_id, key_id, agent_ids, ends_at)
VALUES (%(key_hash)s, %(tenant_id)s, %(key_id)s, %(agent_ids)s, %(expires_at)s)
"""
_ADD: Final = """
INSERT INTO api_keys (tenant_id, key_id, label, created_at, expires_at,
    is_from_environment)
VALUES (%(tenant_id)s, %(key_id)s, %(label)s, %(created_at)s, %(expires_at)s,
    %(is_from_environment)s)
"""
_LIST: Final = """
SELECT tenant_id, key_id, label, agent_ids, created_at, expires_at, revoked_at,
    last_used_at, is_from_environment
FROM api_keys JOIN api_key_directory USING (tenant_id, key_id)
WHERE tenant_id = %s ORDER BY created_at, key_id
"""
_END: Final = """
UPDATE api_keys SET revoked_at = least(revoked_at, %(revoked_at)s),
    expires_at = least(expires_at, %(expires_at)s)
WHERE tenant_id = %(tenant_id)s AND key_id = %(key_id)s
"""
_SHUT_OUT: Final = """
UPDATE api_key_directory SET ends_at = least(ends_at, %(expires_at)s)
WHERE tenant_id = %(tenant_id)s AND key_id = %(key_id)s
"""
_REINSTATE: Final = """
WITH reinstated AS (
    UPDATE api_keys SET revoked_at = NULL, expires_at = NULL
    WHERE tenant_id = %(tenant_id)s AND key_id = %(key_id)s AND is_from_environment
        AND revoked_at IS NOT NULL
    RETURNING tenant_id, key_id
)
UPDATE api_key_directory d SET ends_at = NULL FROM reinstated r
WHERE d.tenant_id = r.tenant_id AND d.key_id = r.key_id
"""


class ApiKeyTable:
    """The port `ApiKeyStore` on PostgreSQL."""

    def __init__(self, database: Session, keyring: Keyring, limit: RateLimit) -> None:
        """Take what hashes keys, and the rate limit of each."""
        self._database, self._keyring, self._limit = database, keyring, limit

    async def admit(self, secret: str, now: Instant) -> None:
        """Count a request by this key; raise Unauthorized or RateLimited."""
        (outcome,) = await self._database.call(
            "SELECT outcome FROM admit_key(%s, %s, %s, %s)",
            [
                self._keyring.hash_api_key(secret),
                to_datetime(now),
                self._limit.cost,
                self._limit.window,
            ],
        )
        if outcome == "unauthorized":
            raise Unauthorized
        if outcome == "limited":
            raise self._limit.exceeded()

    async def add(self, key: ApiKey, secret: str) -> None:
        """Add a key; raise AlreadyExists if the very secret is in use."""
        values = asdict(key) | {
            "key_hash": self._keyring.hash_api_key(secret),
            "agent_ids": None if key.agent_ids is None else list(key.agent_ids),
        }
        try:
            async with self._database.transaction(key.tenant_id) as connection:
                await connection.execute(_LET_IN, values)
                await connection.execute(_ADD, values)
        except UniqueViolation:
            raise AlreadyExists("This API key is in use already") from None

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ApiKey]:
        """Return the tenant's keys, oldest first, revoked ones included."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_LIST, [tenant_id])
            rows = await cursor.fetchall()
        return [_api_key(row) for row in rows]

    async def end(
        self, tenant_id: UUID, key_id: UUID, *, at: datetime, now: datetime
    ) -> None:
        """Revoke a key if `at` is now, else let it expire at `at` at the latest.

        Raises KeyNotFound.
        """
        parameters = {
            "tenant_id": tenant_id,
            "key_id": key_id,
            "revoked_at": now if at <= now else None,
            "expires_at": at,
        }
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_END, parameters)
            await connection.execute(_SHUT_OUT, parameters)
        if cursor.rowcount == 0:
            raise KeyNotFound

    async def with_secret(self, secret: str) -> UUID | None:
        """Return the id of the key with this secret, revoked or not."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT key_id FROM api_key_directory WHERE key_hash = %s",
                [self._keyring.hash_api_key(secret)],
            )
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def reinstate(self, tenant_id: UUID, key_id: UUID) -> None:
        """Let the environment's key work again; any other key stays as it is."""
        async with self._database.transaction(tenant_id) as connection:
            await connection.execute(
                _REINSTATE, {"tenant_id": tenant_id, "key_id": key_id}
            )


def _api_key(row: Row) -> ApiKey:
    tenant_id, key_id, label, agent_ids, *rest = row
    scope = None if agent_ids is None else tuple(agent_ids)
    return ApiKey(tenant_id, key_id, label, scope, *rest)
