"""The way from a command to the open parts, and back.

What is heavy is imported when a command runs: `--help` waits for none of it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.settings import LogFormat, Settings

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts, Server

T = TypeVar("T")


def now() -> Instant:
    """Return the present instant."""
    return from_datetime(utc_now())


def read_settings(**given: object) -> Settings:
    """Read the settings; what a command was given goes before the environment."""
    return Settings.model_validate(
        {name: value for name, value in given.items() if value is not None}
    )


def log_to_stderr(settings: Settings) -> None:
    """Keep standard output for what the command was asked for."""
    from universal_calendar.web.logs import configure_logs

    as_json = settings.log_format is LogFormat.JSON and not sys.stderr.isatty()
    configure_logs(level=settings.log_level, as_json=as_json, stream=sys.stderr)


@contextmanager
def running_server(settings: Settings, *, migrated: bool = True) -> Iterator["Server"]:
    """Use the database server for a block; an embedded one is joined and let go."""
    from universal_calendar.bootstrap.parts import launch_server, start_server

    server = start_server(settings) if migrated else launch_server(settings)
    try:
        yield server
    finally:
        if server.embedded is not None:
            server.embedded.stop()


def with_parts(home: Path | None, work: Callable[["Parts"], Awaitable[T]]) -> T:
    """Run the work on open parts, beside whatever else uses the same home."""
    settings = read_settings(uc_home=home)
    log_to_stderr(settings)
    with running_server(settings) as server:
        return asyncio.run(with_server(settings, server, work))


async def with_server(
    settings: Settings, server: "Server", work: Callable[["Parts"], Awaitable[T]]
) -> T:
    """Run the work on parts that are opened on a running server."""
    from universal_calendar.bootstrap.parts import open_parts

    async with open_parts(settings, server) as parts:
        return await work(parts)
