"""The errors of the client.

CalendarAPIError                every error the client raises about a call
├── AuthenticationError         401: the key is missing, wrong or revoked
├── BookingConflictError        409: the time cannot be booked; offers alternatives
├── ValidationError             422: fields of the request are wrong
├── RateLimitedError            429, still so after the last try
└── ServiceUnavailableError     500, 502, 503, 504 or no answer, after the last try

An impossible argument (a datetime as a date, a key with a line break) is a ValueError.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from universal_calendar_client._answer import Answer
from universal_calendar_client._fields import Fields, MalformedAnswerError
from universal_calendar_client._results import Alternative


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where it stands and what is wrong with it."""

    location: tuple[str | int, ...]
    message: str


class CalendarAPIError(Exception):
    """The call failed; `detail` says why in the service's words.

    `response` is what the service answered, None when nothing arrived. A booking that
    failed may be repeated under `idempotency_key` without the risk of booking twice.
    """

    def __init__(
        self,
        detail: str,
        *,
        response: Answer | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(_message(detail, response))
        self.detail = detail
        self.response = response
        self.idempotency_key = idempotency_key

    @property
    def status(self) -> int | None:
        """Return the HTTP status, None when nothing arrived."""
        return None if self.response is None else self.response.status_code

    @property
    def code(self) -> str | None:
        """Return the machine-readable reason, such as `slot_taken`."""
        code = None if self.response is None else self.response.member("code")
        return code if isinstance(code, str) else None

    @property
    def request_id(self) -> str | None:
        """Return the id to quote when asking the operator about this call."""
        return None if self.response is None else self.response.request_id

    @property
    def retry_after(self) -> float | None:
        """Return the seconds the service asks to wait, None when it does not say."""
        return None if self.response is None else self.response.retry_after


class AuthenticationError(CalendarAPIError):
    """The API key is missing, wrong or revoked."""


class BookingConflictError(CalendarAPIError):
    """The time cannot be booked; `code` says why."""

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """Return the nearest bookable slots, at most three."""
        if self.response is None:
            return ()
        try:
            offered = Fields.of(self.response.json()).children("alternatives")
            return tuple(_alternative(slot) for slot in offered)
        except (ValueError, MalformedAnswerError):
            return ()  # the conflict itself matters more than a broken offer


class ValidationError(CalendarAPIError):
    """The service refused fields of the request."""

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """Return each wrong field, none when the service gave a sentence instead."""
        return () if self.response is None else _field_errors(self.response)


class RateLimitedError(CalendarAPIError):
    """Too many requests; `retry_after` says how long to wait."""


class ServiceUnavailableError(CalendarAPIError):
    """No usable answer after the last try; a booking may or may not have been made."""


TEMPORARY_STATUSES = frozenset({429, 500, 502, 503, 504})

_BY_STATUS: dict[int, type[CalendarAPIError]] = {
    401: AuthenticationError,
    409: BookingConflictError,
    422: ValidationError,
    **dict.fromkeys(TEMPORARY_STATUSES, ServiceUnavailableError),
    429: RateLimitedError,
}


def error_for(answer: Answer, idempotency_key: str | None) -> CalendarAPIError:
    """Build the error that an unsuccessful answer stands for."""
    chosen = _BY_STATUS.get(answer.status_code, CalendarAPIError)
    return chosen(_detail(answer), response=answer, idempotency_key=idempotency_key)


def _message(detail: str, answer: Answer | None) -> str:
    """Add what is needed to ask the operator about the call."""
    if answer is None:
        return detail
    request = f", request {answer.request_id}" if answer.request_id else ""
    return f"{detail} (status {answer.status_code}{request})"


def _detail(answer: Answer) -> str:
    detail = answer.member("detail")
    if isinstance(detail, str):
        return detail
    wrong = [f"{_dotted(e.location)}: {e.message}" for e in _field_errors(answer)]
    return "; ".join(wrong) or "The answer is not one of the calendar service"


def _dotted(location: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in location)


def _field_errors(answer: Answer) -> tuple[FieldError, ...]:
    items = answer.member("detail")
    if not isinstance(items, list):
        return ()
    return tuple(_field_error(item) for item in items if isinstance(item, dict))


def _field_error(item: dict[str, object]) -> FieldError:
    location = item.get("loc")
    parts = location if isinstance(location, list) else []
    return FieldError(
        tuple(part for part in parts if isinstance(part, str | int)),
        str(item.get("msg", "invalid")),
    )


def _alternative(slot: Fields) -> Alternative:
    return Alternative(
        date=slot.text("date"),
        start=slot.text("start"),
        end=slot.text("end"),
        duration_minutes=slot.integer("duration_minutes"),
    )
