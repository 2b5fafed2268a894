"""Slots, bookings and refusals in words."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Final

from universal_calendar.cli.dialect import (
    BookingDocument,
    RefusalDocument,
    SlotDocument,
    SlotsDocument,
)
from universal_calendar.cli.output import printable
from universal_calendar.core.errors import Unavailability

_REASONS: Final = {
    Unavailability.SLOT_TAKEN: "that time is taken",
    Unavailability.OUTSIDE_HOURS: "it is outside the agent's hours",
    Unavailability.BLOCKED: "that time is blocked",
    Unavailability.DAILY_LIMIT: "the day has as many appointments as it may",
    Unavailability.OFF_GRID: "no appointment may start at that minute",
    Unavailability.NO_SUCH_TIME: "the clocks skip that time on that day",
}


def day_text(day: str) -> str:
    """Write an ISO date as Tuesday 1 December 2026."""
    read = date.fromisoformat(day)
    return f"{read:%A} {read.day} {read:%B %Y}"


def slot_rows(document: SlotsDocument) -> Iterator[tuple[str, str]]:
    """Write each day with its times."""
    for day, slots in groupby(document["slots"], key=lambda slot: slot["date"]):
        yield day_text(day), " ".join(slot["time"] for slot in slots)


def confirmation(booked: BookingDocument, agent: str, person: str) -> str:
    """Say what was booked, and how to undo it."""
    return (
        f"Booked: {printable(person)} with {printable(agent)}, {_when(booked)}"
        f" ({booked['timezone']}), {booked['duration_minutes']} minutes.\n"
        f"To undo it: universal-calendar cancel {booked['appointment_id']}"
        f" --tenant {booked['tenant_id']}"
    )


def refusal(document: RefusalDocument) -> str:
    """Say why nothing was booked, and what is free nearby."""
    reasons = {reason.value: text for reason, text in _REASONS.items()}
    said = f"Not booked: {reasons.get(document['code'], document['message'])}."
    near = document["alternatives"]
    if not near:
        return said
    return f"{said}\nFree nearby:" + "".join(f"\n  {_when(each)}" for each in near)


def _when(slot: SlotDocument) -> str:
    return f"{day_text(slot['date'])} at {slot['time']}"
