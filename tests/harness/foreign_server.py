"""Servers that are not ours to start: PostgreSQL 15, and PgBouncer before ours."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.harness.island import Island, wait_for

POSTGRESQL_15 = Path("/usr/lib/postgresql/15/bin")
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")


Part = str | Path


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql_15(folder: Path) -> Iterator[str]:
    """Run PostgreSQL 15 on a Unix socket; yield its superuser's URL."""
    if not POSTGRESQL_15.exists():
        pytest.skip(f"no PostgreSQL 15 in {POSTGRESQL_15}")
    data, password = folder / "data", secrets.token_hex(8)
    data.mkdir()
    (folder / "password").write_text(password)
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        os.chown(data, pwd.getpwnam(user).pw_uid, -1)
    initialise: list[Part] = [POSTGRESQL_15 / "initdb", "-ND", data, "-U", "postgres"]
    access: list[Part] = ["--auth", "scram-sha-256", "--pwfile", folder / "password"]
    subprocess.run([*initialise, *access], user=user, check=True, capture_output=True)
    control: list[Part] = [POSTGRESQL_15 / "pg_ctl", "-D", data, "-w"]
    options = f"-c listen_addresses= -c unix_socket_directories={data} -c fsync=off"
    start: list[Part] = [*control, "-l", data / "log", "-o", options, "start"]
    subprocess.run(start, user=user, check=True, stdout=subprocess.DEVNULL)
    try:
        yield _url(str(data), 5432, "postgres", password, "postgres")
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, user=user, check=True, stdout=subprocess.DEVNULL)


def _url(host: str, port: int, user: str, password: str, database: str) -> str:
    return make_conninfo(
        host=host, port=port, user=user, password=password, dbname=database
    )


@dataclass
class Pooler:
    """PgBouncer in transaction mode before an island's server."""

    url: str
    admin_url: str
    command: list[str]
    uid: int
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again."""
        self.process = _start(self.command, self.uid)
        wait_for("PgBouncer answers", self.answers)

    def answers(self) -> bool:
        """Tell whether it takes sessions."""
        return psycopg.pq.PGconn.ping(self.url.encode()) == psycopg.pq.Ping.OK

    def server_sessions(self) -> int:
        """Return how many sessions it has with the server."""
        with psycopg.connect(self.admin_url, autocommit=True) as console:
            cursor = psycopg.ClientCursor(console)
            return len(cursor.execute("SHOW SERVERS").fetchall())


def _start(command: list[str], uid: int) -> subprocess.Popen[bytes]:
    user = uid if os.geteuid() == 0 else None
    return subprocess.Popen(
        command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@contextmanager
def pooler(place: Island, folder: Path, sessions: int = 2) -> Iterator[Pooler]:
    """Run PgBouncer before the island's running server, on so many sessions."""
    if PGBOUNCER is None:
        pytest.skip("no pgbouncer on the path")
    server = conninfo_to_dict(place.server.url)
    user, password = str(server["user"]), str(server["password"])
    database, port = str(server["dbname"]), free_port()
    folder.mkdir()
    users, log = folder / "users.txt", folder / "pgbouncer.log"
    users.write_text(f'"{user}" "{password}"\n')
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        "[databases]\n"
        f"{database} = host={server['host']} port={server['port']}\n"
        "[pgbouncer]\n"
        "listen_addr = 127.0.0.1\n"
        f"listen_port = {port}\n"
        "unix_socket_dir =\n"
        "pool_mode = transaction\n"
        f"default_pool_size = {sessions}\n"
        "max_client_conn = 200\n"
        "auth_type = scram-sha-256\n"
        f"auth_file = {users}\n"
        f"admin_users = {user}\n"
        f"logfile = {log}\n"
    )
    # It refuses root, and the server's socket is its user's alone.
    owner = (place.home / "postgresql/data").stat().st_uid
    for path in (folder, users, configuration):
        os.chown(path, owner, -1)
    made = Pooler(
        _url("127.0.0.1", port, user, password, database),
        _url("127.0.0.1", port, user, password, "pgbouncer"),
        [PGBOUNCER, "-q", str(configuration)],
        owner,
        _start([PGBOUNCER, "-q", str(configuration)], owner),
    )
    try:
        wait_for("PgBouncer answers", made.answers)
        yield made
    finally:
        made.kill()
