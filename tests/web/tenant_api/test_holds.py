"""Holds: time kept for somebody who is still making up their mind."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.harness.crowd import clients
from tests.web.api import Api, wait_for
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.test_availability import day_of, periods
from tests.web.tenant_api.wishes import UNKNOWN, Hire, book, data, problem
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Role


def wanted(start: int = 10, end: int = 11, days: int = 3) -> dict[str, Any]:
    return {
        "startTime": tomorrow_at(start, days=days),
        "endTime": tomorrow_at(end, days=days),
    }


def hold(desk: Desk, start: int = 10, end: int = 11, **fields: Any) -> httpx2.Response:
    """Hold the desk's agent; None leaves a field out."""
    body = {"agentId": desk.agent_id, **wanted(start, end), **fields}
    return desk.post("/holds", {k: v for k, v in body.items() if v is not None})


def test_whole_answer(desk: Desk) -> None:
    before = utc_now()
    held = data(hold(desk))
    lasts = datetime.fromisoformat(held["expiresAt"]) - before
    assert 298 <= lasts.total_seconds() <= 301
    assert held == {
        "holdId": held["holdId"],
        "agentId": desk.agent_id,
        "expiresAt": held["expiresAt"],
    }


def test_its_time_is_gone_in_both_dialects_until_it_is_released(
    desk: Desk, api: Api
) -> None:
    held = data(hold(desk))["holdId"]
    assert "10:00" not in api.starts(day_of(), duration_minutes=60)
    assert [each[:2] for each in periods(desk)] == [
        ("09:00", "10:00"),
        ("11:00", "17:00"),
    ]
    assert api.book(day_of(), "10:00").status_code == 409
    details = problem(book(desk), 409, "CONFLICT")
    assert [each["type"] for each in details["conflicts"]] == ["hold"]
    assert held not in str(details)
    assert data(desk.delete(f"/holds/{held}")) == {"released": True}
    assert "10:00" in api.starts(day_of(), duration_minutes=60)
    problem(desk.delete(f"/holds/{held}"), 404, "NOT_FOUND")


def test_booking_with_it_uses_it_up(desk: Desk) -> None:
    held = data(hold(desk))["holdId"]
    data(book(desk, holdId=held))
    problem(desk.delete(f"/holds/{held}"), 404, "NOT_FOUND")


def test_an_appointment_is_no_hold(desk: Desk) -> None:
    booked = data(book(desk))["appointmentId"]
    problem(desk.delete(f"/holds/{booked}"), 404, "NOT_FOUND")
    assert (
        data(desk.get(f"/appointments/{booked}"))["appointment"]["status"]
        == "confirmed"
    )


def test_it_expires_by_itself(desk: Desk) -> None:
    data(hold(desk, ttlSeconds=1))
    wait_for("the end of the hold", lambda: periods(desk)[0][:2] == ("09:00", "17:00"))
    data(hold(desk))


def test_twice_under_one_key_is_one_hold(desk: Desk) -> None:
    body, key = {"agentId": desk.agent_id, **wanted()}, {"Idempotency-Key": "hold-1"}
    first, second = (desk.post("/holds", body, headers=key) for _ in range(2))
    assert data(first) == data(second)
    other = body | wanted(12, 13)
    problem(desk.post("/holds", other, headers=key), 409, "CONFLICT")


def test_refused_like_a_booking(desk: Desk) -> None:
    book(desk)
    details = problem(hold(desk), 409, "CONFLICT")
    assert details["reason"] == "slot_taken"
    assert [each["type"] for each in details["conflicts"]] == ["appointment"]
    assert details["alternatives"][0]["agentId"] == desk.agent_id
    outside = problem(hold(desk, 18, 19), 409, "CONFLICT")
    assert outside["reason"] == "outside_hours"
    past: dict[str, Any] = {
        "startTime": tomorrow_at(10, days=-1),
        "endTime": tomorrow_at(11, days=-1),
    }
    problem(hold(desk, **past), 400, "BUSINESS_RULE_VIOLATION")


@pytest.mark.parametrize(
    "fields",
    [
        {"ttlSeconds": 0},
        {"ttlSeconds": 901},
        {"ttlSeconds": "300"},
        {"endTime": tomorrow_at(10, days=3)},
        {"endTime": tomorrow_at(10, days=40)},
    ],
)
def test_fields_that_cannot_be_used(fields: dict[str, Any], desk: Desk) -> None:
    problem(hold(desk, **fields), 400, "VALIDATION_ERROR")


def test_an_unknown_agent_is_not_found(desk: Desk) -> None:
    problem(hold(desk, agentId=UNKNOWN), 404, "NOT_FOUND")


def test_a_viewer_may_not(desk: Desk) -> None:
    viewer = desk.as_user(Role.VIEWER)
    problem(hold(viewer), 403, "FORBIDDEN")
    problem(viewer.delete(f"/holds/{UNKNOWN}"), 403, "FORBIDDEN")
    held = data(hold(desk.as_user(Role.OPERATOR)))["holdId"]
    entries = data(desk.get("/audit", subjectId=held))["entries"]
    assert [each["action"] for each in entries] == ["hold.created"]


async def test_without_an_agent_whoever_has_least_to_do(desk: Desk, hire: Hire) -> None:
    ben = await hire("Ben")
    book(desk, 14, 15)
    assert data(hold(desk, agentId=None))["agentId"] == ben
    assert data(hold(desk, agentId=None))["agentId"] == desk.agent_id
    details = problem(hold(desk, agentId=None), 409, "CONFLICT")
    assert details["reason"] == "slot_taken"
    assert {each["agentId"] for each in details["alternatives"]} == {ben, desk.agent_id}


async def test_a_tenant_without_agents_has_nobody_to_hold(
    desk: Desk, parts: Parts
) -> None:
    tenant = await parts.tenants.add("New", "UTC", from_datetime(utc_now()))
    answer = hold(desk, agentId=None, tenantId=str(tenant.tenant_id))
    problem(answer, 409, "BUSINESS_HOURS_NOT_CONFIGURED")
    assert len(await parts.tenants.agents(tenant.tenant_id)) == 1


async def test_a_crowd_gets_one_hold_for_each_agent(desk: Desk, hire: Hire) -> None:
    await hire("Ben")
    body = {"tenantId": desk.tenant_id, **wanted()}
    named = body | {"agentId": desk.agent_id}
    async with clients(32) as crowd:
        asked = [
            crowd.post(desk.url + "/holds", json=each, headers=desk.headers)
            for each in (body, named) * 16
        ]
        answers = await asyncio.gather(*asked)
    assert Counter(each.status_code for each in answers) == {200: 2, 409: 30}


async def test_two_at_once_get_an_agent_each(desk: Desk, hire: Hire) -> None:
    both = sorted([desk.agent_id, await hire("Ben")])
    async with clients(2) as pair:
        for hour in range(9, 17):
            body = {"tenantId": desk.tenant_id, **wanted(hour, hour + 1)}
            asked = [
                pair.post(desk.url + "/holds", json=body, headers=desk.headers)
                for _ in both
            ]
            held = [data(answer)["agentId"] for answer in await asyncio.gather(*asked)]
            assert sorted(held) == both, hour
