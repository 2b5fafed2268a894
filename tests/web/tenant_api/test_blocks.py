"""Blocks: time that nobody may book, whatever is in it already."""

from typing import Any

import httpx2
import psycopg
import pytest

from tests.web.api import Api
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.test_availability import day_of, periods
from tests.web.tenant_api.wishes import (
    UNKNOWN,
    Hire,
    book,
    booked_id,
    data,
    problem,
    wish,
)
from universal_calendar.services.ports.identity import Role

BLOCK, BLOCKS = "/availability/block", "/availability/blocks"


def block(desk: Desk, start: int = 10, end: int = 12, **fields: Any) -> httpx2.Response:
    """Block some hours of the third day from now."""
    times = {
        "startTime": tomorrow_at(start, days=3),
        "endTime": tomorrow_at(end, days=3),
    }
    return desk.post(BLOCK, times | fields)


def block_id(answer: httpx2.Response) -> str:
    found: str = data(answer)["blockId"]
    return found


def listed(desk: Desk, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data(desk.get(BLOCKS, **query))["blocks"]
    return found


def test_the_specifications_own_body(desk: Desk) -> None:
    answer = block(
        desk,
        reason="emergency_service",
        title="Emergency Service Call",
        blockType="soft",
    )
    created = data(answer)
    assert created == {
        "blockId": created["blockId"],
        "created": True,
        "conflictingAppointments": [],
    }
    (found,) = listed(desk)
    assert found == {
        "id": created["blockId"],
        "agentId": None,
        "startTime": tomorrow_at(10, days=3),
        "endTime": tomorrow_at(12, days=3),
        "blockType": "soft",
        "title": "Emergency Service Call",
        "reason": "emergency_service",
        "createdAt": found["createdAt"],
    }


def test_appointments_in_its_time_stay_and_are_listed(desk: Desk) -> None:
    first, second = booked_id(book(desk, 11, 13)), booked_id(book(desk, 9, 10))
    data(
        desk.post(
            "/holds",
            {"startTime": tomorrow_at(10, days=3), "endTime": tomorrow_at(11, days=3)},
        )
    )
    assert data(block(desk))["conflictingAppointments"] == [
        {
            "appointmentId": first,
            "startTime": tomorrow_at(11, days=3),
            "endTime": tomorrow_at(13, days=3),
            "agentId": desk.agent_id,
        }
    ]
    for appointment in (first, second):
        assert (
            data(desk.get(f"/appointments/{appointment}"))["appointment"]["status"]
            == "confirmed"
        )


@pytest.mark.parametrize("kind", ["soft", "hard"])
@pytest.mark.proves("POST /availability/block", "DELETE /availability/blocks/{blockId}")
def test_hidden_in_both_dialects_at_once(kind: str, desk: Desk, api: Api) -> None:
    hours = [f"{hour:02}:00" for hour in range(9, 17)]
    assert api.starts(day_of(), duration_minutes=60) == hours
    assert periods(desk) == [("09:00", "17:00", [desk.agent_id])]
    made = block_id(block(desk, blockType=kind))
    assert api.starts(day_of(), duration_minutes=60) == [hours[0], *hours[3:]]
    assert [each[:2] for each in periods(desk)] == [
        ("09:00", "10:00"),
        ("12:00", "17:00"),
    ]
    refused = api.book(day_of(), "10:00")
    assert (refused.status_code, refused.json()["code"]) == (409, "blocked")
    details = problem(book(desk, 10, 11), 409, "CONFLICT")
    assert details["reason"] == "blocked"
    assert [each["type"] for each in details["conflicts"]] == ["block"]
    assert data(desk.delete(f"{BLOCKS}/{made}")) == {"removed": True}
    assert api.starts(day_of(), duration_minutes=60) == hours
    assert periods(desk) == [("09:00", "17:00", [desk.agent_id])]


def test_an_emergency_passes_a_soft_block_alone(desk: Desk) -> None:
    emergency: dict[str, Any] = {"serviceDetails": {"urgency": "emergency"}}
    block(desk, 10, 11, blockType="soft")
    block(desk, 11, 12)
    data(book(desk, appointmentData=wish(10, 11, **emergency)))
    refused = book(desk, appointmentData=wish(11, 12, **emergency))
    assert problem(refused, 409, "CONFLICT")["reason"] == "blocked"


async def test_a_block_is_for_every_agent_unless_it_names_one(
    desk: Desk, hire: Hire
) -> None:
    ann, ben = desk.agent_id, await hire("Ben")
    block(desk, 9, 12, agentId=ann)
    assert periods(desk) == [("09:00", "17:00", [ben]), ("12:00", "17:00", [ann])]
    block(desk, 12, 17)
    assert periods(desk) == [("09:00", "12:00", [ben])]
    cid = await hire("Cid")
    assert periods(desk) == [("09:00", "12:00", sorted([ben, cid]))]
    assert len(listed(desk, agentId=ann)) == 2
    assert [each["agentId"] for each in listed(desk, agentId=ben)] == [None]


async def test_conflicts_of_every_agent(desk: Desk, hire: Hire) -> None:
    ben = await hire("Ben")
    book(desk, 10, 11)
    book(desk, 11, 12, agentId=ben)
    everybody = data(block(desk))["conflictingAppointments"]
    assert [each["agentId"] for each in everybody] == [desk.agent_id, ben]
    bens = data(block(desk, agentId=ben))["conflictingAppointments"]
    assert [each["agentId"] for each in bens] == [ben]


@pytest.mark.proves("GET /availability/blocks")
def test_list_is_by_local_day_of_the_start(desk: Desk) -> None:
    late, early = block_id(block(desk, 15, 16)), block_id(block(desk, 10, 23))
    times = {"startTime": tomorrow_at(10, days=4), "endTime": tomorrow_at(11, days=4)}
    next_day = block_id(desk.post(BLOCK, times))

    def ids(**query: Any) -> list[str]:
        return [each["id"] for each in listed(desk, **query)]

    assert ids() == [early, late, next_day]
    assert ids(startDate=day_of(3), endDate=day_of(3)) == [early, late]
    assert ids(startDate=day_of(4)) == [next_day]
    assert ids(endDate=day_of(2)) == []
    # 15:00 in UTC is the next day's 03:00 or 04:00 there.
    assert ids(endDate=day_of(3), timezone="Pacific/Auckland") == [early]
    page = data(desk.get(BLOCKS, limit=2, page=2))
    assert [each["id"] for each in page["blocks"]] == [next_day]
    assert page["pagination"] == {"page": 2, "limit": 2, "total": 3, "pages": 2}
    assert ids(page=3) == []


def test_twice_under_one_key_is_one_block(desk: Desk) -> None:
    times = {"startTime": tomorrow_at(10), "endTime": tomorrow_at(11)}
    key = {"Idempotency-Key": "block-1"}
    first, second = (desk.post(BLOCK, times, headers=key) for _ in range(2))
    assert first.content == second.content
    assert len(listed(desk)) == 1


def test_what_cannot_be_blocked(desk: Desk) -> None:
    for fields in (
        {"endTime": tomorrow_at(10, days=3)},
        {"endTime": tomorrow_at(9, days=3)},
        {"blockType": "firm"},
        {"startTime": "2030-01-01T10:00:00"},
        {"title": " "},
    ):
        problem(block(desk, **fields), 400, "VALIDATION_ERROR")
    problem(block(desk, agentId=UNKNOWN), 404, "NOT_FOUND")
    assert listed(desk) == []


@pytest.mark.proves("DELETE /availability/blocks/{blockId}")
def test_an_unknown_block_is_not_found(desk: Desk) -> None:
    made = block_id(block(desk))
    data(desk.delete(f"{BLOCKS}/{made}"))
    for missing in (made, UNKNOWN):
        problem(desk.delete(f"{BLOCKS}/{missing}"), 404, "NOT_FOUND")


def test_roles(desk: Desk) -> None:
    operator, viewer = desk.as_user(Role.OPERATOR), desk.as_user(Role.VIEWER)
    made = block_id(block(operator))
    problem(block(viewer), 403, "FORBIDDEN")
    problem(viewer.delete(f"{BLOCKS}/{made}"), 403, "FORBIDDEN")
    assert len(listed(viewer)) == 1
    data(operator.delete(f"{BLOCKS}/{made}"))


def test_audited_and_unreadable_at_rest(
    desk: Desk, superuser: psycopg.Connection[tuple[object, ...]]
) -> None:
    made = block_id(block(desk, title="Dentist of Ann", reason="Root canal"))
    row = superuser.execute("SELECT sealed FROM blocks WHERE block_id = %s", [made])
    (sealed,) = row.fetchone() or (b"",)
    assert isinstance(sealed, bytes)
    assert b"Dentist" not in sealed
    assert b"canal" not in sealed
    data(desk.delete(f"{BLOCKS}/{made}"))
    entries = data(desk.get("/audit", subjectId=made))["entries"]
    assert [each["action"] for each in entries] == ["block.removed", "block.created"]
