"""The guide's six scenarios and what lies beyond it, against a running service."""

from datetime import date, time, timedelta

import pytest

from universal_calendar_client import (
    AuthenticationError,
    BookingConflictError,
    CalendarAPIError,
    ValidationError,
)

UNKNOWN_AGENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def client(connect, service):
    return connect(service.url, service.api_key)


@pytest.fixture
def slots(client, service, in_a_week):
    last = in_a_week + timedelta(days=6)
    return client.get_free_slots(service.agent_id, in_a_week, last)


@pytest.fixture
def free(service, slots):
    """Name the first free slot in the words of a booking."""
    day = slots["available_slots"][0]
    return {
        "agent_id": service.agent_id,
        "booking_date": day["date"],
        "booking_time": day["slots"][0]["start"],
    }


def test_scenario_1_free_slots(service, slots, in_a_week):
    assert slots["agent_id"] == service.agent_id
    assert slots["start_date"] == in_a_week.isoformat()
    assert slots["timezone"] == "UTC"
    assert slots["total_days_with_availability"] == len(slots["available_slots"]) > 0
    for day in slots["available_slots"]:
        assert day["total_slots"] == len(day["slots"])


def test_scenario_2_a_wrong_key(connect, service, in_a_week):
    stranger = connect(service.url, "wrong-api-key")
    with pytest.raises(AuthenticationError) as caught:
        stranger.get_free_slots(service.agent_id, in_a_week, in_a_week)
    assert caught.value.response.status_code == 401
    assert caught.value.detail == "Invalid API key"
    assert caught.value.request_id


def test_scenario_3_a_booking(client, free):
    booking = client.book_appointment(participant_name="Test User", **free)
    assert booking["status"] == "success"
    assert booking["details"]["event_id"] == booking["booking_id"]
    assert booking["details"]["booking_time"] == free["booking_time"]
    assert booking["details"]["external_reference_id"] is None


def test_scenario_4_the_past(client, service):
    with pytest.raises(CalendarAPIError) as caught:
        client.book_appointment(
            agent_id=service.agent_id,
            participant_name="Test User",
            booking_date="2020-01-01",
            booking_time="10:00",
        )
    assert caught.value.response.status_code == 400
    assert "past" in caught.value.response.json()["detail"].lower()


def test_scenario_5_the_same_slot_twice(client, free):
    first = client.book_appointment(participant_name="User 1", **free)
    assert first["status"] == "success"
    with pytest.raises(BookingConflictError) as caught:
        client.book_appointment(participant_name="User 2", **free)
    day, start = free["booking_date"], free["booking_time"]
    assert caught.value.detail == f"Time slot {start} on {day} is not available"
    assert (caught.value.status, caught.value.code) == (409, "slot_taken")


def test_scenario_6_a_wrong_time(client, free):
    with pytest.raises(ValidationError) as caught:
        client.book_appointment(
            participant_name="Test User", **free | {"booking_time": "2:30 PM"}
        )
    assert caught.value.status == 422
    assert [e.location for e in caught.value.errors] == [("body", "booking_time")]


def test_an_alternative_can_be_booked(client, service, free):
    client.book_appointment(participant_name="User 1", **free)
    with pytest.raises(BookingConflictError) as caught:
        client.book_appointment(participant_name="User 2", **free)
    nearest = caught.value.alternatives[0]
    booking = client.book_appointment(
        service.agent_id,
        "User 2",
        nearest["date"],
        nearest["start"],
        nearest["duration_minutes"],
    )
    assert booking["status"] == "success"


def test_a_booked_slot_is_listed_no_more(client, service, free):
    client.book_appointment(participant_name="Test User", **free)
    day = free["booking_date"]
    listed = client.get_free_slots(service.agent_id, day, day)["available_slots"]
    starts = [slot["start"] for one in listed for slot in one["slots"]]
    assert free["booking_time"] not in starts


def test_dates_and_times_may_be_objects(client, free):
    typed = free | {
        "booking_date": date.fromisoformat(free["booking_date"]),
        "booking_time": time.fromisoformat(free["booking_time"]),
    }
    booking = client.book_appointment(participant_name="Test User", **typed)
    assert booking["details"]["booking_date"] == free["booking_date"]
    assert booking["details"]["booking_time"] == free["booking_time"]


def test_one_idempotency_key_books_once(client, free):
    key = f"once-{free['booking_date']}-{free['booking_time']}"
    named = free | {"participant_name": "Test User", "idempotency_key": key}
    first = client.book_appointment(**named)
    assert client.book_appointment(**named) == first
    with pytest.raises(ValidationError):
        client.book_appointment(**named | {"participant_name": "Somebody else"})


def test_every_optional_field_is_accepted(client, free):
    booking = client.book_appointment(
        participant_name="Zoë O'Neil",
        participant_email="zoe@example.com",
        participant_phone="+1-555-0123",
        description="First visit",
        external_reference_id="EXT-12345",
        **free,
    )
    assert booking["details"]["participant_name"] == "Zoë O'Neil"
    assert booking["details"]["external_reference_id"] == "EXT-12345"


def test_an_unknown_agent(client, in_a_week):
    with pytest.raises(CalendarAPIError) as caught:
        client.get_free_slots(UNKNOWN_AGENT, in_a_week, in_a_week)
    assert caught.value.status == 404
    assert UNKNOWN_AGENT in caught.value.detail


def test_dates_in_the_wrong_order(client, service, in_a_week):
    before = in_a_week - timedelta(days=1)
    with pytest.raises(CalendarAPIError) as caught:
        client.get_free_slots(service.agent_id, in_a_week, before)
    assert caught.value.status == 400
    assert caught.value.detail == "end_date must be after start_date"
