"""The agent API in OpenAPI: the handlers take bare requests, so this says the rest."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from universal_calendar.web.agent_api.models import (
    Booking,
    ExternalBooking,
    FreeSlots,
    FreeSlotsPath,
    FreeSlotsQuery,
    InvalidRequest,
    Problem,
    SlotProblem,
)
from universal_calendar.web.agent_api.routes import AgentApi
from universal_calendar.web.plain_route import PlainRoute

Json = dict[str, Any]

FREE_SLOTS: Final = "/api/calendar/free-slots/{agent_id}"
EXTERNAL_BOOKING: Final = "/api/calendar/external-booking"
SECURITY: Final[Json] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
}

_RATE_HEADERS: Final[Json] = {
    "RateLimit": {
        "description": "Requests left, and seconds until the allowance is full.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "Requests and seconds of the limit.",
        "schema": {"type": "string"},
    },
}
_RETRY_AFTER: Final[Json] = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "string"},
    }
}


def add_agent_routes(app: FastAPI, agent_api: AgentApi) -> None:
    """Add the two endpoints with everything they accept and answer.

    The plain routes come first and serve; the API routes are their documentation.
    """
    app.router.routes += [
        PlainRoute(FREE_SLOTS, agent_api.free_slots, "GET"),
        PlainRoute(EXTERNAL_BOOKING, agent_api.external_booking, "POST"),
    ]
    app.add_api_route(
        FREE_SLOTS,
        agent_api.free_slots,
        methods=["GET"],
        tags=["Agent API"],
        summary="Free slots of an agent",
        operation_id="get_free_slots",
        responses=_responses(
            _good(200, FreeSlots),
            _bad(400, "The range is reversed or longer than 90 days"),
            _bad(404, "No such agent for this key, or one without hours"),
        ),
        openapi_extra={
            "security": [{"ApiKey": []}],
            "parameters": [
                *_parameters(FreeSlotsPath, "path"),
                *_parameters(FreeSlotsQuery, "query"),
            ],
        },
    )
    app.add_api_route(
        EXTERNAL_BOOKING,
        agent_api.external_booking,
        methods=["POST"],
        status_code=201,
        tags=["Agent API"],
        summary="Book a slot",
        operation_id="book_appointment",
        responses=_responses(
            _good(201, Booking),
            _bad(400, "In the past, inside the notice or beyond the booking window"),
            _bad(404, "No such agent for this key, or one without hours"),
            (409, {"model": SlotProblem, "description": "Not available, and what is"}),
            _bad(413, "The body is larger than 256 KiB"),
            _bad(415, "The body is not application/json"),
        ),
        openapi_extra={
            "security": [{"ApiKey": []}, {}],
            "parameters": [_IDEMPOTENCY_KEY],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": ExternalBooking.model_json_schema()}
                },
            },
        },
    )


_IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A retry with the same key and body gets the first answer again.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[\\x21-\\x7e]+$",
    },
}


def _parameters(model: type[BaseModel], where: str) -> list[Json]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": where, "required": name in required, "schema": each}
        for name, each in schema["properties"].items()
    ]


def _good(status: int, model: type[BaseModel]) -> tuple[int, Json]:
    return status, {
        "model": model,
        "description": "Success",
        "headers": _RATE_HEADERS,
    }


def _bad(status: int, description: str) -> tuple[int, Json]:
    return status, {"model": Problem, "description": description}


def _responses(*particular: tuple[int, Json]) -> dict[int | str, Json]:
    return dict(
        [
            *particular,
            _bad(401, "No key, or a wrong, revoked or expired one"),
            (
                422,
                {"model": InvalidRequest, "description": "Fields that cannot be used"},
            ),
            (429, _bad(429, "Too many requests")[1] | {"headers": _RETRY_AFTER}),
            _bad(500, "Our fault; the request id leads to the log"),
            (503, _bad(503, "The database is away")[1] | {"headers": _RETRY_AFTER}),
        ]
    )
