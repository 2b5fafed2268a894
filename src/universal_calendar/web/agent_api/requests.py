"""From HTTP to the use-cases' own values."""

import re
from collections.abc import Mapping
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from universal_calendar.core.errors import Unauthorized
from universal_calendar.core.wanted import LocalTime
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.booking.availability import SlotQuestion
from universal_calendar.services.ports.answers import Replay
from universal_calendar.services.ports.appointments import (
    AppointmentDetails,
    Person,
)
from universal_calendar.services.ports.identity import Actor, ActorKind, Caller
from universal_calendar.web.agent_api.errors import invalid_field, invalid_fields
from universal_calendar.web.agent_api.models import (
    ExternalBooking,
    FreeSlotsPath,
    FreeSlotsQuery,
)
from universal_calendar.web.bodies import InvalidJson, read_json

BOOKING_ROUTE: Final = "external-booking"
SOURCE: Final = "agent_api"
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

Model = TypeVar("Model", bound=BaseModel)


def caller_of(request: Request, body: object = None) -> Caller:
    """Return whose key the header, else the body, bears; raise Unauthorized."""
    key = request.headers.get("x-api-key")
    if not key and isinstance(body, dict):
        key = body.get("api_key")
    if not key or not isinstance(key, str):
        raise Unauthorized
    return Caller(api_key=key)


def slot_question(request: Request) -> SlotQuestion:
    """Read which slots are asked for; raise InvalidInput or InvalidRange."""
    path = _read(FreeSlotsPath, "path", request.path_params)
    query = _read(FreeSlotsQuery, "query", request.query_params)
    question = SlotQuestion(
        path.agent_id, query.start_date, query.end_date, query.duration_minutes
    )
    question.check_range()
    return question


async def booking_body(request: Request) -> object:
    """Return the parsed body; raise InvalidInput or UnsupportedMediaType."""
    try:
        return await read_json(request)
    except InvalidJson:
        raise invalid_field(["body"], "Invalid JSON; send one JSON object") from None


def booking_request(request: Request, body: object, address: str) -> BookingRequest:
    """Read what is to be booked, by whoever is at the address; raise InvalidInput."""
    booking = _read(ExternalBooking, "body", body)
    reference = booking.external_reference_id or None
    return BookingRequest(
        booking.agent_id,
        LocalTime(booking.booking_date, booking.booking_time, booking.duration_minutes),
        Person(
            title=f"External Booking - {booking.participant_name}",
            name=booking.participant_name,
            phone=booking.participant_phone or None,
            email=booking.participant_email,
            description=booking.description,
        ),
        Replay(
            BOOKING_ROUTE,
            _idempotency_key(request),
            reference,
            _canonical(booking),
        ),
        SOURCE,
        # The key's id is known when it has been judged, with the agenda.
        Actor(ActorKind.API_KEY, "", address, request.state.request_id),
        AppointmentDetails(external_reference_id=reference),
    )


def _canonical(booking: ExternalBooking) -> bytes:
    known = booking.model_dump(exclude={"api_key"})
    return orjson.dumps(known, option=orjson.OPT_SORT_KEYS)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid_field(
            ["header", "Idempotency-Key"], "Use 1 to 255 visible ASCII characters"
        )
    return key


def _read(model: type[Model], where: str, values: object) -> Model:
    plain = dict(values) if isinstance(values, Mapping) else values
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        raise invalid_fields(where, error) from None
