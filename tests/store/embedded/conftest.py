"""A home that the server's own user can reach, and processes that use its server."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from universal_calendar.store.embedded import EmbeddedPostgres

PROGRAM = Path(__file__).parent / "use_server.py"


@contextmanager
def open_directory() -> Iterator[Path]:
    # pytest's own tmp_path is closed to other users, and root runs the server as one.
    folder = Path(tempfile.mkdtemp(prefix="universal-calendar-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def new_home() -> Iterator[Path]:
    """Name a home that does not exist yet."""
    with open_directory() as folder:
        yield folder / "home"


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    with open_directory() as folder:
        yield folder / "home"


@pytest.fixture
def home(used_home: Path) -> Path:
    """Name a home that other tests have used, where no server runs now."""
    assert not EmbeddedPostgres(used_home).is_alive()
    return used_home


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(home) as embedded:
        yield embedded


class UserProcess:
    """Another process that uses the server of a home until it is told to leave."""

    def __init__(self, home: Path, mode: str, uid: int | None) -> None:
        self.process = subprocess.Popen(
            [interpreter(uid), PROGRAM, home, mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **environment(uid),
        )

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        _, errors = self.process.communicate("", timeout=30)
        assert self.process.returncode == 0, errors

    def failure(self) -> str:
        _, errors = self.process.communicate("", timeout=30)
        assert self.process.returncode != 0
        return errors

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


StartUser = Callable[..., UserProcess]


@pytest.fixture
def user_process() -> Iterator[StartUser]:
    started: list[UserProcess] = []

    def start(home: Path, mode: str = "stay", uid: int | None = None) -> UserProcess:
        started.append(UserProcess(home, mode, uid))
        return started[-1]

    yield start
    for user in started:
        user.process.kill()
        user.process.communicate()


def interpreter(uid: int | None) -> str:
    """Find a Python that this user may run; root's own often is not."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        if uid is None or can_import(candidate, uid):
            return candidate
    pytest.skip(f"no Python here is open to user id {uid}")


def can_import(python: str, uid: int) -> bool:
    command = [python, "-c", "import universal_calendar.store.embedded"]
    try:
        return subprocess.run(command, **environment(uid)).returncode == 0
    except PermissionError:
        return False


def environment(uid: int | None) -> dict[str, Any]:
    search = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.defpath}
    options: dict[str, Any] = {"env": search, "cwd": "/"}
    if uid is not None:
        options.update(user=uid, group=uid, extra_groups=[])
    return options
