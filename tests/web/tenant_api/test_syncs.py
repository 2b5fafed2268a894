"""Syncs that are asked for: once, and followed until they end.

What reads calendars is played here by the port that it tells of its syncs.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.harness.crowd import clients
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business, open_business
from tests.harness.scenes.connected import Connected, connect
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.documented import check_documented
from tests.web.tenant_api.wishes import UNKNOWN, data, problem
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.syncs import Tally
from universal_calendar.store.calendars.syncs import SyncRunTable

TRIGGERED = {
    "syncId": "sync-uuid",
    "status": "started",
    "estimatedDuration": 30,
    "lastSyncAt": "2024-01-01T09:00:00Z",
}
STATE: dict[str, Any] = {
    "syncId": "sync-uuid",
    "status": "completed",
    "progress": 100,
    "eventsProcessed": 25,
    "eventsCreated": 5,
    "eventsUpdated": 3,
    "eventsDeleted": 1,
    "errors": [],
    "completedAt": "2024-01-01T09:01:30Z",
}
TALLY = Tally(25, 5, 3, 1)
NOT_READ_YET = {"lastSyncAt": None}
NOT_ENDED = {"completedAt": None}


@dataclass(frozen=True)
class Reader:
    """Reads a calendar, as far as those who asked for it can tell."""

    connected: Connected

    @property
    def runs(self) -> SyncRunTable:
        return SyncRunTable(self.connected.parts.database, utc_now)

    async def begin(self) -> int:
        began = from_datetime(utc_now())
        connected = self.connected
        await self.runs.begun(connected.tenant_id, connected.calendar_id, began)
        return began

    async def finish(
        self, began: int, tally: Tally = TALLY, error: str | None = None
    ) -> None:
        tenant_id, calendar_id = self.connected.tenant_id, self.connected.calendar_id
        await self.runs.finished(tenant_id, calendar_id, began, tally, error)

    async def read(self, tally: Tally = TALLY, error: str | None = None) -> None:
        await self.finish(await self.begin(), tally, error)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
async def connected(parts: Parts, business: Business, sandbox: Sandbox) -> Connected:
    return await connect(parts, business, sandbox)


@pytest.fixture
def reader(connected: Connected) -> Reader:
    return Reader(connected)


def trigger(desk: Desk, sync_type: str = "full", **fields: Any) -> httpx2.Response:
    return desk.post("/sync/trigger", {"syncType": sync_type, **fields})


def triggered(desk: Desk, sync_type: str = "full", **fields: Any) -> str:
    return str(data(trigger(desk, sync_type, **fields))["syncId"])


def state(desk: Desk, sync_id: str) -> dict[str, Any]:
    """Return how far a sync is, asked as the specification shows it."""
    return data(desk.ask("GET", f"/sync/status/{sync_id}"))


@pytest.fixture(params=["service key", "token"])
def asking(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    """Return the desk with either kind of credential."""
    return desk if request.param == "service key" else desk.as_user(Role.OWNER)


@pytest.mark.proves("POST /sync/trigger")
async def test_a_sync_is_asked_for(asking: Desk, connected: Connected) -> None:
    found = check_documented(
        trigger(asking, "full", provider="fake"), TRIGGERED | NOT_READ_YET
    )
    assert found | {"status": "started", "estimatedDuration": 30} == found
    assert await connected.due_syncs() == 1
    assert await connected.rows(
        "SELECT is_full_wanted, may_be_empty, wanted_at <= now() FROM calendars"
    ) == [(True, False, True)]


@pytest.mark.proves("GET /sync/status/{syncId}")
async def test_it_is_followed_until_it_ends(asking: Desk, reader: Reader) -> None:
    sync_id = triggered(asking)
    waiting = {"status": "queued", "progress": 0, "errors": [], "completedAt": None}
    assert state(asking, sync_id).items() >= waiting.items()
    began = await reader.begin()
    assert state(asking, sync_id)["status"] == "running"
    await reader.finish(began)
    answer = asking.ask("GET", f"/sync/status/{sync_id}")
    found = check_documented(answer, STATE)
    told = {"syncId": sync_id, "completedAt": found["completedAt"]}
    assert found == STATE | told


async def test_the_last_sync_is_told(desk: Desk, connected: Connected) -> None:
    await connected.rows("UPDATE calendars SET read_at = '2026-01-01T09:00:00Z'")
    assert data(trigger(desk))["lastSyncAt"] == "2026-01-01T09:00:00Z"


async def test_one_that_is_under_way_is_returned(
    desk: Desk, connected: Connected, reader: Reader
) -> None:
    first = triggered(desk)
    assert triggered(desk) == first
    assert triggered(desk, provider="fake") == first
    began = await reader.begin()
    await connected.settle()
    assert triggered(desk) == first
    assert await connected.due_syncs() == 0
    await reader.finish(began)
    assert triggered(desk) != first


@pytest.mark.parametrize("more", [{"sync_type": "incremental"}, {"force": True}])
def test_one_of_another_kind_is_another(
    desk: Desk, connected: Connected, more: dict[str, Any]
) -> None:
    assert triggered(desk) != triggered(desk, **more)


async def test_one_of_other_calendars_is_another(
    desk: Desk, parts: Parts, business: Business, sandbox: Sandbox, reader: Reader
) -> None:
    first = triggered(desk)
    second = Reader(await connect(parts, business, sandbox, "another"))
    both = triggered(desk)
    assert both != first
    await reader.read()
    assert state(desk, both)["progress"] == 50
    await second.read(error="ProviderDown")
    found = state(desk, both)
    assert (found["status"], found["progress"]) == ("failed", 100)
    assert (found["eventsProcessed"], found["eventsDeleted"]) == (50, 2)
    assert [each.split(":")[0] for each in found["errors"]] == [
        "The provider could not be reached"
    ]
    assert state(desk, first)["status"] == "completed"


async def test_many_at_once_are_one(desk: Desk, connected: Connected) -> None:
    body = {"tenantId": desk.tenant_id, "syncType": "full"}
    async with clients(16) as crowd:
        asked = [
            crowd.post(f"{desk.url}/sync/trigger", json=body, headers=desk.headers)
            for _ in range(32)
        ]
        answers = await asyncio.gather(*asked)
    assert len({data(each)["syncId"] for each in answers}) == 1
    assert await connected.due_syncs() == 1


async def test_a_sync_that_began_before_does_not_count(
    desk: Desk, reader: Reader
) -> None:
    began = await reader.begin()
    sync_id = triggered(desk)
    await reader.finish(began)
    assert state(desk, sync_id)["status"] == "queued"


async def test_force_believes_an_empty_calendar(
    desk: Desk, connected: Connected
) -> None:
    triggered(desk, "incremental", force=True)
    assert await connected.rows(
        "SELECT is_full_wanted, may_be_empty FROM calendars"
    ) == [(True, True)]


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        ("NotAuthorized", "connect the account again"),
        ("LooksEmpty", "with force"),
        ("Throttled", "by itself"),
        ("Surprise", "Surprise"),
    ],
)
async def test_errors_tell_the_next_step(
    desk: Desk, reader: Reader, error: str, next_step: str
) -> None:
    sync_id = triggered(desk)
    await reader.read(Tally(), error)
    (told,) = state(desk, sync_id)["errors"]
    assert next_step in told


async def test_it_does_not_wait_for_what_was_disconnected(
    desk: Desk, connected: Connected
) -> None:
    sync_id = triggered(desk)
    await connected.rows("DELETE FROM connections")
    found = state(desk, sync_id)
    assert (found["status"], found["progress"]) == ("failed", 100)
    assert "disconnected" in found["errors"][0]
    assert state(desk, sync_id) == found


async def test_it_does_not_wait_for_what_is_read_no_more(
    desk: Desk, connected: Connected, reader: Reader
) -> None:
    sync_id = triggered(desk)
    await reader.begin()
    await connected.rows("UPDATE calendars SET is_read = false")
    assert state(desk, sync_id)["status"] == "completed"


async def test_it_does_not_wait_for_its_owner(desk: Desk, connected: Connected) -> None:
    await connected.rows("UPDATE connections SET status = 'needs_reauthorization'")
    sync_id = triggered(desk)
    found = state(desk, sync_id)
    assert found["status"] == "failed"
    assert "connect the account again" in found["errors"][0]


@pytest.mark.parametrize(
    "provider", ["google", "microsoft", "apple", "jobber", "housecallpro"]
)
async def test_without_such_a_connection(
    desk: Desk, connected: Connected, provider: str
) -> None:
    problem(trigger(desk, provider=provider), 404, "NOT_FOUND")


async def test_without_a_calendar_that_is_read(
    desk: Desk, connected: Connected
) -> None:
    await connected.rows("UPDATE calendars SET is_read = false")
    problem(trigger(desk), 404, "NOT_FOUND")
    await connected.rows("UPDATE calendars SET is_read = true")
    await connected.rows("UPDATE connections SET direction = 'to_provider'")
    problem(trigger(desk), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "fields",
    [
        {"provider": "yahoo"},
        {"provider": ""},
        {"provider": 7},
        {"syncType": "some"},
        {"syncType": None},
        {"force": "yes"},
    ],
)
def test_what_cannot_be_used(
    desk: Desk, connected: Connected, fields: dict[str, Any]
) -> None:
    body = {"syncType": "full", **fields}
    details = problem(desk.post("/sync/trigger", body), 400, "VALIDATION_ERROR")
    (name,) = fields
    assert [each["field"] for each in details["fields"]] == [name]


def test_who_may(desk: Desk, connected: Connected) -> None:
    for role in (Role.VIEWER, Role.OPERATOR):
        problem(trigger(desk.as_user(role)), 403, "FORBIDDEN")
    sync_id = triggered(desk)
    assert state(desk.as_user(Role.VIEWER), sync_id)["syncId"] == sync_id


async def test_a_foreign_sync_is_not_there(
    desk: Desk, parts: Parts, connected: Connected
) -> None:
    sync_id = triggered(desk)
    stranger = await open_business(parts)
    other = replace(desk, tenant_id=str(stranger.tenant_id)).as_user(Role.OWNER)
    for asking, asked in ((other, sync_id), (other, UNKNOWN), (desk, UNKNOWN)):
        problem(asking.ask("GET", f"/sync/status/{asked}"), 404, "NOT_FOUND")
    answer = desk.ask("GET", "/sync/status/7")
    problem(answer, 400, "VALIDATION_ERROR")


async def test_asking_is_audited_once(desk: Desk, connected: Connected) -> None:
    sync_id = UUID(triggered(desk))
    triggered(desk)
    rows = await connected.rows(
        "SELECT subject_id FROM audit_entries WHERE action = 'sync.requested'"
    )
    assert rows == [(str(sync_id),)]
