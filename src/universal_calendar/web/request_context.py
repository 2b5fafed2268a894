"""What surrounds every request: its id, its measure, its log line, its last resort."""

import re
import secrets
import time
from functools import lru_cache
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from universal_calendar.web.logs import place_of
from universal_calendar.web.metrics import REQUESTS, SECONDS

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_QUIET: Final = frozenset({"/health", "/healthz", "/readyz", "/metrics"})
_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
)
UNKNOWN_ROUTE: Final = "(unknown)"

_log = structlog.get_logger()


class RequestContext:
    """ASGI middleware, the outermost.

    The caller's X-Request-ID is kept if it is one, else one is made; it is on every
    answer and every log line. The log has the route's template, never the path.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception as error:  # the edge: it was answered with 500
            _log.error(
                "unhandled_error",
                error_type=type(error).__qualname__,
                where=place_of(error.__traceback__),
            )
        finally:
            _record(scope, status, time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("request_id")


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(8)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    requests, duration = _measures(route, method, status)
    requests.inc()
    duration.observe(seconds)
    # What went well is in the metrics; a line for each would cost as much as answering.
    if status >= 400 and route not in _QUIET:
        _log.info(
            "request",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
        )


@lru_cache(maxsize=1024)
def _measures(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, status), SECONDS.labels(route, method)
