"""The sandbox provider as a process of its own, and the truth of its calendars."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.harness.running import clean_environment

SECONDS = 10
_CODE = """
import sys
from universal_calendar.cli.sandbox import sandbox
from pathlib import Path
sandbox(home=Path(sys.argv[1]), port=int(sys.argv[2]))
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class SandboxAccount:
    """An account with credentials as /calendar/connect takes them."""

    account: str
    credentials: dict[str, str]
    calendars: Sequence[Json]

    @property
    def calendar_id(self) -> str:
        """Return the primary calendar's id."""
        return str(self.calendars[0]["id"])


class Sandbox:
    """A running sandbox; its port stays the same over kill and start."""

    def __init__(self, home: Path) -> None:
        """Start it in the folder, on a free port."""
        self.home, self.url, self._port = home, "", 0
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(self.home), str(self._port)],
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Listening on "), line
        self.url = line.split()[-1]
        self._port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """Ask it to finish; return its exit status."""
        self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        status = self.process.wait(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def account(self, name: str, **settings: object) -> SandboxAccount:
        """Open an account, or give new credentials to one that is there."""
        opened = self._control("POST", "accounts", {"account": name, **settings})
        return SandboxAccount(name, opened["credentials"], opened["calendars"])

    def fault(self, kind: str, **settings: object) -> int:
        """Set a fault, such as `fault("throttle", seconds=2, times=3)`."""
        added = self._control("POST", "faults", {"kind": kind, **settings})
        return int(added["faultId"])

    def faults(self) -> list[Json]:
        """Return the faults that still strike."""
        return list(self._control("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self._control("DELETE", "faults")

    def events(self, calendar: str) -> list[Json]:
        """Return what is in the calendar, without tombstones."""
        return [each for each in self.history(calendar) if "etag" in each]

    def history(self, calendar: str) -> list[Json]:
        """Return events and tombstones, by the order of their last change."""
        return list(self._control("GET", f"calendars/{calendar}/events")["events"])

    def owner_adds(self, calendar: str, **event: object) -> Json:
        """Insert an event as the calendar's owner would, past all faults."""
        return self._control("POST", f"calendars/{calendar}/events", event)

    def owner_changes(self, calendar: str, event_id: str, **changes: object) -> Json:
        """Change fields of an event as the calendar's owner would."""
        path = f"calendars/{calendar}/events/{event_id}"
        event = self._control("GET", path)
        del event["id"], event["etag"]
        return self._control("PUT", path, {**event, **changes})

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        """Delete an event as the calendar's owner would."""
        self._control("DELETE", f"calendars/{calendar}/events/{event_id}")

    def forget_changes(self, calendar: str) -> None:
        """Make the calendar's sync tokens stale."""
        self._control("POST", f"calendars/{calendar}/forget")

    def _control(self, method: str, path: str, body: Json | None = None) -> Json:
        url = f"{self.url}/control/{path}"
        answer = requests.request(method, url, json=body, timeout=SECONDS)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}


@contextmanager
def running_sandbox(home: Path) -> Iterator[Sandbox]:
    """Run the sandbox for a block, and stop it."""
    sandbox = Sandbox(home)
    try:
        yield sandbox
    finally:
        if sandbox.process.poll() is None:
            sandbox.kill()
