import json
import pickle

import pytest

from universal_calendar_client import (
    AuthenticationError,
    BookingConflictError,
    CalendarAPIError,
    FieldError,
    RateLimitedError,
    ServiceUnavailableError,
    ValidationError,
)
from universal_calendar_client._answer import Answer
from universal_calendar_client._errors import error_for

TAKEN = "Time slot 09:00 on 2027-03-01 is not available"
OFFER = {"date": "2027-03-01", "start": "10:00", "end": "10:30", "duration_minutes": 30}


def problem(status: int, body: object, **headers: str) -> CalendarAPIError:
    return error_for(Answer(status, headers, json.dumps(body).encode()), "my-key")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, CalendarAPIError),
        (400, CalendarAPIError),
        (401, AuthenticationError),
        (403, CalendarAPIError),
        (404, CalendarAPIError),
        (409, BookingConflictError),
        (413, CalendarAPIError),
        (422, ValidationError),
        (429, RateLimitedError),
        (500, ServiceUnavailableError),
        (501, CalendarAPIError),
        (502, ServiceUnavailableError),
        (503, ServiceUnavailableError),
        (504, ServiceUnavailableError),
    ],
)
def test_the_status_picks_the_error(status, expected):
    error = problem(status, {"detail": "words"})
    assert type(error) is expected
    assert (error.status, error.detail) == (status, "words")


def test_an_error_says_what_the_operator_will_ask_for():
    headers = {"x-request-id": "r-7"}
    error = problem(403, {"detail": "No", "code": "forbidden"}, **headers)
    assert str(error) == "No (status 403, request r-7)"
    assert (error.code, error.request_id) == ("forbidden", "r-7")
    assert error.idempotency_key == "my-key"


def test_an_error_serves_code_written_for_requests():
    error = problem(400, {"detail": "Cannot book in the past"})
    assert error.response is not None
    assert error.response.status_code == 400
    assert error.response.json() == {"detail": "Cannot book in the past"}


def test_a_conflict_offers_typed_alternatives():
    body = {"detail": TAKEN, "code": "slot_taken", "alternatives": [OFFER]}
    error = problem(409, body)
    assert isinstance(error, BookingConflictError)
    assert (error.detail, error.code) == (TAKEN, "slot_taken")
    assert error.alternatives == (OFFER,)


@pytest.mark.parametrize(
    "body",
    [
        {"detail": TAKEN},
        {"detail": TAKEN, "alternatives": None},
        {"detail": TAKEN, "alternatives": [OFFER | {"start": 9}]},
        [],
    ],
)
def test_a_conflict_with_a_broken_offer_is_still_a_conflict(body):
    error = problem(409, body)
    assert isinstance(error, BookingConflictError)
    assert error.alternatives == ()


def test_wrong_fields_are_listed():
    wrong = {"loc": ["body", "booking_time"], "msg": "Invalid time", "type": "value"}
    error = problem(422, {"detail": [wrong, {"loc": ["query", 0], "msg": "No"}]})
    assert isinstance(error, ValidationError)
    assert error.errors == (
        FieldError(("body", "booking_time"), "Invalid time"),
        FieldError(("query", 0), "No"),
    )
    assert error.detail == "body.booking_time: Invalid time; query.0: No"


def test_a_422_may_be_a_sentence():
    error = problem(422, {"detail": "This key was used for another request"})
    assert isinstance(error, ValidationError)
    assert (error.detail, error.errors) == ("This key was used for another request", ())


@pytest.mark.parametrize("body", [{}, [], {"detail": None}, {"detail": [1]}, "text"])
def test_an_answer_of_something_else_is_said_to_be_so(body):
    assert problem(502, body).detail == "The answer is not one of the calendar service"


def test_html_of_a_proxy_is_not_repeated():
    error = error_for(Answer(502, {}, b"<html>secret internals</html>"), None)
    assert isinstance(error, ServiceUnavailableError)
    assert "internals" not in str(error) + repr(error)


def test_an_error_without_an_answer_has_no_status():
    error = CalendarAPIError("nothing arrived")
    facts = (error.status, error.code, error.request_id, error.retry_after)
    assert facts == (None, None, None, None)
    assert BookingConflictError("x").alternatives == ()
    assert ValidationError("x").errors == ()


def test_an_error_survives_a_process_boundary():
    body = {"detail": TAKEN, "code": "slot_taken", "alternatives": [OFFER]}
    copy = pickle.loads(pickle.dumps(problem(409, body)))  # noqa: S301 - our own bytes
    assert isinstance(copy, BookingConflictError)
    assert (str(copy), copy.detail) == (f"{TAKEN} (status 409)", TAKEN)
    assert (copy.alternatives, copy.idempotency_key) == ((OFFER,), "my-key")
