"""The two endpoints of the agent API.

They take the bare request: the key is judged before the fields, and the key, the agent
and its agenda are read in one round trip. Only a request that cannot be used costs a
separate look at the key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, cast

import structlog
from starlette.requests import Request
from starlette.responses import Response

from universal_calendar.core.errors import InvalidRange, SlotUnavailable
from universal_calendar.core.instant import Instant
from universal_calendar.core.wanted import LocalTime
from universal_calendar.services.booking.appointments import Appointments, Booked
from universal_calendar.services.booking.availability import Availability
from universal_calendar.services.ports.identity import Allowance, Caller
from universal_calendar.web.agent_api.errors import InvalidInput, render_slot_problem
from universal_calendar.web.agent_api.requests import (
    booking_body,
    booking_request,
    caller_of,
    slot_question,
)
from universal_calendar.web.errors import UnsupportedMediaType
from universal_calendar.web.rate_limit_headers import rate_limit_headers

_log = structlog.get_logger()

_POLICY: Final = "api-key"


@dataclass(frozen=True, slots=True)
class AgentApi:
    """The handlers, with what they need."""

    availability: Availability
    appointments: Appointments
    admit: Callable[[Caller, Instant], Awaitable[None]]
    """Judges a key alone; raises Unauthorized or RateLimited."""
    now: Callable[[], Instant]
    address: Callable[[Request], str]
    """Returns where a request comes from."""

    async def free_slots(self, request: Request) -> Response:
        """List the free slots of an agent between two local days."""
        now, caller = self.now(), caller_of(request)
        try:
            question = slot_question(request)
        except (InvalidInput, InvalidRange):
            await self.admit(caller, now)
            raise
        answer = await self.availability.slots(caller, question, now)
        return _json(200, answer.body, answer.allowance)

    async def external_booking(self, request: Request) -> Response:
        """Book a local time of an agent."""
        now, body = self.now(), None
        try:
            body = await booking_body(request)
            wanted = booking_request(request, body, self.address(request))
        except (InvalidInput, UnsupportedMediaType):
            await self.admit(caller_of(request, body), now)
            raise
        try:
            booked = await self.appointments.book(caller_of(request, body), wanted, now)
        except SlotUnavailable as refusal:
            return render_slot_problem(refusal, cast(LocalTime, wanted.time))
        _log_booking(booked)
        return _json(booked.answer.status, booked.answer.body, booked.allowance)


def _log_booking(booked: Booked) -> None:
    _log.info(
        "booking_replayed" if booked.is_replay else "booking_created",
        booking_id=booked.appointment_id,
        key_id=booked.key_id,
    )


def _json(status: int, body: bytes, allowance: Allowance | None) -> Response:
    headers = {} if allowance is None else rate_limit_headers(_POLICY, allowance)
    return Response(body, status, headers, media_type="application/json")
