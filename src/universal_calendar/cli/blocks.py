"""`blocks`: time that nobody may book."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from universal_calendar.cli.appointments import ACTOR
from universal_calendar.cli.options import (
    AsJson,
    Home,
    OwnTenant,
    parser,
    read_day,
    read_id,
)
from universal_calendar.cli.output import print_json, print_table
from universal_calendar.cli.session import now, with_parts
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import MINUTE, Instant, from_datetime
from universal_calendar.services.booking.appointment_reading import Days
from universal_calendar.services.booking.blocks import Blocks, NewBlock
from universal_calendar.services.ports.appointments import Page

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

app = typer.Typer(no_args_is_help=True, help="Time that nobody may book.")


def _moment(text: str) -> Instant:
    mend = "use a time with Z or an offset and whole minutes: 2026-12-05T14:30:00Z"
    try:
        moment = datetime.fromisoformat(text)
        instant = from_datetime(moment)
    except (ValueError, TypeError, OverflowError):
        raise InvalidField("time", mend) from None
    if instant % MINUTE:
        raise InvalidField("time", mend)
    return instant


_read_moment = parser(_moment)

Agent = Annotated[
    UUID | None,
    typer.Option("--agent", metavar="ID", parser=read_id, help="Default: every agent."),
]


@app.command("add")
def add(  # noqa: PLR0913 - each is an option of the command
    start: Annotated[Instant, typer.Argument(metavar="START", parser=_read_moment)],
    end: Annotated[Instant, typer.Argument(metavar="END", parser=_read_moment)],
    tenant: OwnTenant,
    agent: Agent = None,
    title: Annotated[str | None, typer.Option(help="What it is.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    home: Home = None,
    *,
    soft: Annotated[
        bool, typer.Option("--soft", help="It gives way to an emergency.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Block a time; appointments in it stay, and are listed.

    Example: universal-calendar blocks add 2026-12-05T14:00:00Z 2026-12-05T16:00:00Z
    --tenant ID --title Maintenance
    """
    new = NewBlock(start, end, agent, is_soft=soft, title=title, reason=reason)
    made = with_parts(home, lambda parts: _added(parts, tenant, new))
    if as_json:
        print_json(made)
        return
    print(f"Blocked: {made['blockId']}")
    conflicting = made["conflictingAppointments"]
    if conflicting:
        print("Appointments in its time stay as they are:")
        print_table(
            ("appointment", "start", "end", "agent"),
            (list(each.values()) for each in conflicting),
        )


async def _added(parts: "Parts", tenant_id: UUID, new: NewBlock) -> dict[str, Any]:
    from universal_calendar.web.tenant_api.blocks import created

    async with parts.units.begin(tenant_id, ACTOR, now()) as unit:
        return created(*await _blocks().add(unit, new))


@app.command("list")
def list_blocks(  # noqa: PLR0913 - each is an option of the command
    tenant: OwnTenant,
    first: Annotated[
        date | None,
        typer.Option("--from", metavar="DATE", parser=read_day, help="First day."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", metavar="DATE", parser=read_day, help="Last day."),
    ] = None,
    agent: Agent = None,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List a tenant's blocks by start; the days are the tenant's own.

    Example: universal-calendar blocks list --tenant ID --from 2026-12-01
    """

    async def read(parts: "Parts") -> dict[str, Any]:
        from universal_calendar.web.tenant_api.blocks import listed

        days, asked = Days(first, last), Page(page, limit)
        async with parts.units.begin(tenant, ACTOR, now()) as unit:
            return listed(await _blocks().page(unit, days, agent, asked), asked)

    found = with_parts(home, read)
    if as_json:
        print_json(found)
        return
    columns = ("id", "agentId", "startTime", "endTime", "blockType", "title", "reason")
    rows = ([each[column] for column in columns] for each in found["blocks"])
    print_table(("id", "agent", "start", "end", "type", "title", "reason"), rows)


@app.command("remove")
def remove(
    block_id: Annotated[
        UUID,
        typer.Argument(
            metavar="BLOCK_ID", parser=read_id, help="As `blocks list` shows."
        ),
    ],
    tenant: OwnTenant,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a blocked time back.

    Example: universal-calendar blocks remove BLOCK_ID --tenant ID
    """

    async def give_back(parts: "Parts") -> None:
        async with parts.units.begin(tenant, ACTOR, now()) as unit:
            await _blocks().remove(unit, block_id)

    with_parts(home, give_back)
    if as_json:
        print_json({"id": block_id, "removed": True})
    else:
        print(f"Removed block {block_id}.")


def _blocks() -> Blocks:
    from universal_calendar.bootstrap.parts import new_id

    return Blocks(new_id)
