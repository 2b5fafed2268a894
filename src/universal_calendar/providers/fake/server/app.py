"""The sandbox as one ASGI application, as `contract.json` describes it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from universal_calendar.providers.fake.server.control import control_routes
from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.faults import Faults, Operation
from universal_calendar.providers.fake.server.pushes import Pushes
from universal_calendar.providers.fake.server.routes import (
    AccountRoutes,
    CalendarRoutes,
)
from universal_calendar.providers.fake.server.sandbox import Handler, Now, Sandbox
from universal_calendar.providers.fake.server.state import State
from universal_calendar.providers.fake.server.strikes import strike


async def contract(_request: Request) -> Response:
    """Answer the contract itself."""
    document = files("universal_calendar.providers.fake").joinpath("contract.json")
    return Response(document.read_bytes(), media_type="application/json")


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it alone
    return JSONResponse({"error": {"code": error.code}}, error.status)


async def _unrouted(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    return JSONResponse(
        {"error": {"code": "no_such_route"}}, error.status_code, error.headers
    )


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def _lifespan(sandbox: Sandbox) -> Lifespan:
    @asynccontextmanager
    async def live(_app: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.pushes.close()
        sandbox.state.close()

    return live


def create_app(state: State, now: Now) -> Starlette:
    """Build the sandbox on what it remembers."""
    faults = Faults()
    sandbox = Sandbox(state, faults, Pushes(state, faults, now), now)
    return Starlette(
        routes=[
            Route("/openapi.json", contract, methods=["GET"]),
            Mount("/control", routes=control_routes(sandbox)),
            *_provider_routes(sandbox),
        ],
        exception_handlers={Problem: _problem, HTTPException: _unrouted},
        lifespan=_lifespan(sandbox),
    )


def _provider_routes(sandbox: Sandbox) -> list[Route]:
    accounts, calendars = AccountRoutes(sandbox), CalendarRoutes(sandbox)
    events = "/v1/calendars/{calendar_id}/events"
    table: list[tuple[str, str, Operation, Handler]] = [
        ("POST", "/v1/token", "refreshToken", accounts.refresh),
        ("GET", "/v1/account", "getAccount", accounts.get),
        ("GET", events, "listEvents", calendars.list),
        ("POST", events, "insertEvent", calendars.insert),
        ("GET", events + "/{event_id}", "getEvent", calendars.get),
        ("PUT", events + "/{event_id}", "replaceEvent", calendars.replace),
        ("DELETE", events + "/{event_id}", "deleteEvent", calendars.delete),
        (
            "POST",
            "/v1/calendars/{calendar_id}/channels",
            "openChannel",
            accounts.open_channel,
        ),
        (
            "DELETE",
            "/v1/channels/{channel_id}",
            "closeChannel",
            accounts.close_channel,
        ),
    ]
    return [
        Route(path, strike(sandbox, operation, handler), methods=[method])
        for method, path, operation, handler in table
    ]
