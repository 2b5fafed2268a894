"""API keys and the audit log, through the tenant API."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.running import RunningService
from tests.web.api import FREE_SLOTS, UNKNOWN_AGENT, day_after
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.test_authentication import some_id
from tests.web.tenant_api.test_management import data, problem, trail, wrong_fields
from universal_calendar.clock import utc_now
from universal_calendar.services.ports.identity import Role


def opens(desk: Desk, key: str, agent_id: str | None = None) -> int:
    """Ask the agent API with the key; return the status."""
    day = str(day_after(1))
    agents = replace(desk, headers={"X-API-Key": key})
    path = f"{FREE_SLOTS}/{agent_id or desk.agent_id}"
    asked = {"start_date": day, "end_date": day}
    return agents.ask("GET", path, params=asked).status_code


def listed(desk: Desk) -> list[dict[str, Any]]:
    found = data(desk.get("/api-keys"))["apiKeys"]
    assert isinstance(found, list)
    return found


class TestKeys:
    @pytest.mark.proves("GET /api-keys")
    def test_listing(self, desk: Desk) -> None:
        (key,) = listed(desk.as_user(Role.OWNER))
        made = datetime.fromisoformat(key.pop("createdAt"))
        assert utc_now() - timedelta(minutes=5) < made <= utc_now()
        assert key.pop("id")
        assert key == {
            "label": "",
            "agentIds": None,
            "state": "active",
            "expiresAt": None,
            "revokedAt": None,
            "lastUsedAt": None,
            "isFromEnvironment": False,
        }
        assert opens(desk, desk.api_key) == 200
        assert listed(desk)[0]["lastUsedAt"]

    @pytest.mark.proves("POST /api-keys")
    def test_making(self, desk: Desk) -> None:
        made = data(desk.as_user(Role.OWNER).post("/api-keys", {"label": "website"}))
        assert opens(desk, made["key"]) == 200
        assert listed(desk)[1]["id"] == made["apiKey"]["id"]
        assert made["apiKey"]["label"] == "website"
        assert made["key"] not in desk.get("/api-keys").text
        assert trail(desk) == [("api_key.created", made["apiKey"]["id"])]

    def test_scope(self, desk: Desk) -> None:
        bob = data(desk.post("/agents", {"name": "Bob"}))["agent"]["id"]
        desk.put(f"/agents/{bob}/hours", {"hours": {}})
        made = data(desk.post("/api-keys", {"agentIds": [bob]}))
        assert made["apiKey"]["agentIds"] == [bob]
        assert (opens(desk, made["key"], bob), opens(desk, made["key"])) == (200, 404)

    @pytest.mark.parametrize("agents", [[], ["ann"], [7], "ann"])
    def test_scopes_that_cannot_be(self, agents: Any, desk: Desk) -> None:
        (field,) = wrong_fields(desk.post("/api-keys", {"agentIds": agents}))
        assert field.startswith("agentIds")

    def test_scope_of_somebody_elses_agent(self, desk: Desk) -> None:
        answer = desk.post("/api-keys", {"agentIds": [desk.agent_id, UNKNOWN_AGENT]})
        assert problem(answer)[:2] == (404, "NOT_FOUND")
        assert len(listed(desk)) == 1

    def test_expiry(self, desk: Desk) -> None:
        until = tomorrow_at(12)
        made = data(desk.post("/api-keys", {"expiresAt": until}))
        assert made["apiKey"]["expiresAt"] == until
        past = desk.post("/api-keys", {"expiresAt": "2020-01-01T00:00:00Z"})
        assert wrong_fields(past) == ["expiresAt"]

    def test_a_retry_gets_the_key_that_was_lost(
        self, desk: Desk, superuser: Superuser
    ) -> None:
        headers = {"Idempotency-Key": "make-website-key"}
        first, second = (desk.post("/api-keys", {}, headers=headers) for _ in range(2))
        assert first.content == second.content
        assert len(listed(desk)) == 2
        stored = superuser.execute(
            "SELECT sealed FROM idempotency_keys WHERE tenant_id = %s", [desk.tenant_id]
        ).fetchall()
        assert len(stored) == 1
        assert data(first)["key"].encode() not in stored[0][0]  # type: ignore[operator]  # bytes

    @pytest.mark.proves("DELETE /api-keys/{keyId}")
    def test_revoking(self, desk: Desk) -> None:
        (key,) = listed(desk)
        path = f"/api-keys/{key['id']}"
        revoked = data(desk.as_user(Role.OWNER).delete(path))["apiKey"]
        assert revoked["state"] == "revoked"
        assert opens(desk, desk.api_key) == 401
        again = data(desk.delete(path))["apiKey"]
        assert again["revokedAt"] == revoked["revokedAt"]
        assert ("api_key.revoked", key["id"]) in trail(desk)

    @pytest.mark.proves("POST /api-keys/{keyId}/rotate")
    def test_rotating(self, desk: Desk) -> None:
        (old,) = listed(desk)
        made = data(desk.post(f"/api-keys/{old['id']}/rotate", {"overlapHours": 2}))
        assert opens(desk, made["key"]) == opens(desk, desk.api_key) == 200
        before, after = listed(desk)
        assert (before["id"], after["id"]) == (old["id"], made["apiKey"]["id"])
        ends = datetime.fromisoformat(before["expiresAt"])
        left = ends - utc_now().astimezone(UTC)
        assert timedelta(hours=1, minutes=55) < left <= timedelta(hours=2)
        assert ("api_key.rotated", old["id"]) in trail(desk)

    def test_rotating_at_once(self, desk: Desk) -> None:
        (old,) = listed(desk)
        path = f"/api-keys/{old['id']}/rotate"
        made = data(desk.post(path, {"overlapHours": 0}))
        assert (opens(desk, desk.api_key), opens(desk, made["key"])) == (401, 200)
        again = problem(desk.post(path, {}))
        assert again == (409, "CONFLICT", {"reason": "final_status"})
        assert len(listed(desk)) == 2

    @pytest.mark.parametrize("hours", [-1, 8761, 1.5, "soon", True])
    def test_overlaps_that_cannot_be(self, hours: Any, desk: Desk) -> None:
        (old,) = listed(desk)
        answer = desk.post(f"/api-keys/{old['id']}/rotate", {"overlapHours": hours})
        assert wrong_fields(answer) == ["overlapHours"]

    def test_unknown_key(self, desk: Desk) -> None:
        for answer in (
            desk.delete(f"/api-keys/{some_id()}"),
            desk.post(f"/api-keys/{some_id()}/rotate", {}),
        ):
            assert problem(answer) == (404, "NOT_FOUND", None)
        assert wrong_fields(desk.delete("/api-keys/x")) == ["keyId"]


class TestAudit:
    @pytest.mark.proves("GET /audit")
    def test_who_what_when_and_from_where(self, desk: Desk) -> None:
        owner = desk.as_user(Role.OWNER, "user-of-the-audit")
        headers = {"X-Request-ID": "request-of-the-audit"}
        agent = data(owner.post("/agents", {"name": "Bob"}, headers=headers))["agent"]
        found = data(owner.get("/audit"))
        assert found["pagination"] == {"page": 1, "limit": 20, "total": 1, "pages": 1}
        (entry,) = found["entries"]
        at = datetime.fromisoformat(entry.pop("at"))
        assert utc_now() - timedelta(minutes=1) < at <= utc_now()
        assert entry.pop("id")
        assert entry == {
            "actorKind": "user",
            "actorId": "user-of-the-audit",
            "action": "agent.created",
            "subjectId": agent["id"],
            "address": "127.0.0.1",
            "requestId": "request-of-the-audit",
        }

    def test_services_are_told_apart_without_their_keys(self, desk: Desk) -> None:
        desk.post("/agents", {"name": "Bob"})
        (entry,) = data(desk.get("/audit"))["entries"]
        assert entry["actorKind"] == "service"
        assert entry["actorId"].startswith("service-")
        assert entry["actorId"] not in desk.headers["X-Service-Key"]

    def test_names_are_not_kept(self, desk: Desk) -> None:
        desk.post("/agents", {"name": "Bobadilla"})
        desk.put(f"/agents/{desk.agent_id}", {"name": "Bobadilla"})
        assert "Bobadilla" not in desk.get("/audit").text

    def test_what_fails_is_not_kept(self, desk: Desk) -> None:
        desk.post("/agents", {"name": "Bob", "id": desk.agent_id})
        desk.put(f"/agents/{UNKNOWN_AGENT}", {"name": "Bob"})
        assert trail(desk) == []

    def test_filters(self, desk: Desk) -> None:
        first = data(desk.post("/agents", {"name": "Bob"}))["agent"]["id"]
        owner = desk.as_user(Role.OWNER, "user-2")
        owner.put(f"/agents/{first}", {"name": "Bo"})
        owner.put(f"/agents/{desk.agent_id}", {"name": "An"})

        def found(**wanted: str) -> list[str]:
            entries = data(desk.get("/audit", **wanted))["entries"]
            return [each["subjectId"] for each in entries]

        assert found() == [desk.agent_id, first, first]
        assert found(actorId="user-2") == [desk.agent_id, first]
        assert found(action="agent.created") == [first]
        assert found(subjectId=desk.agent_id) == [desk.agent_id]
        assert found(actorId="user-2", subjectId=first) == [first]
        assert found(actorId="nobody") == found(action="agent") == []
        assert found(**{"from": tomorrow_at(0)}) == []
        assert len(found(to=tomorrow_at(0))) == 3
        yesterday = tomorrow_at(0, days=-1)
        assert len(found(**{"from": yesterday, "to": tomorrow_at(0)})) == 3
        assert found(to=yesterday) == []

    def test_pages(self, desk: Desk) -> None:
        for name in "abcde":
            desk.post("/agents", {"name": name})
        pages = [data(desk.get("/audit", page=n, limit=2)) for n in (1, 2, 3, 4)]
        ids = [each["id"] for page in pages for each in page["entries"]]
        assert [len(page["entries"]) for page in pages] == [2, 2, 1, 0]
        assert ids == sorted(set(ids), reverse=True)
        assert pages[3]["pagination"] == {
            "page": 4,
            "limit": 2,
            "total": 5,
            "pages": 3,
        }

    @pytest.mark.parametrize(
        ("wanted", "field"),
        [
            ({"from": "yesterday"}, "from"),
            ({"to": "2026-01-01"}, "to"),
            ({"page": "0"}, "page"),
            ({"limit": "101"}, "limit"),
            ({"limit": "many"}, "limit"),
            ({"actorId": ""}, "actorId"),
            ({"action": "a\0"}, "action"),
        ],
    )
    def test_what_cannot_be_asked(
        self, wanted: dict[str, str], field: str, desk: Desk
    ) -> None:
        assert wrong_fields(desk.get("/audit", **wanted)) == [field]


def test_no_secret_is_logged(desk: Desk, process: RunningService) -> None:
    made = data(desk.post("/api-keys", {"label": "a-label-of-the-logs"}))
    token = desk.as_user(Role.OWNER).headers["Authorization"]
    replace(desk, headers={"Authorization": f"{token}x"}).get("/agents")
    replace(desk, headers={"X-Service-Key": made["key"]}).get("/agents")
    logged = "".join(process.lines)
    for secret in (made["key"], token[-40:], "a-label-of-the-logs"):
        assert secret not in logged
