import inspect
import tomllib
from pathlib import Path

import pytest

import universal_calendar_client
from universal_calendar_client import AsyncCalendarClient, CalendarClient

PACKAGE = Path(universal_calendar_client.__file__).parent


def test_the_public_names_change_only_on_purpose():
    assert universal_calendar_client.__all__ == [
        "Alternative",
        "Answer",
        "AsyncCalendarClient",
        "AuthenticationError",
        "Booking",
        "BookingConflictError",
        "BookingDetails",
        "CalendarAPIError",
        "CalendarClient",
        "DaySlots",
        "FieldError",
        "FreeSlots",
        "RateLimitedError",
        "RetryPolicy",
        "ServiceUnavailableError",
        "Slot",
        "ValidationError",
    ]
    for name in universal_calendar_client.__all__:
        assert getattr(universal_calendar_client, name).__doc__


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("name", ["get_free_slots", "book_appointment"])
def test_both_shells_have_one_signature(name):
    blocking = inspect.signature(getattr(CalendarClient, name))
    assert blocking == inspect.signature(getattr(AsyncCalendarClient, name))


def test_the_signature_is_the_guides():
    parameters = list(inspect.signature(CalendarClient.book_appointment).parameters)
    assert parameters == [
        "self",
        "agent_id",
        "participant_name",
        "booking_date",
        "booking_time",
        "duration_minutes",
        "participant_email",
        "participant_phone",
        "description",
        "external_reference_id",
        "idempotency_key",
    ]


def test_the_one_dependency_is_the_http_library():
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())
    names = project["project"]["dependencies"]
    assert [name.partition(">=")[0] for name in names] == ["httpx2"]
