"""What every answer tells browsers: whose pages may ask, and what not to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from universal_calendar.web.rate_limit_headers import noted_headers

ANY_ORIGIN: Final = "*"
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
# Not X-Service-Key: a web page is no place for a service's key.
_ASKED_WITH: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-API-Key",
    "X-Request-ID",
)
_TOLD: Final = ("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")


@dataclass(frozen=True, slots=True)
class BrowserPolicy:
    """Which web pages may ask, and for how many seconds HTTPS is promised (0: not)."""

    origins: Sequence[str] = ()
    hsts_seconds: int = 0


def protected(app: ASGIApp, policy: BrowserPolicy) -> ASGIApp:
    """Wrap an application: closed to the pages of others unless an origin is named."""
    return SecurityHeaders(
        _opened(app, policy.origins) if policy.origins else app, policy.hsts_seconds
    )


def _opened(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PUT", "DELETE"),
        allow_headers=_ASKED_WITH,
        allow_credentials=ANY_ORIGIN not in origins,
        expose_headers=_TOLD,
    )


class SecurityHeaders:
    """ASGI middleware; what an answer says itself, such as its caching, is kept."""

    def __init__(self, app: ASGIApp, hsts_seconds: int) -> None:
        """Wrap an application."""
        self._app = app
        self._headers = dict(_ALWAYS)
        if hsts_seconds:
            self._headers["Strict-Transport-Security"] = f"max-age={hsts_seconds}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (self._headers | noted_headers(scope)).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_protected)
