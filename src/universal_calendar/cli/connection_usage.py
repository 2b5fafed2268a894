"""`connections use` and `connections set`: what accounts and calendars are for."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from universal_calendar.cli.connections import (
    ConnectionId,
    as_dict,
)
from universal_calendar.cli.options import AsJson, Home, OwnTenant, read_id
from universal_calendar.cli.output import print_json, printable
from universal_calendar.cli.session import now, with_parts
from universal_calendar.core.localtime import zone_named
from universal_calendar.services.connections.connection_usage import (
    change_usage,
    read_calendar,
    write_calendar,
)
from universal_calendar.services.connections.connections import COMMAND_LINE
from universal_calendar.services.ports.connections import (
    Connection,
    Direction,
    Usage,
)

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts


class WhenSilent(StrEnum):
    """What is bookable while it is unknown what is in the calendars."""

    OPEN = "open"
    CLOSED = "closed"


def use(  # noqa: PLR0913 - each is an option of the command
    tenant: OwnTenant,
    calendar_id: Annotated[
        UUID,
        typer.Argument(
            metavar="CALENDAR_ID",
            parser=read_id,
            help="As `connections list --json` shows it.",
        ),
    ],
    read: Annotated[
        bool | None,
        typer.Option(
            "--read/--no-read", help="Whether what takes time there takes it here."
        ),
    ] = None,
    agent: Annotated[
        UUID | None,
        typer.Option(
            metavar="ID",
            parser=read_id,
            help="With --write: this agent's appointments. Default: everybody's.",
        ),
    ] = None,
    home: Home = None,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write appointments there from now on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read a calendar, or write to it; both count for what is booked from now on.

    Example: universal-calendar connections use --tenant ID CALENDAR_ID --read --write
    """
    if read is None and not write:
        raise typer.BadParameter("say --read, --no-read or --write")

    async def work(parts: "Parts") -> Connection:
        async with parts.units.begin(tenant, COMMAND_LINE, now()) as unit:
            if read is not None:
                connection = await read_calendar(unit, calendar_id, is_read=read)
            if write:
                connection = await write_calendar(unit, calendar_id, agent)
            return connection

    _tell(with_parts(home, work), as_json=as_json)


def set_usage(  # noqa: PLR0913 - each is an option of the command
    tenant: OwnTenant,
    connection_id: ConnectionId,
    direction: Annotated[
        Direction | None,
        typer.Option(help="Whether events are read, written, or both."),
    ] = None,
    when_silent: Annotated[
        WhenSilent | None,
        typer.Option(help="What is bookable while the calendars are unknown."),
    ] = None,
    check_live: Annotated[
        bool | None,
        typer.Option(
            "--check-live/--no-check-live",
            help="Whether a booking asks the provider before it is confirmed.",
        ),
    ] = None,
    tentative_blocks: Annotated[
        bool | None,
        typer.Option(
            "--tentative-blocks/--tentative-is-free",
            help="Whether tentative events take time.",
        ),
    ] = None,
    agent: Annotated[
        UUID | None,
        typer.Option(metavar="ID", parser=read_id, help="Whose calendars they are."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="TZ", help="IANA time zone of its days.")
    ] = None,
    home: Home = None,
    *,
    every_agent: Annotated[
        bool, typer.Option("--every-agent", help="Its calendars are of every agent.")
    ] = False,
    tenant_timezone: Annotated[
        bool, typer.Option("--tenant-timezone", help="Its days are the tenant's.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change what a connection is used for; what is not said stays.

    Example: universal-calendar connections set --tenant ID CONNECTION_ID
    --direction from_provider --when-silent closed --check-live
    """
    given: dict[str, Any] = {
        "direction": direction,
        "is_closed_when_silent": when_silent and when_silent is WhenSilent.CLOSED,
        "checks_live": check_live,
        "tentative_blocks": tentative_blocks,
        "agent_id": agent,
        "timezone": None if timezone is None else zone_named(timezone).key,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    for name, is_wanted in (("agent_id", every_agent), ("timezone", tenant_timezone)):
        if is_wanted and name in changes:
            raise typer.BadParameter("say one agent or every, one time zone or none")
        if is_wanted:
            changes[name] = None
    if not changes:
        raise typer.BadParameter("say what is to change; --help lists it")
    _tell(_changed(home, tenant, connection_id, changes), as_json=as_json)


def _changed(
    home: Path | None, tenant_id: UUID, connection_id: UUID, changes: dict[str, Any]
) -> Connection:
    def revise(usage: Usage) -> Usage:
        return replace(usage, **changes)

    async def work(parts: "Parts") -> Connection:
        async with parts.units.begin(tenant_id, COMMAND_LINE, now()) as unit:
            return await change_usage(unit, connection_id, revise)

    return with_parts(home, work)


def _tell(connection: Connection, *, as_json: bool) -> None:
    if as_json:
        print_json(as_dict(connection))
        return
    usage = connection.usage
    silent = WhenSilent.CLOSED if usage.is_closed_when_silent else WhenSilent.OPEN
    print(f"{connection.provider} {printable(connection.account)}: {usage.direction},")
    print(
        f"{silent} when silent, {'asked' if usage.checks_live else 'not asked'} live."
    )
    tentative = "take time" if usage.tentative_blocks else "are free"
    print(f"Tentative events {tentative}; days are {usage.timezone or 'the tenant'}'s.")
    for each in connection.calendars:
        read = "read" if each.is_read and usage.direction.reads else "not read"
        written = "written to" if each.written_by else "not written to"
        print(f"{each.calendar_id} {printable(each.name)}: {read}, {written}")
