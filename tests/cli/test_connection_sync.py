"""`universal-calendar connections sync`, as people and scripts run it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.command_line import CommandLine
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business
from tests.harness.scenes.connected import Connected, connect
from universal_calendar.bootstrap.parts import Parts

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
