"""The command line, run as people and scripts run it: a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.running import clean_environment

SECONDS = 60


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output, all of it, read as JSON."""
        return json.loads(self.out)

    @property
    def told(self) -> str:
        """Return what was told on standard error, checked to be no traceback."""
        assert "Traceback" not in self.err
        return self.err


@dataclass(frozen=True)
class CommandLine:
    """Runs commands in one folder, which has the `.env` they read, if any."""

    folder: Path
    home: Path | None = None

    def __call__(
        self, *words: object, status: int = 0, stdin: str = "", **settings: str
    ) -> Finished:
        """Run `universal-calendar` with these words, and check how it ended."""
        command = [sys.executable, "-m", "universal_calendar", *map(str, words)]
        if self.home is not None:
            command += ["--home", str(self.home)]
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            cwd=self.folder,
            env=clean_environment(**settings),
        )
        assert done.returncode == status, done.stdout + done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)
