"""Who asks: a user by a JWT, or a sister service by a service key.

A user's token is `Authorization: Bearer …`; a service's key is `X-Service-Key`. Both
open every endpoint. Where both are sent, the service key alone is judged: a wrong one
is 401 whatever the token says. API keys of the agent API open nothing here.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from universal_calendar.core.errors import Forbidden, Unauthorized
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import (
    ActorKind,
    Allowance,
    Principal,
    Role,
)
from universal_calendar.services.ports.platform import (
    PlatformFailed,
    TokenValidator,
    ValidatedUser,
)
from universal_calendar.web.errors import AuthenticationUnavailable
from universal_calendar.web.rate_limit_headers import note_allowance
from universal_calendar.web.tenant_api.tokens import InvalidToken, Tokens

_BEARER: Final = "bearer "

Limit = Callable[[str, Instant], Awaitable[Allowance]]
"""Counts a request of whoever is named; raises RateLimited."""


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A service key as it is compared, and the name it goes by in logs and audit."""

    name: str
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, key: str, name: str) -> "ServiceKey":
        """Take a key; only its hash is kept."""
        return cls(name, hashlib.sha256(key.encode()).digest())

    def is_key(self, key: str) -> bool:
        """Compare, in a time that tells nothing."""
        digest = hashlib.sha256(key.encode()).digest()
        return hmac.compare_digest(digest, self.digest)


@dataclass(frozen=True, slots=True)
class Limits:
    """How often may be asked; None: as often as they like."""

    callers: Limit
    """Of users, and of addresses without a credential."""
    services: Limit | None


@dataclass(frozen=True, slots=True)
class Authentication:
    """Judges credentials, and counts the requests of each."""

    service_keys: Sequence[ServiceKey]
    """All that are valid at once, so that they can be rotated."""
    tokens: Tokens
    validator: TokenValidator | None
    """Asked about every good token; while it is silent nobody gets in."""
    limits: Limits
    address: Callable[[Request], str]

    async def __call__(self, request: Request, now: Instant) -> Principal:
        """Return whom the request's credential stands for.

        Raises Unauthorized, Forbidden for a user without a tenant, RateLimited, and
        AuthenticationUnavailable.
        """
        key = request.headers.get("x-service-key")
        if key:
            return await self._service(request, key, now)
        token = _bearer(request)
        if token is not None:
            return await self._user(request, token, now)
        who = f"anonymous\0{self.address(request)}"
        await _count(request, "anonymous", self.limits.callers, who, now)
        raise Unauthorized("Send Authorization: Bearer <token> or X-Service-Key")

    async def _service(self, request: Request, key: str, now: Instant) -> Principal:
        # All are compared, so that the time does not tell which one it was.
        known = [each for each in self.service_keys if each.is_key(key)]
        if not known:
            raise Unauthorized("Invalid service key")
        name = known[0].name
        if self.limits.services is not None:
            await _count(request, "service-key", self.limits.services, name, now)
        return Principal(ActorKind.SERVICE, name, None, Role.OWNER)

    async def _user(self, request: Request, token: str, now: Instant) -> Principal:
        user = await self.tokens.verify(token, now)
        who = f"user\0{user.tenant_id}\0{user.user_id}"
        await _count(request, "user", self.limits.callers, who, now)
        if self.validator is not None:
            user = await _confirmed(self.validator, token)
        if user.tenant_id is None:
            raise Forbidden("The user belongs to no tenant")
        return Principal(ActorKind.USER, user.user_id, user.tenant_id, user.role)


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(_BEARER):
        return None
    return header[len(_BEARER) :].strip() or None


async def _count(
    request: Request, policy: str, limit: Limit, who: str, now: Instant
) -> None:
    note_allowance(request, policy, await limit(who, now))


async def _confirmed(validator: TokenValidator, token: str) -> ValidatedUser:
    """Return the user as of now; its answer counts, not what the token says."""
    try:
        user = await validator.validate(token)
    except PlatformFailed as error:
        raise AuthenticationUnavailable from error
    if user is None:
        raise InvalidToken
    return user
