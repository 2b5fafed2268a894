"""From errors to statuses, once for both dialects.

`code` is stable and machine-readable; the dialects decide where it stands.
"""

from dataclasses import dataclass, field
from math import ceil
from typing import Final

from universal_calendar.core import errors
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.services.field_service.jobs import NotOurJob
from universal_calendar.services.ports.privacy import FutureAppointments
from universal_calendar.services.ports.webhook_endpoints import EndpointInactive

RETRY_AFTER_SECONDS: Final = 1
_THROTTLED_SECONDS: Final = 30.0
"""How long a provider is left alone that does not say for how long."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error ready for rendering."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


class PayloadTooLarge(errors.UniversalCalendarError):
    """The body is larger than 256 KiB."""


class AuthenticationUnavailable(errors.UniversalCalendarError):
    """Nobody can tell now whether the token is good; try again shortly."""


class UnsupportedMediaType(errors.UniversalCalendarError):
    """Send the body as Content-Type: application/json."""


STATUS: Final[dict[type[Exception], tuple[int, str]]] = {
    errors.InvalidField: (400, "invalid_field"),
    errors.InvalidRange: (400, "invalid_range"),
    errors.Unauthorized: (401, "unauthorized"),
    errors.Forbidden: (403, "forbidden"),
    errors.RateLimited: (429, "rate_limited"),
    errors.NotFound: (404, "not_found"),
    errors.TenantNotFound: (404, "tenant_not_found"),
    errors.HoursNotConfigured: (404, "hours_not_configured"),
    errors.PastStart: (400, "past"),
    errors.TooSoon: (400, "too_soon"),
    errors.TooFar: (400, "too_far"),
    errors.SlotUnavailable: (409, "slot_unavailable"),
    errors.IdempotencyMismatch: (422, "idempotency_mismatch"),
    errors.AlreadyExists: (409, "already_exists"),
    errors.FinalStatus: (409, "final_status"),
    EndpointInactive: (409, "endpoint_inactive"),
    FutureAppointments: (409, "future_appointments"),
    NotOurJob: (409, "not_our_job"),
    ProviderError: (502, "external_service"),
    Throttled: (503, "service_unavailable"),
    NotAuthorized: (409, "needs_reauthorization"),
    Rejected: (400, "refused_outside"),
    errors.DatabaseUnavailable: (503, "service_unavailable"),
    AuthenticationUnavailable: (503, "service_unavailable"),
    PayloadTooLarge: (413, "payload_too_large"),
    UnsupportedMediaType: (415, "unsupported_media_type"),
}

HTTP_CODES: Final = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
}


def problem_of(error: Exception) -> Problem:
    """Find the status of the error's most specific class."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            status, code = STATUS[kind]
            return Problem(status, code, errors.message_of(error), _headers(error))
    return Problem(500, "internal_error", "Something went wrong on our side")


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, errors.RateLimited):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Throttled):
        asked = error.retry_after
        seconds = _THROTTLED_SECONDS if asked is None else asked
        return {"Retry-After": str(max(RETRY_AFTER_SECONDS, ceil(seconds)))}
    if isinstance(error, errors.DatabaseUnavailable | AuthenticationUnavailable):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {}
