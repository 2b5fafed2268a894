"""Authorisation: how an owner lets us into an account, and how tokens are renewed.

OAuth 2.0 with PKCE (RFC 6749, RFC 7636); the secrets of an account are a mapping of
names to texts that only its provider's adapter reads.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from universal_calendar.core.errors import InvalidField
from universal_calendar.services.ports.calendars import Access

Secrets: TypeAlias = Mapping[str, str]
Renew: TypeAlias = Callable[[Secrets], Awaitable[Secrets]]
"""Asks the provider for new tokens; takes and returns all secrets of the account."""


class GrantRefused(InvalidField):
    """The provider does not accept the code, or too little was granted."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the owner's browser takes to the provider; `challenge` is S256."""

    state: str = field(repr=False)
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What the owner's browser brought back."""

    code: str = field(repr=False)
    redirect_uri: str
    verifier: str = field(repr=False)


@runtime_checkable
class AuthorizingProvider(Protocol):
    """Lets owners connect accounts by OAuth."""

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the owner's browser is to go."""

    async def redeem(self, grant: Grant, *, seconds: float) -> Secrets:
        """Exchange a code for what opens the account.

        Raises GrantRefused, also where the owner unticked a scope that we need, and the
        errors of every call.
        """

    async def renew(self, secrets: Secrets, *, seconds: float) -> Secrets:
        """Return secrets with new tokens; what renewed them may serve no more.

        For accounts that are not connected yet: of all others Renewals keeps the tokens
        fresh. Raises NotAuthorized where nothing can renew them, and the errors of
        every call.
        """

    async def revoke(self, access: Access, *, seconds: float) -> None:
        """Give the authorisation back, as far as the provider has a way to.

        One that is gone already is no error.
        """


class Renewals(Protocol):
    """Keeps an account's tokens fresh: one renewal at a time, over all processes."""

    async def renewed(
        self, access: Access, used: Secrets, renew: Renew, *, seconds: float
    ) -> Secrets:
        """Return secrets newer than those that were used, renewed by whoever is first.

        The new ones are stored before anybody gets them. Raises what `renew` raises,
        NotAuthorized for a connection that was removed, and ProviderDown when somebody
        else's renewal takes too long.
        """
