"""Encryption at rest: what belongs to a person is unreadable without the tenant's key.

Three layers. Master keys come from the settings and wrap everything else. Each tenant
has random data keys, by version, and an index key; the installation has one hashing
key. Only wrapped keys are stored, so rotating the master keys re-wraps and re-encrypts
nothing, and destroying a tenant's wrapped keys leaves nothing of it readable.

AES-256-GCM throughout, the nonce in front. The place a value belongs to (tenant,
table, column, row) is authenticated with it: a value copied elsewhere does not open.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from universal_calendar.core.errors import InvalidField, UniversalCalendarError

_NONCE_BYTES = 12
KEY_BYTES = 32


class CannotDecrypt(UniversalCalendarError):
    """No master key in MASTER_KEYS opens a stored key; add the one it was made with."""


class Unreadable(UniversalCalendarError):
    """A stored value does not open with its key."""

    def __init__(self, place: str) -> None:
        """Name the place; it holds ids only."""
        super().__init__(f"{place} does not open with its key")


def new_key() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(KEY_BYTES)


def key_text(key: bytes) -> str:
    """Write a key as MASTER_KEYS holds it: URL-safe Base64."""
    return urlsafe_b64encode(key).decode()


def encrypt(key: bytes, plain: bytes, place: str) -> bytes:
    """Return nonce and ciphertext, bound to the place."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, plain, place.encode())


def decrypt(key: bytes, sealed: bytes, place: str) -> bytes:
    """Return the plain bytes; raise InvalidTag for another key or place."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return _cipher(key).decrypt(nonce, ciphertext, place.encode())


def reopened(key: bytes, sealed: bytes, place: str) -> bytes:
    """Return the plain bytes of a stored value; raise Unreadable."""
    try:
        return decrypt(key, sealed, place)
    except (InvalidTag, ValueError):  # ValueError: it is cut short
        raise Unreadable(place) from None


@lru_cache(maxsize=4096)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The keys that wrap all others: the first wraps, every one unwraps."""

    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "MasterKeys":
        """Read Base64 keys, current first; raise InvalidField for any that is not."""
        try:
            keys = tuple(urlsafe_b64decode(text) for text in texts)
        except ValueError:
            keys = ()
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            mend = "use 32 bytes in URL-safe Base64, comma-separated, current first"
            raise InvalidField("MASTER_KEYS", mend)
        return cls(keys)

    def wrap(self, key: bytes, place: str) -> bytes:
        """Encrypt a key under the current master key."""
        return encrypt(self.keys[0], key, place)

    def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Decrypt a key; raise CannotDecrypt if no master key fits."""
        return _unwrap(self.keys, wrapped, place)

    def rewrapped(self, wrapped: bytes, place: str) -> bytes | None:
        """Return a key wrapped by the current master key, None where it is already.

        Raises CannotDecrypt.
        """
        try:
            decrypt(self.keys[0], wrapped, place)
        except InvalidTag:
            return self.wrap(self.unwrap(wrapped, place), place)
        return None


@lru_cache(maxsize=4096)
def _unwrap(keys: tuple[bytes, ...], wrapped: bytes, place: str) -> bytes:
    for key in keys:
        try:
            return decrypt(key, wrapped, place)
        except InvalidTag:
            continue
    raise CannotDecrypt


def forget_keys() -> None:
    """Drop the unwrapped keys that this process remembers."""
    _unwrap.cache_clear()
    _cipher.cache_clear()


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """A tenant's unwrapped keys: the current data key, its version, the index key."""

    tenant_id: UUID
    version: int
    data: bytes = field(repr=False)
    index: bytes = field(repr=False)

    def seal(self, plain: bytes, table: str, column: str, row: object) -> bytes:
        """Encrypt a value for its place."""
        place = place_of(self.tenant_id, table, column, row)
        return encrypt(self.data, plain, place)

    def blind_index(self, kind: str, value: str) -> bytes:
        """Return the keyed hash by which an encrypted value is found again."""
        return keyed_hash(self.index, f"{kind}\0{value}".encode())


def place_of(tenant_id: UUID, table: str, column: str, row: object) -> str:
    """Name a value's place, which its ciphertext is bound to."""
    return f"{tenant_id}/{table}/{column}/{row}"


def keyed_hash(key: bytes, value: bytes) -> bytes:
    """Return HMAC-SHA-256; fast on purpose: what is hashed is random or keyed."""
    return hmac.digest(key, value, hashlib.sha256)
