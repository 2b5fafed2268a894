"""What connections and their calendars are used for."""

from collections.abc import Iterator

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
from tests.web.tenant_api.wishes import UNKNOWN, Hire, data, problem
from universal_calendar.bootstrap.parts import Parts

NOBODY = "00000000-0000-7000-8000-00000000dead"


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


class TestUsage:
    @pytest.mark.proves("PUT /calendar/connections/{connectionId}")
    async def test_what_is_said_changes_and_the_rest_stays(
        self, desk: Desk, connect: Connect
    ) -> None:
        connection = await connect()
        for fields in (
            {"whenSilent": "closed"},
            {"tentativeBlocks": False},
            {"checksLive": True},
            {"agentId": desk.agent_id},
            {"timezone": "Europe/Berlin"},
            {"direction": "from_provider"},
            {"agentId": None, "timezone": None},
        ):
            expected = of(desk, connection["connectionId"]) | fields
            expected["calendars"] = None
            changed = change(desk, connection, **fields)
            assert changed | {"calendars": None} == expected
            assert of(desk, connection["connectionId"]) == changed

    async def test_another_zone_of_the_tenant_is_followed_where_none_is_said(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        following = change(desk, await connect(), timezone=None)
        change(desk, await connect("bea"), timezone="Europe/Berlin")
        rows.read()
        rows.ask("UPDATE calendars SET is_full_wanted = false WHERE tenant_id = %s")
        desk.put(f"/tenants/{desk.tenant_id}", {"name": "Other", "timezone": "UTC"})
        assert rows.due() == set()
        desk.put(f"/tenants/{desk.tenant_id}", {"timezone": "Asia/Tokyo"})
        work = calendar(following, "Work")["calendarId"]
        assert rows.due() == {work}
        anew = "SELECT calendar_id FROM calendars WHERE tenant_id = %s"
        found = rows.ask(f"{anew} AND is_full_wanted")
        assert [str(row[0]) for row in found] == [work]

    @pytest.mark.parametrize(
        "fields",
        [
            {"direction": None},
            {"direction": "both"},
            {"whenSilent": "maybe"},
            {"checksLive": 1},
            {"tentativeBlocks": None},
            {"timezone": "Mars/Canary"},
        ],
    )
    async def test_what_cannot_be(
        self, desk: Desk, connect: Connect, fields: Json
    ) -> None:
        connection = await connect()
        path = f"/calendar/connections/{connection['connectionId']}"
        (field,) = problem(desk.put(path, fields), 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] in fields
        assert of(desk, connection["connectionId"]) == connection

    async def test_an_agent_that_is_not_there(
        self, desk: Desk, connect: Connect
    ) -> None:
        connection = await connect()
        path = f"/calendar/connections/{connection['connectionId']}"
        problem(desk.put(path, {"agentId": NOBODY}), 404, "NOT_FOUND")

    async def test_answers_change_for_those_concerned(
        self, desk: Desk, connect: Connect, rows: Rows, hire: Hire
    ) -> None:
        connection = await connect()
        other, third = await hire("Bob"), await hire("Cid")
        steps: list[tuple[Json, set[str]]] = [
            ({"checksLive": True}, {desk.agent_id, other, third}),
            ({"agentId": desk.agent_id}, {desk.agent_id, other, third}),
            ({"whenSilent": "closed"}, {desk.agent_id}),
            ({"agentId": other}, {desk.agent_id, other}),
            ({"tentativeBlocks": False}, {other}),
        ]
        for fields, concerned in steps:
            before = rows.revisions()
            change(desk, connection, **fields)
            after = rows.revisions()
            assert {each for each in after if after[each] > before[each]} == concerned

    async def test_no_longer_read(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        connection = await connect()
        rows.read()
        assert rows.known() == {"mirrored_times": 1, "sync_tokens": 1}
        changed = change(desk, connection, direction="to_provider")
        assert rows.known() == {"mirrored_times": 0, "sync_tokens": 0}
        assert rows.due() == set()
        assert calendar(changed, "Work")["lastSyncAt"] is None
        team = calendar(connection, "Team")["calendarId"]
        answer = desk.put(f"/calendar/calendars/{team}", {"syncEnabled": True})
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "syncEnabled"
        change(desk, connection, direction="bidirectional")
        assert rows.due() == {calendar(connection, "Work")["calendarId"]}

    async def test_no_longer_written_to(self, desk: Desk, connect: Connect) -> None:
        connection = await connect()
        changed = change(desk, connection, direction="from_provider")
        assert not calendar(changed, "Work")["writtenByDefault"]
        work = calendar(connection, "Work")["calendarId"]
        answer = desk.put("/calendar/write-calendar", {"calendarId": work})
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "calendarId"

    async def test_another_zone_is_read_anew(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        connection = await connect()
        rows.read()
        change(desk, connection, timezone="Asia/Tokyo")
        wanted = rows.ask(
            "SELECT is_full_wanted FROM calendars WHERE tenant_id = %s AND is_read"
        )
        assert wanted == [(True,)]
        assert rows.due() == {calendar(connection, "Work")["calendarId"]}


class TestCalendars:
    @pytest.mark.proves("PUT /calendar/calendars/{calendarId}")
    async def test_read_or_not(self, desk: Desk, connect: Connect, rows: Rows) -> None:
        connection = await connect()
        rows.read()
        before = rows.revisions()[desk.agent_id]
        team = calendar(connection, "Team")["calendarId"]
        path = f"/calendar/calendars/{team}"
        changed = data(desk.put(path, {"syncEnabled": True}))["connection"]
        assert calendar(changed, "Team")["syncEnabled"]
        assert rows.due() == {team}
        assert rows.revisions()[desk.agent_id] > before
        work = calendar(connection, "Work")["calendarId"]
        path = f"/calendar/calendars/{work}"
        changed = data(desk.put(path, {"syncEnabled": False}))["connection"]
        assert not calendar(changed, "Work")["syncEnabled"]
        assert rows.known() == {"mirrored_times": 0, "sync_tokens": 0}
        assert rows.due() == {team}

    async def test_a_lease_of_a_calendar_that_is_read_no_more_ends(
        self, desk: Desk, connect: Connect, rows: Rows
    ) -> None:
        connection = await connect()
        rows.ask("UPDATE calendars SET leased_until = now() WHERE tenant_id = %s")
        work = calendar(connection, "Work")["calendarId"]
        data(desk.put(f"/calendar/calendars/{work}", {"syncEnabled": False}))
        leases = rows.ask(
            "SELECT leased_until FROM calendars WHERE tenant_id = %s"
            " AND calendar_id = %s",
            work,
        )
        assert leases == [(None,)]

    @pytest.mark.proves("PUT /calendar/write-calendar")
    async def test_written_to(self, desk: Desk, connect: Connect) -> None:
        connection = await connect()
        team = calendar(connection, "Team")["calendarId"]
        body = {"calendarId": team, "agentId": desk.agent_id}
        changed = data(desk.put("/calendar/write-calendar", body))["connection"]
        assert calendar(changed, "Team")["writtenByAgentIds"] == [desk.agent_id]
        assert calendar(changed, "Work")["writtenByDefault"]
        changed = data(desk.put("/calendar/write-calendar", {"calendarId": team}))
        assert calendar(changed["connection"], "Team")["writtenByDefault"]
        assert not calendar(changed["connection"], "Work")["writtenByDefault"]

    async def test_what_cannot_be_written_to(
        self, desk: Desk, connect: Connect
    ) -> None:
        connection = await connect()
        holidays = calendar(connection, "Holidays")["calendarId"]
        answer = desk.put("/calendar/write-calendar", {"calendarId": holidays})
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "calendarId"
        answer = desk.put("/calendar/write-calendar", {"calendarId": UNKNOWN})
        problem(answer, 404, "NOT_FOUND")
        work = calendar(connection, "Work")["calendarId"]
        body = {"calendarId": work, "agentId": NOBODY}
        problem(desk.put("/calendar/write-calendar", body), 404, "NOT_FOUND")

    async def test_what_was_done_is_written_down(
        self, desk: Desk, connect: Connect
    ) -> None:
        connection = await connect()
        change(desk, connection, checksLive=True)
        team = calendar(connection, "Team")["calendarId"]
        data(desk.put(f"/calendar/calendars/{team}", {"syncEnabled": True}))
        path = f"/calendar/connections/{connection['connectionId']}"
        data(desk.delete(path))
        entries = data(desk.get("/audit"))["entries"]
        told = [
            (each["action"], each["subjectId"])
            for each in entries
            if each["action"].startswith(("connection.", "calendar."))
        ]
        assert told == [
            ("connection.removed", connection["connectionId"]),
            ("calendar.changed", team),
            ("connection.changed", connection["connectionId"]),
            ("connection.added", connection["connectionId"]),
        ]
