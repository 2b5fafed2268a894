"""Renewals of tokens: one at a time for each connection, over all processes.

Whoever is first takes a lease in the connection's row, asks the provider without a
transaction, and stores what it answered before anybody uses it. The others wait for the
row to change. A lease that its taker did not live to end runs out by itself; should it
end while its taker still asks, what is stored first is what counts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from universal_calendar.core.provider_errors import NotAuthorized, ProviderDown
from universal_calendar.services.ports.authorization import Renew, Secrets
from universal_calendar.services.ports.calendars import Access
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Database
from universal_calendar.store.sealing.account_secrets import (
    SealedAccount,
    open_account,
    seal_account,
)
from universal_calendar.store.sealing.keyring import Keyring

_PAUSE_SECONDS: Final = 0.05
_MARGIN_SECONDS: Final = 5.0

_READ: Final = """
SELECT n.sealed, k.data_key, n.renewing_until FROM connections n
JOIN tenant_keys k ON k.tenant_id = n.tenant_id AND k.version = n.key_version
WHERE n.tenant_id = %(tenant)s AND n.connection_id = %(connection)s
    AND k.data_key IS NOT NULL
FOR UPDATE OF n
"""
_LEASE: Final = """
UPDATE connections SET renewing_until = %(lease)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
_STORE: Final = """
UPDATE connections SET renewing_until = NULL, key_version = %(version)s,
    sealed = %(sealed)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
_GIVE_UP: Final = """
UPDATE connections SET renewing_until = NULL
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
    AND renewing_until = %(lease)s
"""


@dataclass(frozen=True, slots=True)
class _Stored:
    account: SealedAccount = field(repr=False)
    lease: datetime | None
    """Of this very renewal; None where somebody else is at it, or nobody need be."""


class RenewalTable:
    """The port `Renewals` on PostgreSQL."""

    def __init__(
        self, database: Database, keyring: Keyring, now: Callable[[], datetime]
    ) -> None:
        """Take the clock that leases end by."""
        self._database, self._keyring, self._now = database, keyring, now

    async def renewed(
        self, access: Access, used: Secrets, renew: Renew, *, seconds: float
    ) -> Secrets:
        """Return secrets newer than those that were used."""
        try:
            async with asyncio.timeout(seconds):
                stored = await self._leased(access, used, seconds)
                while stored.lease is None and stored.account.secrets == used:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    stored = await self._leased(access, used, seconds)
        except TimeoutError:
            raise ProviderDown from None
        if stored.lease is None:
            return stored.account.secrets
        return await self._renewed(access, stored.account, stored.lease, renew)

    async def _leased(self, access: Access, used: Secrets, seconds: float) -> _Stored:
        """Read the account, and take the lease where it is free and needed."""
        now = self._now()
        values = _values(access)
        async with self._database.transaction(access.tenant_id) as connection:
            account, until = await self._read(connection, access)
            is_taken = until is not None and until > now
            if is_taken or account.secrets != used:
                return _Stored(account, None)
            lease = now + timedelta(seconds=seconds + _MARGIN_SECONDS)
            await connection.execute(_LEASE, values | {"lease": lease})
            return _Stored(account, lease)

    async def _read(
        self, connection: Connection, access: Access
    ) -> tuple[SealedAccount, datetime | None]:
        cursor = await connection.execute(_READ, _values(access))
        row = await cursor.fetchone()
        if row is None:
            raise NotAuthorized
        sealed, wrapped, until = row
        data_key = self._keyring.data_key(access.tenant_id, wrapped)
        place = access.tenant_id, access.connection_id
        return open_account(data_key, *place, sealed), until

    async def _renewed(
        self, access: Access, account: SealedAccount, lease: datetime, renew: Renew
    ) -> Secrets:
        try:
            secrets = await renew(account.secrets)
        except NotAuthorized:
            await self._give_up(access, lease)
            return await self._newer(access, account)
        except BaseException:
            await self._give_up(access, lease)
            raise
        return await self._store(access, account, secrets)

    async def _newer(self, access: Access, account: SealedAccount) -> Secrets:
        """Return what was stored meanwhile; raise NotAuthorized if nothing was."""
        async with self._database.transaction(access.tenant_id) as connection:
            stored, _ = await self._read(connection, access)
        if stored.secrets == account.secrets:
            raise NotAuthorized
        return stored.secrets

    async def _store(
        self, access: Access, account: SealedAccount, secrets: Secrets
    ) -> Secrets:
        """Store new secrets, unless the old ones were replaced; return what is stored.

        Its owner may have connected again meanwhile.
        """
        async with self._database.transaction(access.tenant_id) as connection:
            stored, _ = await self._read(connection, access)
            if stored.secrets != account.secrets:
                return stored.secrets
            keys = await read_tenant_keys(connection, self._keyring, access.tenant_id)
            renewed = SealedAccount(stored.account, secrets)
            sealed = {
                "version": keys.version,
                "sealed": seal_account(keys, access.connection_id, renewed),
            }
            await connection.execute(_STORE, _values(access) | sealed)
        return secrets

    async def _give_up(self, access: Access, lease: datetime) -> None:
        async with self._database.transaction(access.tenant_id) as connection:
            await connection.execute(_GIVE_UP, _values(access) | {"lease": lease})


def _values(access: Access) -> dict[str, object]:
    return {"tenant": access.tenant_id, "connection": access.connection_id}
