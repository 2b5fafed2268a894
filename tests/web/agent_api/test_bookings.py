"""Booking: what is answered, what is refused and why, and what is offered instead."""

import re
from uuid import UUID

import pytest

from tests.harness.scenes.business import ALWAYS_OPEN_DAYS, EVERY_DAY, Business
from tests.web.agent_api.conftest import Cancel, Hold
from tests.web.api import Api, day_after, wait_for
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import SlotUnavailable
from universal_calendar.core.instant import from_datetime

NINE, TEN = 9 * 60, 10 * 60


@pytest.mark.proves("POST /api/calendar/external-booking")
def test_whole_answer(api: Api) -> None:
    day = day_after(14)
    answer = api.book(
        day,
        "14:30",
        participant_email="john@example.com",
        participant_phone="+1-555-0123",
        duration_minutes=45,
        description="Initial consultation call",
        external_reference_id="EXT-BOOKING-12345",
    )
    assert answer.status_code == 201
    booking_id = answer.json()["booking_id"]
    assert str(UUID(booking_id)) == booking_id
    assert answer.json() == {
        "status": "success",
        "booking_id": booking_id,
        "message": f"Booking confirmed for {day} at 14:30",
        "details": {
            "event_id": booking_id,
            "agent_id": api.agent_id,
            "participant_name": "John Doe",
            "booking_date": str(day),
            "booking_time": "14:30",
            "duration_minutes": 45,
            "external_reference_id": "EXT-BOOKING-12345",
        },
    }


def test_smallest_booking(api: Api) -> None:
    details = api.book(day_after(1), "10:00").json()["details"]
    assert details["duration_minutes"] == 30
    assert details["external_reference_id"] is None


def test_seconds_are_not_echoed(api: Api) -> None:
    answer = api.book(day_after(1), "10:00:00").json()
    assert answer["message"] == f"Booking confirmed for {day_after(1)} at 10:00"
    assert answer["details"]["booking_time"] == "10:00"
    refused = api.book(day_after(1), "10:00:00").json()
    assert refused["detail"] == f"Time slot 10:00 on {day_after(1)} is not available"


def test_two_bookings_that_touch(api: Api) -> None:
    day = day_after(1)
    assert api.book(day, "10:00").status_code == 201
    assert api.book(day, "10:30").status_code == 201
    assert api.book(day, "09:30").status_code == 201


def test_every_listed_slot_can_be_booked_and_then_none(api: Api) -> None:
    day = day_after(1)
    for start in api.starts(day, duration_minutes=60):
        assert api.book(day, start, duration_minutes=60).status_code == 201
    assert api.starts(day, duration_minutes=1) == []


class TestGrid:
    def test_off_grid_is_accepted(self, api: Api) -> None:
        assert api.book(day_after(1), "10:07", duration_minutes=11).status_code == 201

    def test_off_grid_hides_the_slots_it_touches_and_shifts_none(
        self, api: Api
    ) -> None:
        day = day_after(1)
        before = api.starts(day)
        assert api.book(day, "10:10", duration_minutes=30).status_code == 201
        gone = {"10:00", "10:30"}
        assert api.starts(day) == [start for start in before if start not in gone]

    async def test_off_grid_is_refused_where_the_grid_is_enforced(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        await parts.tenants.set_hours(
            business.agent, EVERY_DAY | {"enforce_grid": True}
        )
        refused = api.book(day_after(1), "10:07")
        assert (refused.status_code, refused.json()["code"]) == (409, "off_grid")
        offered = [each["start"] for each in refused.json()["alternatives"]]
        assert offered == ["10:00", "10:30", "09:30"]
        assert api.book(day_after(1), "10:00").status_code == 201


class TestBuffers:
    @pytest.mark.parametrize(
        "buffers",
        [
            {"buffer_time_minutes": 15},
            {"buffer_before_minutes": 15},
            {"buffer_after_minutes": 15},
            {"buffer_before_minutes": 5, "buffer_after_minutes": 15},
        ],
    )
    async def test_gap_between_two_bookings(
        self, buffers: dict[str, int], api: Api, business: Business, parts: Parts
    ) -> None:
        await parts.tenants.set_hours(business.agent, EVERY_DAY | buffers)
        day = day_after(1)
        assert api.book(day, "12:00").status_code == 201
        for start, status in (
            ("12:44", 409),
            ("12:45", 201),
            ("11:16", 409),
            ("11:15", 201),
        ):
            assert api.book(day, start).status_code == status, start

    async def test_buffers_reach_outside_the_hours(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        hours = EVERY_DAY | {"buffer_time_minutes": 60}
        await parts.tenants.set_hours(business.agent, hours)
        assert api.book(day_after(1), "09:00").status_code == 201
        assert api.book(day_after(1), "16:30").status_code == 201


class TestDailyLimit:
    async def test_limit_is_per_day_and_cancelling_makes_room(
        self, api: Api, business: Business, parts: Parts, cancel: Cancel
    ) -> None:
        hours = EVERY_DAY | {"max_appointments_per_day": 2}
        await parts.tenants.set_hours(business.agent, hours)
        day = day_after(1)
        first = api.book(day, "09:00").json()["booking_id"]
        assert api.book(day, "12:00").status_code == 201
        refused = api.book(day, "15:00")
        assert (refused.status_code, refused.json()["code"]) == (409, "daily_limit")
        assert api.starts(day) == []
        assert api.book(day_after(2), "15:00").status_code == 201
        await cancel(business, first)
        assert api.book(day, "15:00").status_code == 201

    async def test_holds_count(
        self, api: Api, business: Business, parts: Parts, hold: Hold
    ) -> None:
        hours = EVERY_DAY | {"max_appointments_per_day": 1}
        await parts.tenants.set_hours(business.agent, hours)
        await hold(business, day_after(1), NINE)
        refused = api.book(day_after(1), "12:00")
        assert (refused.status_code, refused.json()["code"]) == (409, "daily_limit")


class TestHolds:
    async def test_held_time_is_hidden_and_refused(
        self, api: Api, business: Business, hold: Hold
    ) -> None:
        day = day_after(1)
        assert "10:00" in api.starts(day)
        await hold(business, day, TEN)
        assert "10:00" not in api.starts(day)
        refused = api.book(day, "10:00")
        assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")

    async def test_booked_time_cannot_be_held(
        self, api: Api, business: Business, hold: Hold
    ) -> None:
        assert api.book(day_after(1), "10:00").status_code == 201
        with pytest.raises(SlotUnavailable):
            await hold(business, day_after(1), TEN + 15)

    async def test_holds_are_judged_like_bookings(
        self, business: Business, hold: Hold
    ) -> None:
        with pytest.raises(SlotUnavailable):
            await hold(business, day_after(1), 3 * 60)

    async def test_expired_hold_is_absent(
        self, api: Api, business: Business, hold: Hold
    ) -> None:
        day = day_after(1)
        held = await hold(business, day, TEN, 1)
        wait_for("the hold's end", lambda: "10:00" in api.starts(day), 5)
        assert from_datetime(utc_now()) >= held.expires_at
        assert api.book(day, "10:00").status_code == 201


class TestRefusal:
    def test_whole_refusal(self, api: Api) -> None:
        day = day_after(1)
        api.book(day, "10:00")
        answer = api.book(day, "10:00")
        assert answer.status_code == 409
        assert answer.json() == {
            "detail": f"Time slot 10:00 on {day} is not available",
            "code": "slot_taken",
            "alternatives": [
                {"date": str(day), "start": start, "end": end, "duration_minutes": 30}
                for start, end in (
                    ("09:30", "10:00"),
                    ("10:30", "11:00"),
                    ("09:00", "09:30"),
                )
            ],
        }

    def test_alternatives_can_be_booked_and_are_as_long_as_the_wish(
        self, api: Api
    ) -> None:
        day = day_after(1)
        api.book(day, "12:00", duration_minutes=60)
        refused = api.book(day, "12:30", duration_minutes=90).json()
        assert len(refused["alternatives"]) == 3
        near = refused["alternatives"][0]
        assert near["duration_minutes"] == 90
        booked = api.book(near["date"], near["start"], duration_minutes=90)
        assert booked.status_code == 201

    @pytest.mark.parametrize(
        ("time", "minutes"),
        [("08:59", 30), ("16:31", 30), ("17:00", 1), ("09:01", 480), ("00:00", 480)],
    )
    def test_outside_hours(self, time: str, minutes: int, api: Api) -> None:
        answer = api.book(day_after(2), time, duration_minutes=minutes)
        assert (answer.status_code, answer.json()["code"]) == (409, "outside_hours")

    async def test_no_alternatives(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        await parts.tenants.set_hours(business.agent, {"working_hours": {}})
        answer = api.book(day_after(1), "10:00")
        assert (answer.status_code, answer.json()["alternatives"]) == (409, [])

    async def test_alternatives_are_within_fourteen_days(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        asked, open_days = day_after(30), (16, 44, 45)
        opened = {str(day_after(n)): ALWAYS_OPEN_DAYS["monday"] for n in open_days}
        hours = {"working_hours": {}, "overrides": opened}
        await parts.tenants.set_hours(business.agent, hours)
        offered = api.book(asked, "12:00", duration_minutes=240).json()["alternatives"]
        assert [(each["date"], each["start"]) for each in offered] == [
            (str(day_after(44)), "09:00"),
            (str(day_after(16)), "13:00"),
        ]

    def test_refusal_names_nobody(self, api: Api) -> None:
        day = day_after(1)
        api.book(day, "10:00", participant_name="Zaphod Beeblebrox")
        refused = api.book(day, "10:00", participant_name="Ford Prefect")
        assert not re.search("Zaphod|Ford", refused.text)
