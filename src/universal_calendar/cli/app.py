"""The command line's entry."""

from pathlib import Path
from typing import Annotated

import typer

from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.service import run_service
from universal_calendar.settings import Settings
from universal_calendar.web.logs import configure_logs

app = typer.Typer(no_args_is_help=True)


@app.callback()
def root() -> None:
    """One booking API over every calendar."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option()] = None,
    home: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Run the service."""
    given = {"host": host, "port": port, "uc_home": home}
    settings = Settings(**{k: v for k, v in given.items() if v is not None})
    configure_logs(level=settings.log_level, as_json=True)
    run_service(settings, _announce)


def _announce(url: str, _parts: Parts) -> None:
    typer.echo(f"Listening on {url}")


def main() -> None:
    """Run the command line."""
    app()
