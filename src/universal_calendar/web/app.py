"""The HTTP application: routes, errors in their dialect, documentation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from universal_calendar.core.errors import (
    DatabaseUnavailable,
    Unauthorized,
    UniversalCalendarError,
)
from universal_calendar.web.agent_api.errors import (
    InvalidInput,
    render,
    render_internal,
    render_invalid,
)
from universal_calendar.web.agent_api.openapi import add_agent_routes
from universal_calendar.web.agent_api.routes import AgentApi
from universal_calendar.web.errors import HTTP_CODES, Problem, problem_of
from universal_calendar.web.health import VERSION, Health
from universal_calendar.web.request_context import RequestContext

_log = structlog.get_logger()

DESCRIPTION: Final = "One self-hosted booking API over every calendar a business uses."

AuthenticationFailed = Callable[[Request], Awaitable[None]]
"""Counts a failed authentication; raises RateLimited past the limit."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes lead to."""

    agent_api: AgentApi
    health: Health
    authentication_failed: AuthenticationFailed


def create_app(handlers: Handlers) -> ASGIApp:
    """Build the application, wrapped in the context of every request."""
    app = _documented(handlers.agent_api, handlers.health)
    _add_error_handlers(app, handlers.authentication_failed)
    return RequestContext(app)


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document; no handler runs for it."""
    return _documented(AgentApi.__new__(AgentApi), Health.__new__(Health)).openapi()


def _documented(agent_api: AgentApi, health: Health) -> FastAPI:
    app = FastAPI(
        title="Universal Calendar",
        version=VERSION,
        description=DESCRIPTION,
        # Spans and logs of its own would hold query strings and exception texts.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redoc_url=None,
    )
    add_agent_routes(app, agent_api)
    _add_health_routes(app, health)
    return app


def _add_health_routes(app: FastAPI, health: Health) -> None:
    away: dict[int | str, dict[str, Any]] = {503: {"description": "Without database"}}
    for path, endpoint, summary, responses in (
        ("/health", health.health, "State of the service and its database", away),
        ("/healthz", health.alive, "Liveness: the process answers", None),
        ("/readyz", health.ready, "Readiness: bookings can be taken", away),
    ):
        app.add_api_route(
            path, endpoint, tags=["Operations"], summary=summary, responses=responses
        )
    app.add_api_route(
        "/metrics",
        health.metrics,
        tags=["Operations"],
        summary="Prometheus metrics",
        response_class=PlainTextResponse,
    )


def _add_error_handlers(app: FastAPI, failed: AuthenticationFailed) -> None:
    async def expected(request: Request, error: Exception) -> Response:
        if isinstance(error, Unauthorized):
            _log.warning("authentication_failed")
            try:
                await failed(request)
            except UniversalCalendarError as instead:
                error = instead
        if isinstance(error, DatabaseUnavailable):
            _log.warning("database_unavailable", reason=error.cause)
        return _rendered(error)

    def unexpected(request: Request, _error: Exception) -> Response:
        return render_internal(request.state.request_id)

    app.add_exception_handler(UniversalCalendarError, expected)
    app.add_exception_handler(HTTPException, expected)
    app.add_exception_handler(Exception, unexpected)


def _rendered(error: Exception) -> Response:
    if isinstance(error, InvalidInput):
        return render_invalid(error)
    if isinstance(error, HTTPException):
        code = HTTP_CODES.get(error.status_code, "error")
        headers = dict(error.headers or {})
        return render(Problem(error.status_code, code, error.detail, headers))
    return render(problem_of(error))
