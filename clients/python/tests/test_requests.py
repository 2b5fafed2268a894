import json
from datetime import UTC, date, datetime, time

import pytest

from universal_calendar_client import CalendarAPIError
from universal_calendar_client._answer import Answer
from universal_calendar_client._requests import (
    BookingRequest,
    booking_call,
    checked_base_url,
    date_text,
    free_slots_call,
    header_text,
    time_text,
)

AGENT = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"


def booking_request(**changes):
    fields = {
        "agent_id": AGENT,
        "participant_name": "Ada Lovelace",
        "booking_date": date(2027, 3, 1),
        "booking_time": time(9, 0),
        "duration_minutes": 30,
        "participant_email": None,
        "participant_phone": None,
        "description": None,
        "external_reference_id": None,
    }
    return BookingRequest(**(fields | changes))


def free_slots(**changes):
    fields = {"agent_id": AGENT, "dates": ("2027-03-01", "2027-03-07")}
    return free_slots_call("http://host", duration_minutes=30, **(fields | changes))


def test_free_slots_asks_the_guides_address():
    request = free_slots().request
    assert (request.method, request.content) == ("GET", None)
    assert request.url == (
        f"http://host/api/calendar/free-slots/{AGENT}"
        "?start_date=2027-03-01&end_date=2027-03-07&duration_minutes=30"
    )


def test_an_agent_id_cannot_leave_its_place_in_the_path():
    url = free_slots(agent_id="../x?y#z").request.url
    assert url.startswith("http://host/api/calendar/free-slots/..%2Fx%3Fy%23z?start")


def test_the_body_of_a_booking_has_the_guides_fields_and_no_key():
    call = booking_call("http://host", booking_request(), "my-key")
    assert call.request.url == "http://host/api/calendar/external-booking"
    assert call.request.headers["Idempotency-Key"] == "my-key"
    assert json.loads(call.request.content) == {
        "agent_id": AGENT,
        "participant_name": "Ada Lovelace",
        "booking_date": "2027-03-01",
        "booking_time": "09:00",
        "duration_minutes": 30,
    }


def test_optional_fields_are_sent_when_they_have_a_value():
    booking = booking_request(participant_email="ada@example.com", description="")
    sent = json.loads(booking.content())
    assert sent["participant_email"] == "ada@example.com"
    assert "description" not in sent


def test_a_request_shows_no_name_in_its_repr():
    call = booking_call("http://host", booking_request(), "my-key")
    assert "Ada" not in repr(call) + repr(booking_request())


@pytest.mark.parametrize("text", ["2027-03-01", "12/05/2025"])
def test_text_is_left_for_the_service_to_judge(text):
    assert (date_text(text), time_text(text)) == (text, text)


def test_dates_and_times_are_written_as_the_wire_wants():
    assert date_text(date(2027, 3, 1)) == "2027-03-01"
    assert time_text(time(7, 5)) == "07:05"


def test_a_datetime_is_no_local_date():
    with pytest.raises(ValueError, match="local date"):
        date_text(datetime(2027, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "value", [time(9, 0, 1), time(9, 0, 0, 1), time(9, tzinfo=UTC)]
)
def test_a_time_that_would_lose_something_is_refused(value):
    with pytest.raises(ValueError, match="whole minutes"):
        time_text(value)


@pytest.mark.parametrize(
    "value", ["", " geheim", "geheim ", "ge\nheim", "schlüssel", "\x7f"]
)
def test_a_value_unfit_for_a_header_is_refused_without_repeating_it(value):
    with pytest.raises(ValueError, match="api_key must be") as caught:
        header_text("api_key", value)
    assert value == "" or value not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host",
        "ftp://host",
        "http://",
        "http://key@host",
        "http://h?x=1",
        "http://h#x",
    ],
)
def test_an_address_that_is_not_plain_http_is_refused(address):
    with pytest.raises(ValueError, match="base_url"):
        checked_base_url(address)


def test_an_address_may_have_a_path_and_a_final_slash():
    assert checked_base_url("https://host:8443/calendar/") == (
        "https://host:8443/calendar"
    )


def answer(body: object, status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps(body).encode())


def test_free_slots_are_returned_as_they_came(free_slots_body):
    assert free_slots().result(answer(free_slots_body)) == free_slots_body


def test_a_booking_is_returned_as_it_came(booking_body):
    call = booking_call("http://host", booking_request(), "k")
    assert call.result(answer(booking_body, 201)) == booking_body


@pytest.mark.parametrize("reference", ["EXT-1", None])
def test_the_reference_may_be_null(booking_body, reference):
    booking_body["details"]["external_reference_id"] = reference
    call = booking_call("http://host", booking_request(), "k")
    details = call.result(answer(booking_body, 201))["details"]
    assert details["external_reference_id"] == reference


def test_remarks_appear_only_when_the_service_makes_them(free_slots_body):
    assert "verified" not in free_slots().result(answer(free_slots_body))
    remarks = {"warnings": ["One calendar is silent"], "verified": False}
    result = free_slots().result(answer(free_slots_body | remarks))
    assert (result["warnings"], result["verified"]) == (
        ["One calendar is silent"],
        False,
    )


def test_fields_of_a_later_version_do_no_harm(free_slots_body):
    assert free_slots().result(answer(free_slots_body | {"new": 1})) == free_slots_body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Bad gateway</html>",
        b'{"agent_id": "47',
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "html", "cut", "list", "null", "bytes", "deep", "huge"],
)
def test_a_body_that_is_no_object_is_a_clear_error(content):
    with pytest.raises(CalendarAPIError, match="cannot be read") as caught:
        free_slots().result(Answer(200, {"x-request-id": "r-1"}, content))
    assert (caught.value.status, caught.value.request_id) == (200, "r-1")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("timezone", None, "timezone is not text"),
        ("slot_duration_minutes", True, "slot_duration_minutes is not a whole"),
        ("slot_duration_minutes", "30", "slot_duration_minutes is not a whole"),
        ("available_slots", {}, "available_slots is not a list"),
        ("available_slots", ["x"], r"available_slots\[0\] is not an object"),
        ("available_slots", [{"date": 1}], r"available_slots\[0\]\.date is not text"),
        ("warnings", "x", "warnings is not a list"),
        ("warnings", [1], "warnings is not a list of texts"),
        ("verified", 0, "verified is not true or false"),
    ],
)
def test_a_wrong_field_is_named(free_slots_body, name, value, reason):
    with pytest.raises(CalendarAPIError, match=reason):
        free_slots().result(answer(free_slots_body | {name: value}))


@pytest.mark.parametrize("name", ["status", "booking_id", "message", "details"])
def test_a_booking_without_a_field_is_an_error_that_keeps_its_key(booking_body, name):
    del booking_body[name]
    call = booking_call("http://host", booking_request(), "my-key")
    with pytest.raises(CalendarAPIError, match=name) as caught:
        call.result(answer(booking_body, 201))
    assert caught.value.idempotency_key == "my-key"
