"""`universal-calendar connections sync`, as people and scripts run it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.harness.command_line import CommandLine
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business
from tests.harness.scenes.connected import Connected, connect
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now

LATER = utc_now().date() + timedelta(days=7)
NO_WORKER = "universal-calendar worker"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
async def connected(parts: Parts, business: Business, sandbox: Sandbox) -> Connected:
    async with parts.database.connection() as connection:
        # Left by workers that tests killed: they seem to live for 15 seconds.
        await connection.execute("DELETE FROM procrastinate_workers")
    return await connect(parts, business, sandbox)


@pytest.fixture
def run(parts: Parts, home: Path, tmp_path: Path) -> CommandLine:
    """Use the session's database, beside the parts."""
    return CommandLine(tmp_path, home)


async def test_a_sync_is_asked_for(run: CommandLine, connected: Connected) -> None:
    words = ("connections", "sync", "--tenant", connected.tenant_id)
    first = run(*words)
    assert "Requested: " in first.out
    assert NO_WORKER in first.out
    assert await connected.due_syncs() == 1
    asked = run(*words, connected.connection_id, "--json").json
    assert first.out.split()[1] == asked["id"]
    assert asked["is_worked_on"] is False


async def test_everything_and_even_nothing(
    run: CommandLine, connected: Connected
) -> None:
    words = ("connections", "sync", "--tenant", connected.tenant_id)
    wanted = "SELECT is_full_wanted, may_be_empty FROM calendars"
    run(*words, "--full")
    assert await connected.rows(wanted) == [(True, False)]
    run(*words, "--force")
    assert await connected.rows(wanted) == [(True, True)]


def test_waiting_for_nobody_ends_with_the_next_step(
    run: CommandLine, connected: Connected
) -> None:
    words = ("connections", "sync", "--tenant", connected.tenant_id, "--wait")
    assert NO_WORKER in run(*words, status=1).told


async def test_waiting_shows_why_it_failed(
    run: CommandLine, connected: Connected
) -> None:
    await connected.rows("UPDATE connections SET status = 'needs_reauthorization'")
    words = ("connections", "sync", "--tenant", connected.tenant_id, "--wait")
    assert "connect the account again" in run(*words, status=1).told
    ended = run(*words, "--json", status=1).json
    assert (ended["status"], ended["events_processed"]) == ("failed", 0)
    assert len(ended["errors"]) == 1


def test_nothing_to_read(run: CommandLine, business: Business) -> None:
    words = ("connections", "sync", "--tenant", business.tenant_id)
    assert "connect one" in run(*words, status=1).told
    nobodys = ("--tenant", UUID(int=1))
    for command in ("sync", "list"):
        assert "No such tenant" in run("connections", command, *nobodys, status=1).told
    listed = run("connections", "list", *words[2:]).out
    assert listed == "No account is connected yet: `connections connect` begins.\n"


async def test_slots_tell_of_a_calendar_that_is_not_known(
    run: CommandLine, connected: Connected
) -> None:
    agent = connected.business.agent_id
    silent = "The fake calendar has not been read yet"
    listed = run("slots", agent)
    assert listed.told.startswith(f"warning: {silent}")
    assert "free for 45 minutes" in listed.out
    await connected.rows("UPDATE connections SET is_closed_when_silent = true")
    found = run("slots", agent, "--json").json
    assert found["slots"] == []
    (warning,) = found["warnings"]
    assert "nothing can be booked" in warning
    wanted = ("book", agent, "--date", LATER, "--time", "09:00", "--name", "Jo")
    assert "warning: The fake calendar" in run(*wanted, status=1).told
    assert run(*wanted, "--json", status=1).json["warnings"] == [warning]


def test_days_are_of_a_zone_or_the_tenants(
    run: CommandLine, connected: Connected
) -> None:
    tenant = ("--tenant", connected.tenant_id)
    words = ("connections", "set", *tenant, connected.connection_id)
    tokyo = ("--timezone", "Asia/Tokyo")
    told = run(*words, *tokyo, "--tentative-is-free").out
    assert "Tentative events are free; days are Asia/Tokyo's." in told
    assert "one time zone" in run(*words, *tokyo, "--tenant-timezone", status=2).told
    assert run(*words, "--tenant-timezone", "--json").json["timezone"] is None
