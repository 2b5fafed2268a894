"""Accounts on their way to becoming connections, and how they may be connected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.authorization import (
    AuthorizingProvider,
    Secrets,
)
from universal_calendar.services.ports.calendars import (
    CalendarProvider,
    ProviderAccount,
)
from universal_calendar.services.ports.identity import Actor


class StateUnusable(InvalidField):
    """The state is unknown, used, expired, or somebody else's."""

    def __init__(self) -> None:
        """Say nothing about which it is."""
        super().__init__("state", "is unknown, used or expired; connect again")


class CredentialField(Protocol):
    """A field of the set-up page; `hint` tells its owner where to find it."""

    @property
    def name(self) -> str:
        """Return its name on the wire."""

    @property
    def label(self) -> str:
        """Return what people call it."""

    @property
    def hint(self) -> str:
        """Return where its owner finds it; empty where that is plain."""

    @property
    def is_secret(self) -> bool:
        """Tell whether nobody may look on while it is typed."""

    @property
    def is_optional(self) -> bool:
        """Tell whether it may be left out."""


@dataclass(frozen=True, slots=True)
class Connectable:
    """A provider whose accounts can be connected: by OAuth, by credentials, or both."""

    slug: str
    name: str
    calendars: CalendarProvider
    authorizer: AuthorizingProvider | None
    credentials: Sequence[CredentialField] = ()


@dataclass(frozen=True, slots=True)
class PendingConnection:
    """An account that somebody began to connect; only they may finish it.

    `verifier` is PKCE's, `credentials` were given at the beginning. `secrets` open the
    account once it is redeemed; `account` is whose it is once that was asked.
    """

    tenant_id: UUID
    pending_id: UUID
    provider: str
    actor: Actor
    agent_id: UUID | None
    timezone: str | None
    expires_at: Instant
    verifier: str | None = field(default=None, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Secrets | None = field(default=None, repr=False)
    account: ProviderAccount | None = field(default=None, repr=False)

    @property
    def by_consent(self) -> bool:
        """Tell whether a consent page leads on, not credentials."""
        return self.verifier is not None


@dataclass(frozen=True, slots=True)
class Finisher:
    """Who may finish, and with which provider; None: whoever brings the secret."""

    provider: str
    actor: Actor


class PendingConnectionStore(Protocol):
    """Keeps accounts on their way, each under a secret of which only a hash stays."""

    async def add(self, pending: PendingConnection, secret: str, now: Instant) -> None:
        """Keep it under the secret, and forget the tenant's that have expired."""

    async def peek(
        self, tenant_id: UUID, pending_id: UUID, secret: str, now: Instant
    ) -> PendingConnection:
        """Return it and leave it; raise StateUnusable."""

    async def take(
        self,
        tenant_id: UUID,
        pending_id: UUID,
        secret: str,
        now: Instant,
        finisher: Finisher | None = None,
    ) -> PendingConnection:
        """Return it to one caller alone, however many ask; raise StateUnusable."""
