"""`connections`: accounts at calendar providers."""

import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

import typer

from universal_calendar.cli.options import AsJson, Home, OwnTenant, read_id
from universal_calendar.cli.output import print_json, print_table, printable
from universal_calendar.cli.session import now, with_parts
from universal_calendar.core.errors import (
    InvalidField,
    UniversalCalendarError,
    message_of,
)
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Throttled,
)
from universal_calendar.services.connections.connecting import Begun, Wish
from universal_calendar.services.connections.connections import COMMAND_LINE
from universal_calendar.services.ports.calendars import ProviderAccount
from universal_calendar.services.ports.connections import ConnectedCalendar, Connection

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts
    from universal_calendar.bootstrap.providers import Providers
    from universal_calendar.services.connections.connections import Connections

T = TypeVar("T")

_NEXT_STEPS: Final[dict[type[ProviderError], str]] = {
    NotAuthorized: "Connect the account again: universal-calendar connections connect",
    Throttled: "The provider asks to be left alone for a while; try again later",
    ProviderDown: "Try again in a moment; meanwhile what was read last counts",
}
_CHECK_THEM: Final = (
    "Check what is in --credentials-file; docs/providers.md names what each provider"
    " takes"
)
_ANY_STEP: Final = "See docs/connecting.md, or connect the account again"

app = typer.Typer(
    no_args_is_help=True, help="Accounts at calendar providers, and their calendars."
)

ConnectionId = Annotated[
    UUID,
    typer.Argument(
        metavar="CONNECTION_ID", parser=read_id, help="As `connections list` shows it."
    ),
]
AgentOption = Annotated[
    UUID | None,
    typer.Option(
        "--agent",
        metavar="ID",
        parser=read_id,
        help="Whose calendars they are. Default: of every agent.",
    ),
]


def with_offered(
    home: Path | None, work: Callable[["Parts", "Providers"], Awaitable[T]]
) -> T:
    """Run the work with the providers that this installation offers."""
    from universal_calendar.bootstrap.outside import open_outside
    from universal_calendar.bootstrap.providers import providers

    async def run(parts: "Parts") -> T:
        async with open_outside(parts.settings) as outside:
            return await work(parts, providers(parts, outside))

    return with_parts(home, run)


def _with_connections(
    home: Path | None, work: Callable[["Connections"], Awaitable[T]]
) -> T:
    from universal_calendar.bootstrap.worker import connections

    async def run(parts: "Parts", offered: "Providers") -> T:
        return await work(connections(parts, offered))

    return with_offered(home, run)


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
    agent: AgentOption = None,
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
    try:
        connection = _with_connections(
            home, lambda service: service.add(tenant, provider, secrets, now(), agent)
        )
    except NotAuthorized as error:
        told = message_of(error).rstrip(".")
        raise UniversalCalendarError(f"{told}. {_CHECK_THEM}") from None
    if as_json:
        print_json(as_dict(connection))
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
    found = with_parts(home, lambda parts: _all(parts, tenant))
    if as_json:
        print_json([as_dict(each) for each in found])
        return
    if not found:
        print("No account is connected yet: `connections connect` begins.")
        return
    columns = ("id", "provider", "account", "status", "agent", "calendars", "next try")
    print_table(columns, (_row(each) for each in found))


async def _all(parts: "Parts", tenant_id: UUID) -> Sequence[Connection]:
    await parts.tenants.get(tenant_id)
    async with parts.units.begin(tenant_id, COMMAND_LINE, now()) as unit:
        return await unit.connections.all(tenant_id)


@app.command("remove")
def remove(
    tenant: OwnTenant,
    connection_id: ConnectionId,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke what the provider granted, and forget the account.

    Events that were written stay at the provider.

    Example: universal-calendar connections remove --tenant ID CONNECTION_ID
    """
    from universal_calendar.bootstrap.connecting import disconnecting

    async def run(parts: "Parts", offered: "Providers") -> None:
        service = disconnecting(parts, offered)
        await service.disconnect(tenant, connection_id, COMMAND_LINE, now())

    with_offered(home, run)
    if as_json:
        print_json({"id": connection_id})
    else:
        print(f"Removed {connection_id}: nothing of it can be opened any more.")


@app.command("connect")
def connect(
    tenant: OwnTenant,
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="Such as google or apple.")
    ],
    agent: AgentOption = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the address to open in a browser, within ten minutes.

    There the owner of the account agrees, sees which business it is for, and connects
    it. The service must run at PUBLIC_BASE_URL.

    Example: universal-calendar connections connect --tenant ID --provider google
    """
    begun = with_offered(
        home,
        lambda parts, offered: _begin(parts, offered, tenant, Wish(provider, agent)),
    )
    if as_json:
        print_json({"auth_url": begun.url, "state": begun.state})
    else:
        print("Open this in a browser within ten minutes:")
        print(begun.url)


async def _begin(
    parts: "Parts", offered: "Providers", tenant_id: UUID, wish: Wish
) -> Begun:
    from universal_calendar.bootstrap.connecting import connecting

    await parts.tenants.get(tenant_id)
    async with parts.units.begin(tenant_id, COMMAND_LINE, now()) as unit:
        return await connecting(parts, offered).begin(unit, wish)


@app.command("test")
def ask(
    tenant: OwnTenant,
    connection_id: ConnectionId,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Ask the provider, now, and say what to do where it refuses.

    Example: universal-calendar connections test --tenant ID CONNECTION_ID
    """
    try:
        account, seconds = _with_connections(
            home, lambda service: _timed(service, tenant, connection_id)
        )
    except ProviderError as error:
        step = _NEXT_STEPS.get(type(error), _ANY_STEP)
        raise UniversalCalendarError(f"{error} {step}") from None
    if as_json:
        print_json({"account": account.account, "seconds": round(seconds, 3)})
        return
    print(f"{printable(account.account)} answered in {seconds:.2f} s.")
    rows = (
        (each.name, each.external_id, each.is_primary, each.is_writable)
        for each in account.calendars
    )
    print_table(("calendar", "id there", "primary", "writable"), rows)


async def _timed(
    service: "Connections", tenant_id: UUID, connection_id: UUID
) -> tuple[ProviderAccount, float]:
    began = time.perf_counter()
    account = await service.test(tenant_id, connection_id)
    return account, time.perf_counter() - began


def as_dict(connection: Connection) -> dict[str, object]:
    """Return a connection as JSON has it."""
    usage = connection.usage
    return {
        "id": connection.connection_id,
        "tenant_id": connection.tenant_id,
        "provider": connection.provider,
        "account": connection.account,
        "status": connection.status,
        "agent_id": usage.agent_id,
        "timezone": usage.timezone,
        "direction": usage.direction,
        "when_silent": "closed" if usage.is_closed_when_silent else "open",
        "tentative_blocks": usage.tentative_blocks,
        "checks_live": usage.checks_live,
        "failing_since": _moment(connection.failing_since),
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
        "is_read": calendar.is_read,
        "read_at": _moment(calendar.read_at),
        "sync_error": calendar.sync_error,
        "is_written_to_by_default": None in calendar.written_by,
        "written_to_by_agents": [each for each in calendar.written_by if each],
    }


def _row(connection: Connection) -> tuple[object, ...]:
    return (
        connection.connection_id,
        connection.provider,
        connection.account,
        connection.status,
        "by technician" if connection.schedule else connection.agent_id or "every",
        ", ".join(each.name for each in connection.calendars),
        _moment(connection.next_try_at),
    )


def _moment(instant: Instant | None) -> object:
    return None if instant is None else to_datetime(instant)
