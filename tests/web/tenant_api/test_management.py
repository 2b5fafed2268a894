"""Tenants and agents, managed through the tenant API."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from tests.harness.scenes.business import ALWAYS_OPEN_DAYS
from tests.web.api import BOOKING, FREE_SLOTS, UNKNOWN_AGENT, day_after
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.test_authentication import some_id
from universal_calendar.core.hours import complete
from universal_calendar.services.ports.identity import Role


def data(answer: httpx2.Response) -> Any:
    """Return what a good answer holds."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == {"success", "data"}
    assert body["success"] is True
    return body["data"]


def problem(answer: httpx2.Response) -> tuple[int, str, Any]:
    """Return status, code and details of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["details"]


def wrong_fields(answer: httpx2.Response) -> list[str]:
    """Return the names of the fields that were refused."""
    status, code, details = problem(answer)
    assert (status, code) == (400, "VALIDATION_ERROR"), answer.text
    return [each["field"] for each in details["fields"]]


def trail(desk: Desk) -> list[tuple[str, str]]:
    """Return what was done, the latest first."""
    entries = data(desk.get("/audit", limit=100))["entries"]
    return [(each["action"], each["subjectId"]) for each in entries]


class TestTenants:
    @pytest.mark.proves("GET /tenants", "GET /tenants/{tenantId}")
    def test_reading(self, desk: Desk) -> None:
        expected = {
            "id": desk.tenant_id,
            "name": "Acme",
            "timezone": "UTC",
        }
        for asking in (desk, desk.as_user(Role.VIEWER)):
            one = data(asking.get(f"/tenants/{desk.tenant_id}"))
            assert one == {"tenant": expected}
            assert data(asking.get("/tenants")) == {"tenants": [expected]}

    @pytest.mark.proves("POST /tenants")
    def test_adding(self, desk: Desk) -> None:
        body = {"name": "Bolt & Nut", "timezone": "America/Chicago"}
        tenant = data(desk.ask("POST", "/tenants", json=body))["tenant"]
        assert tenant == {**body, "id": tenant["id"]}
        new = replace(desk, tenant_id=tenant["id"])
        assert data(new.get(f"/tenants/{tenant['id']}")) == {"tenant": tenant}
        assert data(new.get("/agents")) == {"agents": []}
        assert trail(new) == [("tenant.created", tenant["id"])]

    def test_adding_with_an_id(self, desk: Desk) -> None:
        tenant_id = some_id()
        body = {"name": "Bolt", "id": tenant_id}
        assert (
            data(desk.ask("POST", "/tenants", json=body))["tenant"]["id"] == tenant_id
        )
        again = desk.ask("POST", "/tenants", json=body)
        assert problem(again) == (409, "CONFLICT", {"reason": "already_exists"})
        taken = desk.ask("POST", "/tenants", json={**body, "id": desk.tenant_id})
        assert taken.status_code == 409

    def test_adding_is_for_services_alone(self, desk: Desk) -> None:
        answer = desk.as_user(Role.OWNER).ask("POST", "/tenants", json={"name": "B"})
        assert answer.status_code == 403

    def test_adding_once(self, desk: Desk) -> None:
        headers = {"Idempotency-Key": some_id()}

        def add(_turn: int) -> httpx2.Response:
            body = {"name": "Once"}
            return desk.ask("POST", "/tenants", json=body, headers=headers)

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(add, range(24)))
        assert {each.status_code for each in answers} == {200}
        (body,) = {each.content for each in answers}
        new = replace(desk, tenant_id=data(answers[0])["tenant"]["id"])
        assert trail(new) == [("tenant.created", new.tenant_id)]
        other = desk.ask("POST", "/tenants", json={"name": "Two"}, headers=headers)
        mismatch = {"reason": "idempotency_mismatch"}
        assert problem(other) == (409, "CONFLICT", mismatch)
        data(new.put(f"/tenants/{new.tenant_id}", {"name": "Changed"}))
        assert add(0).content == body

    @pytest.mark.proves("PUT /tenants/{tenantId}")
    def test_changing(self, desk: Desk) -> None:
        path = f"/tenants/{desk.tenant_id}"
        changes = {
            "name": "New",
            "timezone": "Asia/Tokyo",
        }
        changed = data(desk.put(path, changes))["tenant"]
        assert changed == {**changes, "id": desk.tenant_id}
        again = data(desk.as_user(Role.OWNER).put(path, {"name": "Newer"}))["tenant"]
        assert again == {**changed, "name": "Newer"}
        assert data(desk.get(path))["tenant"] == again
        assert trail(desk)[:2] == [("tenant.updated", desk.tenant_id)] * 2

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": " "}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": 7}, "name"),
            ({"timezone": "Mars/Olympus"}, "timezone"),
        ],
    )
    def test_what_cannot_be(self, body: Any, field: str, desk: Desk) -> None:
        assert wrong_fields(desk.put(f"/tenants/{desk.tenant_id}", body)) == [field]
        assert data(desk.get("/tenants"))["tenants"][0]["name"] == "Acme"

    def test_tenant_of_path_and_body_must_agree(self, desk: Desk) -> None:
        path, body = f"/tenants/{desk.tenant_id}", {"tenantId": some_id(), "name": "X"}
        assert wrong_fields(desk.ask("PUT", path, json=body)) == ["tenantId"]
        owner = desk.as_user(Role.OWNER)
        assert owner.ask("PUT", path, json=body).status_code == 403


class TestAgents:
    @pytest.mark.proves("GET /agents", "GET /agents/{agentId}")
    def test_reading(self, desk: Desk) -> None:
        ann = {
            "id": desk.agent_id,
            "name": "Ann",
            "timezone": "UTC",
            "isActive": True,
        }
        for asking in (desk, desk.as_user(Role.VIEWER)):
            assert data(asking.get("/agents")) == {"agents": [ann]}
            assert data(asking.get(f"/agents/{desk.agent_id}")) == {"agent": ann}

    @pytest.mark.proves("POST /agents")
    def test_adding(self, desk: Desk) -> None:
        desk.put(f"/tenants/{desk.tenant_id}", {"timezone": "Europe/Paris"})
        bob = data(desk.as_user(Role.OWNER).post("/agents", {"name": "Bob"}))["agent"]
        assert (bob["timezone"], bob["isActive"]) == ("Europe/Paris", True)
        chosen = {"name": "Cy", "timezone": "UTC", "id": some_id()}
        cy = data(desk.post("/agents", chosen))["agent"]
        assert cy == {**chosen, "isActive": True}
        listed = data(desk.get("/agents"))["agents"]
        assert [each["name"] for each in listed] == ["Ann", "Bob", "Cy"]
        assert trail(desk)[:2] == [
            ("agent.created", cy["id"]),
            ("agent.created", bob["id"]),
        ]
        again = desk.post("/agents", chosen)
        assert problem(again) == (409, "CONFLICT", {"reason": "already_exists"})

    def test_adding_once(self, desk: Desk) -> None:
        headers = {"Idempotency-Key": "hire-bob"}
        first, second = (
            desk.post("/agents", {"name": "Bob"}, headers=headers) for _ in range(2)
        )
        assert first.content == second.content
        other = desk.post("/agents", {"name": "Bo"}, headers=headers)
        assert problem(other)[2] == {"reason": "idempotency_mismatch"}
        assert len(data(desk.get("/agents"))["agents"]) == 2
        assert len(trail(desk)) == 1

    @pytest.mark.proves("PUT /agents/{agentId}")
    def test_changing(self, desk: Desk) -> None:
        path = f"/agents/{desk.agent_id}"
        changes = {"name": "Anna", "timezone": "Asia/Tokyo", "isActive": False}
        assert data(desk.put(path, changes))["agent"] == {
            **changes,
            "id": desk.agent_id,
        }
        assert data(desk.put(path, {"isActive": True}))["agent"]["name"] == "Anna"
        assert trail(desk) == [("agent.updated", desk.agent_id)] * 2

    def test_an_inactive_agent_cannot_be_booked(self, desk: Desk) -> None:
        free_slots = f"{FREE_SLOTS}/{desk.agent_id}"
        day = str(day_after(1))
        asked = {"start_date": day, "end_date": day}
        wish = {
            "agent_id": desk.agent_id,
            "participant_name": "John",
            "booking_date": day,
            "booking_time": "10:00",
        }
        agents = replace(desk, headers={"X-API-Key": desk.api_key})
        assert agents.ask("GET", free_slots, params=asked).status_code == 200
        data(desk.put(f"/agents/{desk.agent_id}", {"isActive": False}))
        assert agents.ask("GET", free_slots, params=asked).status_code == 404
        assert agents.ask("POST", BOOKING, json=wish).status_code == 404

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": None}, "name"),
            ({"name": "Bob", "timezone": "Nowhere"}, "timezone"),
            ({"name": "Bob", "id": "bob"}, "id"),
        ],
    )
    def test_what_cannot_be(self, body: Any, field: str, desk: Desk) -> None:
        assert wrong_fields(desk.post("/agents", body)) == [field]

    def test_unknown_agent(self, desk: Desk) -> None:
        for answer in (
            desk.get(f"/agents/{UNKNOWN_AGENT}"),
            desk.put(f"/agents/{UNKNOWN_AGENT}", {"name": "X"}),
            desk.get(f"/agents/{UNKNOWN_AGENT}/hours"),
            desk.put(f"/agents/{UNKNOWN_AGENT}/hours", {"hours": {}}),
        ):
            assert problem(answer)[:2] == (404, "NOT_FOUND")
        assert wrong_fields(desk.get("/agents/ann")) == ["agentId"]


class TestHours:
    @pytest.mark.proves("GET /agents/{agentId}/hours")
    def test_reading(self, desk: Desk) -> None:
        expected = complete({"working_hours": ALWAYS_OPEN_DAYS})
        found = data(desk.as_user(Role.VIEWER).get(f"/agents/{desk.agent_id}/hours"))
        assert found == {"agentId": desk.agent_id, "hours": expected}
        bob = data(desk.post("/agents", {"name": "Bob"}))["agent"]["id"]
        none = {"agentId": bob, "hours": None}
        assert data(desk.get(f"/agents/{bob}/hours")) == none

    @pytest.mark.proves("PUT /agents/{agentId}/hours")
    def test_setting(self, desk: Desk) -> None:
        day = day_after(1)
        hours = {
            "working_hours": {},
            "overrides": {str(day): [{"start": "06:00", "end": "07:00"}]},
            "min_advance_booking_hours": 0,
            "buffer_time_minutes": 5,
        }
        path = f"/agents/{desk.agent_id}/hours"
        found = data(desk.as_user(Role.OWNER).put(path, {"hours": hours}))
        assert found == {"agentId": desk.agent_id, "hours": complete(hours)}
        assert data(desk.get(path)) == found
        assert trail(desk) == [("hours.updated", desk.agent_id)]
        agents = replace(desk, headers={"X-API-Key": desk.api_key})
        asked = {"start_date": str(day), "end_date": str(day)}
        slots = agents.ask("GET", f"{FREE_SLOTS}/{desk.agent_id}", params=asked).json()
        (only,) = slots["available_slots"]
        assert [each["start"] for each in only["slots"]] == ["06:00", "06:30"]

    @pytest.mark.parametrize(
        ("hours", "field"),
        [
            ({"opening": "09:00"}, "hours"),
            ({"working_hours": {"mon": []}}, "hours.working_hours"),
            (
                {"working_hours": {"monday": [{"start": "9:00", "end": "17:00"}]}},
                "hours.working_hours.monday[0].start",
            ),
            ({"timezone": "Nowhere"}, "hours.timezone"),
            ({"min_advance_booking_hours": -1}, "hours.min_advance_booking_hours"),
            ({"overrides": {"tomorrow": []}}, "hours.overrides"),
            ([], "hours"),
            (None, "hours"),
        ],
    )
    def test_what_cannot_be(self, hours: Any, field: str, desk: Desk) -> None:
        path = f"/agents/{desk.agent_id}/hours"
        before = data(desk.get(path))
        assert wrong_fields(desk.put(path, {"hours": hours})) == [field]
        assert data(desk.get(path)) == before
        assert trail(desk) == []
