"""Where keys are kept: wrapped in the database, opened by the master keys."""

from uuid import UUID

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.store.database import Connection, Database
from universal_calendar.store.sealing.encryption import (
    MasterKeys,
    TenantKeys,
    keyed_hash,
    new_key,
    place_of,
)

_HASHING = "hashing"


class Keyring:
    """The installation's hashing key, and the way to each tenant's keys."""

    def __init__(self, master: MasterKeys, hashing: bytes) -> None:
        """Take the unwrapped hashing key; `open_keyring` reads it."""
        self._master = master
        self._hashing = hashing

    def hash_api_key(self, api_key: str) -> bytes:
        """Return the hash under which an API key is stored."""
        return self.fingerprint(b"api-key\0" + api_key.encode())

    def fingerprint(self, value: bytes) -> bytes:
        """Return a hash that no one without the installation's key can compute."""
        return keyed_hash(self._hashing, value)

    def tenant_keys(
        self, tenant_id: UUID, version: int, data: bytes | None, index: bytes | None
    ) -> TenantKeys:
        """Unwrap a tenant's keys, as stored; raise TenantNotFound if destroyed."""
        return TenantKeys(
            tenant_id,
            version,
            self.data_key(tenant_id, data),
            self._unwrapped(tenant_id, "index_key", index),
        )

    def data_key(self, tenant_id: UUID, wrapped: bytes | None) -> bytes:
        """Unwrap a tenant's data key; raise TenantNotFound if destroyed."""
        return self._unwrapped(tenant_id, "data_key", wrapped)

    def _unwrapped(self, tenant_id: UUID, column: str, wrapped: bytes | None) -> bytes:
        if wrapped is None:
            raise TenantNotFound
        return self._master.unwrap(wrapped, _place(tenant_id, column))

    def new_data_key(self, tenant_id: UUID) -> bytes:
        """Make a data key for a tenant, wrapped."""
        return self._master.wrap(new_key(), _place(tenant_id, "data_key"))

    def rewrapped(self, tenant_id: UUID, column: str, wrapped: bytes) -> bytes | None:
        """Return a tenant's key under the current master key, None where it is so."""
        return self._master.rewrapped(wrapped, _place(tenant_id, column))

    def rewrapped_for_installation(self, purpose: str, wrapped: bytes) -> bytes | None:
        """Return a key of the installation likewise."""
        return self._master.rewrapped(wrapped, purpose)

    async def give_keys(self, connection: Connection, tenant_id: UUID) -> None:
        """Make a new tenant's keys, in the transaction that makes the tenant."""
        data, index = (
            self._master.wrap(new_key(), _place(tenant_id, column))
            for column in ("data_key", "index_key")
        )
        await connection.execute(
            "INSERT INTO tenant_keys VALUES (%s, 1, %s, %s)", [tenant_id, data, index]
        )


def _place(tenant_id: UUID, column: str) -> str:
    return place_of(tenant_id, "tenant_keys", column, "")


async def open_keyring(database: Database, master: MasterKeys) -> Keyring:
    """Read the hashing key, which the very first start makes.

    Raises CannotDecrypt if the master keys are not this installation's.
    """
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO installation_keys VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [_HASHING, master.wrap(new_key(), _HASHING)],
        )
    (wrapped,) = await database.call(
        "SELECT wrapped FROM installation_keys WHERE purpose = %s", [_HASHING]
    )
    return Keyring(master, master.unwrap(wrapped, _HASHING))
