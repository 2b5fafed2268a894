"""The server's processes: launch, look, shut down, and reap what a kill -9 left."""

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog
from psycopg import pq
from psycopg.conninfo import make_conninfo

from universal_calendar.store.embedded import locks
from universal_calendar.store.embedded.account import Account
from universal_calendar.store.embedded.binaries import Tree
from universal_calendar.store.embedded.cluster import SUPERUSER, settings
from universal_calendar.store.embedded.errors import EmbeddedPostgresError, mend_for
from universal_calendar.store.embedded.layout import PORT, Layout

# Fast, immediate, and at last the kernel's own: with the seconds each may take.
SHUTDOWN_STEPS = (
    (signal.SIGINT, 10.0),
    (signal.SIGQUIT, 6.0),
    (signal.SIGKILL, 2.0),
)
_PID_LINE, _STATUS_LINE = 0, 7
_LOCK_SECONDS = 2.0
_LOG_TAIL_CHARACTERS = 2000
_LARGEST_LOG_BYTES = 10_000_000
_log = structlog.get_logger()


def answers(layout: Layout) -> bool:
    """Answer whether a postmaster listens, ready or not; cheap, and never waits."""
    with socket.socket(socket.AF_UNIX) as client:
        return _knock(client, layout) in (0, errno.EAGAIN)


def is_ready(layout: Layout) -> bool:
    """Answer whether the server accepts sessions."""
    # Asked before it is ready, the server logs a FATAL each time.
    if _pid_file_line(layout, _STATUS_LINE) != "ready":
        return False
    address = make_conninfo(
        host=str(layout.socket_directory),
        port=PORT,
        user=SUPERUSER,
        dbname="postgres",
        connect_timeout=2,
    )
    return pq.PGconn.ping(address.encode()) == pq.Ping.OK


def is_gone(layout: Layout) -> bool:
    """Answer whether no process of the server is left, ending those without a head."""
    if locks.is_free(layout.server_lock):
        return True
    if not answers(layout):
        _end_orphans(layout)
    return False


def launch(layout: Layout, tree: Tree, account: Account) -> int:
    """Start the server and return where in the log file its words begin.

    The server lock must be free; from here on the server's processes hold it.
    """
    _clear_remains(layout)
    options = [f"--{name}={value}" for name, value in settings(layout).items()]
    with (
        _opened_log(layout) as output,
        locks.exclusive(layout.server_lock, _LOCK_SECONDS) as lock,
    ):
        position = output.tell()
        server = subprocess.Popen(  # noqa: S603 - a program of our own tree
            [tree.program("postgres"), "-D", layout.data, *options],
            env=tree.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            umask=0o077,
            start_new_session=True,
            pass_fds=(lock,),
            **account.spawn_options(),
        )
        # A dead child stays in the process table until its parent waits for it.
        threading.Thread(target=server.wait, daemon=True).start()
        return position


def _opened_log(layout: Layout) -> BinaryIO:
    """Open the log to add to it; what was there is put aside if it has grown large."""
    with suppress(FileNotFoundError):
        if layout.log.stat().st_size > _LARGEST_LOG_BYTES:
            layout.log.replace(layout.older_log)
    log = os.open(layout.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(log, "ab")


def failed_start(layout: Layout, since: int) -> EmbeddedPostgresError:
    """Explain, out of the log from this position on, why the server ended at once."""
    said = layout.log.read_bytes()[since:].decode(errors="replace")
    advice = mend_for(said, layout.folder, "Mend what it names, then start again.")
    message = f"The server ended: {said[-_LOG_TAIL_CHARACTERS:].strip()}\n{advice}"
    return EmbeddedPostgresError(message)


@dataclass(slots=True)
class _Told:
    """Tell the postmaster to stop, once it can be found, and look whether it has."""

    layout: Layout
    sign: signal.Signals
    is_told: bool = False

    def __call__(self) -> bool:
        postmaster = None if self.is_told else _postmaster(self.layout)
        if postmaster is not None:
            self.is_told = True
            with suppress(ProcessLookupError):
                os.kill(postmaster, self.sign)
        return is_gone(self.layout)


def shut_down(
    layout: Layout,
    steps: tuple[tuple[signal.Signals, float], ...] = SHUTDOWN_STEPS,
) -> None:
    """Stop the server, more and more firmly, within the sum of the steps' seconds."""
    if is_gone(layout):
        return
    for sign, seconds in steps:
        if locks.wait_until(_Told(layout, sign), seconds):
            with suppress(OSError):
                layout.socket_directory.rmdir()  # it may be in /tmp
            return
        _log.warning("embedded_postgres_ignores_signal", reason=sign.name)
    _log.error("embedded_postgres_not_stopped", where=str(layout.server_lock))


def _knock(client: socket.socket, layout: Layout) -> int:
    client.settimeout(0)
    return client.connect_ex(str(layout.socket))  # EAGAIN: listens, its queue is full


def _postmaster(layout: Layout) -> int | None:
    """Find who listens on the socket, in the process ids of this container.

    The kernel knows it for certain on Linux; the number in postmaster.pid may be that
    of a process in another container, or of a new one after a crash.
    """
    with socket.socket(socket.AF_UNIX) as client:
        if locks.wait_until(lambda: _knock(client, layout) != errno.EAGAIN, 1.0):
            return _peer(client, layout)
    return _recorded_postmaster(layout)


def _peer(client: socket.socket, layout: Layout) -> int | None:
    if sys.platform != "linux":
        return _recorded_postmaster(layout) if answers(layout) else None
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0]) or None  # 0: unknown here


def _recorded_postmaster(layout: Layout) -> int | None:
    recorded = _pid_file_line(layout, _PID_LINE)
    return int(recorded) if recorded else None


def _pid_file_line(layout: Layout, number: int) -> str | None:
    try:
        return _pid_file(layout).read_text().splitlines()[number].strip()
    except (FileNotFoundError, IndexError):
        return None


def _pid_file(layout: Layout) -> Path:
    return layout.data / "postmaster.pid"


def _clear_remains(layout: Layout) -> None:
    # PostgreSQL trusts a stale postmaster.pid when some new process has its number, as
    # is usual in containers. The free server lock is the better witness.
    _pid_file(layout).unlink(missing_ok=True)
    for remains in layout.socket_directory.glob(".s.PGSQL.*"):
        remains.unlink()


def _end_orphans(layout: Layout) -> None:
    # Without its postmaster a busy process goes on until its query ends, and nobody can
    # start the server before. What it does is lost anyway.
    postmaster = _recorded_postmaster(layout)
    for process in _processes(layout):
        if _parent(process) not in (postmaster, None):
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def _processes(layout: Layout) -> Iterator[Path]:
    title = f"postgres: {layout.cluster_name}: ".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.joinpath("cmdline").read_bytes().startswith(title):
                yield process


def _parent(process: Path) -> int | None:
    try:
        # proc(5): the parent is the second field after the name in parentheses.
        return int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None
