"""`sandbox`: a calendar provider to try things with."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from universal_calendar.cli.serve import CannotListen


def sandbox(
    home: Annotated[
        Path,
        typer.Option("--home", metavar="DIR", file_okay=False, help="Its memory."),
    ] = Path("sandbox"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 picks a free one.")
    ] = 3999,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run a calendar provider of your own, with faults on demand.

    Example: universal-calendar sandbox --port 3999 --home sandbox
    """
    from universal_calendar.clock import utc_now
    from universal_calendar.providers.fake.server.process import run

    run(
        _listening(host, port),
        home,
        lambda: utc_now().timestamp(),
        lambda url: print(f"Listening on {url}", flush=True),
    )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Python adds the address to the reason, which is named already.
        reason = str(error.strerror).partition(" (while ")[0]
        raise CannotListen(
            f"Cannot listen on {host}:{port} ({reason})."
            " Choose another with --host and --port, or stop what listens there"
        ) from error
