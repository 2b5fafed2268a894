"""Build the requests of the agent API and parse its answers; nothing here does I/O."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from universal_calendar_client._answer import Answer
from universal_calendar_client._errors import (
    CalendarAPIError,
    ServiceUnavailableError,
    error_for,
)
from universal_calendar_client._fields import Fields, MalformedAnswerError
from universal_calendar_client._results import (
    Booking,
    BookingDetails,
    DaySlots,
    FreeSlots,
    Slot,
)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request without the API key, which only the shells know."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Say that no readable answer arrived; a temporary one is worth another try."""

    error: Exception
    temporary: bool


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One call of the API: what to send, and how to read what comes back."""

    operation: str
    request: Request
    parse: Callable[[Fields], Result]
    idempotency_key: str | None = None

    def result(self, outcome: Answer | Failure) -> Result:
        """Return the parsed answer or raise the error that the outcome stands for."""
        if isinstance(outcome, Failure):
            raise self._unanswered(outcome) from outcome.error
        if not 200 <= outcome.status_code < 300:
            raise error_for(outcome, self.idempotency_key)
        try:
            return self.parse(Fields.of(outcome.json()))
        except MalformedAnswerError as error:
            raise self._unreadable(outcome, str(error)) from error
        except ValueError as error:
            raise self._unreadable(outcome, "the body is not JSON") from error

    def _unanswered(self, failure: Failure) -> CalendarAPIError:
        chosen = ServiceUnavailableError if failure.temporary else CalendarAPIError
        # The library's own words stay in __cause__: they may quote what was sent.
        detail = f"No answer from the calendar service: {type(failure.error).__name__}"
        return chosen(detail, idempotency_key=self.idempotency_key)

    def _unreadable(self, answer: Answer, reason: str) -> CalendarAPIError:
        return CalendarAPIError(
            f"The calendar service sent an answer that cannot be read: {reason}",
            response=answer,
            idempotency_key=self.idempotency_key,
        )


@dataclass(frozen=True, slots=True, repr=False)
class BookingRequest:
    """The body of a booking; the fields have the names of the wire."""

    agent_id: str
    participant_name: str
    booking_date: date | str
    booking_time: time | str
    duration_minutes: int
    participant_email: str | None
    participant_phone: str | None
    description: str | None
    external_reference_id: str | None

    def content(self) -> bytes:
        """Encode as JSON; optional fields without a value are left out."""
        body: dict[str, object] = {
            "agent_id": self.agent_id,
            "participant_name": self.participant_name,
            "booking_date": date_text(self.booking_date),
            "booking_time": time_text(self.booking_time),
            "duration_minutes": self.duration_minutes,
        }
        body.update({name: value for name, value in self._optional() if value})
        return json.dumps(body, allow_nan=False).encode()

    def _optional(self) -> tuple[tuple[str, str | None], ...]:
        return (
            ("participant_email", self.participant_email),
            ("participant_phone", self.participant_phone),
            ("description", self.description),
            ("external_reference_id", self.external_reference_id),
        )


def free_slots_call(
    base_url: str,
    agent_id: str,
    dates: tuple[date | str, date | str],
    duration_minutes: int,
) -> Call[FreeSlots]:
    """Ask for the free slots between two local dates, both included."""
    query = {
        "start_date": date_text(dates[0]),
        "end_date": date_text(dates[1]),
        "duration_minutes": str(duration_minutes),
    }
    path = f"/api/calendar/free-slots/{quote(agent_id, safe='')}"
    request = Request("GET", f"{base_url}{path}?{urlencode(query)}")
    return Call("get_free_slots", request, _free_slots)


def booking_call(
    base_url: str, booking: BookingRequest, idempotency_key: str
) -> Call[Booking]:
    """Ask for one booking; every try of the call carries the same key."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": header_text("idempotency_key", idempotency_key),
    }
    url = f"{base_url}/api/calendar/external-booking"
    request = Request("POST", url, headers, booking.content())
    return Call("book_appointment", request, _booking, idempotency_key)


def checked_base_url(base_url: str) -> str:
    """Return the address without a final slash; refuse what is no plain HTTP address.

    A user name or password in it would end up in messages and logs.
    """
    parts = urlsplit(base_url)
    plain = parts.scheme in ("http", "https") and parts.hostname
    if not plain or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("base_url must look like https://calendar.example.com")
    return base_url.rstrip("/")


def header_text(name: str, value: str) -> str:
    """Return a value that fits a header; refuse others without repeating them."""
    printable = value.isascii() and value.isprintable()
    if not value or not printable or value != value.strip():
        message = f"{name} must be printable ASCII without blanks at the ends"
        raise ValueError(message)
    return value


def date_text(value: date | str) -> str:
    """Write a local date as YYYY-MM-DD; text passes, for the service to judge."""
    if isinstance(value, datetime):
        raise ValueError("Pass the agent's local date, not a datetime")  # noqa: TRY004 - one exception for every impossible argument
    return value if isinstance(value, str) else value.isoformat()


def time_text(value: time | str) -> str:
    """Write a local time as HH:MM; text passes, for the service to judge."""
    if isinstance(value, str):
        return value
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("Pass the agent's local time in whole minutes, without a zone")
    return value.strftime("%H:%M")


def _free_slots(answer: Fields) -> FreeSlots:
    slots = FreeSlots(
        agent_id=answer.text("agent_id"),
        start_date=answer.text("start_date"),
        end_date=answer.text("end_date"),
        timezone=answer.text("timezone"),
        slot_duration_minutes=answer.integer("slot_duration_minutes"),
        total_days_with_availability=answer.integer("total_days_with_availability"),
        available_slots=[_day(day) for day in answer.children("available_slots")],
    )
    _add_remarks(answer, slots)
    return slots


def _day(day: Fields) -> DaySlots:
    return DaySlots(
        date=day.text("date"),
        day_of_week=day.text("day_of_week"),
        total_slots=day.integer("total_slots"),
        slots=[_slot(slot) for slot in day.children("slots")],
    )


def _slot(slot: Fields) -> Slot:
    return Slot(
        start=slot.text("start"),
        end=slot.text("end"),
        duration_minutes=slot.integer("duration_minutes"),
    )


def _booking(answer: Fields) -> Booking:
    booking = Booking(
        status=answer.text("status"),
        booking_id=answer.text("booking_id"),
        message=answer.text("message"),
        details=_booking_details(answer.child("details")),
    )
    _add_remarks(answer, booking)
    return booking


def _booking_details(details: Fields) -> BookingDetails:
    return BookingDetails(
        event_id=details.text("event_id"),
        agent_id=details.text("agent_id"),
        participant_name=details.text("participant_name"),
        booking_date=details.text("booking_date"),
        booking_time=details.text("booking_time"),
        duration_minutes=details.integer("duration_minutes"),
        external_reference_id=details.optional_text("external_reference_id"),
    )


def _add_remarks(answer: Fields, result: FreeSlots | Booking) -> None:
    """Copy what the service says about calendars that it could not ask."""
    if answer.has("warnings"):
        result["warnings"] = answer.texts("warnings")
    if answer.has("verified"):
        result["verified"] = answer.flag("verified")
