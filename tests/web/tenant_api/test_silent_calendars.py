"""Calendars that do not answer, in the tenant API."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.harness.scenes.mirror import Mirror, ReadCalendar
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import Hire, book, booked_id, data, problem
from universal_calendar.clock import utc_now

NOW = utc_now().replace(microsecond=0)


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def ask(desk: Desk, **query: Any) -> dict[str, Any]:
    day = tomorrow_at(0, days=3)[:10]
    days = {"startDate": day, "endDate": day, "duration": 60}
    return data(desk.get("/availability/check", **(days | query)))


def stale(provider: str = "google") -> dict[str, Any]:
    message = (
        f"The {provider} calendar has not answered since {wire(ago(1))};"
        f" busy times are as of {wire(ago(2))}."
    )
    return {
        "code": "calendar_stale",
        "provider": provider,
        "since": wire(ago(1)),
        "asOf": wire(ago(2)),
        "message": message,
    }


@pytest.fixture
async def calendar(mirror: Mirror) -> ReadCalendar:
    """Return a calendar that failed an hour ago, and was read before."""
    calendar = await mirror.connect()
    await mirror.set_calendar(calendar, read_at=ago(2))
    await mirror.set_connection(calendar, failing_since=ago(1))
    return calendar


def test_what_was_last_read_stands_and_it_is_said(
    desk: Desk, calendar: ReadCalendar
) -> None:
    for answer in (ask(desk), ask(desk, mode="slots"), data(book(desk, 10, 11))):
        assert answer["warnings"] == [stale()]
        assert "verified" not in answer


def test_a_move_is_told_too_but_other_changes_ask_no_calendar(
    desk: Desk, calendar: ReadCalendar
) -> None:
    path = f"/appointments/{booked_id(book(desk, 10, 11))}"
    later = {"startTime": tomorrow_at(13, days=3)}
    moved = data(desk.put(path, {"appointmentData": later}))
    assert moved["warnings"] == [stale()]
    assert "warnings" not in data(desk.put(path, {"appointmentData": {"title": "x"}}))


async def test_what_agents_share_is_said_once(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar, hire: Hire
) -> None:
    own = await mirror.connect(UUID(await hire("Ben")), "microsoft")
    await mirror.set_calendar(own, read_at=ago(2))
    await mirror.set_connection(own, failing_since=ago(1))
    assert ask(desk)["warnings"] == [stale(), stale("microsoft")]
    assert ask(desk, agentId=desk.agent_id)["warnings"] == [stale()]


async def test_what_is_unknown_is_unverified(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar
) -> None:
    await mirror.set_calendar(calendar, read_at=None)
    await mirror.set_connection(calendar, failing_since=None)
    for answer in (ask(desk), data(book(desk, 10, 11))):
        assert answer["verified"] is False
        assert answer["warnings"] == [
            {
                "code": "calendar_unknown",
                "provider": "google",
                "since": None,
                "asOf": None,
                "message": "The google calendar has not been read yet;"
                " what is busy there is unknown.",
            }
        ]


async def test_closed_agents_are_out_and_others_are_booked(
    desk: Desk, mirror: Mirror, hire: Hire
) -> None:
    ben = await hire("Ben")
    own = await mirror.connect(UUID(desk.agent_id))
    await mirror.set_calendar(own, read_at=None)
    await mirror.set_connection(own, is_closed_when_silent=True)
    answer = ask(desk)
    agents = [slot["agentIds"] for d in answer["availability"] for slot in d["slots"]]
    assert agents == [[ben]]
    assert answer["verified"] is False
    assert answer["warnings"][0]["code"] == "calendar_closed"
    assert "warnings" not in data(book(desk, 10, 11, agentId=None))
    details = problem(book(desk, 10, 11, force=True), 409, "CONFLICT")
    assert details["reason"] == "slot_taken"
    assert details["alternatives"] == []
    assert details["warnings"][0]["code"] == "calendar_closed"
    assert details["conflicts"] == [
        {
            "type": "calendar",
            "startTime": tomorrow_at(10, days=3),
            "endTime": tomorrow_at(11, days=3),
        }
    ]


async def test_the_refusal_says_why(desk: Desk, mirror: Mirror) -> None:
    own = await mirror.connect()
    await mirror.set_calendar(own, read_at=None)
    await mirror.set_connection(own, is_closed_when_silent=True)
    for path, body in (
        ("/appointments", None),
        ("/holds", {"startTime": tomorrow_at(9), "endTime": tomorrow_at(10)}),
    ):
        answer = book(desk, 10, 11) if body is None else desk.post(path, body)
        assert answer.status_code == 409
        message = answer.json()["error"]["message"]
        assert message == (
            "The time is not available (slot_taken). The google calendar has not been"
            " read yet; nothing can be booked until it is read."
        )
