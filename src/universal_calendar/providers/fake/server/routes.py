"""The routes of a calendar's owner."""

import secrets
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from universal_calendar.providers.fake.server import listing, models
from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.sandbox import Sandbox, read
from universal_calendar.providers.fake.server.state import (
    Calendar,
    Channel,
    Json,
    StoredEvent,
)

CHANNEL_SECONDS: Final = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class CalendarRoutes:
    """The routes below a calendar, for its owner or for the control (anybody's)."""

    sandbox: Sandbox
    is_control: bool = False

    def _calendar(self, request: Request, *, writing: bool = False) -> Calendar:
        account = None if self.is_control else self.sandbox.account(request)
        calendar_id = str(request.path_params["calendar_id"])
        calendar = self.sandbox.state.calendar(calendar_id, account)
        if writing and not calendar.is_writable and not self.is_control:
            raise Problem(403, "read_only")
        return calendar

    async def list(self, request: Request) -> Response:
        """Answer a page; under the control everything, tombstones too."""
        calendar = self._calendar(request)
        if not self.is_control:
            query = dict(request.query_params)
            return JSONResponse(listing.page(self.sandbox.state, calendar, query))
        events = self.sandbox.state.events(calendar.calendar_id)
        return JSONResponse({"events": [each.wire() for each in events]})

    async def insert(self, request: Request) -> Response:
        """Insert an event."""
        calendar = self._calendar(request, writing=True)
        wanted = await read(request, models.NewEvent)
        event_id, body = wanted.id or secrets.token_hex(13), _body(wanted)
        written = self.sandbox.state.insert(calendar.calendar_id, event_id, body)
        self.sandbox.pushes.tell(calendar.calendar_id)
        return _event_answer(written)

    async def get(self, request: Request) -> Response:
        """Answer one event."""
        calendar, event_id = self._calendar(request), request.path_params["event_id"]
        found = self.sandbox.state.event(calendar.calendar_id, event_id)
        return _event_answer(found)

    async def replace(self, request: Request) -> Response:
        """Write an event anew."""
        calendar = self._calendar(request, writing=True)
        wanted = await read(request, models.EventBody)
        written = self.sandbox.state.replace(
            calendar.calendar_id,
            request.path_params["event_id"],
            _body(wanted),
            request.headers.get("if-match"),
        )
        self.sandbox.pushes.tell(calendar.calendar_id)
        return _event_answer(written)

    async def delete(self, request: Request) -> Response:
        """Delete an event."""
        calendar = self._calendar(request, writing=True)
        self.sandbox.state.delete(
            calendar.calendar_id,
            request.path_params["event_id"],
            request.headers.get("if-match"),
        )
        self.sandbox.pushes.tell(calendar.calendar_id)
        return Response(status_code=204)


def _body(wanted: models.EventBody) -> Json:
    return wanted.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"id"}
    )


def _event_answer(event: StoredEvent) -> Response:
    return JSONResponse(event.wire(), headers={"etag": event.etag})


@dataclass(frozen=True, slots=True)
class AccountRoutes:
    """Tokens, the account, and its channels."""

    sandbox: Sandbox

    async def refresh(self, request: Request) -> Response:
        """Give a fresh access token; the refresh token stays as it is."""
        wanted = await read(request, models.TokenRequest)
        token, seconds = self.sandbox.state.grant(
            wanted.refresh_token, self.sandbox.now()
        )
        return JSONResponse({"accessToken": token, "expiresIn": seconds})

    async def get(self, request: Request) -> Response:
        """Answer the account and its calendars."""
        account = self.sandbox.account(request)
        calendars = self.sandbox.state.calendars(account)
        return JSONResponse(
            {"account": account, "calendars": [each.wire() for each in calendars]}
        )

    async def open_channel(self, request: Request) -> Response:
        """Open a channel for a calendar."""
        account = self.sandbox.account(request)
        calendar_id = str(request.path_params["calendar_id"])
        self.sandbox.state.calendar(calendar_id, account)
        wanted = await read(request, models.Watch)
        expires_at = self.sandbox.now() + CHANNEL_SECONDS
        self.sandbox.state.open_channel(
            Channel(wanted.id, calendar_id, wanted.address, wanted.secret, expires_at)
        )
        return JSONResponse({"id": wanted.id, "expiresIn": CHANNEL_SECONDS})

    async def close_channel(self, request: Request) -> Response:
        """Close a channel."""
        account = self.sandbox.account(request)
        self.sandbox.state.close_channel(request.path_params["channel_id"], account)
        return Response(status_code=204)
