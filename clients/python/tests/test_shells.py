"""Both shells over real sockets."""

import asyncio
import json
import logging
import socket
import traceback
import uuid
from datetime import date, time

import httpx2
import pytest

from universal_calendar_client import (
    AsyncCalendarClient,
    AuthenticationError,
    BookingConflictError,
    CalendarAPIError,
    CalendarClient,
    RateLimitedError,
    RetryPolicy,
    ServiceUnavailableError,
    ValidationError,
)

AGENT = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"
SLOT = {"agent_id": AGENT, "participant_name": "Ada Lovelace"} | {
    "booking_date": date(2027, 3, 1),
    "booking_time": time(9, 0),
}
WEEK = {"agent_id": AGENT, "start_date": "2027-03-01", "end_date": "2027-03-07"}
AWAY = {"detail": "The database is away", "code": "unavailable"}


def test_free_slots_travel_as_the_guide_says(
    stand_in, connect, api_key, free_slots_body
):
    stand_in.reply(200, free_slots_body)
    slots = connect(stand_in.url).get_free_slots(**WEEK, duration_minutes=30)
    assert slots["available_slots"][0]["slots"][0]["start"] == "09:00"
    [request] = stand_in.seen
    assert request.target == (
        f"/api/calendar/free-slots/{AGENT}"
        "?start_date=2027-03-01&end_date=2027-03-07&duration_minutes=30"
    )
    assert request.headers["x-api-key"] == api_key
    assert request.headers["accept"] == "application/json"
    assert "idempotency-key" not in request.headers


def test_a_booking_travels_as_the_guide_says(stand_in, connect, api_key, booking_body):
    stand_in.reply(201, booking_body)
    booking = connect(stand_in.url).book_appointment(**SLOT)
    assert booking == booking_body
    [request] = stand_in.seen
    assert (request.method, request.target) == (
        "POST",
        "/api/calendar/external-booking",
    )
    assert json.loads(request.body)["booking_time"] == "09:00"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-api-key"] == api_key
    assert api_key.encode() not in request.body
    assert uuid.UUID(stand_in.idempotency_keys[0]).version == 4


def test_all_tries_of_a_booking_share_one_key(stand_in, connect, booking_body):
    stand_in.drop()
    stand_in.reply(503, AWAY)
    stand_in.cut()
    stand_in.reply(201, booking_body)
    client = connect(stand_in.url)
    assert client.book_appointment(**SLOT)["status"] == "success"
    assert len(stand_in.seen) == 4
    assert len(set(stand_in.idempotency_keys)) == 1
    assert len({request.body for request in stand_in.seen}) == 1
    waits = zip(client.waits, [0.5, 1, 2], strict=True)
    assert all(0 <= wait <= most for wait, most in waits)


def test_each_booking_has_its_own_key(stand_in, connect, booking_body):
    client = connect(stand_in.url)
    for _ in range(2):
        stand_in.reply(201, booking_body)
        client.book_appointment(**SLOT)
    first, second = stand_in.idempotency_keys
    assert first != second


def test_the_callers_key_is_used(stand_in, connect, booking_body):
    stand_in.reply(500, AWAY)
    stand_in.reply(201, booking_body)
    connect(stand_in.url).book_appointment(**SLOT, idempotency_key="call-42")
    assert stand_in.idempotency_keys == ["call-42", "call-42"]


def test_a_query_is_tried_again_too(stand_in, connect, free_slots_body):
    stand_in.reply_raw(502, b"<html>Bad gateway</html>")
    stand_in.reply(200, free_slots_body)
    assert connect(stand_in.url).get_free_slots(**WEEK) == free_slots_body


def test_tries_are_bounded_and_the_error_keeps_the_key(stand_in, connect):
    for _ in range(9):
        stand_in.reply(503, AWAY, x_request_id="r-9")
    client = connect(stand_in.url)
    with pytest.raises(ServiceUnavailableError) as caught:
        client.book_appointment(**SLOT)
    assert (len(stand_in.seen), len(client.waits)) == (4, 3)
    assert (caught.value.status, caught.value.code) == (503, "unavailable")
    assert caught.value.request_id == "r-9"
    assert caught.value.idempotency_key == stand_in.idempotency_keys[0]


def test_retry_after_is_waited_for(stand_in, connect, free_slots_body):
    stand_in.reply(429, {"detail": "Slow down", "code": "rate"}, retry_after="7")
    stand_in.reply(200, free_slots_body)
    client = connect(stand_in.url)
    client.get_free_slots(**WEEK)
    [wait] = client.waits
    assert 7 <= wait <= 7.5


def test_a_long_retry_after_is_handed_to_the_caller(stand_in, connect):
    stand_in.reply(429, {"detail": "Slow down", "code": "rate"}, retry_after="900")
    client = connect(stand_in.url)
    with pytest.raises(RateLimitedError) as caught:
        client.get_free_slots(**WEEK)
    assert (caught.value.retry_after, client.waits) == (900, [])


def test_the_total_counts_the_time_that_tries_take(stand_in, connect):
    stand_in.stall()
    brief = RetryPolicy(first_delay=0, total_seconds=0.1)
    client = connect(stand_in.url, timeout=0.2, retries=brief)
    with pytest.raises(ServiceUnavailableError, match="ReadTimeout"):
        client.get_free_slots(**WEEK)
    assert len(stand_in.seen) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, CalendarAPIError),
        (401, AuthenticationError),
        (404, CalendarAPIError),
        (409, BookingConflictError),
        (422, ValidationError),
    ],
)
def test_a_refusal_is_final(stand_in, connect, status, expected):
    stand_in.reply(status, {"detail": "No"})
    with pytest.raises(expected):
        connect(stand_in.url).book_appointment(**SLOT)
    assert len(stand_in.seen) == 1


def test_silence_is_a_timeout_and_tried_again(stand_in, connect, booking_body):
    stand_in.stall()
    stand_in.reply(201, booking_body)
    client = connect(stand_in.url, timeout=0.2)
    assert client.book_appointment(**SLOT) == booking_body
    first, second = stand_in.idempotency_keys
    assert first == second


def test_nobody_listening_is_an_error_of_ours(connect):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound but not listening: refused
        client = connect(f"http://127.0.0.1:{reserved.getsockname()[1]}")
        with pytest.raises(ServiceUnavailableError, match="ConnectError") as caught:
            client.book_appointment(**SLOT)
    assert (caught.value.status, len(client.waits)) == (None, 3)
    assert caught.value.idempotency_key
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)


def test_an_address_the_library_cannot_use_is_an_error_of_ours(connect):
    client = connect("http://host")
    with pytest.raises(CalendarAPIError, match="InvalidURL"):
        client.get_free_slots(**WEEK | {"agent_id": "x" * 70_000})
    assert client.waits == []


def test_a_body_in_a_broken_encoding_is_an_error_of_ours(stand_in, connect):
    stand_in.reply_raw(200, b"no gzip", content_encoding="gzip")
    with pytest.raises(CalendarAPIError, match="DecodingError"):
        connect(stand_in.url).get_free_slots(**WEEK)


def test_an_html_page_is_an_error_of_ours(stand_in, connect):
    stand_in.reply_raw(200, b"<html>Please log in</html>", content_type="text/html")
    with pytest.raises(CalendarAPIError, match="not JSON"):
        connect(stand_in.url).get_free_slots(**WEEK)


def test_a_redirect_is_not_followed(stand_in, connect):
    stand_in.reply(307, {}, location=f"{stand_in.url}/elsewhere")
    with pytest.raises(CalendarAPIError) as caught:
        connect(stand_in.url).get_free_slots(**WEEK)
    assert (caught.value.status, len(stand_in.seen)) == (307, 1)


def test_neither_key_nor_name_is_logged_or_shown(stand_in, connect, api_key, caplog):
    caplog.set_level(logging.DEBUG)
    name, own_key = SLOT["participant_name"], "key-of-call-42"
    stand_in.drop()
    stand_in.reply(500, AWAY, x_request_id="r-3")
    stand_in.reply(409, {"detail": "Time slot is not available", "code": "slot_taken"})
    client = connect(stand_in.url)
    with pytest.raises(BookingConflictError) as caught:
        client.book_appointment(**SLOT, idempotency_key=own_key)
    shown = "".join(traceback.format_exception(caught.value)) + repr(client.client)
    for secret in (api_key, name, own_key):
        assert secret not in caplog.text + shown
    ours = [r for r in caplog.records if r.name == "universal_calendar_client"]
    assert [record.levelname for record in ours] == ["WARNING"] * 3
    assert "book_appointment: 500, try 2, request r-3, next try" in caplog.text


def test_a_success_is_logged_with_its_request_id(
    stand_in, connect, caplog, booking_body
):
    caplog.set_level(logging.INFO, logger="universal_calendar_client")
    stand_in.reply(201, booking_body, x_request_id="r-4")
    connect(stand_in.url).book_appointment(**SLOT)
    assert "book_appointment: 201, try 1, request r-4, done" in caplog.text


@pytest.mark.parametrize("key", ["", "bad\nkey", "schlüssel"])
def test_a_key_no_header_can_carry_is_refused_at_once(connect, key):
    with pytest.raises(ValueError, match="api_key"):
        connect("http://host", key)


def test_a_transport_can_be_injected(connect, free_slots_body):
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, json=free_slots_body)
    )
    client = connect("http://host", transport=transport)
    assert client.get_free_slots(**WEEK) == free_slots_body


def test_leaving_with_closes_the_connections(stand_in, api_key, free_slots_body):
    stand_in.reply(200, free_slots_body)
    with CalendarClient(stand_in.url, api_key) as client:
        assert client.get_free_slots(**WEEK) == free_slots_body
    with pytest.raises(RuntimeError, match="closed"):
        client.get_free_slots(**WEEK)


async def test_leaving_async_with_closes_the_connections(
    stand_in, api_key, free_slots_body
):
    stand_in.reply(200, free_slots_body)
    async with AsyncCalendarClient(stand_in.url, api_key) as client:
        assert await client.get_free_slots(**WEEK) == free_slots_body
    with pytest.raises(RuntimeError, match="closed"):
        await client.get_free_slots(**WEEK)


async def test_a_waiting_call_can_be_cancelled(stand_in, api_key):
    stand_in.reply(503, AWAY, retry_after="20")
    started = asyncio.Event()

    async def sleep(seconds: float) -> None:
        started.set()
        await asyncio.sleep(seconds)

    async with AsyncCalendarClient(stand_in.url, api_key, sleep=sleep) as client:
        call = asyncio.create_task(client.get_free_slots(**WEEK))
        await asyncio.wait_for(started.wait(), timeout=10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert len(stand_in.seen) == 1
