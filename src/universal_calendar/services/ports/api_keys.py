"""API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class KeyState(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; the key itself is shown once, when it is made.

    `agent_ids` None means every agent of the tenant.
    """

    tenant_id: UUID
    key_id: UUID
    label: str
    agent_ids: tuple[UUID, ...] | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    is_from_environment: bool = False

    def state(self, now: datetime) -> KeyState:
        """Tell whether it opens anything now."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        return KeyState.ACTIVE


class ApiKeyStore(Protocol):
    """Keeps API keys, hashed."""

    async def add(self, key: ApiKey, secret: str) -> None:
        """Add a key; raise AlreadyExists if the very secret is in use."""

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ApiKey]:
        """Return the tenant's keys, oldest first, revoked ones included."""

    async def end(
        self, tenant_id: UUID, key_id: UUID, *, at: datetime, now: datetime
    ) -> None:
        """Revoke a key if `at` is now, else let it expire at `at` at the latest.

        Raises KeyNotFound.
        """

    async def with_secret(self, secret: str) -> UUID | None:
        """Return the id of the key with this secret, revoked or not."""

    async def reinstate(self, tenant_id: UUID, key_id: UUID) -> None:
        """Let the environment's key work again; any other key stays as it is."""
