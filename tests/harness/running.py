"""The service as a process of its own, on a free port."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

START_SECONDS = 60
SERVICE_KEY = "service-key-of-the-tests"
JWT_SECRET = "-".join(["of-the-tests-alone"] * 2)
GENEROUS = {
    "API_KEY_RATE_LIMIT": "10000000",
    "AUTH_FAILURE_LIMIT": "10000000",
    "RATE_LIMIT_MAX_REQUESTS": "10000000",
    # A worker would settle what tests mean to settle themselves.
    "RUN_WORKER": "false",
    "INTERNAL_SERVICE_KEY": SERVICE_KEY,
    "JWT_SECRET": JWT_SECRET,
}


@dataclass
class RunningService:
    """A process that answers at `url`; `lines` collects what it prints."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread = field(default_factory=threading.Thread)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join()

    def stop(self, seconds: float = 60) -> int:
        """Ask it to finish; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.reader.join()
        return status


def clean_environment(**settings: str) -> dict[str, str]:
    """Return the environment without any setting of the service, plus these."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    return {k: v for k, v in os.environ.items() if k in kept} | settings


def start_service(home: Path, port: int = 0, **settings: str) -> RunningService:
    """Start `universal-calendar serve` and wait until it answers."""
    command = [sys.executable, "-m", "universal_calendar", "serve"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean_environment(**(GENEROUS | settings)),
        cwd=home.parent,
    )
    url: Queue[str] = Queue()
    service = RunningService(process, "")
    service.reader = threading.Thread(target=_read, args=(service, url), daemon=True)
    service.reader.start()
    service.url = url.get(timeout=START_SECONDS)
    if not service.url:
        process.wait(START_SECONDS)
        raise AssertionError("the service did not start:\n" + "".join(service.lines))
    return service


def _read(service: RunningService, url: "Queue[str]") -> None:
    assert service.process.stdout is not None
    with service.process.stdout as lines:
        for line in lines:
            service.lines.append(line)
            if "Listening on http" in line:
                url.put(line.split("Listening on ")[1].split()[0])
    url.put("")


@contextmanager
def running_service(home: Path, **settings: str) -> Iterator[RunningService]:
    """Run the service for a block, and stop it."""
    service = start_service(home, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()
