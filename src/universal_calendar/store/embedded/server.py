"""The embedded PostgreSQL as the rest of the service sees it."""

import asyncio
import atexit
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
import structlog

from universal_calendar.store.embedded import cluster, locks, process
from universal_calendar.store.embedded.account import server_account
from universal_calendar.store.embedded.binaries import find_tree
from universal_calendar.store.embedded.errors import EmbeddedPostgresError, explained
from universal_calendar.store.embedded.layout import PORT, Layout
from universal_calendar.store.provision import ProvisionError, provision

OWNER = "universal_calendar"
DATABASE = "universal_calendar"
_START_SECONDS = 120.0  # recovery after a crash included
_OTHERS_SECONDS = _START_SECONDS + 30  # for another process to finish its start
_STOP_SECONDS = 20.0
_LONGEST_PAUSE = 30.0
_log = structlog.get_logger()


class EmbeddedPostgres:
    """One process's share in the PostgreSQL that belongs to a home directory."""

    def __init__(self, home: Path) -> None:
        self._layout = Layout(home.resolve())
        self._membership = locks.Membership(self._layout.users_lock)

    def start(self) -> None:
        """Start the server, or join the one that runs; doing it twice is harmless."""
        with explained(self._layout.folder):
            self._make_folder()
            with locks.exclusive(self._layout.start_lock, _OTHERS_SECONDS):
                if self._membership:
                    self._bring_up()
                else:
                    self._join()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Let go of the server; the last one to do so stops it, within 45 seconds."""
        atexit.unregister(self.stop)
        if not self._membership:
            return
        try:
            with (
                explained(self._layout.folder),
                locks.exclusive(self._layout.start_lock, _STOP_SECONDS),
            ):
                self._let_go()
        finally:
            self._membership.leave()

    def is_alive(self) -> bool:
        """Answer, without waiting, whether the server runs, ready or not."""
        with explained(self._layout.folder):
            if not self._layout.server_lock.exists():
                return False
            is_held = not locks.is_free(self._layout.server_lock)
            return is_held and process.answers(self._layout)

    def ensure_running(self) -> None:
        """Start the server again if it died, for who has started and not stopped."""
        if self.is_alive():
            return
        with (
            explained(self._layout.folder),
            locks.exclusive(self._layout.start_lock, _OTHERS_SECONDS),
        ):
            if not self._membership:
                message = "The embedded PostgreSQL is not in use here: call start()."
                raise EmbeddedPostgresError(message)
            self._bring_up()

    async def watch(self, interval: float = 0.5) -> None:
        """Look every `interval` seconds and restart a dead server, until cancelled."""
        pause = interval
        while True:
            await asyncio.sleep(pause)
            is_well = await self._tend()
            pause = interval if is_well else min(2 * pause, _LONGEST_PAUSE)

    @property
    def url(self) -> str:
        """Return the owner role's libpq URL; it holds a password, so never log it."""
        return self._url(OWNER, self._layout.owner_password, DATABASE)

    @property
    def admin_url(self) -> str:
        """Return the superuser's libpq URL; it holds a password, so never log it."""
        return self._url(cluster.SUPERUSER, self._layout.admin_password, "postgres")

    @property
    def log_file(self) -> Path:
        """Return the file to which the server writes its warnings and errors."""
        return self._layout.log

    def __enter__(self) -> Self:
        """Start, or join."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go."""
        self.stop()

    def _make_folder(self) -> None:
        for directory in (self._layout.home, self._layout.folder):
            # Another process may start at this very moment and make it first.
            with suppress(FileExistsError):
                directory.mkdir(parents=True)
            mode = directory.stat().st_mode
            if os.geteuid() == 0 and not mode & stat.S_IXOTH:
                # The server's user has to pass, whatever umask or mktemp -d made.
                directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)

    def _join(self) -> None:
        self._membership.join()
        try:
            self._bring_up()
            self._provision()
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._membership.is_last():
            process.shut_down(self._layout)
        self._membership.leave()

    def _bring_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        log_position: int | None = None
        while not self._serves():
            if process.is_gone(self._layout):
                if log_position is not None:
                    raise process.failed_start(self._layout, log_position)
                log_position = self._launch()
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(self._describe_delay())
            time.sleep(0.01)

    def _serves(self) -> bool:
        is_held = not locks.is_free(self._layout.server_lock)
        return is_held and process.is_ready(self._layout)

    def _launch(self) -> int:
        layout = self._layout
        account = server_account(layout.data)
        account.require_way_to(layout.folder)
        tree = find_tree(layout.folder, layout.data, account)
        cluster.ensure_cluster(layout, tree, account)
        cluster.ensure_socket_directory(layout, account)
        return process.launch(layout, tree, account)

    def _describe_delay(self) -> str:
        return (
            f"The server has not become ready within {_START_SECONDS:.0f} seconds. "
            f"Read {self.log_file}; end the processes that hold "
            f"{self._layout.server_lock} (fuser names them), then start again."
        )

    def _provision(self) -> None:
        password = cluster.ensure_password(self._layout.owner_password)
        try:
            provision(self.admin_url, password=password, role=OWNER, database=DATABASE)
        except (psycopg.Error, ProvisionError) as error:
            message = f"Cannot prepare the database: {error} Read {self.log_file}."
            raise EmbeddedPostgresError(message) from error

    async def _tend(self) -> bool:
        try:
            if not self.is_alive():
                _log.warning("embedded_postgres_died", log_file=str(self.log_file))
                await asyncio.to_thread(self.ensure_running)
                _log.warning("embedded_postgres_restarted")
        except EmbeddedPostgresError as error:
            _log.error("embedded_postgres_not_restarted", reason=str(error))
            return False
        return True

    def _url(self, user: str, password_file: Path, database: str) -> str:
        try:
            password = quote(password_file.read_text(), safe="")
        except FileNotFoundError as error:
            message = (
                f"{password_file} is missing. Start the embedded PostgreSQL first; "
                "if it has run before, restore the file from a backup."
            )
            raise EmbeddedPostgresError(message) from error
        host = quote(str(self._layout.socket_directory), safe="")
        return f"postgresql://{user}:{password}@/{database}?host={host}&port={PORT}"
