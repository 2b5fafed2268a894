"""What was read of connected calendars, in the tenant API."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.harness.scenes.mirror import Mirror, ReadCalendar
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import Hire, book, booked_id, data, problem, wish
from universal_calendar.core.busy import BusyType

CHECK = "/availability/check"


def at(hour: int, minute: int = 0) -> datetime:
    return datetime.fromisoformat(tomorrow_at(hour, minute, days=3)).astimezone(UTC)


def text(hour: int, minute: int = 0) -> str:
    return tomorrow_at(hour, minute, days=3)


def periods(desk: Desk, **query: Any) -> list[tuple[str, str, list[str]]]:
    days = {"startDate": text(0)[:10], "endDate": text(0)[:10], "duration": 60}
    found = data(desk.get(CHECK, **(days | query)))["availability"]
    return [
        (slot["startTime"][11:16], slot["endTime"][11:16], slot["agentIds"])
        for day in found
        for slot in day["slots"]
    ]


@pytest.fixture
async def calendar(mirror: Mirror) -> ReadCalendar:
    return await mirror.connect()


async def test_an_event_is_cut_out_of_periods(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar
) -> None:
    await mirror.take(calendar, at(10, 30), at(11, 15))
    ann = [desk.agent_id]
    assert periods(desk) == [("09:00", "10:30", ann), ("11:15", "17:00", ann)]
    await mirror.take(calendar, at(11), at(16))
    assert periods(desk) == [("09:00", "10:30", ann), ("16:00", "17:00", ann)]


async def test_calendars_of_all_and_of_one(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar, hire: Hire
) -> None:
    ben = await hire("Ben")
    await mirror.take(calendar, at(9), at(10))
    own = await mirror.connect(UUID(ben))
    await mirror.take(own, at(10), at(16))
    assert periods(desk) == [
        ("10:00", "17:00", [desk.agent_id]),
        ("16:00", "17:00", [ben]),
    ]


async def test_a_booking_into_an_event_names_it_without_its_title(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar
) -> None:
    await mirror.take(calendar, at(10), at(11))
    details = problem(book(desk, 10, 11), 409, "CONFLICT")
    assert details == {
        "reason": "slot_taken",
        "conflicts": [
            {"type": "calendar", "startTime": text(10), "endTime": text(11)},
        ],
        "alternatives": [
            {"startTime": text(h), "endTime": text(h + 1), "agentId": desk.agent_id}
            for h in (9, 11, 12)
        ],
    }


async def test_what_does_not_count_is_no_conflict(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar
) -> None:
    for columns in ({"direction": "to_provider"}, {"tentative_blocks": False}):
        other = await mirror.connect()
        await mirror.take(other, at(10), at(11), BusyType.TENTATIVE)
        await mirror.set_connection(other, **columns)
    await mirror.take(calendar, at(10), at(11), BusyType.TENTATIVE)
    details = problem(book(desk, 10, 11), 409, "CONFLICT")
    assert len(details["conflicts"]) == 1
    await mirror.clear(calendar)
    booked = data(book(desk, 10, 11))
    assert not {"warnings", "verified"} & booked.keys()


@pytest.mark.parametrize(
    "pushing",
    [
        {"force": True},
        {"appointmentData": wish(serviceDetails={"urgency": "emergency"})},
    ],
)
async def test_nothing_passes_an_event(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar, pushing: dict[str, Any]
) -> None:
    await mirror.take(calendar, at(10), at(11))
    details = problem(book(desk, **pushing), 409, "CONFLICT")
    assert details["reason"] == "slot_taken"


async def test_whoever_is_free_by_their_calendar_is_chosen(
    desk: Desk, mirror: Mirror, hire: Hire
) -> None:
    ben = await hire("Ben")
    for agent, hour in ((desk.agent_id, 10), (ben, 14)):
        own = await mirror.connect(UUID(agent))
        await mirror.take(own, at(hour), at(hour + 1))
    assert data(book(desk, 10, 11, agentId=None))["agentId"] == ben
    assert data(book(desk, 14, 15, agentId=None))["agentId"] == desk.agent_id


async def test_a_move_is_judged_by_calendars_too(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar
) -> None:
    booked = booked_id(book(desk, 10, 11))
    await mirror.take(calendar, at(14), at(15))
    moved = desk.put(
        f"/appointments/{booked}", {"appointmentData": {"startTime": text(14)}}
    )
    assert problem(moved, 409, "CONFLICT")["reason"] == "slot_taken"
    moved = desk.put(
        f"/appointments/{booked}", {"appointmentData": {"startTime": text(13)}}
    )
    assert not {"warnings", "verified"} & data(moved).keys()


async def test_holds_are_judged_by_calendars_too(
    desk: Desk, mirror: Mirror, calendar: ReadCalendar
) -> None:
    await mirror.take(calendar, at(10), at(11))
    taken = {"startTime": text(10), "endTime": text(11)}
    assert (
        problem(desk.post("/holds", taken), 409, "CONFLICT")["reason"] == "slot_taken"
    )
    free = {"startTime": text(11), "endTime": text(12)}
    data(desk.post("/holds", free))
