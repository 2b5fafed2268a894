"""Every row of the guide's two error tables, body and status as they stand there."""

from datetime import timedelta

import httpx2
import pytest

from tests.harness.scenes.business import Business
from tests.web.api import UNKNOWN_AGENT, Api, day_after
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now

TOMORROW = 1


def answer_of(answer: httpx2.Response) -> tuple[int, object]:
    return answer.status_code, answer.json()


def test_listing_with_an_invalid_key(shared: Api) -> None:
    answer = shared.with_key("wrong").free_slots(day_after(TOMORROW))
    assert answer_of(answer) == (401, {"detail": "Invalid API key"})


def test_listing_an_unknown_agent(shared: Api) -> None:
    answer = shared.with_agent(UNKNOWN_AGENT).free_slots(day_after(TOMORROW))
    text = f"Business hours not found for agent {UNKNOWN_AGENT}"
    assert answer_of(answer) == (404, {"detail": text})


def test_listing_a_reversed_range(shared: Api) -> None:
    answer = shared.free_slots(day_after(2), day_after(1))
    text = "end_date must be after start_date"
    assert answer_of(answer) == (400, {"detail": text})


def test_listing_a_range_that_is_too_long(shared: Api) -> None:
    answer = shared.free_slots(day_after(0), day_after(91))
    text = "Date range cannot exceed 90 days"
    assert answer_of(answer) == (400, {"detail": text})


def test_booking_with_an_invalid_key(shared: Api) -> None:
    answer = shared.with_key("wrong").book(day_after(TOMORROW), "10:00")
    assert answer_of(answer) == (401, {"detail": "Invalid API key"})


def test_booking_an_unknown_agent(shared: Api) -> None:
    answer = shared.with_agent(UNKNOWN_AGENT).book(day_after(TOMORROW), "10:00")
    text = f"Business hours not found for agent {UNKNOWN_AGENT}"
    assert answer_of(answer) == (404, {"detail": text})


@pytest.mark.parametrize("day", ["1970-01-01", "2020-01-01", None])
def test_booking_a_past_day(shared: Api, day: str | None) -> None:
    answer = shared.book(day or day_after(-1), "10:00")
    assert answer_of(answer) == (400, {"detail": "Cannot book in the past"})


async def test_booking_a_past_time_without_notice(
    api: Api, business: Business, parts: Parts
) -> None:
    await parts.tenants.set_hours(
        business.agent, {"min_advance_booking_hours": 0, "working_hours": {}}
    )
    passed = utc_now() - timedelta(minutes=1)
    answer = api.book(passed.date(), f"{passed:%H:%M}")
    assert answer_of(answer) == (400, {"detail": "Cannot book in the past"})


@pytest.mark.parametrize("hours", [2, 48])
async def test_booking_too_soon(
    hours: int, api: Api, business: Business, parts: Parts
) -> None:
    rules = {"min_advance_booking_hours": hours}
    await parts.tenants.set_hours(business.agent, rules)
    start = utc_now() + timedelta(hours=hours, minutes=-1)
    answer = api.book(start.date(), f"{start:%H:%M}")
    text = f"Bookings must be made at least {hours} hours in advance"
    assert answer_of(answer) == (400, {"detail": text})


@pytest.mark.parametrize("days", [90, 7])
async def test_booking_too_far_ahead(
    days: int, api: Api, business: Business, parts: Parts
) -> None:
    await parts.tenants.set_hours(business.agent, {"max_advance_booking_days": days})
    answer = api.book(day_after(days + 1), "10:00")
    text = f"Cannot book more than {days} days in advance"
    assert answer_of(answer) == (400, {"detail": text})


def test_the_last_day_of_the_booking_window_is_bookable(api: Api) -> None:
    assert api.book(day_after(90), "10:00").status_code == 201


def test_booking_a_taken_slot(api: Api) -> None:
    day = day_after(TOMORROW)
    assert api.book(day, "14:30").status_code == 201
    answer = api.book(day, "14:30")
    assert answer.status_code == 409
    assert answer.json()["detail"] == f"Time slot 14:30 on {day} is not available"


def test_booking_in_the_wrong_format(shared: Api) -> None:
    answer = shared.book(day_after(TOMORROW), "2:30 PM")
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "booking_time"]
    assert problem["msg"].startswith("Invalid time format")
    assert problem["type"] == "value_error"
    assert problem.keys() == {"loc", "msg", "type"}


@pytest.mark.parametrize("path", ["/api", "/api/calendar", "/api/calendar/nothing"])
def test_unknown_route(shared: Api, path: str) -> None:
    answer = shared.request("GET", path)
    assert answer_of(answer) == (404, {"detail": "Not Found"})
