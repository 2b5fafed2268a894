"""Who asks: a user by a JWT, or a sister service by a service key.

A user's token is `Authorization: Bearer …`; a service's key is `X-Service-Key`. Both
open every endpoint; where both are sent, the service key is judged.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from universal_calendar.core.errors import Unauthorized
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import ActorKind, Principal, Role

_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Authentication:
    """Judges credentials."""

    service_keys: Sequence[str] = field(repr=False)
    """All that are valid at once, so that they can be rotated."""
    verify_token: Callable[[str, Instant], Awaitable[Principal]]
    """Raises Unauthorized; a user without a tenant is Forbidden."""
    admit: Callable[[str, Principal | None, Instant], Awaitable[None]]
    """Counts a request of this credential; raises RateLimited."""

    async def __call__(self, request: Request, now: Instant) -> Principal:
        """Return whom the request's credential stands for.

        Raises Unauthorized, Forbidden and RateLimited.
        """
        key = request.headers.get("x-service-key")
        if key:
            return self._service(key)
        header = request.headers.get("authorization", "")
        if not header.lower().startswith(_BEARER):
            raise Unauthorized("Send Authorization: Bearer <token> or X-Service-Key")
        return await self.verify_token(header[len(_BEARER) :].strip(), now)

    def _service(self, key: str) -> Principal:
        digest = hashlib.sha256(key.encode()).digest()
        known = [hashlib.sha256(each.encode()).digest() for each in self.service_keys]
        if not any(hmac.compare_digest(digest, each) for each in known):
            raise Unauthorized("Invalid service key")
        return Principal(ActorKind.SERVICE, "service", None, Role.OWNER)
