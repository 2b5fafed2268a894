"""GET /availability/check: who is free, and when."""

import asyncio
from typing import Any

import pytest

from tests.harness.crowd import clients
from tests.harness.scenes.business import EVERY_DAY, Business
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import UNKNOWN, Hire, book, booked_id, data, problem
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.tenant_agendas import (
    TenantAgendaQuery,
    TenantReading,
)
from universal_calendar.store.booking.tenant_agendas import TenantAgendaTable

CHECK = "/availability/check"


def day_of(days: int = 3) -> str:
    return tomorrow_at(0, days=days)[:10]


def ask(desk: Desk, **query: Any) -> dict[str, Any]:
    """Ask for an hour on the third day from now."""
    days = {"startDate": day_of(), "endDate": day_of(), "duration": 60}
    return data(desk.get(CHECK, **(days | query)))


def periods(desk: Desk, **query: Any) -> list[tuple[str, str, list[str]]]:
    """Return start, end and agents of every period: times of day where it is that."""
    found = ask(desk, **query)["availability"]
    return [
        (slot["startTime"][11:16], slot["endTime"][11:16], slot["agentIds"])
        for day in found
        for slot in day["slots"]
    ]


def hours(start: str, end: str, **rules: Any) -> dict[str, Any]:
    working = {
        day: [{"start": start, "end": end}] for day in EVERY_DAY["working_hours"]
    }
    return {"working_hours": working, **rules}


async def set_hours(parts: Parts, business: Business, document: dict[str, Any]) -> None:
    await parts.tenants.set_hours(business.agent, document)


def test_whole_answer(desk: Desk) -> None:
    book(desk, 11, 12)
    assert ask(desk) == {
        "tenantId": desk.tenant_id,
        "timezone": "UTC",
        "availability": [
            {
                "date": day_of(),
                "slots": [
                    {
                        "startTime": tomorrow_at(9, days=3),
                        "endTime": tomorrow_at(11, days=3),
                        "available": True,
                        "duration": 120,
                        "agentIds": [desk.agent_id],
                    },
                    {
                        "startTime": tomorrow_at(12, days=3),
                        "endTime": tomorrow_at(17, days=3),
                        "available": True,
                        "duration": 300,
                        "agentIds": [desk.agent_id],
                    },
                ],
            }
        ],
    }


def test_periods_are_as_long_as_asked_and_days_without_are_left_out(desk: Desk) -> None:
    book(desk, 10, 16)
    found = ask(desk, endDate=day_of(4), duration=61)["availability"]
    assert [each["date"] for each in found] == [day_of(4)]
    assert ask(desk, duration=481)["availability"] == []
    assert len(periods(desk, duration=480, endDate=day_of(5))) == 2


async def test_periods_of_several_agents_are_told_apart(desk: Desk, hire: Hire) -> None:
    ann = desk.agent_id
    ben = await hire("Ben")
    assert periods(desk) == [("09:00", "17:00", sorted([ann, ben]))]
    book(desk, 10, 11)
    book(desk, 16, 17, agentId=ben)
    assert periods(desk) == [
        ("09:00", "10:00", [ann]),
        ("09:00", "16:00", [ben]),
        ("11:00", "17:00", [ann]),
    ]
    assert periods(desk, agentId=ben) == [("09:00", "16:00", [ben])]


async def test_agents_without_hours_or_inactive_are_left_out(
    desk: Desk, hire: Hire, parts: Parts, business: Business
) -> None:
    new = await hire("Ben", None)
    assert periods(desk) == [("09:00", "17:00", [desk.agent_id])]
    problem(
        desk.get(CHECK, startDate=day_of(), endDate=day_of(), duration=30, agentId=new),
        409,
        "BUSINESS_HOURS_NOT_CONFIGURED",
    )
    await hire("Cid")
    await parts.tenants.update_agent(business.agent, is_active=False)
    assert desk.agent_id not in periods(desk)[0][2]


def test_slots_are_those_of_the_grid(desk: Desk) -> None:
    book(desk, 10, 11)
    starts = [start for start, _, _ in periods(desk, mode="slots", duration=120)]
    assert starts == ["11:00", "13:00", "15:00"]
    assert {
        each["duration"] for each in ask(desk, mode="slots")["availability"][0]["slots"]
    } == {60}


async def test_slots_may_run_past_midnight_and_periods_are_cut(
    desk: Desk, parts: Parts, business: Business
) -> None:
    await set_hours(parts, business, hours("20:30", "02:30"))
    assert [each[:2] for each in periods(desk)] == [
        ("00:00", "02:30"),
        ("20:30", "00:00"),
    ]
    late = [each[:2] for each in periods(desk, mode="slots", duration=120)]
    assert late == [("00:30", "02:30"), ("20:30", "22:30"), ("22:30", "00:30")]


def test_days_are_those_of_the_zone_asked_for(desk: Desk) -> None:
    found = ask(desk, timezone="Pacific/Auckland")
    assert found["timezone"] == "Pacific/Auckland"
    (day,) = found["availability"]
    assert day["date"] == day_of()
    times = [(each["startTime"], each["endTime"]) for each in day["slots"]]
    assert all(start < end for start, end in times)
    assert {start[:10] for start, _ in times} <= {day_of(2), day_of(3)}
    whole = ask(
        desk, timezone="Pacific/Auckland", startDate=day_of(2), endDate=day_of(4)
    )
    minutes = sum(s["duration"] for d in whole["availability"] for s in d["slots"])
    assert minutes == 3 * 8 * 60


async def test_the_tenants_zone_is_the_default(parts: Parts, desk: Desk) -> None:
    now = from_datetime(utc_now())
    tenant = await parts.tenants.add("Elsewhere", "Asia/Tokyo", now)
    agent = await parts.tenants.add_agent(tenant.tenant_id, "Ann", "UTC", now)
    await parts.tenants.set_hours(agent, hours("12:00", "18:00"))
    found = ask(desk, tenantId=str(tenant.tenant_id))
    assert found["timezone"] == "Asia/Tokyo"
    starts = [s["startTime"] for d in found["availability"] for s in d["slots"]]
    assert starts == [tomorrow_at(15, days=2), tomorrow_at(12, days=3)]


def test_the_answer_follows_every_change(desk: Desk) -> None:
    assert periods(desk) == periods(desk) == [("09:00", "17:00", [desk.agent_id])]
    booked = booked_id(book(desk, 9, 10))
    assert periods(desk)[0][0] == "10:00"
    data(desk.delete(f"/appointments/{booked}"))
    assert periods(desk)[0][0] == "09:00"
    data(desk.put(f"/agents/{desk.agent_id}/hours", {"hours": hours("08:00", "12:00")}))
    assert periods(desk) == [("08:00", "12:00", [desk.agent_id])]


async def test_a_new_agent_is_in_the_next_answer(desk: Desk, hire: Hire) -> None:
    assert len(periods(desk)[0][2]) == 1
    await hire("Ben")
    assert len(periods(desk)[0][2]) == 2


def test_the_answer_follows_the_tenants_zone(desk: Desk) -> None:
    assert ask(desk)["timezone"] == "UTC"
    data(desk.put(f"/tenants/{desk.tenant_id}", {"timezone": "Asia/Tokyo"}))
    assert ask(desk)["timezone"] == "Asia/Tokyo"


def test_every_listed_start_can_be_booked_and_what_is_around_cannot(desk: Desk) -> None:
    data(
        desk.put(
            f"/agents/{desk.agent_id}/hours",
            {"hours": hours("09:00", "12:00", buffer_after_minutes=15)},
        )
    )
    book(desk, 10, 11)
    assert periods(desk, duration=45) == [
        ("09:00", "09:45", [desk.agent_id]),
        ("11:15", "12:00", [desk.agent_id]),
    ]

    def book_at(minute: int) -> int:
        times = {
            "startTime": tomorrow_at(11, minute, days=3),
            "endTime": tomorrow_at(11, minute + 44, days=3),
            "title": "x",
        }
        body = {"agentId": desk.agent_id, "appointmentData": times}
        return desk.post("/appointments", body).status_code

    assert (book_at(14), book_at(15)) == (409, 200)


def test_a_viewer_may_ask(desk: Desk) -> None:
    viewer = desk.as_user(Role.VIEWER)
    answer = viewer.ask(
        "GET",
        CHECK,
        params={"startDate": day_of(), "endDate": day_of(), "duration": "60"},
    )
    assert data(answer)["tenantId"] == desk.tenant_id


async def test_a_tenant_without_agents_gets_its_default_agent(
    parts: Parts, desk: Desk
) -> None:
    now = from_datetime(utc_now())
    tenant = await parts.tenants.add("New", "Europe/Berlin", now)
    query = {"startDate": day_of(), "endDate": day_of(), "duration": 60}
    for _ in range(2):
        answer = desk.get(CHECK, **query, tenantId=str(tenant.tenant_id))
        problem(answer, 409, "BUSINESS_HOURS_NOT_CONFIGURED")
    (agent,) = await parts.tenants.agents(tenant.tenant_id)
    assert (agent.name, agent.timezone) == ("Default", "Europe/Berlin")
    await parts.tenants.set_hours(agent, EVERY_DAY)
    found = ask(desk, tenantId=str(tenant.tenant_id), timezone="UTC")
    assert len(found["availability"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"duration": 0}, "duration"),
        ({"duration": 1441}, "duration"),
        ({"duration": "1.5"}, "duration"),
        ({"duration": None}, "duration"),
        ({"startDate": "tomorrow"}, "startDate"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"agentId": "ann"}, "agentId"),
        ({"mode": "hours"}, "mode"),
    ],
)
def test_fields_that_cannot_be_used(
    query: dict[str, Any], field: str, desk: Desk
) -> None:
    days = {"startDate": day_of(), "endDate": day_of(), "duration": 60}
    sent = {k: v for k, v in (days | query).items() if v is not None}
    details = problem(desk.get(CHECK, **sent), 400, "VALIDATION_ERROR")
    assert [each["field"] for each in details["fields"]] == [field]


def test_ranges(desk: Desk) -> None:
    assert ask(desk, endDate=day_of(93))["availability"]
    for first, last in ((3, 94), (4, 3)):
        query = {"startDate": day_of(first), "endDate": day_of(last), "duration": 60}
        problem(desk.get(CHECK, **query), 400, "VALIDATION_ERROR")


def test_a_foreign_agent_is_not_found(desk: Desk, service: Any) -> None:
    query = {"startDate": day_of(), "endDate": day_of(), "duration": 60}
    for agent_id in (UNKNOWN, service.agent_id):
        problem(desk.get(CHECK, **query, agentId=agent_id), 404, "NOT_FOUND")


async def test_unchanged_agendas_are_not_read_again(
    parts: Parts, business: Business, desk: Desk
) -> None:
    agendas, day = TenantAgendaTable(parts.database), utc_now().date()
    now = from_datetime(utc_now())
    first = await agendas.read(
        TenantAgendaQuery(business.tenant_id, None, day, day, now)
    )
    asked = TenantAgendaQuery(business.tenant_id, None, day, day, now, first.stamp)
    assert len(first.agendas or ()) == 1
    assert await agendas.read(asked) == TenantReading(first.stamp, None)
    book(desk)
    assert len((await agendas.read(asked)).agendas or ()) == 1


async def test_days_are_in_order_whoever_is_free_first(desk: Desk, hire: Hire) -> None:
    await hire("Ben")
    book(desk, 9, 17)
    days = [each["date"] for each in ask(desk, endDate=day_of(4))["availability"]]
    assert days == [day_of(3), day_of(4)]


async def test_first_requests_at_once_make_one_default_agent(
    desk: Desk, parts: Parts
) -> None:
    tenant = await parts.tenants.add("New", "UTC", from_datetime(utc_now()))
    query = {"startDate": day_of(), "endDate": day_of(), "duration": "60"}
    params = {**query, "tenantId": str(tenant.tenant_id)}
    async with clients(8) as crowd:
        asked = [
            crowd.get(desk.url + CHECK, params=params, headers=desk.headers)
            for _ in range(8)
        ]
        answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} == {409}
    assert len(await parts.tenants.agents(tenant.tenant_id)) == 1
