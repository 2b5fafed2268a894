"""Behind PgBouncer in transaction mode: two sessions for every tenant and process."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.harness.crowd import (
    LONGEST_ANSWER,
    OPENING,
    Struggle,
    Wish,
    ask_at_once,
    clients,
    day_after,
    rivals,
    statuses,
)
from tests.harness.foreign_server import Pooler, free_port, pooler
from tests.harness.island import Island, island
from tests.harness.machines.ledger import Ledger
from tests.harness.running import RunningService, clean_environment, running_service
from tests.harness.scenes.business import Business, open_business
from tests.harness.settings import settings_from
from universal_calendar.bootstrap.parts import open_parts, start_server
from universal_calendar.store.migrate import current_revision, head_revision
from universal_calendar.store.sealing.encryption import key_text, new_key

KEY = key_text(new_key())
SESSIONS = 2


@pytest.fixture(scope="module")
def shore() -> Iterator[Island]:
    """Run an embedded server that the service takes for somebody else's."""
    with island() as place, place.server:
        yield place


@pytest.fixture(scope="module")
def bouncer(shore: Island) -> Iterator[Pooler]:
    folder = shore.home.parent / "pgbouncer"
    with pooler(shore, folder, SESSIONS) as made:
        yield made


@pytest.fixture(scope="module")
def addresses(shore: Island, bouncer: Pooler) -> dict[str, str]:
    return {
        "DATABASE_URL": bouncer.url,
        "DATABASE_DIRECT_URL": shore.server.url,
        "MASTER_KEYS": KEY,
        "AUTO_MIGRATE": "true",
    }


@pytest.fixture(scope="module")
def behind(shore: Island, addresses: dict[str, str]) -> Iterator[RunningService]:
    with running_service(shore.home.parent / "unused", **addresses) as service:
        yield service


@pytest.fixture(scope="module")
def businesses(
    behind: RunningService, shore: Island, addresses: dict[str, str]
) -> list[Business]:
    settings = settings_from(shore.home, **addresses)

    async def settle() -> list[Business]:
        async with open_parts(settings, start_server(settings)) as parts:
            return [await open_business(parts) for _ in range(3)]

    return asyncio.run(settle())


async def test_crowd_books_through_the_pooler(
    behind: RunningService, bouncer: Pooler, shore: Island, businesses: list[Business]
) -> None:
    async with clients() as client:
        for number in range(5):
            day = day_after(2 + number)
            wishes = [
                Wish(each, day, OPENING) for each in businesses for _ in range(21)
            ]
            replies = await ask_at_once(client, [behind.url], wishes)
            assert statuses(replies) == {201: 3, 409: 60}
    assert bouncer.server_sessions() <= SESSIONS
    Ledger.of(shore.server).check()


async def test_no_tenant_meets_another(
    behind: RunningService, businesses: list[Business]
) -> None:
    """Transactions of all tenants take turns on two sessions."""
    days = {"start_date": str(day_after(20)), "end_date": str(day_after(21))}
    asked = [
        (one, other) for _ in range(8) for one in businesses for other in businesses
    ]
    async with clients() as client:
        answers = await asyncio.gather(
            *(
                client.get(
                    f"{behind.url}/api/calendar/free-slots/{other.agent_id}",
                    params=days,
                    headers={"X-API-Key": one.api_key},
                )
                for one, other in asked
            )
        )
        foreign = [
            Wish(Business(other.tenant_id, other.agent, one.api_key), day_after(9), 600)
            for one, other in asked
            if one is not other
        ]
        replies = await ask_at_once(client, [behind.url], foreign)
    for (one, other), answer in zip(asked, answers, strict=True):
        assert answer.status_code == (200 if one is other else 404)
    assert statuses(replies) == {404: len(foreign)}


def test_no_tenant_is_left_on_a_session(
    bouncer: Pooler, businesses: list[Business]
) -> None:
    assert businesses
    for _ in range(4 * SESSIONS):
        with psycopg.connect(bouncer.url, autocommit=True) as connection:
            connection.prepare_threshold = None
            row = connection.execute(
                "SELECT coalesce(current_setting('app.tenant_id', true), ''),"
                " (SELECT count(*) FROM agents), (SELECT count(*) FROM appointments)"
            ).fetchone()
            assert row == ("", 0, 0)


async def test_pooler_killed(
    behind: RunningService, bouncer: Pooler, shore: Island, businesses: list[Business]
) -> None:
    wishes = [w for w in rivals(businesses[0], 96) if w.day > day_after(2)]
    struggle = Struggle(behind.url, wishes)
    running = asyncio.create_task(struggle.run(8))
    await struggle.progress(5)
    bouncer.kill()
    await struggle.reached(lambda: 503 in statuses(struggle.replies))
    bouncer.start()
    await asyncio.wait_for(running, 60)
    assert set(statuses(struggle.replies)) == {201, 409, 503}
    assert all(r.retry_after for r in struggle.replies if r.status == 503)
    assert max(reply.seconds for reply in struggle.replies) < LONGEST_ANSWER
    Ledger.of(shore.server).check()


def migrate(home: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "universal_calendar", "migrate"]
    return subprocess.run(
        command,
        env=clean_environment(MASTER_KEYS=KEY, UC_HOME=str(home), **settings),
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )


def nowhere() -> str:
    return f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"


def test_migrate_uses_the_direct_url() -> None:
    with island() as place, place.server:
        ended = migrate(
            place.home,
            DATABASE_URL=nowhere(),
            DATABASE_DIRECT_URL=place.server.url,
        )
        assert ended.returncode == 0, ended.stderr
        assert current_revision(place.server.url) == head_revision()


def test_migrate_never_uses_the_pooler(shore: Island, bouncer: Pooler) -> None:
    ended = migrate(shore.home, DATABASE_URL=bouncer.url, DATABASE_DIRECT_URL=nowhere())
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
