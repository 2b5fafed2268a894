import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from universal_calendar.store.embedded import EmbeddedPostgres, process
from universal_calendar.store.embedded.layout import Layout

StartUser = Callable[..., Any]  # conftest.user_process


def postmaster(home: Path) -> int:
    recorded = home / "postgresql" / "data" / "postmaster.pid"
    return int(recorded.read_text().split()[0])


def exists(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


async def wait_in_loop(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition)


def kill_postmaster(home: Path) -> int:
    pid = postmaster(home)
    os.kill(pid, signal.SIGKILL)
    return pid


def test_last_one_out_stops_the_server(home: Path, user_process: StartUser) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    other = user_process(home)
    assert other.said() == "ready"
    server.stop()
    assert server.is_alive()
    other.leave()
    assert not server.is_alive()


def test_processes_that_start_at_once_share_one_server(
    new_home: Path, user_process: StartUser
) -> None:
    users = [user_process(new_home) for _ in range(4)]
    assert [user.said() for user in users] == ["ready"] * 4
    for user in users:
        user.leave()
    assert not EmbeddedPostgres(new_home).is_alive()


def test_interpreter_exit_lets_go(home: Path, user_process: StartUser) -> None:
    user_process(home, "forget").leave()
    assert not EmbeddedPostgres(home).is_alive()


def test_server_of_a_killed_process_is_joined(
    home: Path, user_process: StartUser
) -> None:
    killed = user_process(home)
    assert killed.said() == "ready"
    before = postmaster(home)
    killed.kill()
    with EmbeddedPostgres(home) as server:
        assert postmaster(home) == before
    assert not server.is_alive()


def test_process_killed_during_the_first_start(
    new_home: Path, user_process: StartUser
) -> None:
    killed = user_process(new_home)
    folder = new_home / "postgresql"
    wait_until(lambda: any(folder.glob("unfinished-*/data/base")))
    killed.kill()
    with EmbeddedPostgres(new_home) as server, psycopg.connect(server.url):
        assert folder.joinpath("data").exists()


def test_killed_postmaster_is_replaced(server: EmbeddedPostgres, home: Path) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE killed AS SELECT 42 AS answer")
    killed = kill_postmaster(home)
    wait_until(lambda: not server.is_alive())
    server.ensure_running()
    assert postmaster(home) != killed
    with psycopg.connect(server.url) as connection:
        kept = connection.execute("SELECT answer FROM killed").fetchone()
    assert kept == (42,)


def test_busy_orphan_does_not_delay_the_restart(
    server: EmbeddedPostgres, home: Path
) -> None:
    with closing(psycopg.connect(server.url)) as connection:
        orphan = connection.info.backend_pid
        connection.pgconn.send_query(b"SELECT sum(a) FROM generate_series(1, 1e15) a")
        kill_postmaster(home)
        wait_until(lambda: not server.is_alive())
        assert exists(orphan)
        server.ensure_running()
        assert server.is_alive()


def test_stale_pid_file_of_a_living_process_does_not_matter(home: Path) -> None:
    with EmbeddedPostgres(home):
        before = postmaster(home)
        recorded = home / "postgresql" / "data" / "postmaster.pid"
        written = recorded.read_text()
        owner = recorded.stat().st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=owner) as living:
        recorded.write_text(written.replace(str(before), str(living.pid)))
        with EmbeddedPostgres(home) as server, psycopg.connect(server.url):
            assert postmaster(home) != living.pid
        assert living.poll() is None
        living.kill()


def test_restarted_server_keeps_its_users(home: Path, user_process: StartUser) -> None:
    with EmbeddedPostgres(home) as server:
        kill_postmaster(home)
        wait_until(lambda: not server.is_alive())
        other = user_process(home)
        assert other.said() == "ready"
        server.ensure_running()
        other.leave()
        assert server.is_alive()
    assert not server.is_alive()


async def test_watch_restarts_a_dead_server(
    server: EmbeddedPostgres, home: Path
) -> None:
    watcher = asyncio.create_task(server.watch(0.05))
    killed = kill_postmaster(home)
    await wait_in_loop(lambda: server.is_alive() and postmaster(home) != killed)
    assert not watcher.done()
    watcher.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watcher


async def test_watch_goes_on_when_a_restart_fails(
    server: EmbeddedPostgres, home: Path
) -> None:
    control = home / "postgresql" / "data" / "global" / "pg_control"
    hidden = control.with_name("hidden")
    control.rename(hidden)
    watcher = asyncio.create_task(server.watch(0.05))
    kill_postmaster(home)
    await wait_in_loop(lambda: "pg_control" in server.log_file.read_text())
    hidden.rename(control)
    await wait_in_loop(server.is_alive)
    watcher.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watcher


def test_frozen_server_is_stopped_within_a_bound(
    home: Path, user_process: StartUser
) -> None:
    user = user_process(home)
    assert user.said() == "ready"
    os.kill(postmaster(home), signal.SIGSTOP)
    steps = ((signal.SIGINT, 0.2), (signal.SIGQUIT, 0.2), (signal.SIGKILL, 5.0))
    process.shut_down(Layout(home), steps)
    assert not EmbeddedPostgres(home).is_alive()


def test_open_session_does_not_delay_the_stop(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    with closing(psycopg.connect(server.url)) as connection:
        connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 5
    assert not server.is_alive()


def test_forked_child_has_no_share(home: Path, user_process: StartUser) -> None:
    parent = user_process(home, "fork")
    assert parent.said() == "forked"
    server = EmbeddedPostgres(home)
    assert server.is_alive()
    parent.kill()
    server.start()
    server.stop()
    assert not server.is_alive()


def test_child_program_has_no_share(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        other = EmbeddedPostgres(home)
        other.start()
        server.stop()
        other.stop()
        child.kill()
    assert not server.is_alive()
