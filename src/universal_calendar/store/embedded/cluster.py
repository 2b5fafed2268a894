"""The data of the server: its creation, its settings, its passwords."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from universal_calendar.store.embedded.account import Account
from universal_calendar.store.embedded.binaries import Tree
from universal_calendar.store.embedded.errors import EmbeddedPostgresError, mend_for
from universal_calendar.store.embedded.layout import PORT, Layout
from universal_calendar.store.embedded.workshop import workshop
from universal_calendar.store.private_file import kept_private, write_private

SUPERUSER = "postgres"


def settings(layout: Layout) -> dict[str, str]:
    """Name every server setting that is not PostgreSQL's own default."""
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(layout.socket_directory),
        "unix_socket_permissions": "0700",
        "cluster_name": layout.cluster_name,
        "max_connections": "100",
        "shared_buffers": "128MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "wal_level": "replica",
        "max_wal_senders": "2",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "log_line_prefix": "%m [%p] ",
        "log_lock_waits": "off",
        "log_checkpoints": "off",
    }


def ensure_cluster(layout: Layout, tree: Tree, account: Account) -> None:
    """Create the cluster unless it is there."""
    if layout.data.exists():
        return
    account.require_name()
    password = ensure_password(layout.admin_password)
    with workshop(layout.folder) as unfinished:
        data = unfinished / "data"
        data.mkdir(mode=0o700)
        account.give(data)
        password_file = unfinished / "password"
        write_private(password_file, password)
        account.give(password_file)
        _initialise(data, password_file, tree, account)
        data.rename(layout.data)


def ensure_password(path: Path) -> str:
    """Return the password kept in this file, after drawing one if there is none."""
    return kept_private(path, lambda: secrets.token_urlsafe(32))


def ensure_socket_directory(layout: Layout, account: Account) -> None:
    """Create the socket's directory, and refuse one that a stranger has prepared."""
    directory = layout.socket_directory
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    if not directory.is_symlink() and directory.stat().st_uid == os.geteuid():
        # Just made, or left by a start that died before it could give it away.
        account.give(directory)
    if directory.is_symlink() or directory.stat().st_uid != account.uid:
        message = (
            f"{directory} does not belong to the server's user (uid {account.uid}). "
            "Remove it, or choose a home directory with a shorter path."
        )
        raise EmbeddedPostgresError(message)


def _initialise(data: Path, password_file: Path, tree: Tree, account: Account) -> None:
    ended = account.run(
        *(tree.program("initdb"), "--pgdata", data, "--username", SUPERUSER),
        *("--pwfile", password_file, "--auth", "scram-sha-256"),
        *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"),
        *("--builtin-locale", "C.UTF-8", "--data-checksums", "--no-instructions"),
        environment=tree.environment,
    )
    if ended.returncode != 0:
        advice = mend_for(ended.stderr, data.parent, "Mend what it names, start again.")
        message = f"Cannot create the data: {ended.stderr.strip()} {advice}"
        raise EmbeddedPostgresError(message)
