"""Errors in the tenant API's dialect: `{"success": false, "error": {…}}`."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from universal_calendar.core.errors import (
    AgentNotFound,
    Conflict,
    HoursNotConfigured,
    InvalidField,
    InvalidRange,
    SlotUnavailable,
    TenantNotFound,
    UniversalCalendarError,
)
from universal_calendar.core.instant import instant_text
from universal_calendar.core.provider_errors import NotAuthorized, Rejected
from universal_calendar.services.ports.privacy import FutureAppointments
from universal_calendar.web.errors import Problem
from universal_calendar.web.tenant_api.envelope import JSON
from universal_calendar.web.tenant_api.remarks import warnings

Details = dict[str, object] | None

CODES: Final[dict[str, tuple[int, str]]] = {
    "invalid_field": (400, "VALIDATION_ERROR"),
    "invalid_range": (400, "VALIDATION_ERROR"),
    "bad_request": (400, "VALIDATION_ERROR"),
    "past": (400, "BUSINESS_RULE_VIOLATION"),
    "too_soon": (400, "BUSINESS_RULE_VIOLATION"),
    "too_far": (400, "BUSINESS_RULE_VIOLATION"),
    "refused_outside": (400, "BUSINESS_RULE_VIOLATION"),
    "unauthorized": (401, "UNAUTHORIZED"),
    "forbidden": (403, "FORBIDDEN"),
    "not_found": (404, "NOT_FOUND"),
    "tenant_not_found": (404, "TENANT_NOT_FOUND"),
    "method_not_allowed": (405, "METHOD_NOT_ALLOWED"),
    "slot_unavailable": (409, "CONFLICT"),
    "already_exists": (409, "CONFLICT"),
    "final_status": (409, "CONFLICT"),
    "endpoint_inactive": (409, "CONFLICT"),
    "future_appointments": (409, "CONFLICT"),
    "not_our_job": (409, "CONFLICT"),
    "idempotency_mismatch": (409, "CONFLICT"),
    "needs_reauthorization": (409, "CONFLICT"),
    "hours_not_configured": (409, "BUSINESS_HOURS_NOT_CONFIGURED"),
    "payload_too_large": (413, "PAYLOAD_TOO_LARGE"),
    "unsupported_media_type": (415, "UNSUPPORTED_MEDIA_TYPE"),
    "rate_limited": (429, "RATE_LIMIT_EXCEEDED"),
    "external_service": (502, "EXTERNAL_SERVICE_ERROR"),
    "external_timeout": (504, "EXTERNAL_SERVICE_ERROR"),
    "service_unavailable": (503, "SERVICE_UNAVAILABLE"),
}
_CONFLICTS: Final = frozenset(
    {
        "already_exists",
        "final_status",
        "endpoint_inactive",
        "idempotency_mismatch",
        "needs_reauthorization",
        "not_our_job",
    }
)

# The core's own texts of these are the agent guide's, or for the log.
_MESSAGES: Final[dict[type[Exception], str]] = {
    AgentNotFound: "No such agent",
    HoursNotConfigured: "The agent has no business hours yet; set /agents/{id}/hours",
    TenantNotFound: "No such tenant",
    NotAuthorized: "The provider lets us in no more; connect the account again",
    Rejected: "The provider refuses this for good: send something else, or see there"
    " what the account may do",
}
_MENDS: Final = {"model_type": "Use a JSON object", "dict_type": "Use a JSON object"}
"""By pydantic's types of errors, whose own texts name Python's."""


class InvalidInputs(UniversalCalendarError):
    """Some fields cannot be used; see details."""

    def __init__(self, problems: Sequence[dict[str, object]]) -> None:
        """Take `{"field", "message"}` for each; never what was sent."""
        self.problems = problems
        super().__init__()


def invalid_inputs(error: ValidationError) -> InvalidInputs:
    """Return the error for all fields, each named as the wire has it."""
    found: Sequence[Any] = error.errors(
        include_url=False, include_context=False, include_input=False
    )
    return InvalidInputs(
        [{"field": _field(each["loc"]), "message": _message(each)} for each in found]
    )


def _message(problem: Any) -> str:
    return _MENDS.get(problem["type"], str(problem["msg"]))


def _field(location: Sequence[str | int]) -> str:
    # pydantic's "[key]" follows a name that the sender made up: it is not said again.
    known = location[:-2] if location[-1:] == ("[key]",) else location
    return ".".join(map(str, known))


def invalid_input(field: str, message: str) -> InvalidInputs:
    """Return the error for one field."""
    return InvalidInputs([{"field": field, "message": message}])


def render(problem: Problem, error: Exception) -> Response:
    """Write an error."""
    if isinstance(error, InvalidInputs):
        problem = Problem(400, "invalid_field", str(error))
    status, code = CODES.get(problem.code, (problem.status, "INTERNAL_ERROR"))
    details, headers = _details(problem, error), problem.headers
    if status == 401:
        headers = headers | {"WWW-Authenticate": "Bearer"}
    message = _MESSAGES.get(type(error), problem.message)
    return _failure(status, code, message, details, headers)


def render_internal(request_id: str) -> Response:
    """Write that it was our fault, and the id under which the log has it."""
    details: Details = {"requestId": request_id}
    return _failure(500, "INTERNAL_ERROR", "Something went wrong on our side", details)


def _details(problem: Problem, error: Exception) -> Details:
    if isinstance(error, InvalidInputs):
        return {"fields": error.problems}
    if isinstance(error, InvalidRange):
        return {"fields": [{"field": "endDate", "message": problem.message}]}
    if isinstance(error, InvalidField):
        return {"fields": [{"field": error.field, "message": error.mend}]}
    if isinstance(error, SlotUnavailable):
        return _slot_details(error)
    if isinstance(error, FutureAppointments):
        return {"reason": problem.code, "appointmentIds": error.appointment_ids}
    if problem.code in _CONFLICTS:
        return {"reason": problem.code}
    return None


def _slot_details(refusal: SlotUnavailable) -> Details:
    nearby = refusal.nearby
    if nearby is None:
        return {"reason": refusal.reason, "conflicts": [], "alternatives": []}
    details: dict[str, object] = {
        "reason": refusal.reason,
        "conflicts": [_conflict(each) for each in nearby.conflicts],
        "alternatives": [
            {
                "startTime": instant_text(each.interval.start),
                "endTime": instant_text(each.interval.end),
                "agentId": each.agent_id,
            }
            for each in nearby.alternatives
        ],
    }
    if nearby.silences:
        details["warnings"] = warnings(nearby.silences)
    return details


def _conflict(conflict: Conflict) -> dict[str, object]:
    """Write what is in the way: no names, no hold ids."""
    written: dict[str, object] = {
        "type": conflict.kind,
        "startTime": instant_text(conflict.interval.start),
        "endTime": instant_text(conflict.interval.end),
    }
    if conflict.appointment_id is not None:
        written["appointmentId"] = conflict.appointment_id
    return written


def _failure(
    status: int,
    code: str,
    message: str,
    details: Details,
    headers: dict[str, str] | None = None,
) -> Response:
    error = {"code": code, "message": message, "details": details}
    body = orjson.dumps({"success": False, "error": error})
    return Response(body, status, headers, media_type=JSON)
