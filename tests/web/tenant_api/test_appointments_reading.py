"""Reading, listing and searching appointments; every look is written down."""

from typing import Any

import pytest

from tests.harness.scenes.business import open_business
from tests.web.api import Api
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import (
    CUSTOMER,
    UNKNOWN,
    book,
    booked_id,
    data,
    problem,
    wish,
)
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.services.ports.identity import Role


def listed(desk: Desk, **query: Any) -> list[str]:
    return [
        each["id"] for each in data(desk.get("/appointments", **query))["appointments"]
    ]


def audited(superuser: Superuser, desk: Desk, action: str) -> list[tuple[object, ...]]:
    return superuser.execute(
        "SELECT actor_kind, actor_id, subject_id FROM audit_entries"
        " WHERE tenant_id = %s AND action = %s ORDER BY entry_id",
        [desk.tenant_id, action],
    ).fetchall()


def test_one_and_its_defaults(desk: Desk) -> None:
    booked = booked_id(book(desk))
    read = data(desk.get(f"/appointments/{booked}"))["appointment"]
    assert read.pop("createdAt") == read.pop("updatedAt")
    assert read == {
        "id": booked,
        "tenantId": desk.tenant_id,
        "agentId": desk.agent_id,
        "customerId": None,
        "leadId": None,
        "conversationId": None,
        "externalReferenceId": None,
        "startTime": tomorrow_at(10, days=3),
        "endTime": tomorrow_at(11, days=3),
        "timezone": "UTC",
        "status": "confirmed",
        "title": "Kitchen sink",
        "description": None,
        "location": None,
        "customerInfo": {"name": None, "phone": None, "email": None},
        "serviceDetails": {
            "jobType": None,
            "urgency": "normal",
            "estimatedDuration": None,
            "estimatedCost": None,
        },
        "calendarEventId": None,
        "provider": None,
        "syncStatus": None,
        "source": "tenant_api",
        "version": 1,
        "notes": None,
        "cancellationReason": None,
        "cancellationNotes": None,
    }


def test_a_viewer_reads_and_it_is_written_down(
    desk: Desk, superuser: Superuser
) -> None:
    booked = booked_id(book(desk))
    viewer = desk.as_user(Role.VIEWER, "eve")
    data(viewer.get(f"/appointments/{booked}"))
    assert audited(superuser, desk, "appointment.read") == [("user", "eve", booked)]
    data(viewer.get("/appointments"))
    entries = audited(superuser, desk, "appointments.listed")
    assert entries == [("user", "eve", desk.tenant_id)]


async def test_a_foreign_one_is_unknown(desk: Desk, parts: Parts) -> None:
    other = await open_business(parts)
    booked = booked_id(book(desk))
    foreign = {"tenantId": str(other.tenant_id)}
    for path in (f"/appointments/{booked}", f"/appointments/{UNKNOWN}"):
        problem(desk.ask("GET", path, params=foreign), 404, "NOT_FOUND")
    assert listed(desk) == [booked]
    problem(desk.get("/appointments/x"), 400, "VALIDATION_ERROR")


def test_the_list_is_by_start(desk: Desk) -> None:
    late, early = (booked_id(book(desk, h, h + 1)) for h in (15, 9))
    sent = {"appointmentData": wish(customerInfo=CUSTOMER), "externalReferenceId": "r"}
    middle = booked_id(desk.post("/appointments", sent))
    assert listed(desk) == [early, middle, late]
    shown = data(desk.get("/appointments"))["appointments"][1]
    assert shown == {
        "id": middle,
        "agentId": desk.agent_id,
        "startTime": tomorrow_at(10, days=3),
        "endTime": tomorrow_at(11, days=3),
        "timezone": "UTC",
        "status": "confirmed",
        "title": "Kitchen sink",
        "customerName": CUSTOMER["name"],
        "customerPhone": CUSTOMER["phone"],
        "externalReferenceId": "r",
    }
    assert listed(desk, externalReferenceId="r") == [middle]


def test_pages(desk: Desk) -> None:
    made = [booked_id(book(desk, h, h + 1)) for h in (9, 10, 11, 12, 13)]
    first = data(desk.get("/appointments", limit=2))
    assert first["pagination"] == {"page": 1, "limit": 2, "total": 5, "pages": 3}
    assert listed(desk, limit=2, page=3) == made[4:]
    past = data(desk.get("/appointments", limit=2, page=4))
    assert past == {
        "appointments": [],
        "pagination": {"page": 4, "limit": 2, "total": 5, "pages": 3},
    }


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "x"},
        {"status": "gone"},
        {"startDate": "05.12.2026"},
        {"timezone": "Nowhere"},
        {"startDate": "2026-12-05", "endDate": "2026-12-04"},
    ],
)
def test_queries_that_cannot_be_used(desk: Desk, query: dict[str, str]) -> None:
    problem(desk.get("/appointments", **query), 400, "VALIDATION_ERROR")


def test_days_are_local_and_whole(desk: Desk) -> None:
    data(book(desk))
    day = tomorrow_at(0, days=3)[:10]
    assert len(listed(desk, startDate=day, endDate=day)) == 1
    east = {"timezone": "Pacific/Kiritimati"}  # 10:00 UTC is past midnight there
    assert listed(desk, startDate=day, endDate=day, **east) == []
    after = tomorrow_at(0, days=4)[:10]
    assert len(listed(desk, startDate=after, endDate=after, **east)) == 1
    assert listed(desk, startDate=after) == []
    assert listed(desk, endDate=tomorrow_at(0, days=2)[:10]) == []


async def test_the_tenants_zone_is_the_default(desk: Desk, parts: Parts) -> None:
    there = await open_business(parts, timezone="Pacific/Kiritimati")
    own = {"tenantId": str(there.tenant_id)}
    sent = {"appointmentData": wish(12, 13), "force": True, **own}
    data(desk.ask("POST", "/appointments", json=sent))
    following = tomorrow_at(0, days=4)[:10]
    query = {**own, "startDate": following, "endDate": following}
    found = data(desk.ask("GET", "/appointments", params=query))["appointments"]
    assert len(found) == 1


def test_status_and_agent(desk: Desk) -> None:
    one, other = (booked_id(book(desk, h, h + 1)) for h in (9, 10))
    data(desk.delete(f"/appointments/{one}"))
    assert listed(desk, status="cancelled") == [one]
    assert listed(desk, status="confirmed") == [other]
    assert listed(desk, agentId=desk.agent_id) == [one, other]
    assert listed(desk, agentId=UNKNOWN) == []


@pytest.mark.proves("POST /appointments/search")
class TestSearch:
    def found(self, desk: Desk, **who: str) -> list[str]:
        answer = data(desk.post("/appointments/search", who))
        return [each["id"] for each in answer["appointments"]]

    def test_by_phone_or_email(
        self, desk: Desk, superuser: Superuser, api: Api
    ) -> None:
        sent = {"appointmentData": wish(customerInfo=CUSTOMER)}
        ours = booked_id(desk.post("/appointments", sent))
        phoned = api.book(
            tomorrow_at(0, days=3)[:10],
            "12:00",
            participant_phone="+1 (212) 555-1234",
            participant_email="J@EXAMPLE.com",
        ).json()["booking_id"]
        data(book(desk, 14, 15))
        assert self.found(desk, phone=CUSTOMER["phone"]) == [ours, phoned]
        assert self.found(desk, phone="+1 212 555 1234") == [ours, phoned]
        assert self.found(desk, email="j@Example.COM") == [ours, phoned]
        assert self.found(desk, phone=CUSTOMER["phone"], email="x@example.com") == []
        assert self.found(desk, phone="+12125559999") == []
        read = [row[2] for row in audited(superuser, desk, "appointment.read")]
        assert sorted(map(str, read)) == sorted([ours, phoned] * 3)
        assert len(audited(superuser, desk, "appointments.searched")) == 5

    @pytest.mark.parametrize("who", [{}, {"phone": "none"}, {"email": "x"}])
    def test_nobody_to_look_for(self, desk: Desk, who: dict[str, str]) -> None:
        answer = desk.post("/appointments/search", who)
        problem(answer, 400, "VALIDATION_ERROR")

    def test_nobody_is_found_in_the_table(
        self, desk: Desk, superuser: Superuser
    ) -> None:
        sent = {"appointmentData": wish(customerInfo=CUSTOMER)}
        data(desk.post("/appointments", sent))
        rows = superuser.execute(
            "SELECT a::text FROM appointments a WHERE tenant_id = %s", [desk.tenant_id]
        ).fetchall()
        for secret in (*CUSTOMER.values(), "Kitchen sink"):
            assert secret.encode().hex() not in str(rows)
            assert secret not in str(rows)
