"""A home that no other test uses, whose service and server may be ill-treated."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.harness.running import GENEROUS
from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.harness.settings import settings_from
from universal_calendar.bootstrap.parts import open_parts, start_server
from universal_calendar.settings import Settings
from universal_calendar.store.embedded import EmbeddedPostgres


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 30) -> float:
    """Poll until the condition holds; return the seconds it took."""
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        assert waited < seconds, f"after {seconds} s still not: {what}"
        time.sleep(0.01)
    return time.monotonic() - started


class Island:
    """A home of one's own and the embedded server in it, running or not."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.server = EmbeddedPostgres(home)
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """Return settings that depend on nothing outside the test."""
        return settings_from(self.home, **(GENEROUS | self._settings))

    def settle(
        self,
        *,
        hours: Mapping[str, object] | None = EVERY_DAY,
        agents: int = 1,
    ) -> list[Business]:
        """Add tenants with an agent and a key each, and let go of the server."""
        server = start_server(self.settings)
        assert server.embedded is not None

        async def add() -> list[Business]:
            async with open_parts(self.settings, server) as parts:
                return [await open_business(parts, hours=hours) for _ in range(agents)]

        try:
            return asyncio.run(add())
        finally:
            server.embedded.stop()

    def postmaster(self) -> psutil.Process | None:
        """Return the server's first process, if it runs."""
        recorded = self.home / "postgresql/data/postmaster.pid"
        with suppress(FileNotFoundError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int(recorded.read_text().splitlines()[0]))
            if process.name() == "postgres" and self._is_ours(process):
                return process
        return None

    def backends(self) -> list[psutil.Process]:
        """Return the processes that serve the service's connections."""
        postmaster = self.postmaster()
        children = [] if postmaster is None else postmaster.children()
        return [each for each in children if " universal_calendar " in _title(each)]

    def is_still(self) -> bool:
        """Answer whether no process of the server is left."""
        return not any(
            self._is_ours(process)
            for process in psutil.process_iter()
            if process.name() == "postgres"
        )

    def logged(self) -> str:
        """Return all that the server has ever written to its log."""
        log = self.server.log_file
        return log.read_text(errors="replace") if log.exists() else ""

    def sink(self) -> None:
        """End what is left of services and server, and delete the home."""
        for process in psutil.process_iter():
            if str(self.home) in _title(process) and "serve" in _title(process):
                process.kill()
        postmaster = self.postmaster()
        if postmaster is not None:
            with suppress(ProcessLookupError):
                os.kill(postmaster.pid, signal.SIGQUIT)
            wait_for("the server ended", self.is_still)
        shutil.rmtree(self.home.parent)

    def _is_ours(self, process: psutil.Process) -> bool:
        folder = str(self.home / "postgresql")
        with suppress(psutil.NoSuchProcess):
            return folder in " ".join(process.cmdline()) or folder in process.cwd()
        return False


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


@contextmanager
def island(**settings: str) -> Iterator[Island]:
    """Name a home that does not exist yet, and leave nothing of it."""
    # pytest's own folders are closed to other users, and root runs the server as one.
    folder = Path(tempfile.mkdtemp(prefix="universal-calendar-test-"))
    folder.chmod(0o755)
    place = Island(folder / "home", **settings)
    try:
        yield place
    finally:
        place.sink()
