"""From a state and what a provider wants to whose account it is.

A state is consumed before the provider is asked, in a transaction of its own: of many
who bring it, one goes on. Where the provider was in trouble, or credentials did not
fit, it is put back, so that the same step can be tried again.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Throttled,
)
from universal_calendar.core.wire import parse_uuid
from universal_calendar.services.budget import PATIENCE_SECONDS
from universal_calendar.services.connections.connections import (
    not_offered,
)
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    AuthorizingProvider,
    Grant,
    GrantRefused,
    Secrets,
)
from universal_calendar.services.ports.calendars import Access, ProviderAccount
from universal_calendar.services.ports.connecting import (
    Connectable,
    Finisher,
    PendingConnection,
    StateUnusable,
)
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.services.ports.units import Units

CALLBACK: Final = "/calendar/oauth/callback"
BROWSER: Final = Actor(ActorKind.USER, "browser")
"""Whoever a browser belongs to that brings a state: nobody knows yet."""


@dataclass(frozen=True, slots=True)
class State:
    """What leads back to a pending connection, and proves that one may."""

    tenant_id: UUID
    pending_id: UUID
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "State":
        """Read a state; raise StateUnusable for what is none."""
        tenant_id, _, rest = text.partition(".")
        pending_id, _, secret = rest.partition(".")
        try:
            return cls(
                parse_uuid(tenant_id, "state"), parse_uuid(pending_id, "state"), secret
            )
        except InvalidField:
            raise StateUnusable from None

    @property
    def text(self) -> str:
        """Return it as URLs and forms carry it."""
        return f"{self.tenant_id}.{self.pending_id}.{self.secret}"


@dataclass(frozen=True, slots=True)
class Brought:
    """What opens the account: a code, or credentials by the provider's names."""

    state: State
    code: str | None = field(default=None, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Making:
    """How states are made, and where they lead; no `base_url`: nowhere yet."""

    new_id: NewId
    new_secret: Callable[[], str]
    base_url: str | None

    @property
    def public_url(self) -> str:
        """Return where browsers reach this service; raise InvalidField."""
        if self.base_url is None:
            mend = (
                "cannot be connected before PUBLIC_BASE_URL is set: where browsers"
                " reach this service, such as https://calendar.example.com"
            )
            raise InvalidField("provider", mend)
        return self.base_url

    def state(self, tenant_id: UUID, now: Instant) -> State:
        """Return a new state."""
        return State(tenant_id, self.new_id(now), self.new_secret())


@dataclass(frozen=True, slots=True)
class Redeeming:
    """Finds out whose account it is that somebody brings."""

    units: Units
    offered: Mapping[str, Connectable]
    making: Making

    def provider(self, slug: str) -> Connectable:
        """Return a provider; raise InvalidField where it is not offered."""
        try:
            return self.offered[slug]
        except KeyError:
            raise not_offered(self.offered) from None

    def consent_url(
        self, authorizer: AuthorizingProvider, state: State, verifier: str
    ) -> str:
        """Return where the owner of an account is to agree."""
        digest = sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        request = AuthorizationRequest(state.text, self._callback, challenge)
        return authorizer.authorization_url(request)

    @property
    def _callback(self) -> str:
        return f"{self.making.public_url}{CALLBACK}"

    async def redeem(
        self, brought: Brought, now: Instant, finisher: Finisher | None = None
    ) -> PendingConnection:
        """Return the pending connection with its secrets and its account.

        Raises StateUnusable, InvalidField for what opens nothing, and the provider's
        errors.
        """
        pending = await self.take(brought.state, now, finisher)
        if pending.account is not None:  # the state is a question's, not a browser's
            raise StateUnusable
        provider = self.provider(pending.provider)
        is_redeemed = pending.by_consent or pending.secrets is not None
        attempt = _Attempt(provider, pending, is_redeemed)
        try:
            secrets = await self._secrets(provider, pending, brought)
            return await attempt.opened(secrets)
        except GrantRefused:
            raise
        except (InvalidField, Throttled, ProviderDown) as error:
            await self._put_back(attempt.again_after(error), brought.state, now)
            raise

    async def take(
        self, state: State, now: Instant, finisher: Finisher | None = None
    ) -> PendingConnection:
        """Consume a state; raise StateUnusable."""
        actor = BROWSER if finisher is None else finisher.actor
        async with self.units.begin(state.tenant_id, actor, now) as unit:
            return await unit.pending_connections.take(
                state.tenant_id, state.pending_id, state.secret, now, finisher
            )

    async def _put_back(
        self, pending: PendingConnection, state: State, now: Instant
    ) -> None:
        async with self.units.begin(state.tenant_id, pending.actor, now) as unit:
            await unit.pending_connections.add(pending, state.secret, now)

    async def _secrets(
        self, provider: Connectable, pending: PendingConnection, brought: Brought
    ) -> Secrets:
        if pending.secrets is not None:  # redeemed before its account could be asked
            return pending.secrets
        if pending.verifier is None:
            given = {**pending.credentials, **brought.credentials}
            return _checked(provider, given)
        if brought.code is None or provider.authorizer is None:
            raise InvalidField("code", "is what the provider's consent page gave")
        grant = Grant(brought.code, self._callback, pending.verifier)
        return await provider.authorizer.redeem(grant, seconds=PATIENCE_SECONDS)


def _checked(provider: Connectable, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the credentials, if they are those that the provider takes."""
    known = {each.name: each for each in provider.credentials}
    if given.keys() - known.keys():
        names = ", ".join(known)
        raise InvalidField("credentials", f"{provider.slug} takes these alone: {names}")
    missing = [
        name
        for name, each in known.items()
        if not each.is_optional and not given.get(name, "").strip()
    ]
    if missing:
        raise InvalidField(f"credentials.{missing[0]}", "Field required")
    return {name: value for name, value in given.items() if value.strip()}


@dataclass(slots=True)
class _Attempt:
    """One attempt to find out whose account a pending connection's secrets open.

    `is_redeemed`: what its owner gave was exchanged for them, and is used up.
    """

    provider: Connectable
    pending: PendingConnection
    is_redeemed: bool = False

    async def opened(self, secrets: Secrets) -> PendingConnection:
        """Return it with its account; tokens that have ended are renewed first."""
        self.pending = replace(self.pending, secrets=secrets)
        try:
            return replace(self.pending, account=await self._account())
        except (Throttled, ProviderDown):
            raise
        except ProviderError:
            if self.pending.by_consent:
                raise GrantRefused("code", "opens no account; connect again") from None
            mend = "are not accepted by the provider: check each of them"
            raise InvalidField("credentials", mend) from None

    async def _account(self) -> ProviderAccount:
        try:
            return await self._asked()
        except NotAuthorized:
            if self.pending.by_consent or self.provider.authorizer is None:
                raise
            secrets = await self.provider.authorizer.renew(
                self.pending.secrets or {}, seconds=PATIENCE_SECONDS
            )
        self.pending, self.is_redeemed = replace(self.pending, secrets=secrets), True
        return await self._asked()

    async def _asked(self) -> ProviderAccount:
        pending = self.pending
        access = Access(pending.tenant_id, pending.pending_id, pending.secrets or {})
        return await self.provider.calendars.account(access, seconds=PATIENCE_SECONDS)

    def again_after(self, error: Exception) -> PendingConnection:
        """Return what is tried again: a code, or a refresh token, serves once."""
        if isinstance(error, InvalidField):
            again = replace(self.pending, credentials={})
            return again if again.by_consent else replace(again, secrets=None)
        return self.pending if self.is_redeemed else replace(self.pending, secrets=None)
