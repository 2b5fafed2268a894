"""The control: accounts, faults, and the owner's own hand in a calendar.

No credentials, because it opens the accounts; that is why the sandbox listens on
loopback.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from universal_calendar.providers.fake.server import models
from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.faults import Fault
from universal_calendar.providers.fake.server.routes import CalendarRoutes
from universal_calendar.providers.fake.server.sandbox import Sandbox, read


@dataclass(frozen=True, slots=True)
class ControlRoutes:
    """What only the control can do."""

    sandbox: Sandbox

    async def open_account(self, request: Request) -> Response:
        """Open an account; answer its calendars and the credentials to connect it."""
        wanted = await read(request, models.NewAccount)
        state = self.sandbox.state
        refresh_token = state.open_account(wanted)
        access_token, _ = state.grant(refresh_token, self.sandbox.now())
        return JSONResponse(
            {
                "account": wanted.account,
                "calendars": [each.wire() for each in state.calendars(wanted.account)],
                "credentials": {
                    "baseUrl": str(request.base_url).rstrip("/"),
                    "accessToken": access_token,
                    "refreshToken": refresh_token,
                },
            }
        )

    async def add_fault(self, request: Request) -> Response:
        """Set a fault."""
        fault = await read(request, Fault)
        return JSONResponse({"faultId": self.sandbox.faults.add(fault)})

    async def list_faults(self, _request: Request) -> Response:
        """Answer the faults that still strike."""
        faults = self.sandbox.faults.listed()
        return JSONResponse(
            {
                "faults": [
                    {"faultId": fault_id, **_shown(fault)}
                    for fault_id, fault in faults.items()
                ]
            }
        )

    async def clear_faults(self, request: Request) -> Response:
        """Clear one fault, or all."""
        text = request.path_params.get("fault_id")
        if text is not None and not text.isdecimal():
            raise Problem(404, "no_such_fault")
        self.sandbox.faults.clear(None if text is None else int(text))
        return Response(status_code=204)

    async def forget_changes(self, request: Request) -> Response:
        """Make every sync token of the calendar stale."""
        calendar_id = str(request.path_params["calendar_id"])
        self.sandbox.state.calendar(calendar_id, None)
        self.sandbox.state.forget_changes(calendar_id)
        return Response(status_code=204)


def _shown(fault: Fault) -> dict[str, object]:
    return fault.model_dump(mode="json", by_alias=True, exclude_none=True)


def control_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes below `/control`."""
    control = ControlRoutes(sandbox)
    calendars = CalendarRoutes(sandbox, is_control=True)
    events = "/calendars/{calendar_id}/events"
    one = events + "/{event_id}"
    return [
        Route("/accounts", control.open_account, methods=["POST"]),
        Route("/faults", control.add_fault, methods=["POST"]),
        Route("/faults", control.list_faults, methods=["GET"]),
        Route("/faults", control.clear_faults, methods=["DELETE"]),
        Route("/faults/{fault_id}", control.clear_faults, methods=["DELETE"]),
        Route(
            "/calendars/{calendar_id}/forget", control.forget_changes, methods=["POST"]
        ),
        Route(events, calendars.list, methods=["GET"]),
        Route(events, calendars.insert, methods=["POST"]),
        Route(one, calendars.get, methods=["GET"]),
        Route(one, calendars.replace, methods=["PUT"]),
        Route(one, calendars.delete, methods=["DELETE"]),
    ]
