"""Who runs the server: PostgreSQL refuses to run as root."""

import errno
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from universal_calendar.store.embedded.errors import (
    USE_ANOTHER_DATABASE,
    EmbeddedPostgresError,
)

SYSTEM_ACCOUNT = "universal-calendar-postgres"
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_WAYS_TO_CREATE = (
    f"useradd --system --user-group --no-create-home --home-dir /nonexistent "
    f"--shell /usr/sbin/nologin {SYSTEM_ACCOUNT}",
    f"adduser -S -D -H {SYSTEM_ACCOUNT}",  # BusyBox
)


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group of the server's processes."""

    uid: int
    gid: int

    def spawn_options(self) -> dict[str, Any]:
        """Name what makes a child process run as this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(
        self, *command: str | Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, to its end; its exit code is the caller's."""
        try:
            return subprocess.run(  # noqa: S603 - only programs of our own tree and sh
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                umask=0o077,
                check=False,
                **self.spawn_options(),
            )
        except PermissionError as error:
            message = f"{error}. {self._explain(command[0], error)}"
            raise EmbeddedPostgresError(message) from error

    def give(self, path: Path) -> None:
        """Make a file or directory of ours this account's own."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def require_way_to(self, folder: Path) -> None:
        """Check that this account can reach the folder; only root can fail here."""
        if self.uid == os.geteuid() or self._can_enter(folder):
            return
        way = [*reversed(folder.parents), folder]
        closed = next(step for step in way if not self._can_enter(step))
        message = (
            f"{closed} does not let the server's user (uid {self.uid}) through. "
            f"Open it (chmod o+x {closed}), or choose a home directory elsewhere, "
            "for example below /var/lib."
        )
        raise EmbeddedPostgresError(message)

    def require_name(self) -> None:
        """Check that the account has a passwd entry, without which initdb refuses."""
        try:
            pwd.getpwuid(self.uid)
        except KeyError:
            message = (
                f"User id {self.uid} has no entry in /etc/passwd, so PostgreSQL cannot "
                "create its data. Run the container as a user that its image knows "
                f"(root is fine), add the entry, {USE_ANOTHER_DATABASE}."
            )
            raise EmbeddedPostgresError(message) from None

    def _explain(self, program: str | Path, error: PermissionError) -> str:
        if error.errno == errno.EPERM:
            return (
                f"Root may not run programs as user id {self.uid} here. Allow it (in a "
                "container: the capabilities SETUID and SETGID), or run the service as "
                "an ordinary user."
            )
        return (
            f"{program} may not be executed. Choose a home directory on a file system "
            "that is not mounted noexec."
        )

    def _can_enter(self, folder: Path) -> bool:
        found = self.run(
            *("/bin/sh", "-c", 'test -x "$0"', folder), environment={"LC_ALL": "C"}
        )
        return found.returncode == 0


def server_account(data: Path) -> Account:
    """Choose who runs the server: we, or for root the owner of the data.

    Root without data makes a system account for it.
    """
    owner = _owner(data)
    if os.geteuid() == 0:
        return owner if owner is not None else _system_account()
    if owner is not None and owner.uid != os.geteuid():
        message = (
            f"{data} belongs to user id {owner.uid}, this process runs as "
            f"{os.geteuid()}. Run as that user or as root, "
            "or choose another home directory."
        )
        raise EmbeddedPostgresError(message)
    return Account(os.geteuid(), os.getegid())


def _owner(data: Path) -> Account | None:
    if not data.exists():
        return None
    status = data.stat()
    if status.st_uid == 0:
        message = (
            f"{data} belongs to root, and PostgreSQL does not run as root. Give it to "
            f"the server's user: chown -R {SYSTEM_ACCOUNT}: {data}"
        )
        raise EmbeddedPostgresError(message)
    return Account(status.st_uid, status.st_gid)


def _system_account() -> Account:
    account = _find_system_account()
    for command in _WAYS_TO_CREATE:
        if account is None:
            _run_quietly(command)
            account = _find_system_account()
    if account is None:
        message = (
            f"Cannot create the system user {SYSTEM_ACCOUNT} for the server. "
            f"Create it ({_WAYS_TO_CREATE[0]}), run the service as an ordinary user, "
            f"{USE_ANOTHER_DATABASE}."
        )
        raise EmbeddedPostgresError(message)
    return account


def _find_system_account() -> Account | None:
    try:
        entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _run_quietly(command: str) -> None:
    environment = {"PATH": _SYSTEM_PATH, "LC_ALL": "C"}
    subprocess.run(  # noqa: S603 - one of the two constant commands above
        ["/bin/sh", "-c", command], env=environment, capture_output=True, check=False
    )
