"""From an owner's calendar to the slots: pushed by the sandbox, read by a worker.

Nothing is polled here within the hour: what is found was told.
"""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from conftest import settings_for
from tests.harness.command_line import CommandLine
from tests.harness.homes import let_through
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.running import RunningService, start_service
from tests.harness.scenes.business import open_business
from tests.harness.scenes.connected import Connected, connect
from tests.harness.waiting import until
from tests.web.api import Api, day_after
from universal_calendar.bootstrap.parts import Server, open_parts, start_server
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.store.calendars.syncs import SyncRequestTable

SECONDS = 20.0
DAY = day_after(3)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def pushed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory whose due work this module's service settles alone."""
    folder = tmp_path_factory.mktemp("pushed")
    let_through(folder)
    return folder / "home"


@pytest.fixture(scope="module")
def database(pushed_home: Path) -> Iterator[Server]:
    server = start_server(settings_for(pushed_home))
    assert server.embedded is not None
    yield server
    server.embedded.stop()


@pytest.fixture(scope="module")
def working(pushed_home: Path, database: Server) -> Iterator[RunningService]:
    """Run a service with a worker that the sandbox can reach."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = start_service(
        pushed_home,
        port,
        RUN_WORKER="true",
        PUBLIC_BASE_URL=f"http://127.0.0.1:{port}",
        POLL_SECONDS="3600",
    )
    yield service
    assert service.stop() == 0


@dataclass(frozen=True)
class Office:
    """A business whose calendar in the sandbox is read."""

    connected: Connected
    sandbox: Sandbox
    api: Api

    @property
    def calendar(self) -> str:
        return self.connected.account.calendar_id

    def owner_adds(self, hour: int) -> str:
        """Have the owner add an event of an hour; return its id."""
        event = {
            "title": "Dentist",
            "start": {"at": f"{DAY}T{hour:02}:00:00Z"},
            "end": {"at": f"{DAY}T{hour + 1:02}:00:00Z"},
        }
        return str(self.sandbox.owner_adds(self.calendar, **event)["id"])

    def is_free(self, hour: int) -> bool:
        return f"{hour:02}:00" in self.api.starts(DAY, duration_minutes=60)

    async def has_channel(self) -> bool:
        rows = await self.connected.rows(
            "SELECT FROM push_channels WHERE expires_at IS NOT NULL"
        )
        return bool(rows)

    async def is_read(self) -> bool:
        rows = await self.connected.rows(
            "SELECT FROM calendars WHERE read_at IS NOT NULL AND leased_until IS NULL"
        )
        return bool(rows) and await self.connected.due_syncs() == 0


@pytest.fixture
async def office(
    pushed_home: Path,
    database: Server,
    sandbox: Sandbox,
    working: RunningService,
    http: httpx2.Client,
) -> AsyncIterator[Office]:
    async with open_parts(settings_for(pushed_home), database) as parts:
        business = await open_business(parts)
        connected = await connect(parts, business, sandbox)
        await SyncRequestTable(parts.database).want(
            business.tenant_id, [connected.calendar_id], from_datetime(utc_now())
        )
        api = Api(http, working.url, business.api_key, business.agent_id)
        office = Office(connected, sandbox, api)
        await until(office.has_channel, SECONDS)
        await until(office.is_read, SECONDS)
        yield office
    sandbox.clear_faults()


async def test_what_an_owner_adds_and_deletes_is_seen(office: Office) -> None:
    assert office.is_free(10)
    event_id = office.owner_adds(10)
    await until(lambda: not office.is_free(10), SECONDS)
    assert office.is_free(11)
    office.sandbox.owner_deletes(office.calendar, event_id)
    await until(lambda: office.is_free(10), SECONDS)


async def test_pushes_that_come_twice(office: Office) -> None:
    office.sandbox.fault("double_push", calendarId=office.calendar)
    for hour in (9, 12, 14):
        office.owner_adds(hour)
    await until(lambda: not any(office.is_free(hour) for hour in (9, 12, 14)), SECONDS)
    assert office.is_free(10)


async def test_a_push_that_is_lost_is_made_up_for_by_the_next(office: Office) -> None:
    office.sandbox.fault("lost_push", calendarId=office.calendar, times=1)
    office.owner_adds(9)
    office.owner_adds(13)
    await until(lambda: not office.is_free(13), SECONDS)
    assert not office.is_free(9)


def test_a_sync_that_is_waited_for(
    office: Office, pushed_home: Path, tmp_path: Path
) -> None:
    run = CommandLine(tmp_path, pushed_home)
    words = ("connections", "sync", "--tenant", office.connected.tenant_id, "--wait")
    office.sandbox.fault("lost_push", calendarId=office.calendar)
    office.owner_adds(15)
    assert "1 new" in run(*words).out
    assert not office.is_free(15)
    ended = run(*words, "--full", "--json").json
    assert (ended["status"], ended["events_processed"]) == ("completed", 1)
