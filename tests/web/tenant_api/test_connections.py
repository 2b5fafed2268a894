"""How connections do, and their end."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.connected_accounts import (
    Connect,
    Json,
    Rows,
    calendar,
    change,
    of,
)
from tests.web.tenant_api.connecting import status
from tests.web.tenant_api.documented import check_documented
from tests.web.tenant_api.wishes import data
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.services.ports.identity import Role

STATUS: dict[str, Any] = {
    "connected": True,
    "provider": "google",
    "lastSyncAt": "2024-01-01T10:00:00Z",
    "syncStatus": "active",
    "calendarCount": 3,
    "calendars": [
        {
            "id": "primary",
            "name": "Business Calendar",
            "primary": True,
            "syncEnabled": True,
        }
    ],
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def connect(desk: Desk, parts: Parts, sandbox: Sandbox) -> Connect:
    return Connect(desk, parts, sandbox)


@pytest.fixture
def rows(superuser: Superuser, desk: Desk) -> Rows:
    return Rows(superuser, desk)


class TestStatus:
    @pytest.mark.proves("GET /calendar/status/{tenantId}")
    async def test_the_specifications_example(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        await connect()
        rows.read()
        viewer = desk.as_user(Role.VIEWER)
        answer = viewer.ask("GET", f"/calendar/status/{desk.tenant_id}")
        found = check_documented(answer, STATUS)
        assert (found["provider"], found["calendarCount"]) == ("fake", 3)
        assert [each["primary"] for each in found["calendars"]] == [True, False, False]
        assert [each["syncEnabled"] for each in found["calendars"]] == [
            True,
            False,
            False,
        ]

    @pytest.mark.proves("GET /calendar/status/{tenantId}")
    def test_without_any(self, desk: Desk) -> None:
        assert status(desk) == {
            "connected": False,
            "provider": None,
            "lastSyncAt": None,
            "syncStatus": "disabled",
            "calendarCount": 0,
            "calendars": [],
            "connections": [],
        }

    async def test_everything_of_a_connection(
        self, desk: Desk, connect: Connect
    ) -> None:
        connection = await connect()
        work = calendar(connection, "Work")
        assert connection | {"calendars": None} == {
            "connectionId": connection["connectionId"],
            "provider": "fake",
            "account": f"ann-{desk.tenant_id}",
            "agentId": None,
            "timezone": connection["timezone"],
            "status": "active",
            "syncStatus": "active",
            "direction": "bidirectional",
            "whenSilent": "open",
            "tentativeBlocks": True,
            "checksLive": False,
            "lastSyncAt": None,
            "failingSince": None,
            "nextRetryAt": None,
            "calendars": None,
        }
        assert work | {"id": None, "calendarId": None} == {
            "id": None,
            "calendarId": None,
            "name": "Work",
            "primary": True,
            "syncEnabled": True,
            "writable": True,
            "writtenByDefault": True,
            "writtenByAgentIds": [],
            "lastSyncAt": None,
            "error": None,
        }
        assert not calendar(connection, "Holidays")["writable"]

    async def test_the_primary_is_where_appointments_are_written(
        self, desk: Desk, connect: Connect
    ) -> None:
        ann = await connect("ann")
        bob = await connect("bob")
        assert status(desk)["calendars"] == ann["calendars"]
        team = calendar(bob, "Team")["calendarId"]
        data(desk.put("/calendar/write-calendar", {"calendarId": team}))
        now = status(desk)
        assert now["calendars"] == of(desk, bob["connectionId"])["calendars"]
        assert len(now["connections"]) == 2

    async def test_the_primary_else_is_the_oldest_that_works(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        ann, bob = await connect("ann"), await connect("bob")
        rows.ask("DELETE FROM write_calendars WHERE tenant_id = %s")
        assert _ids(status(desk)) == _ids(ann)
        rows.ask(
            "UPDATE connections SET status = 'needs_reauthorization'"
            " WHERE tenant_id = %s AND connection_id = %s",
            ann["connectionId"],
        )
        assert _ids(status(desk)) == _ids(bob)

    @pytest.mark.parametrize(
        "trouble",
        [
            "UPDATE connections SET status = 'needs_reauthorization'",
            "UPDATE connections SET status = 'failing'",
            "UPDATE connections SET failing_since = now()",
            "UPDATE calendars SET sync_error = 'Rejected'",
        ],
    )
    async def test_trouble_is_shown(
        self, desk: Desk, connect: Connect, rows: Rows, trouble: str
    ) -> None:
        await connect()
        rows.ask(f"{trouble} WHERE tenant_id = %s")
        found = status(desk)
        assert found["syncStatus"] == "error"
        assert found["connections"][0]["syncStatus"] == "error"

    async def test_since_when_and_until_when(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        await connect()
        rows.ask(
            "UPDATE connections SET failing_since = '2026-01-01T00:00:00Z',"
            " next_try_at = '2026-01-02T00:00:00Z' WHERE tenant_id = %s"
        )
        rows.ask(
            "UPDATE calendars SET sync_error = 'Rejected',"
            " read_at = '2025-12-31T00:00:00Z' WHERE tenant_id = %s"
        )
        (connection,) = status(desk)["connections"]
        assert connection["failingSince"] == "2026-01-01T00:00:00Z"
        assert connection["nextRetryAt"] == "2026-01-02T00:00:00Z"
        assert connection["lastSyncAt"] == "2025-12-31T00:00:00Z"
        assert calendar(connection, "Work")["error"] == "Rejected"

    async def test_nothing_that_opens_it_is_shown(
        self, desk: Desk, connect: Connect, sandbox: Sandbox
    ) -> None:
        await connect()
        text = desk.ask("GET", f"/calendar/status/{desk.tenant_id}").text
        assert not re.search("token|secret|baseUrl", text, re.I)


def _ids(found: Json) -> list[str]:
    return [each["calendarId"] for each in found["calendars"]]


class TestConnecting:
    async def test_the_primary_is_read_at_once(
        self, connect: Connect, rows: Rows
    ) -> None:
        connection = await connect()
        assert rows.due() == {calendar(connection, "Work")["calendarId"]}

    async def test_answers_change(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        before = rows.revisions()
        await connect()
        assert rows.revisions()[desk.agent_id] > before[desk.agent_id]

    async def test_the_same_account_again_is_as_it_was(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        connection = await connect(agent_id=desk.agent_id)
        change(desk, connection, direction="from_provider", whenSilent="closed")
        team = calendar(connection, "Team")["calendarId"]
        path = f"/calendar/calendars/{team}"
        data(desk.put(path, {"syncEnabled": True}))
        rows.read()
        rows.ask(
            "UPDATE connections SET status = 'needs_reauthorization',"
            " failing_since = now(), next_try_at = now() WHERE tenant_id = %s"
        )
        again = await connect()
        assert again["status"] == "active"
        assert again["failingSince"] is again["nextRetryAt"] is None
        assert again["agentId"] == desk.agent_id
        assert (again["direction"], again["whenSilent"]) == ("from_provider", "closed")
        read = {each["name"]: each["syncEnabled"] for each in again["calendars"]}
        assert read == {"Work": True, "Team": True, "Holidays": False}
        assert not any(each["writtenByAgentIds"] for each in again["calendars"])
        assert rows.due() == {calendar(again, name)["calendarId"] for name in read} - {
            calendar(again, "Holidays")["calendarId"]
        }


@pytest.mark.proves("DELETE /calendar/connections/{connectionId}")
async def test_disconnected(desk: Desk, connect: Connect, rows: Rows) -> None:
    connection = await connect()
    rows.read()
    before = rows.revisions()[desk.agent_id]
    path = f"/calendar/connections/{connection['connectionId']}"
    assert data(desk.delete(path)) == {"removed": True}
    assert status(desk)["connections"] == []
    assert rows.known() == {"mirrored_times": 0, "sync_tokens": 0}
    assert rows.due() == set()
    assert rows.revisions()[desk.agent_id] > before
