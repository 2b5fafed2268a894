"""The secrets that sign webhooks, sealed into one column of their endpoint's row."""

from typing import Final
from uuid import UUID

import orjson

from universal_calendar.services.ports.notices import WebhookTarget
from universal_calendar.store.sealing.encryption import TenantKeys, decrypt, place_of

_PLACE: Final = ("webhook_endpoints", "sealed")


def seal_secrets(keys: TenantKeys, endpoint_id: UUID, secrets: list[str]) -> bytes:
    """Encrypt an endpoint's secrets, the current one first."""
    return keys.seal(orjson.dumps(secrets), *_PLACE, endpoint_id)


def open_secrets(
    data_key: bytes, tenant_id: UUID, endpoint_id: UUID, sealed: bytes
) -> list[str]:
    """Decrypt an endpoint's secrets."""
    place = place_of(tenant_id, *_PLACE, endpoint_id)
    secrets: list[str] = orjson.loads(decrypt(data_key, sealed, place))
    return secrets


def open_target(
    data_key: bytes, endpoint: tuple[UUID, UUID], url: str, sealed: bytes, count: int
) -> WebhookTarget:
    """Return where to send and the first `count` secrets to sign with.

    `endpoint` is a tenant's id and an endpoint's.
    """
    return WebhookTarget(url, tuple(open_secrets(data_key, *endpoint, sealed)[:count]))
