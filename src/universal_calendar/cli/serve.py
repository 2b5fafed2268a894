"""`serve`: run the service."""

import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from universal_calendar.cli.options import Home
from universal_calendar.cli.session import read_settings
from universal_calendar.core.errors import UniversalCalendarError
from universal_calendar.settings import LogFormat, Settings

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts


class CannotListen(UniversalCalendarError):
    """The address cannot be had."""


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Default: HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0 picks a free one.")
    ] = None,
    home: Home = None,
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Add demo data once, and show how to use it.")
    ] = False,
) -> None:
    """Run the service until it is told to stop.

    Example: universal-calendar serve --host 0.0.0.0 --port 3901
    """
    settings = read_settings(host=host, port=port, uc_home=home)
    _check_port(settings)
    _log_to_stdout(settings, demo=demo)
    if demo:
        _serve_demo(settings)
    else:
        _run(settings, lambda _url: None)


def _log_to_stdout(settings: Settings, *, demo: bool) -> None:
    from universal_calendar.web.logs import configure_logs

    chosen = settings.log_format
    if "log_format" not in settings.model_fields_set and demo and sys.stdout.isatty():
        chosen = LogFormat.TEXT
    configure_logs(level=settings.log_level, as_json=chosen is LogFormat.JSON)


def _check_port(settings: Settings) -> None:
    """Refuse an address that cannot be had before the database is started for it."""
    if settings.port == 0:
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family) as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidate.bind((settings.host, settings.port))
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror})."
            " Choose another with --host and --port, or stop what listens there"
        ) from error


def _run(settings: Settings, then: Callable[[str], None]) -> None:
    from universal_calendar.bootstrap.service import run_service

    def announce(url: str, _parts: "Parts") -> None:
        print(f"Listening on {url}", flush=True)
        then(url)

    run_service(settings, announce)


def _serve_demo(settings: Settings) -> None:
    import asyncio

    from universal_calendar.cli.demo import greeting, seed, with_service_key
    from universal_calendar.cli.session import running_server, with_server

    settings = with_service_key(settings)
    # The server stays up between seeding and serving.
    with running_server(settings) as server:
        demo = asyncio.run(with_server(settings, server, seed))
        _run(settings, lambda url: print(greeting(demo, url), flush=True))
