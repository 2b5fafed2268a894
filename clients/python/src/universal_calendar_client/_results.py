"""The answers as typed dictionaries, with the field names of the wire.

Dictionaries, because the integration guide indexes them, tests membership in them and
passes them on as JSON; TypedDict gives each key its type.
"""

from typing import NotRequired, TypedDict


class Slot(TypedDict):
    """One bookable interval; `HH:MM` in the time zone of the list it stands in."""

    start: str
    end: str
    duration_minutes: int


class DaySlots(TypedDict):
    """The slots that start on one local date."""

    date: str
    day_of_week: str
    total_slots: int
    slots: list[Slot]


class FreeSlots(TypedDict):
    """Every free slot between two local dates, both included."""

    agent_id: str
    start_date: str
    end_date: str
    timezone: str
    slot_duration_minutes: int
    total_days_with_availability: int
    available_slots: list[DaySlots]
    warnings: NotRequired[list[str]]
    verified: NotRequired[bool]


class BookingDetails(TypedDict):
    """What was booked, as the service stored it."""

    event_id: str
    agent_id: str
    participant_name: str
    booking_date: str
    booking_time: str
    duration_minutes: int
    external_reference_id: str | None


class Booking(TypedDict):
    """A confirmed booking."""

    status: str
    booking_id: str
    message: str
    details: BookingDetails
    warnings: NotRequired[list[str]]
    verified: NotRequired[bool]


class Alternative(TypedDict):
    """A slot near the one that was refused, in the agent's time zone."""

    date: str
    start: str
    end: str
    duration_minutes: int
