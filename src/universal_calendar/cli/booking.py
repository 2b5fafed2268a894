"""`slots`, `book` and `cancel`: the calendar by hand."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer

from universal_calendar.cli import wording
from universal_calendar.cli.appointments import REASON, cancel_booked
from universal_calendar.cli.dialect import (
    SOURCE,
    Bookable,
    BookingDocument,
    SlotsDocument,
    book_slot,
    bookable,
    find_slots,
    refusal_document,
)
from universal_calendar.cli.options import (
    AgentId,
    AsJson,
    Home,
    Minutes,
    OwnTenant,
    Tenant,
    read_day,
    read_id,
    read_minute,
)
from universal_calendar.cli.output import print_json, print_table, print_warnings
from universal_calendar.cli.session import with_parts
from universal_calendar.core.errors import BookingRefused, InvalidField
from universal_calendar.core.wanted import LocalTime
from universal_calendar.core.wire import parse_email
from universal_calendar.services.booking.appointment_changes import Cancellation
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.ports.answers import Replay
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.identity import Actor, ActorKind

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

LONGEST_NAME, LONGEST_PHONE = 255, 50


def slots(  # noqa: PLR0913 - each is an option of the command
    agent_id: AgentId,
    first: Annotated[
        date | None,
        typer.Option(
            "--from", metavar="DATE", parser=read_day, help="Default: today, there."
        ),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option(
            "--to", metavar="DATE", parser=read_day, help="Default: six days later."
        ),
    ] = None,
    duration: Minutes = None,
    tenant: Tenant = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List an agent's free slots, in the agent's local time.

    Example: universal-calendar slots AGENT_ID --from 2026-12-01 --to 2026-12-07
    """

    async def ask(parts: "Parts") -> SlotsDocument:
        who = await bookable(parts, agent_id, tenant, duration)
        return await find_slots(parts, who, first, last)

    found = with_parts(home, ask)
    if as_json:
        print_json(found)
        return
    print_warnings(found.get("warnings", ()))
    if found["slots"]:
        length = f"free for {found['duration_minutes']} minutes"
        columns = ("day", f"{length} ({found['timezone']})")
        print_table(columns, wording.slot_rows(found))
    else:
        print(f"No slot of {found['duration_minutes']} minutes is free on these days.")


def book(  # noqa: PLR0913 - each is an option of the command
    agent_id: AgentId,
    day: Annotated[
        date,
        typer.Option(
            "--date", metavar="DATE", parser=read_day, help="The agent's local date."
        ),
    ],
    minute: Annotated[
        int,
        typer.Option(
            "--time", metavar="HH:MM", parser=read_minute, help="Local, 24 hours."
        ),
    ],
    name: Annotated[str, typer.Option(help="Whom the appointment is with.")],
    phone: Annotated[str | None, typer.Option(help="As it is written.")] = None,
    email: Annotated[str | None, typer.Option(help="An e-mail address.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is about.")] = None,
    duration: Minutes = None,
    tenant: Tenant = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Book an appointment, or say why not and what is free nearby.

    Example: universal-calendar book AGENT_ID --date 2026-12-01 --time 14:30 --name Jo
    """
    person = _person(name, phone, email, description)

    async def attempt(parts: "Parts") -> tuple[Bookable, BookingDocument]:
        who = await bookable(parts, agent_id, tenant, duration)
        request = booking_request(who, day, minute, person)
        return who, await book_slot(parts, who, request)

    try:
        who, booked = with_parts(home, attempt)
    except BookingRefused as refusal:
        _refuse(refusal, as_json=as_json)
    if as_json:
        print_json(booked)
    else:
        print(wording.confirmation(booked, who.agent.name, name))


def booking_request(
    who: Bookable, day: date, minute: int, person: Person
) -> BookingRequest:
    """Ask for a time of the agent that nobody asked for before."""
    return BookingRequest(
        who.agent.agent_id,
        LocalTime(day, minute, who.minutes),
        person,
        Replay(SOURCE, None, None, b""),
        SOURCE,
        Actor(ActorKind.COMMAND_LINE, SOURCE),
    )


def _refuse(refusal: BookingRefused, *, as_json: bool) -> NoReturn:
    document = refusal_document(refusal)
    if as_json:
        print_json(document)
    else:
        print(wording.refusal(document))
        print_warnings(document.get("warnings", ()))
    raise typer.Exit(1)


def _person(
    name: str, phone: str | None, email: str | None, description: str | None
) -> Person:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise InvalidField("--name", f"use 1 to {LONGEST_NAME} characters")
    if phone is not None and len(phone) > LONGEST_PHONE:
        raise InvalidField("--phone", f"use at most {LONGEST_PHONE} characters")
    if email is not None:
        parse_email(email, "--email")
    return Person(f"Appointment with {name}", name, phone or None, email, description)


def cancel(
    appointment_id: Annotated[
        UUID,
        typer.Argument(
            metavar="APPOINTMENT_ID", parser=read_id, help="As `book` showed it."
        ),
    ],
    tenant: OwnTenant,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Cancel an appointment and free its time; doing it twice is harmless.

    Example: universal-calendar cancel APPOINTMENT_ID --tenant ID
    """
    cancellation = Cancellation(REASON)
    with_parts(
        home, lambda parts: cancel_booked(parts, tenant, appointment_id, cancellation)
    )
    if as_json:
        print_json({"id": appointment_id, "status": "cancelled"})
    else:
        print(f"Cancelled {appointment_id}: its time is free again.")
