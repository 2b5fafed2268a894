"""The command line: what there is, and the edge where errors become advice."""

import signal
import sys
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer

from universal_calendar.cli import (
    agents,
    appointments,
    blocks,
    booking,
    connection_sync,
    connection_usage,
    connections,
    hours,
    keys,
    privacy,
    technicians,
    tenants,
)
from universal_calendar.cli.demo import demo
from universal_calendar.cli.doctor import doctor
from universal_calendar.cli.errors import explain
from universal_calendar.cli.init import init
from universal_calendar.cli.migrate import migrate
from universal_calendar.cli.sandbox import sandbox
from universal_calendar.cli.serve import serve
from universal_calendar.cli.worker import worker

app = typer.Typer(
    name="universal-calendar", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command(rich_help_panel="Run")(serve)
app.command(rich_help_panel="Run")(demo)
app.command(rich_help_panel="Set up")(init)
app.command(rich_help_panel="Set up")(migrate)
app.command(rich_help_panel="Set up")(doctor)
app.command(rich_help_panel="Run")(worker)
app.command(rich_help_panel="Run")(sandbox)
for group in (
    *(tenants, agents, hours, keys, appointments, blocks, connections),
    technicians,
):
    name = group.__name__.rpartition(".")[2]
    app.add_typer(group.app, name=name, rich_help_panel="Manage")
connections.app.command("sync")(connection_sync.sync)
connections.app.command("use")(connection_usage.use)
connections.app.command("set")(connection_usage.set_usage)
tenants.app.command("erase")(privacy.erase_tenant)
app.add_typer(privacy.encryption, name="encryption", rich_help_panel="Manage")
app.command(rich_help_panel="Book")(booking.slots)
app.command(rich_help_panel="Book")(booking.book)
app.command(rich_help_panel="Book")(booking.cancel)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        print(f"universal-calendar {version('universal-calendar')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show it and end."
        ),
    ] = False,
) -> None:
    """One booking API over every calendar a business uses.

    Settings come from the environment and from a .env file in the present folder;
    `universal-calendar init` writes one.
    """


def main() -> None:
    """Run the command line; exit with 1 for an error, 2 for wrong usage."""
    signal.signal(signal.SIGTERM, _end)
    try:
        _refuse_unreadable(sys.argv[1:])
        app()
    except Exception as error:  # the edge: what was expected becomes one line
        advice = explain(error)
        if advice is None:
            raise
        for line in advice.splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(1)


def _end(number: int, _frame: FrameType | None) -> None:
    """Let the blocks around the work close."""
    raise SystemExit(128 + number)


def _refuse_unreadable(arguments: list[str]) -> None:
    # The system hands over bytes that are no UTF-8 as lone surrogates.
    if any("\ud800" <= each <= "\udfff" for text in arguments for each in text):
        print("error: the arguments are not valid UTF-8", file=sys.stderr)
        sys.exit(2)
