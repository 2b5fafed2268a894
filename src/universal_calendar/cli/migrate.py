"""`migrate`: the database's schema, brought up to date."""

from typing import Annotated

import typer

from universal_calendar.cli.options import AsJson, Home
from universal_calendar.cli.output import print_json
from universal_calendar.cli.session import log_to_stderr, read_settings, running_server


def migrate(
    home: Home = None,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit with 1 if it is behind."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database's schema up to date.

    Example: universal-calendar migrate --check
    """
    from universal_calendar.store import migrate as migrations

    settings = read_settings(uc_home=home)
    log_to_stderr(settings)
    with running_server(settings, migrated=False) as server:
        before, wanted = (
            migrations.current_revision(server.direct_url),
            migrations.head_revision(),
        )
        if before != wanted and not check:
            migrations.migrate(server.direct_url)
    if as_json:
        print_json({"from": before, "to": wanted, "is_applied": not check})
    else:
        print(_outcome(before, wanted, check=check))
    if check and before != wanted:
        raise typer.Exit(1)


def _outcome(before: str | None, wanted: str, *, check: bool) -> str:
    if before == wanted:
        return f"The database is up to date, at revision {wanted}."
    if check:
        return (
            f"The database is at revision {before or 'none'}, this version needs"
            f" {wanted}. Next: universal-calendar migrate"
        )
    return f"Migrated from revision {before or 'none'} to {wanted}."
