"""What everything is measured on: one embedded PostgreSQL, and processes beside it."""

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

import psycopg
from psycopg.conninfo import make_conninfo

import bench
from bench.client import Client, UnexpectedAnswer, get_request
from universal_calendar.store.embedded import EmbeddedPostgres
from universal_calendar.store.embedded.server import OWNER
from universal_calendar.store.migrate import migrate
from universal_calendar.store.provision import provision
from universal_calendar.store.sealing.encryption import key_text, new_key

RATE_LIMIT: Final = 10_000_000
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_LOG_TAIL_CHARACTERS: Final = 2000
_ROOT: Final = Path(bench.__file__).parent.parent
_REFERENCE_SCHEMA: Final = Path(bench.__file__).parent / "contenders" / "reference.sql"


@dataclass(frozen=True, slots=True)
class Place:
    """A database, as its owner and as the administrator."""

    url: str = field(repr=False)
    admin_url: str = field(repr=False)

    def administer(self) -> psycopg.Connection:
        """Connect past row-level security, to seed and to change agents."""
        connection = psycopg.connect(self.admin_url, autocommit=True)
        connection.execute("SET search_path = universal_calendar, public")
        return connection


@dataclass(frozen=True, slots=True)
class Stage:
    """The running server and the folder in which processes write their logs."""

    folder: Path
    postgres: EmbeddedPostgres
    master_key: str = field(repr=False)
    reference_key: str = field(repr=False)
    service_key: str = field(repr=False)
    """Opens the product's tenant API."""

    def product_place(self, name: str) -> Place:
        """Make a database with the product's schema."""
        place = self._place(name)
        migrate(place.url)
        return place

    def reference_place(self) -> Place:
        """Make a database with the reference's schema."""
        place = self._place("reference")
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(_REFERENCE_SCHEMA.read_bytes())
        return place

    def _place(self, name: str) -> Place:
        admin_url = self.postgres.admin_url
        password = secrets.token_urlsafe(32)
        owner = f"{OWNER}_{name}"
        provision(admin_url, password=password, role=owner, database=name)
        url = make_conninfo(admin_url, user=owner, password=password, dbname=name)
        return Place(url, make_conninfo(admin_url, dbname=name))

    @contextmanager
    def product(self, place: Place, **more: str) -> Iterator[int]:
        """Run the service itself, without a worker unless told; yield its port."""
        with _free_port() as port:
            command = ["-m", "universal_calendar", "serve", "--port", str(port)]
        settings = {
            "DATABASE_URL": place.url,
            "MASTER_KEYS": self.master_key,
            "API_KEY_RATE_LIMIT": str(RATE_LIMIT),
            "INTERNAL_SERVICE_KEY": self.service_key,
            "RUN_WORKER": "false",
            **more,
        }
        with self._process("product", command, settings) as process:
            self._wait_until_answered("product", process, port)
            yield port

    @contextmanager
    def contender(self, name: str, place: Place, api_key: str) -> Iterator[int]:
        """Run `bench.contenders.<name>`; yield its port."""
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            port: int = listening.getsockname()[1]
            command = ["-m", f"bench.contenders.{name}"]
            given = {
                "database_url": place.url,
                "api_key": api_key,
                "listening": listening.fileno(),
            }
            with self._process(
                name, command, {"PYTHONPATH": str(_ROOT)}, given
            ) as process:
                listening.close()
                self._wait_until_answered(name, process, port)
                yield port

    @contextmanager
    def _process(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        given: Mapping[str, object] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        inherited = [] if given is None else [int(str(given["listening"]))]
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**environment, "LANG": "C.UTF-8"},
                cwd=self.folder,
                pass_fds=inherited,
            )
        try:
            with cast(IO[bytes], process.stdin) as configuration:
                configuration.write(json.dumps(given or {}).encode() + b"\n")
            yield process
        finally:
            _end(process)

    def _wait_until_answered(
        self, name: str, process: subprocess.Popen[bytes], port: int
    ) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with Client(port) as client:
                    client.ask(get_request("/", {}))
                    return
            except (OSError, UnexpectedAnswer):
                time.sleep(0.05)
        said = self._log(name).read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:]
        raise UnexpectedAnswer(f"the {name} did not start: {said}")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _free_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found.getsockname()[1]


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Start an embedded PostgreSQL with the product's settings; stop it after."""
    with EmbeddedPostgres(folder / "home") as postgres:
        reference_key, service_key = (
            f"{name}_{secrets.token_urlsafe(24)}" for name in ("reference", "service")
        )
        master_key = key_text(new_key())
        yield Stage(folder, postgres, master_key, reference_key, service_key)
