"""Use the server of a home; a program for the tests to run, and to kill."""

import os
import sys
from pathlib import Path

from universal_calendar.store.embedded import EmbeddedPostgres


def stay(server: EmbeddedPostgres) -> None:
    with server:
        print("ready", flush=True)  # noqa: T201 - what the test waits for
        sys.stdin.read()


def fork(server: EmbeddedPostgres) -> None:
    server.start()
    if os.fork() == 0:
        server.stop()
        print("forked", flush=True)  # noqa: T201 - what the test waits for
    sys.stdin.read()


def forget(server: EmbeddedPostgres) -> None:
    server.start()


if __name__ == "__main__":
    modes = {"stay": stay, "fork": fork, "forget": forget}
    modes[sys.argv[2]](EmbeddedPostgres(Path(sys.argv[1])))
