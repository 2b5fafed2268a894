"""`connections`: accounts at calendar providers."""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from universal_calendar.cli.options import AsJson, Home, OwnTenant, read_id
from universal_calendar.cli.output import print_json, print_table, printable
from universal_calendar.cli.session import now, with_parts
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.connections import ConnectedCalendar, Connection

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts
    from universal_calendar.services.connections import Connections

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True, help="Accounts at calendar providers, and their calendars."
)

ConnectionId = Annotated[
    UUID,
    typer.Argument(
        metavar="CONNECTION_ID", parser=read_id, help="As `connections list` shows it."
    ),
]


def _with_connections(
    home: Path | None, work: Callable[["Connections"], Awaitable[T]]
) -> T:
    from universal_calendar.bootstrap.outside import open_outside
    from universal_calendar.bootstrap.providers import providers
    from universal_calendar.bootstrap.worker import connections

    async def run(parts: "Parts") -> T:
        async with open_outside(parts.settings) as outside:
            return await work(connections(parts, providers(parts, outside)))

    return with_parts(home, run)


@app.command("add")
def add(
    tenant: OwnTenant,
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="Such as fake, the sandbox.")
    ],
    credentials_file: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="A JSON object of texts; - reads it from standard input.",
        ),
    ],
    agent: Annotated[
        UUID | None,
        typer.Option(
            metavar="ID",
            parser=read_id,
            help="Whose calendars they are. Default: of every agent.",
        ),
    ] = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Connect an account, or renew its credentials.

    Where nothing is written to yet, its primary calendar gets the appointments that
    are booked from now on.

    Example: universal-calendar connections add --tenant ID --provider fake
    --credentials-file sandbox.json
    """
    secrets = _credentials(credentials_file)
    connection = _with_connections(
        home, lambda service: service.add(tenant, provider, secrets, now(), agent)
    )
    if as_json:
        print_json(_as_dict(connection))
        return
    print(f"Connected {printable(connection.account)}: {connection.connection_id}")
    for each in connection.calendars:
        if each.written_by:
            print(f"Appointments are written to {printable(each.name)} from now on.")


def _credentials(path: Path) -> dict[str, str]:
    mend = "needs a JSON object whose values are texts"
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
        found = json.loads(text)
    except ValueError:
        raise InvalidField("--credentials-file", mend) from None
    if not isinstance(found, dict) or not all(
        isinstance(value, str) for value in found.values()
    ):
        raise InvalidField("--credentials-file", mend)
    return found


@app.command("list")
def list_connections(
    tenant: OwnTenant, home: Home = None, *, as_json: AsJson = False
) -> None:
    """List a tenant's connections, but never what opens them.

    Example: universal-calendar connections list --tenant ID
    """
    found: Sequence[Connection] = _with_connections(
        home, lambda service: service.all(tenant)
    )
    if as_json:
        print_json([_as_dict(each) for each in found])
        return
    columns = ("id", "provider", "account", "status", "agent", "calendars", "next try")
    print_table(columns, (_row(each) for each in found))


@app.command("remove")
def remove(
    tenant: OwnTenant,
    connection_id: ConnectionId,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Forget an account; events that were written stay at the provider.

    Example: universal-calendar connections remove --tenant ID CONNECTION_ID
    """
    _with_connections(home, lambda service: service.remove(tenant, connection_id))
    if as_json:
        print_json({"id": connection_id})
    else:
        print(f"Removed {connection_id}: nothing of it can be opened any more.")


def _as_dict(connection: Connection) -> dict[str, object]:
    return {
        "id": connection.connection_id,
        "tenant_id": connection.tenant_id,
        "provider": connection.provider,
        "account": connection.account,
        "status": connection.status,
        "agent_id": connection.agent_id,
        "last_success_at": _moment(connection.last_success_at),
        "next_try_at": _moment(connection.next_try_at),
        "created_at": _moment(connection.created_at),
        "calendars": [_calendar_as_dict(each) for each in connection.calendars],
    }


def _calendar_as_dict(calendar: ConnectedCalendar) -> dict[str, object]:
    return {
        "id": calendar.calendar_id,
        "external_id": calendar.external_id,
        "name": calendar.name,
        "is_primary": calendar.is_primary,
        "is_writable": calendar.is_writable,
        "is_written_to_by_default": None in calendar.written_by,
        "written_to_by_agents": [each for each in calendar.written_by if each],
    }


def _row(connection: Connection) -> tuple[object, ...]:
    return (
        connection.connection_id,
        connection.provider,
        connection.account,
        connection.status,
        connection.agent_id or "every",
        ", ".join(each.name for each in connection.calendars),
        _moment(connection.next_try_at),
    )


def _moment(instant: Instant | None) -> object:
    return None if instant is None else to_datetime(instant)
