"""What is left of a caller's rate limit, told as draft-ietf-httpapi-ratelimit-headers.

The agent API writes it on its own answers; the tenant API notes it on the request, and
every answer to that request carries it, refusals too.
"""

from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from universal_calendar.services.ports.identity import Allowance

_NOTE: Final = "rate_limit_headers"


def rate_limit_headers(policy: str, allowance: Allowance) -> dict[str, str]:
    """Write an allowance under the name of the policy that grants it."""
    limit, window = allowance.limit, allowance.window
    return {
        "RateLimit-Policy": f'"{policy}";q={limit};w={window:.0f}',
        "RateLimit": f'"{policy}";r={allowance.remaining};t={allowance.reset:.0f}',
    }


def note_allowance(request: Request, policy: str, allowance: Allowance) -> None:
    """Have the answer to this request tell the allowance."""
    setattr(request.state, _NOTE, rate_limit_headers(policy, allowance))


def noted_headers(scope: Scope) -> dict[str, str]:
    """Return the headers that were noted for the answer."""
    headers: dict[str, str] = scope.get("state", {}).get(_NOTE, {})
    return headers
