"""Accounts on their way to becoming connections, with what opens them sealed."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.calendars import (
    ProviderAccount,
    ProviderCalendar,
)
from universal_calendar.services.ports.connecting import (
    Finisher,
    PendingConnection,
    StateUnusable,
)
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Row, Session
from universal_calendar.store.sealing.encryption import place_of, reopened
from universal_calendar.store.sealing.keyring import Keyring

Values = dict[str, object]

_PLACE: Final = ("pending_connections", "sealed")
_FORGET: Final = """
DELETE FROM pending_connections WHERE tenant_id = %(tenant)s AND expires_at <= %(now)s
"""
_ADD: Final = """
INSERT INTO pending_connections (tenant_id, pending_id, secret_hash, provider,
    actor_kind, actor_id, agent_id, timezone, expires_at, key_version, sealed)
VALUES (%(tenant)s, %(pending)s, %(secret_hash)s, %(provider)s, %(actor_kind)s,
    %(actor_id)s, %(agent)s, %(timezone)s, %(expires_at)s, %(version)s, %(sealed)s)
"""
_OPENABLE: Final = """
p.tenant_id = %(tenant)s AND p.pending_id = %(pending)s
    AND p.secret_hash = %(secret_hash)s AND p.expires_at > %(now)s
    AND (%(provider)s::text IS NULL OR p.provider = %(provider)s)
    AND (%(actor_id)s::text IS NULL
        OR (p.actor_kind, p.actor_id) = (%(actor_kind)s, %(actor_id)s))
    AND k.tenant_id = p.tenant_id AND k.version = p.key_version
    AND k.data_key IS NOT NULL
"""
_COLUMNS: Final = """
p.provider, p.actor_kind, p.actor_id, p.agent_id, p.timezone, p.expires_at, p.sealed,
    k.data_key
"""
_PEEK: Final = (
    f"SELECT {_COLUMNS} FROM pending_connections p, tenant_keys k"  # noqa: S608 - constants
    f" WHERE {_OPENABLE}"
)
# One statement: of many who bring the same state, one gets the row.
_TAKE: Final = (
    "DELETE FROM pending_connections p USING tenant_keys k"  # noqa: S608 - constants
    f" WHERE {_OPENABLE} RETURNING {_COLUMNS}"
)


class PendingConnectionTable:
    """The port `PendingConnectionStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what seals, and what hashes secrets."""
        self._session, self._keyring = session, keyring

    async def add(self, pending: PendingConnection, secret: str, now: Instant) -> None:
        """Keep it under the secret, and forget the tenant's that have expired."""
        async with self._session.transaction(pending.tenant_id) as connection:
            keys = await read_tenant_keys(connection, self._keyring, pending.tenant_id)
            values: Values = {
                "tenant": pending.tenant_id,
                "pending": pending.pending_id,
                "secret_hash": self._hash(secret),
                "provider": pending.provider,
                "actor_kind": pending.actor.kind,
                "actor_id": pending.actor.actor_id,
                "agent": pending.agent_id,
                "timezone": pending.timezone,
                "expires_at": to_datetime(pending.expires_at),
                "version": keys.version,
                "sealed": keys.seal(_plain(pending), *_PLACE, pending.pending_id),
                "now": to_datetime(now),
            }
            await connection.execute(_FORGET, values)
            await connection.execute(_ADD, values)

    async def peek(
        self, tenant_id: UUID, pending_id: UUID, secret: str, now: Instant
    ) -> PendingConnection:
        """Return it and leave it; raise StateUnusable."""
        values = self._values(tenant_id, pending_id, secret, now)
        return await self._one(_PEEK, tenant_id, pending_id, values)

    async def take(
        self,
        tenant_id: UUID,
        pending_id: UUID,
        secret: str,
        now: Instant,
        finisher: Finisher | None = None,
    ) -> PendingConnection:
        """Return it to one caller alone, however many ask; raise StateUnusable."""
        values = self._values(tenant_id, pending_id, secret, now)
        if finisher is not None:
            values |= {
                "provider": finisher.provider,
                "actor_kind": finisher.actor.kind,
                "actor_id": finisher.actor.actor_id,
            }
        return await self._one(_TAKE, tenant_id, pending_id, values)

    def _values(
        self, tenant_id: UUID, pending_id: UUID, secret: str, now: Instant
    ) -> Values:
        return {
            "tenant": tenant_id,
            "pending": pending_id,
            "secret_hash": self._hash(secret),
            "now": to_datetime(now),
            **dict.fromkeys(("provider", "actor_kind", "actor_id")),
        }

    def _hash(self, secret: str) -> bytes:
        return self._keyring.fingerprint(f"pending-connection\0{secret}".encode())

    async def _one(
        self, statement: str, tenant_id: UUID, pending_id: UUID, values: Values
    ) -> PendingConnection:
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(statement.encode(), values)
            row = await cursor.fetchone()
        if row is None:
            raise StateUnusable
        return self._opened(tenant_id, pending_id, row)

    def _opened(self, tenant_id: UUID, pending_id: UUID, row: Row) -> PendingConnection:
        provider, kind, actor_id, agent_id, timezone, expires_at, sealed, wrapped = row
        data_key = self._keyring.data_key(tenant_id, wrapped)
        place = place_of(tenant_id, *_PLACE, pending_id)
        plain = orjson.loads(reopened(data_key, sealed, place))
        return PendingConnection(
            tenant_id,
            pending_id,
            provider,
            Actor(ActorKind(kind), actor_id),
            agent_id,
            timezone,
            from_datetime(expires_at),
            plain["verifier"],
            plain["credentials"],
            plain["secrets"],
            _account(plain["account"]),
        )


def _plain(pending: PendingConnection) -> bytes:
    return orjson.dumps(
        {
            "verifier": pending.verifier,
            "credentials": dict(pending.credentials),
            "secrets": None if pending.secrets is None else dict(pending.secrets),
            "account": pending.account,
        }
    )


def _account(plain: Mapping[str, Any] | None) -> ProviderAccount | None:
    if plain is None:
        return None
    calendars = [ProviderCalendar(**each) for each in plain["calendars"]]
    return ProviderAccount(plain["account"], calendars, plain["timezone"])
