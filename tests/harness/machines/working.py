"""The worker as a process of its own, beside a database that outlives it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.running import clean_environment

STOP_SECONDS = 60


@dataclass
class WorkingProcess:
    """A process of `universal-calendar worker`; `log` is all that it prints."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to finish; return its exit status."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def is_working(self) -> bool:
        """Tell whether it is up; fail if it has ended."""
        text = self.log.read_text()
        assert self.process.poll() is None, text
        return "Working" in text


def start_worker(folder: Path, settings: Mapping[str, str]) -> WorkingProcess:
    """Start a worker; it is up once `is_working`."""
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "universal_calendar", "worker"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=clean_environment(UC_HOME=str(folder / "unused"), **settings),
            cwd=folder,
        )
    return WorkingProcess(process, log)


@contextmanager
def running_worker(
    folder: Path, settings: Mapping[str, str]
) -> Iterator[WorkingProcess]:
    """Run a worker for a block, and leave nothing of it."""
    worker = start_worker(folder, settings)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()
