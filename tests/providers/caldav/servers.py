"""Radicale and Xandikos as processes, on loopback.

Both believe who asks by a header: the proxy of `proxy.py` before them asks for the
password, and takes the place of the reverse proxy that both are meant to stand behind.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import requests

from tests.harness.foreign_server import free_port
from tests.harness.running import clean_environment

SECONDS = 20
ADMIN = "admin"
NEW_YORK = "America/New_York"
_RADICALE = """
[server]
hosts = 127.0.0.1:{port}
max_connections = 100
[auth]
type = http_x_remote_user
[rights]
type = from_file
file = {folder}/rights
[storage]
filesystem_folder = {folder}/collections
[logging]
level = error
"""
_RIGHTS = """
[admin]
user: admin
collection: .*
permissions: RrWw
[root]
user: .+
collection:
permissions: R
[read only]
user: .+
collection: {user}/holidays
permissions: r
[principal]
user: .+
collection: {user}
permissions: RW
[calendars]
user: .+
collection: {user}/[^/]+
permissions: rw
"""


class Kind(Protocol):
    """What differs between the servers."""

    name: str
    """Also the module that runs it."""
    answers_read_only: bool
    """Whether it knows calendars that may only be read."""

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """Return what runs it."""

    def home(self, user: str) -> str:
        """Return the path below which the user's calendars are."""


@dataclass
class Radicale:
    name: str = "radicale"
    answers_read_only: bool = True

    def command(self, folder: Path, port: int) -> Sequence[str]:
        (folder / "rights").write_text(_RIGHTS)
        config = folder / "config"
        config.write_text(_RADICALE.format(port=port, folder=folder))
        return ["--config", str(config)]

    def home(self, user: str) -> str:
        return f"/{quote(user)}/"


@dataclass
class Xandikos:
    name: str = "xandikos"
    answers_read_only: bool = False

    def command(self, folder: Path, port: int) -> Sequence[str]:
        store = folder / "collections"
        store.mkdir(exist_ok=True)
        return [
            *("multi-user", "-d", str(store), "--state-dir", str(folder / "state")),
            *("-l", "127.0.0.1", "-p", str(port), "--defaults"),
            *("--no-detect-systemd", "--trust-x-remote-user-from", "127.0.0.1"),
        ]

    def home(self, user: str) -> str:
        return f"/{quote(user)}/calendars/"


@dataclass
class DavServer:
    """A running server; its port stays the same over kill and start."""

    kind: Kind
    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        """Start it."""
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", self.kind.name),
                *self.kind.command(self.folder, self.port),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert self.process.poll() is None, f"{self.kind.name} ended"
            assert time.monotonic() < deadline, f"{self.kind.name} does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            requests.options(f"http://127.0.0.1:{self.port}/", timeout=1)
        except requests.RequestException:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait(SECONDS)

    def ask(
        self,
        user: str,
        method: str,
        path: str,
        content: bytes | str = b"",
        **headers: str,
    ) -> requests.Response:
        """Ask as a user, past the proxy."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = requests.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            data=content,
            headers={
                "X-Remote-User": user,
                "Content-Type": "application/xml; charset=utf-8",
                **named,
            },
            timeout=SECONDS,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def open_user(self, user: str) -> None:
        """Have the server make what every user has."""
        principal = f"/{quote(user)}/"
        body = '<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'
        self.ask(user, "PROPFIND", principal, body, Depth="0")

    def add_calendar(self, user: str, name: str, zone: str | None = NEW_YORK) -> str:
        """Make a calendar; return its path."""
        path = f"{self.kind.home(user)}{name}/"
        asks = ADMIN if self.kind.answers_read_only else user
        timezone = "" if zone is None else _timezone(zone)
        self.ask(
            asks,
            "MKCALENDAR",
            path,
            '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
            f"<D:set><D:prop><D:displayname>{name}</D:displayname>{timezone}"
            "</D:prop></D:set></C:mkcalendar>",
        )
        return path

    def put(self, user: str, path: str, text: str) -> None:
        """Write a calendar object, as its owner's device would."""
        kind = "text/calendar; charset=utf-8"
        self.ask(user, "PUT", path, text.encode(), Content_Type=kind)


def _timezone(zone: str) -> str:
    return (
        "<C:calendar-timezone>BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n"
        f"BEGIN:VTIMEZONE\r\nTZID:{zone}\r\nBEGIN:STANDARD\r\n"
        "DTSTART:20071104T020000\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\n"
        "END:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n</C:calendar-timezone>"
    )


KINDS: dict[str, Kind] = {"radicale": Radicale(), "xandikos": Xandikos()}
