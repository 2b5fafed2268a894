"""Starts that coincide, stops in the middle of work, and starts that are refused."""

import asyncio
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.harness.crowd import (
    LONGEST_ANSWER,
    OPENING,
    Reply,
    Wish,
    ask,
    ask_at_once,
    clients,
    day_after,
    rivals,
    statuses,
)
from tests.harness.island import Island, wait_for
from tests.harness.machines.ledger import Ledger
from tests.harness.running import RunningService, clean_environment, start_service
from tests.harness.scenes.business import Business
from universal_calendar.store.migrate import current_revision, head_revision, migrate
from universal_calendar.store.sealing.encryption import key_text, new_key

STOP_SECONDS = 30.0
PROMPT_SECONDS = 8.0  # container runtimes kill after ten
Replies = list[Reply]
SERVE = [sys.executable, "-m", "universal_calendar", "serve", "--port", "0"]


async def start_together(
    home: Path, count: int, **settings: str
) -> list[RunningService]:
    starts = [
        asyncio.to_thread(start_service, home, 0, **settings) for _ in range(count)
    ]
    return await asyncio.gather(*starts)


def stop_all(services: list[RunningService]) -> None:
    for service in services:
        started = time.monotonic()
        assert service.stop(STOP_SECONDS) == 0
        assert time.monotonic() - started < STOP_SECONDS
        assert not any("Traceback" in line for line in service.lines)


async def same_key_works_everywhere(services: list[RunningService], key: str) -> None:
    address = "/api/calendar/free-slots/00000000-0000-4000-8000-000000000000"
    days = {"start_date": str(day_after(2)), "end_date": str(day_after(2))}
    async with clients() as client:
        for service in services:
            answer = await client.get(
                service.url + address, params=days, headers={"X-API-Key": key}
            )
            assert answer.status_code == 404  # and not 401: the key is known


async def test_two_start_at_once_on_an_empty_home(place: Island) -> None:
    key = secrets.token_hex(16)
    services = await start_together(place.home, 2, CALENDAR_API_KEY=key)
    await same_key_works_everywhere(services, key)
    (business,) = await asyncio.to_thread(place.settle)
    async with clients() as client:
        crowd = [Wish(business, day_after(2), OPENING)] * 16
        replies = await ask_at_once(client, [each.url for each in services], crowd)
    assert statuses(replies) == {201: 1, 409: 15}
    stop_all(services[:1])
    assert place.postmaster() is not None, "the other one still uses the server"
    stop_all(services[1:])
    assert place.is_still()


@pytest.fixture
def bare_url(place: Island) -> str:
    """Return a role's URL of an empty database of its own, as hosts hand them out."""
    name = "plain"
    place.server.start()
    admin_url = place.server.admin_url
    with psycopg.connect(admin_url, autocommit=True) as admin:
        owner = sql.Identifier(name)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'plain'").format(owner))
        admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(owner))
    return make_conninfo(admin_url, user=name, password=name, dbname=name)


async def test_three_start_at_once_on_an_empty_database(
    place: Island, bare_url: str
) -> None:
    key = secrets.token_hex(16)
    settings = {
        "DATABASE_URL": bare_url,
        "MASTER_KEYS": key_text(new_key()),
        "AUTO_MIGRATE": "true",
        "CALENDAR_API_KEY": key,
    }
    try:
        services = await start_together(place.home, 3, **settings)
        await same_key_works_everywhere(services, key)
        stop_all(services)
    finally:
        place.server.stop()


def test_many_migrate_an_empty_database_at_once(place: Island, bare_url: str) -> None:
    """They come as close together as can be: each finds it done, or does it."""
    crowd = 6
    line = Barrier(crowd)

    def come(_number: int) -> None:
        line.wait(10)
        migrate(bare_url)

    try:
        with ThreadPoolExecutor(crowd) as pool:
            list(pool.map(come, range(crowd)))
        assert current_revision(bare_url) == head_revision()
    finally:
        place.server.stop()


@asynccontextmanager
async def locked(place: Island, business: Business) -> AsyncIterator[None]:
    """Hold the agent's row, so that a booking of it is under way and stays so."""
    url = make_conninfo(place.server.admin_url, dbname="universal_calendar")
    async with await psycopg.AsyncConnection.connect(url) as holder:
        await holder.execute(
            "SELECT FROM universal_calendar.agents WHERE agent_id = %s FOR UPDATE",
            [business.agent.agent_id],
        )
        yield


async def until_it_waits(place: Island) -> None:
    query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    url = place.server.admin_url
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        async with asyncio.timeout(10):
            # Nobody tells us: PostgreSQL has to be asked.
            while await (await admin.execute(query)).fetchone() is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_stop_waits_for_the_booking_under_way(place: Island) -> None:
    (business,) = await asyncio.to_thread(place.settle)
    service = start_service(place.home)
    async with clients(1) as client:
        async with locked(place, business):
            wish = Wish(business, day_after(2), OPENING)
            asked = asyncio.create_task(ask(client, service.url, wish))
            await until_it_waits(place)
            service.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(until_closed, service.url)
            await asyncio.wait([asked], timeout=1)
            assert not asked.done()
            assert service.process.poll() is None
        reply = await asked
    assert reply.status == 201
    assert service.process.wait(STOP_SECONDS) == 0
    assert place.is_still()


def until_closed(url: str) -> None:
    """Wait until nobody takes new connections there."""
    host, port = url.removeprefix("http://").split(":")
    wait_for("it takes no new connections", lambda: not accepts(host, int(port)), 10)


def accepts(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


async def book_until_it_stops(service: RunningService, wishes: list[Wish]) -> Replies:
    """Book with 16 clients, stop the service amid them; return what they were told."""
    replies: Replies = []
    enough = asyncio.Event()

    async def work(mine: list[Wish]) -> None:
        for wish in mine:
            replies.append(await ask(client, service.url, wish))
            if len(replies) >= 50:
                enough.set()
            if replies[-1].status is None:
                return

    async with clients(16) as client:
        crowd = [asyncio.create_task(work(wishes[n::16])) for n in range(16)]
        async with asyncio.timeout(30):
            await enough.wait()
        service.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*crowd)
    return replies


async def test_stop_in_the_middle_of_a_crowd(place: Island) -> None:
    """What was booked was also answered; nothing is booked in silence."""
    (business,) = await asyncio.to_thread(place.settle)
    service = start_service(place.home)
    replies = await book_until_it_stops(service, rivals(business, 500, each=1))
    assert service.process.wait(STOP_SECONDS) == 0
    assert place.is_still()
    assert set(statuses(replies)) == {201, None}
    assert max(reply.seconds for reply in replies) < LONGEST_ANSWER
    promised = {reply.booking_id for reply in replies if reply.status == 201}
    with place.server:
        held = {str(entry.entry_id) for entry in Ledger.of(place.server).standing()}
    assert held == promised


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_stop_during_the_first_start(place: Island, sign: signal.Signals) -> None:
    """Whenever it comes, nothing keeps running and the next start succeeds."""
    for milestone in ("home", "home/postgresql/data", "home/postgresql/data/base/1"):
        process = subprocess.Popen(
            [*SERVE, "--home", str(place.home)],
            env=clean_environment(),
            cwd=place.home.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        reached = place.home.parent / milestone
        wait_for(milestone, lambda path=reached: path.exists())  # type: ignore[misc]
        process.send_signal(sign)
        process.wait(PROMPT_SECONDS)
        wait_for("no server is left", place.is_still)
    service = start_service(place.home)
    assert service.stop() == 0
    assert place.is_still()


def test_start_after_one_that_died_at_the_socket_directory(place: Island) -> None:
    """It was made and not yet given to the server's user: that is no stranger's."""
    place.settle()
    place.server.log_file.with_name("run").mkdir(mode=0o700)
    service = start_service(place.home)
    assert service.stop() == 0


def refused(home: Path, **settings: str) -> str:
    """Try to start; return what people are told."""
    process = subprocess.Popen(
        [*SERVE, "--home", str(home)],
        env=clean_environment(**settings),
        cwd=home.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    with process.stdout as lines:
        for line in lines:
            said += line
            if "Listening" in line:
                process.send_signal(signal.SIGTERM)
    status = process.wait(STOP_SECONDS)
    assert "Listening" not in said, "it was not refused"
    assert status != 0
    assert "Traceback" not in said
    return " ".join(said.split())


def test_superuser_is_refused(place: Island) -> None:
    with place.server:
        url = make_conninfo(place.server.admin_url, dbname="universal_calendar")
        said = refused(place.home, DATABASE_URL=url, MASTER_KEYS=key_text(new_key()))
    assert "superuser" in said
    assert "universal-calendar init --admin-url" in said


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS"])
def test_power_behind_a_harmless_direct_url_is_refused(
    place: Island, power: str
) -> None:
    """Requests go by DATABASE_URL: its role is the one that must not be mighty."""
    with place.server:
        with psycopg.connect(place.server.admin_url, autocommit=True) as admin:
            statement = sql.SQL("CREATE ROLE mighty LOGIN PASSWORD 'mighty' {}")
            admin.execute(statement.format(sql.SQL(power)))
            admin.execute("ALTER ROLE mighty SET search_path = universal_calendar")
            admin.execute("GRANT universal_calendar TO mighty")
        mighty = make_conninfo(place.server.url, user="mighty", password="mighty")  # noqa: S106
        said = refused(
            place.home,
            DATABASE_URL=mighty,
            DATABASE_DIRECT_URL=place.server.url,
            MASTER_KEYS=key_text(new_key()),
            AUTO_MIGRATE="true",
        )
    assert "init --admin-url" in said


def test_wrong_master_keys_are_refused(place: Island) -> None:
    place.settle()
    said = refused(place.home, MASTER_KEYS=key_text(new_key()))
    assert "MASTER_KEYS" in said
    assert place.is_still()


def test_malformed_master_keys_are_refused(place: Island) -> None:
    secret = "not-thirty-two-bytes"  # noqa: S105
    said = refused(place.home, MASTER_KEYS=secret)
    assert "MASTER_KEYS" in said
    assert secret not in said
    assert place.is_still()


def test_absent_database_is_refused(place: Island) -> None:
    said = refused(
        place.home,
        DATABASE_URL="postgresql://someone:hush-hush@127.0.0.1:1/nothing",
        MASTER_KEYS=key_text(new_key()),
    )
    assert "hush-hush" not in said
    assert "database" in said.lower()
