"""Where the embedded server keeps what, below the home directory."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

PORT = 5432  # names the socket file; nothing listens on TCP
# A socket's path has room for 107 bytes on Linux, 103 on macOS.
_LONGEST_SOCKET_DIRECTORY = 103 - len(f"/.s.PGSQL.{PORT}")
_SEPARATORS = frozenset(',"')  # PostgreSQL and libpq read them as a list


@dataclass(frozen=True, slots=True)
class Layout:
    """Name the paths of one home."""

    home: Path

    @property
    def folder(self) -> Path:
        """Contain all the others, the socket of a deep home excepted."""
        return self.home / "postgresql"

    @property
    def data(self) -> Path:
        """Hold the cluster; only a complete one ever carries this name."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Collect what the server prints."""
        return self.folder / "server.log"

    @property
    def older_log(self) -> Path:
        """Keep what it printed before that, once it was much."""
        return self.folder / "server.log.1"

    @property
    def start_lock(self) -> Path:
        """Serialise starting and stopping."""
        return self.folder / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Be shared by the processes that use the server."""
        return self.folder / "users.lock"

    @property
    def server_lock(self) -> Path:
        """Be held by the processes of the server."""
        return self.folder / "server.lock"

    @property
    def admin_password(self) -> Path:
        """Keep the superuser's password, mode 0600."""
        return self.folder / "admin.password"

    @property
    def owner_password(self) -> Path:
        """Keep the owner role's password, mode 0600."""
        return self.folder / "owner.password"

    @property
    def cluster_name(self) -> str:
        """Mark the server's processes in a process list as those of this home."""
        return f"universal-calendar-{self._fingerprint}"

    @property
    def socket_directory(self) -> Path:
        """Hold the Unix socket: in the home, or in /tmp when its path does not do."""
        inside = self.folder / "run"
        is_short = len(bytes(inside)) <= _LONGEST_SOCKET_DIRECTORY
        if is_short and _SEPARATORS.isdisjoint(str(inside)):
            return inside
        return Path("/tmp") / self.cluster_name  # noqa: S108 - its owner is checked

    @property
    def socket(self) -> Path:
        """Name the Unix socket itself."""
        return self.socket_directory / f".s.PGSQL.{PORT}"

    @property
    def _fingerprint(self) -> str:
        return hashlib.sha256(bytes(self.home)).hexdigest()[:16]
