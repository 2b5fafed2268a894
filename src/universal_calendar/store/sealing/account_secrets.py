"""What is sealed of a connection and its calendars: credentials, names, ids there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from universal_calendar.services.ports.calendars import Access
from universal_calendar.store.sealing.encryption import TenantKeys, place_of, reopened


@dataclass(frozen=True, slots=True)
class SealedAccount:
    """An account's name at its provider, and what opens it."""

    account: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)

    def access(
        self, tenant_id: UUID, connection_id: UUID, timezone: str = "UTC"
    ) -> Access:
        """Return what adapters want."""
        return Access(tenant_id, connection_id, self.secrets, timezone)


@dataclass(frozen=True, slots=True)
class SealedCalendar:
    """A calendar as its provider knows it."""

    external_id: str = field(repr=False)
    name: str = field(repr=False)
    is_writable: bool


def seal_account(
    keys: TenantKeys, connection_id: UUID, account: SealedAccount
) -> bytes:
    """Encrypt an account for its connection's row."""
    plain = {"account": account.account, "secrets": dict(account.secrets)}
    return keys.seal(orjson.dumps(plain), "connections", "sealed", connection_id)


def open_account(
    data_key: bytes, tenant_id: UUID, connection_id: UUID, sealed: bytes
) -> SealedAccount:
    """Decrypt the account of a connection's row."""
    place = place_of(tenant_id, "connections", "sealed", connection_id)
    return SealedAccount(**orjson.loads(reopened(data_key, sealed, place)))


def account_index(keys: TenantKeys, provider: str, account: str) -> bytes:
    """Return the blind index by which an account of a provider is found again."""
    return keys.blind_index("account", f"{provider}\0{account}")


def seal_calendar(
    keys: TenantKeys, calendar_id: UUID, calendar: SealedCalendar
) -> bytes:
    """Encrypt a calendar for its row."""
    return keys.seal(orjson.dumps(calendar), "calendars", "sealed", calendar_id)


def open_calendar(
    data_key: bytes, tenant_id: UUID, calendar_id: UUID, sealed: bytes
) -> SealedCalendar:
    """Decrypt the calendar of a row."""
    place = place_of(tenant_id, "calendars", "sealed", calendar_id)
    return SealedCalendar(**orjson.loads(reopened(data_key, sealed, place)))
