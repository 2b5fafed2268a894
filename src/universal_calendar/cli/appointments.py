"""`appointments`: what is booked."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, cast
from uuid import UUID

import typer

from universal_calendar.cli.options import (
    AsJson,
    Home,
    OwnTenant,
    read_day,
    read_id,
)
from universal_calendar.cli.output import print_json, print_table
from universal_calendar.cli.session import now, with_parts
from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
)
from universal_calendar.services.booking.appointment_reading import (
    Days,
    Listed,
    list_appointments,
    read_appointment,
    starts_within,
)
from universal_calendar.services.ports.appointments import AppointmentFilter, Page
from universal_calendar.services.ports.identity import Actor, ActorKind

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

ACTOR: Final = Actor(ActorKind.COMMAND_LINE, "cli")
REASON: Final = "business_cancellation"

app = typer.Typer(no_args_is_help=True, help="What is booked.")

AppointmentId = Annotated[
    UUID,
    typer.Argument(
        metavar="APPOINTMENT_ID", parser=read_id, help="As `appointments list` shows."
    ),
]


@app.command("list")
def list_booked(  # noqa: PLR0913 - each is an option of the command
    tenant: OwnTenant,
    first: Annotated[
        date | None,
        typer.Option("--from", metavar="DATE", parser=read_day, help="First day."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", metavar="DATE", parser=read_day, help="Last day."),
    ] = None,
    status: Annotated[
        AppointmentStatus | None, typer.Option(help="Of this status alone.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List a tenant's appointments by start; the days are the tenant's own.

    Example: universal-calendar appointments list --tenant ID --from 2026-12-01
    """

    async def read(parts: "Parts") -> Listed:
        async with parts.units.begin(tenant, ACTOR, now()) as unit:
            starts_from, starts_before = await starts_within(unit, Days(first, last))
            wanted = AppointmentFilter(starts_from, starts_before, status)
            return await list_appointments(unit, wanted, Page(page, limit))

    found = _written(with_parts(home, read))
    if as_json:
        print_json(found)
        return
    rows = (
        (
            each["id"],
            each["startTime"],
            each["endTime"],
            each["status"],
            each["title"],
            each["customerName"],
        )
        for each in found["appointments"]
    )
    print_table(("id", "start", "end", "status", "title", "customer"), rows)


def _written(found: Listed) -> dict[str, Any]:
    from universal_calendar.web.tenant_api.appointment_answers import listed

    return listed(found)


@app.command("show")
def show(
    appointment_id: AppointmentId,
    tenant: OwnTenant,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of an appointment; this is written to the audit log.

    Example: universal-calendar appointments show APPOINTMENT_ID --tenant ID
    """

    async def read(parts: "Parts") -> dict[str, object]:
        from universal_calendar.web.tenant_api.appointment_answers import appointment

        async with parts.units.begin(tenant, ACTOR, now()) as unit:
            return appointment(*await read_appointment(unit, appointment_id))

    found = with_parts(home, read)
    if as_json:
        print_json(found)
    else:
        print_table(("", ""), _flat(found))


def _flat(values: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += _flat(cast("dict[str, object]", value), f"{prefix}{name}.")
        else:
            rows.append((prefix + name, value))
    return rows


@app.command("cancel")
def cancel(
    appointment_id: AppointmentId,
    tenant: OwnTenant,
    home: Home = None,
    *,
    notify: Annotated[
        bool, typer.Option("--notify/--no-notify", help="Tell the customer.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Cancel an appointment and free its time; doing it twice is harmless.

    Example: universal-calendar appointments cancel APPOINTMENT_ID --tenant ID
    """
    cancellation = Cancellation(REASON, tells_customer=notify)
    with_parts(
        home, lambda parts: cancel_booked(parts, tenant, appointment_id, cancellation)
    )
    if as_json:
        print_json({"id": appointment_id, "status": "cancelled"})
    else:
        print(f"Cancelled {appointment_id}: its time is free again.")


async def cancel_booked(
    parts: "Parts", tenant_id: UUID, appointment_id: UUID, cancellation: Cancellation
) -> None:
    """Cancel; the running service tells calendars and people of it."""
    from universal_calendar.bootstrap.parts import new_id

    # Which channels there are is the service's to know: it drops what nobody hears.
    changes = AppointmentChanges(new_id, has_channels=True)
    async with parts.units.begin(tenant_id, ACTOR, now()) as unit:
        await changes.cancel(unit, appointment_id, cancellation)
