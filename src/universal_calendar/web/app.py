"""The HTTP application: routes, errors in their dialect, documentation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from universal_calendar.core.errors import (
    DatabaseUnavailable,
    Unauthorized,
    UniversalCalendarError,
)
from universal_calendar.web.agent_api import errors as agent_errors
from universal_calendar.web.agent_api import openapi as agent_openapi
from universal_calendar.web.agent_api.openapi import add_agent_routes
from universal_calendar.web.agent_api.routes import AgentApi
from universal_calendar.web.connecting.routes import ConnectingPages
from universal_calendar.web.errors import HTTP_CODES, Problem, problem_of
from universal_calendar.web.health import VERSION, Health
from universal_calendar.web.request_context import RequestContext
from universal_calendar.web.security_headers import BrowserPolicy, protected
from universal_calendar.web.tenant_api import errors as tenant_errors
from universal_calendar.web.tenant_api import openapi as tenant_openapi
from universal_calendar.web.tenant_api.dispatch import Dispatcher
from universal_calendar.web.tenant_api.openapi import add_tenant_routes
from universal_calendar.web.tenant_api.routes import TenantApi
from universal_calendar.web.webhooks import Webhooks

_log = structlog.get_logger()

DESCRIPTION: Final = "One self-hosted booking API over every calendar a business uses."
AGENT_API: Final = "/api/"
"""Where errors speak the agent API's dialect; everywhere else the tenant API's."""

AuthenticationFailed = Callable[[Request], Awaitable[None]]
"""Counts a failed authentication; raises RateLimited past the limit."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes lead to."""

    agent_api: AgentApi
    health: Health
    authentication_failed: AuthenticationFailed
    tenant_api: TenantApi
    dispatcher: Dispatcher
    webhooks: Webhooks
    connecting_pages: ConnectingPages


def create_app(handlers: Handlers, policy: BrowserPolicy) -> ASGIApp:
    """Build the application, wrapped in the context of every request."""
    app = _documented(handlers.agent_api, handlers.health)
    add_tenant_routes(app, handlers.tenant_api.operations(), handlers.dispatcher)
    app.router.routes += handlers.webhooks.routes()
    app.router.routes += handlers.connecting_pages.routes()
    add_error_handlers(app, handlers.authentication_failed)
    return RequestContext(protected(app, policy))


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document; no handler runs for it."""
    app = _documented(AgentApi.__new__(AgentApi), Health.__new__(Health))
    add_tenant_routes(app, TenantApi.for_documentation().operations(), None)
    return app.openapi()


def _documented(agent_api: AgentApi, health: Health) -> FastAPI:
    app = FastAPI(
        title="Universal Calendar",
        version=VERSION,
        description=DESCRIPTION,
        # Spans and logs of its own would hold query strings and exception texts.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redoc_url=None,
        # A redirect would name the host that the caller claims, in no dialect.
        redirect_slashes=False,
    )
    add_agent_routes(app, agent_api)
    _add_health_routes(app, health)
    _complete_document(app)
    return app


def _complete_document(app: FastAPI) -> None:
    schema = app.openapi

    def completed() -> dict[str, Any]:
        document = schema()
        schemes = agent_openapi.SECURITY | tenant_openapi.SECURITY
        document.setdefault("components", {})["securitySchemes"] = schemes
        tenant_openapi.forget_422(document)
        return document

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's own way


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


def add_error_handlers(app: FastAPI, failed: AuthenticationFailed) -> None:
    """Let every error speak the dialect of its path."""

    async def expected(request: Request, error: Exception) -> Response:
        if isinstance(error, Unauthorized):
            _log.warning("authentication_failed")
            try:
                await failed(request)
            except UniversalCalendarError as instead:
                error = instead
        if isinstance(error, DatabaseUnavailable):
            _log.warning("database_unavailable", reason=error.cause)
        return _rendered(request, error)

    def unexpected(request: Request, _error: Exception) -> Response:
        request_id = request.state.request_id
        if _speaks_agent_api(request):
            return agent_errors.render_internal(request_id)
        return tenant_errors.render_internal(request_id)

    app.add_exception_handler(UniversalCalendarError, expected)
    app.add_exception_handler(HTTPException, expected)
    app.add_exception_handler(Exception, unexpected)


def _rendered(request: Request, error: Exception) -> Response:
    problem = _problem(request, error)
    if not _speaks_agent_api(request):
        return tenant_errors.render(problem, error)
    if isinstance(error, agent_errors.InvalidInput):
        return agent_errors.render_invalid(error)
    return agent_errors.render(problem)


def _problem(request: Request, error: Exception) -> Problem:
    if isinstance(error, HTTPException):
        code = HTTP_CODES.get(error.status_code, "error")
        headers = dict(error.headers or {})
        if "Allow" in headers:
            headers["Allow"] = _allowed(request)
        return Problem(error.status_code, code, error.detail, headers)
    return problem_of(error)


def _allowed(request: Request) -> str:
    """Name every method of the path; a route knows its own alone."""
    path = getattr(request.scope.get("route"), "path", None)
    routes = [each for each in request.app.router.routes if isinstance(each, Route)]
    methods = [each.methods or () for each in routes if each.path == path]
    return ", ".join(sorted({name for those in methods for name in those}))


def _speaks_agent_api(request: Request) -> bool:
    return f"{request.url.path}/".startswith(AGENT_API)
