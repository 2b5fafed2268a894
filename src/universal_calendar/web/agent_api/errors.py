"""Errors in the agent API's dialect: `{"detail": …}`, with a stable `code` beside."""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from universal_calendar.core.errors import SlotUnavailable, UniversalCalendarError
from universal_calendar.core.wanted import LocalTime
from universal_calendar.core.wire import clock_label
from universal_calendar.web.agent_api.answers import alternative, messages
from universal_calendar.web.errors import Problem

PLAIN_STATUSES = (400, 401, 404)
"""The guide's bodies of these have a `detail` and nothing else."""


def json_response(
    status: int, body: object, headers: dict[str, str] | None = None
) -> Response:
    """Write a body of plain values."""
    content = orjson.dumps(body)
    return Response(content, status, headers, media_type="application/json")


def render(problem: Problem) -> Response:
    """Write an error."""
    body: dict[str, object] = {"detail": problem.message}
    if problem.status == 422:
        body = {"detail": [_field(["header", "Idempotency-Key"], problem.message)]}
    elif problem.status not in PLAIN_STATUSES:
        body["code"] = problem.code
    return json_response(problem.status, body, problem.headers)


def render_internal(request_id: str) -> Response:
    """Write that it was our fault, and the id under which the log has it."""
    detail = "Internal server error"
    return json_response(500, {"detail": detail, "request_id": request_id})


def render_slot_problem(refusal: SlotUnavailable, wanted: LocalTime) -> Response:
    """Write why a time cannot be booked, and what can."""
    time = f"{clock_label(wanted.minute)} on {wanted.day}"
    nearby = refusal.nearby
    body: dict[str, object] = {
        "detail": f"Time slot {time} is not available",
        "code": refusal.reason,
        "alternatives": [
            alternative(each.interval, nearby.zone) for each in nearby.alternatives
        ]
        if nearby
        else [],
    }
    if nearby and nearby.silences:
        body["warnings"] = messages(nearby.silences)
    return json_response(409, body)


class InvalidInput(UniversalCalendarError):
    """One or more fields cannot be used; never says what was sent."""

    def __init__(self, problems: Sequence[dict[str, object]]) -> None:
        """Take the problems as the wire has them: loc, msg and type."""
        self.problems = problems
        super().__init__()


def invalid_field(loc: list[str | int], message: str) -> InvalidInput:
    """Return the error for one field."""
    return InvalidInput([_field(loc, message)])


def invalid_fields(where: str, error: ValidationError) -> InvalidInput:
    """Return the error for all fields of the path, the query or the body."""
    found: Sequence[Any] = error.errors(
        include_url=False, include_context=False, include_input=False
    )
    return InvalidInput(
        [_field([where, *each["loc"]], each["msg"], each["type"]) for each in found]
    )


def render_invalid(error: InvalidInput) -> Response:
    """Write which fields cannot be used, and why."""
    return json_response(422, {"detail": error.problems})


def _field(
    loc: list[str | int], message: str, kind: str = "value_error"
) -> dict[str, object]:
    return {"loc": loc, "msg": message, "type": kind}
