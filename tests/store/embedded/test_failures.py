import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from universal_calendar.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from universal_calendar.store.embedded.account import server_account
from universal_calendar.store.embedded.binaries import find_tree
from universal_calendar.store.embedded.layout import Layout

StartUser = Callable[..., Any]  # conftest.user_process
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = pwd.getpwnam("nobody").pw_uid
USER_SCRIPT = Path(__file__).parent / "use_server.py"


def start_fails(home: Path, match: str) -> None:
    server = EmbeddedPostgres(home)
    with pytest.raises(EmbeddedPostgresError, match=match):
        server.start()
    assert not server.is_alive()


def start_apart(home: Path, prefix: list[str], search: list[str] = sys.path) -> str:
    """Start in another process, behind a command; return what it complains about."""
    ended = subprocess.run(
        [*prefix, sys.executable, USER_SCRIPT, home, "stay"],
        env={"PYTHONPATH": os.pathsep.join(search), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    return ended.stderr


def start_on_mount(home: Path, options: str) -> str:
    """Start in a home that is a small file system of its own."""
    home.mkdir()
    script = f'mount -t tmpfs -o {options} none "$3" && exec "$@"'
    said = start_apart(home, ["unshare", "--mount", "sh", "-c", script, "sh"])
    if "mount:" in said or "unshare:" in said:
        pytest.skip(f"may not mount a small disk here: {said}")
    return said


def unused_uid() -> int:
    return next(uid for uid in range(54321, 60000) if not has_name(uid))


def has_name(uid: int) -> bool:
    return any(entry.pw_uid == uid for entry in pwd.getpwall())


@as_root
def test_ordinary_user_runs_the_server_itself(
    new_home: Path, user_process: StartUser
) -> None:
    new_home.mkdir()
    os.chown(new_home, NOBODY, NOBODY)
    user = user_process(new_home, uid=NOBODY)
    assert user.said() == "ready"
    data = new_home / "postgresql" / "data"
    assert data.stat().st_uid == NOBODY
    with EmbeddedPostgres(new_home) as root, psycopg.connect(root.url):
        user.leave()
    again = user_process(new_home, uid=NOBODY)
    assert again.said() == "ready"
    again.leave()


@as_root
def test_user_without_name(new_home: Path, user_process: StartUser) -> None:
    new_home.mkdir()
    uid = unused_uid()
    os.chown(new_home, uid, uid)
    assert "has no entry in /etc/passwd" in user_process(new_home, uid=uid).failure()


@as_root
def test_home_of_somebody_else(new_home: Path, user_process: StartUser) -> None:
    with EmbeddedPostgres(new_home):
        pass
    assert "Run as the owner" in user_process(new_home, uid=NOBODY).failure()


@as_root
def test_closed_parent_directory(new_home: Path) -> None:
    closed = new_home / "closed"
    closed.mkdir(parents=True, mode=0o700)
    new_home.chmod(0o755)
    start_fails(closed / "below", rf"{closed} does not let .* \(chmod o\+x {closed}\)")


@as_root
def test_data_that_belongs_to_root(new_home: Path) -> None:
    new_home.joinpath("postgresql", "data").mkdir(parents=True)
    start_fails(new_home, "chown -R")


@as_root
def test_socket_directory_prepared_by_a_stranger(new_home: Path) -> None:
    deep = new_home / ("deep-" * 40)
    directory = Layout(deep.resolve()).socket_directory
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    try:
        start_fails(deep, "does not belong to the server's user")
    finally:
        directory.rmdir()


@as_root
def test_full_disk(new_home: Path) -> None:
    said = start_on_mount(new_home, "size=90m,mode=755")
    assert "Free some space on the disk that holds" in said


def test_data_of_another_major_version(new_home: Path) -> None:
    with EmbeddedPostgres(new_home):
        pass
    version = new_home / "postgresql" / "data" / "PG_VERSION"
    version.write_text("14\n")
    start_fails(new_home, r"made by PostgreSQL 14; .* pg_dump")


def test_older_release_goes_on_serving_its_data(new_home: Path) -> None:
    older = Path("/usr/lib/postgresql/15")
    if not older.exists():
        pytest.skip(f"no PostgreSQL 15 in {older}")
    with EmbeddedPostgres(new_home):
        pass
    folder, data = new_home / "postgresql", new_home / "postgresql" / "data"
    data.joinpath("PG_VERSION").write_text("15\n")
    folder.joinpath("release-0.1").symlink_to(older)
    tree = find_tree(folder, data, server_account(data))
    assert (tree.root.name, tree.major) == ("release-0.1", "15")


def test_release_that_nothing_needs_is_removed(new_home: Path) -> None:
    unneeded = new_home / "postgresql" / "release-0.1"
    unneeded.mkdir(parents=True)
    new_home.chmod(0o755)
    with EmbeddedPostgres(new_home):
        assert not unneeded.exists()


def test_home_that_is_a_file(new_home: Path) -> None:
    new_home.touch()
    server = EmbeddedPostgres(new_home)
    with pytest.raises(EmbeddedPostgresError, match="Not a directory"):
        server.start()


def test_server_that_cannot_start_is_quoted(new_home: Path) -> None:
    with EmbeddedPostgres(new_home):
        pass
    new_home.joinpath("postgresql", "data", "global", "pg_control").unlink()
    start_fails(new_home, "could not .*pg_control")


def test_lost_password_file(new_home: Path) -> None:
    with EmbeddedPostgres(new_home):
        pass
    new_home.joinpath("postgresql", "admin.password").unlink()
    start_fails(new_home, "restore the file from a backup")


def test_platform_without_a_server(new_home: Path, tmp_path: Path) -> None:
    empty = tmp_path / "pg0"
    empty.mkdir()
    empty.joinpath("__init__.py").touch()
    said = start_apart(new_home, [], [str(tmp_path), *sys.path])
    assert "glibc 2.35 or later" in said
    assert "DATABASE_URL" in said


@as_root
def test_file_system_without_execution(new_home: Path) -> None:
    said = start_on_mount(new_home, "size=300m,mode=755,noexec")
    assert "not mounted noexec" in said


@as_root
def test_root_that_may_not_change_its_user(new_home: Path) -> None:
    command = ["setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-all"]
    assert "capabilities SETUID and SETGID" in start_apart(new_home, command)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another")
def test_closed_home_of_our_own_is_opened_for_passage(new_home: Path) -> None:
    new_home.mkdir(mode=0o700)
    with EmbeddedPostgres(new_home) as server:
        assert server.is_alive()
    assert stat.S_IMODE(new_home.stat().st_mode) == 0o701
