"""`init`: settings of one's own, and a database for them, before the first start."""

import secrets
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote, urlencode

import typer
from dotenv import dotenv_values

from universal_calendar.cli.options import Home
from universal_calendar.core.errors import UniversalCalendarError
from universal_calendar.settings import (
    ENV_FILE,
    SAMPLE_SECRETS,
    Place,
    check_database_url,
)
from universal_calendar.settings.security import SHORTEST_JWT_SECRET
from universal_calendar.store.private_file import write_private

_HEAD: Final = (
    "# Written by `universal-calendar init`. Keep a copy of MASTER_KEYS in a safe"
    " place:\n# without them nobody can read what is encrypted.\n"
)
# They name the administrator and the administrator's database.
_NOT_OURS: Final = frozenset({"user", "password", "passfile", "dbname"})


class AlreadyThere(UniversalCalendarError):
    """The file exists already."""


def init(
    file: Annotated[
        Path, typer.Option(metavar="FILE", dir_okay=False, help="Where to write.")
    ] = Path(ENV_FILE),
    admin_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Also make role, database and schema on this server, as this"
            " administrator. A role that exists gets a new password.",
        ),
    ] = None,
    role: Annotated[str, typer.Option(help="The role to make.")] = "universal_calendar",
    database: Annotated[
        str, typer.Option(help="The database to make.")
    ] = "universal_calendar",
    home: Home = None,
    *,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Write into a file that exists. What it sets stays, but for"
            " CALENDAR_API_KEY.",
        ),
    ] = False,
) -> None:
    """Write a .env file with secrets of your own, for you alone to read.

    Example: universal-calendar init --admin-url postgresql://postgres:PASSWORD@db:5432
    """
    if file.exists() and not force:
        raise AlreadyThere(
            f"{file} exists already. Use --force to write into it, or --file for"
            " another name"
        )
    values = _secrets(file, home)
    if admin_url is not None:
        values["DATABASE_URL"] = _provisioned(admin_url, role, database)
    if home is not None:
        values["UC_HOME"] = str(home.resolve())
    before = file.read_text() if file.exists() else _HEAD
    write_private(file, _with_values(before, values))
    _tell(file, values)


def _secrets(file: Path, home: Path | None) -> dict[str, str]:
    from universal_calendar.bootstrap.parts import new_api_key
    from universal_calendar.store.sealing.encryption import key_text, new_key

    before = dotenv_values(file)
    master = before.get("MASTER_KEYS") or _keys_of_home(home)
    return {
        "MASTER_KEYS": master or key_text(new_key()),
        "CALENDAR_API_KEY": new_api_key(),
        "JWT_SECRET": _shared(before.get("JWT_SECRET")),
        "INTERNAL_SERVICE_KEY": _shared(before.get("INTERNAL_SERVICE_KEY")),
    }


def _shared(before: str | None) -> str:
    """Keep what the sister services know too, unless it is a sample or too short."""
    secret = before or ""
    is_good = len(secret) >= SHORTEST_JWT_SECRET and secret not in SAMPLE_SECRETS
    return secret if is_good else secrets.token_urlsafe(32)


def _keys_of_home(home: Path | None) -> str | None:
    """Return the key that the data of a home was encrypted with, if it was used."""
    path = (home or Place().uc_home) / "master.key"
    return ",".join(path.read_text().split()) if path.exists() else None


def _provisioned(admin_url: str, role: str, database: str) -> str:
    import psycopg

    from universal_calendar.store.provision import ProvisionError, provision

    try:
        check_database_url(admin_url)
    except ValueError as error:
        raise ProvisionError(f"--admin-url: {error}") from None
    password = secrets.token_urlsafe(32)
    try:
        provision(admin_url, password=password, role=role, database=database)
    except psycopg.OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        raise ProvisionError(
            f"Cannot work on the server of --admin-url: {reason}. Check its host, port,"
            " user and password"
        ) from error
    return _url(admin_url, role, password, database)


def _url(admin_url: str, role: str, password: str, database: str) -> str:
    """Return the role's URL on the administrator's server, its TLS settings kept."""
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(admin_url)
    rest = {name: value for name, value in parts.items() if name not in _NOT_OURS}
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    options = f"?{urlencode(rest, quote_via=quote)}" if rest else ""
    return f"postgresql://{login}@/{quote(database, safe='')}{options}"


def _with_values(text: str, values: dict[str, str]) -> str:
    missing, lines = dict(values), []
    for line in text.splitlines():
        name = line.partition("=")[0].removeprefix("export ").strip()
        lines.append(f"{name}={missing.pop(name)}" if name in missing else line)
    lines += [f"{name}={value}" for name, value in missing.items()]
    return "\n".join(lines) + "\n"


def _tell(file: Path, values: dict[str, str]) -> None:
    print(f"Wrote {file}, readable by you alone: {', '.join(values)}.")
    print("Keep a copy of MASTER_KEYS: without them no backup can be read.")
    if "DATABASE_URL" in values:
        print("Next: universal-calendar migrate, then universal-calendar serve")
    else:
        print("Next: universal-calendar serve")
