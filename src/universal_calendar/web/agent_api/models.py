"""What the agent API reads and writes, strictly; the source of its OpenAPI.

Every type here is as narrow as the wire: `"45"`, `45.0` and `true` are no integers,
`12/05/2025` is no date.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from universal_calendar.core.wire import (
    DATE_PATTERN,
    EMAIL_PATTERN,
    TIME_PATTERN,
    UUID_PATTERN,
    parse_date,
    parse_email,
    parse_time,
    parse_uuid,
)

SHORTEST_MINUTES, LONGEST_MINUTES, DEFAULT_MINUTES = 1, 480, 30
EXAMPLE_AGENT: Final = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"
EXAMPLE_BOOKING: Final = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"

# What Python counts as \s; in the regular expressions of others it is less.
_BLANK: Final = r"\s\u001c-\u001f\u0085"

T = TypeVar("T")


def _text(parse: Callable[[str], T], message: str) -> PlainValidator:
    def read(value: object) -> T:
        if isinstance(value, str):
            try:
                return parse(value)
            except ValueError:
                pass
        raise PydanticCustomError("value_error", message)

    return PlainValidator(read)


def _bounded(least: int, most: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not least <= len(text) <= most or "\0" in text:
            raise ValueError
        if least and not text.strip():
            raise ValueError
        return text

    return check


def _schema(**schema: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


def _minutes_in_query(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise ValueError
    minutes = int(text)
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise ValueError
    return minutes


AgentId = Annotated[
    UUID,
    _text(parse_uuid, f"Invalid UUID; use one such as {EXAMPLE_AGENT}"),
    _schema(format="uuid", pattern=UUID_PATTERN),
]
LocalDate = Annotated[
    date,
    _text(parse_date, "Invalid date; use YYYY-MM-DD, from 1970 to 2999"),
    _schema(format="date", pattern=DATE_PATTERN),
]
LocalTime = Annotated[
    int,
    _text(parse_time, "Invalid time format; use 24-hour HH:MM such as 14:30"),
    _schema(pattern=TIME_PATTERN),
]
Email = Annotated[
    str,
    _text(parse_email, "Invalid e-mail address; use one such as john@example.com"),
    _schema(pattern=EMAIL_PATTERN.replace(r"\s", _BLANK), maxLength=255),
]
Name = Annotated[
    str,
    _text(_bounded(1, 255), "Use 1 to 255 characters that are not all blank"),
    _schema(
        minLength=1,
        maxLength=255,
        pattern=rf"^[^\u0000]*[^\u0000{_BLANK}][^\u0000]*$",
    ),
]
Phone = Annotated[
    str,
    _text(_bounded(0, 50), "Use at most 50 characters, none of them NUL"),
    _schema(maxLength=50, pattern=r"^[^\u0000]*$"),
]
Reference = Annotated[
    str,
    _text(_bounded(0, 255), "Use at most 255 characters, none of them NUL"),
    _schema(maxLength=255, pattern=r"^[^\u0000]*$"),
]
FreeText = Annotated[
    str,
    _text(_bounded(0, 262_144), "Use text without NUL"),
    _schema(pattern=r"^[^\u0000]*$"),
]
Minutes = Annotated[int, Field(strict=True, ge=SHORTEST_MINUTES, le=LONGEST_MINUTES)]
MinutesInQuery = Annotated[
    int,
    _text(_minutes_in_query, "Use a whole number from 1 to 480"),
    WithJsonSchema(
        {"type": "integer", "minimum": SHORTEST_MINUTES, "maximum": LONGEST_MINUTES}
    ),
]


class FreeSlotsPath(BaseModel):
    """Whose slots."""

    agent_id: Annotated[AgentId, Field(examples=[EXAMPLE_AGENT])]


class FreeSlotsQuery(BaseModel):
    """Which slots: local days of the agent, both included, at most 90 apart."""

    start_date: Annotated[LocalDate, Field(examples=["2026-12-01"])]
    end_date: Annotated[LocalDate, Field(examples=["2026-12-07"])]
    duration_minutes: Annotated[MinutesInQuery, Field(examples=[30])] = DEFAULT_MINUTES


class ExternalBooking(BaseModel):
    """A booking: the agent, whom it is with, and the local date and time."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "agent_id": EXAMPLE_AGENT,
                "participant_name": "John Doe",
                "participant_email": "john@example.com",
                "participant_phone": "+1-555-0123",
                "booking_date": "2026-12-04",
                "booking_time": "14:30",
                "duration_minutes": 45,
                "description": "Initial consultation call",
                "external_reference_id": "EXT-BOOKING-12345",
            }
        }
    )

    agent_id: AgentId
    participant_name: Name
    participant_email: Email | None = None
    participant_phone: Phone | None = None
    booking_date: LocalDate
    booking_time: LocalTime
    duration_minutes: Minutes = DEFAULT_MINUTES
    description: FreeText | None = None
    external_reference_id: Reference | None = None
    api_key: Annotated[
        object,
        WithJsonSchema({"type": "string"}),
        Field(description="Stands in for X-API-Key; the header wins."),
    ] = None


class Slot(BaseModel):
    """A bookable slot, in the agent's local time."""

    start: Annotated[str, Field(examples=["09:00"])]
    end: Annotated[str, Field(examples=["09:30"])]
    duration_minutes: int


class DaySlots(BaseModel):
    """The free slots of a day that has any."""

    date: Annotated[str, Field(examples=["2026-12-01"])]
    day_of_week: Annotated[str, Field(examples=["Tuesday"])]
    total_slots: int
    slots: list[Slot]


Warnings = Annotated[
    list[str] | SkipJsonSchema[None],
    Field(
        description="Only while a connected calendar does not answer: sentences for"
        " people.",
        examples=[
            [
                "The google calendar has not answered since 2026-12-05T14:30:00Z;"
                " busy times are as of 2026-12-05T14:25:00Z."
            ]
        ],
    ),
]
Verified = Annotated[
    bool | SkipJsonSchema[None],
    Field(
        description="False if what is busy in some calendar is not known; else left"
        " out."
    ),
]


class FreeSlots(BaseModel):
    """The free slots of an agent by local day; past and full days are left out."""

    agent_id: UUID
    start_date: str
    end_date: str
    timezone: Annotated[str, Field(examples=["America/New_York"])]
    slot_duration_minutes: int
    total_days_with_availability: int
    warnings: Warnings = None
    verified: Verified = None
    available_slots: list[DaySlots]


class BookingDetails(BaseModel):
    """What was booked."""

    event_id: UUID
    agent_id: UUID
    participant_name: str
    booking_date: str
    booking_time: str
    duration_minutes: int
    external_reference_id: str | None


class Booking(BaseModel):
    """A booking that stands."""

    status: Literal["success"]
    booking_id: UUID
    message: Annotated[
        str, Field(examples=["Booking confirmed for 2026-12-04 at 14:30"])
    ]
    details: BookingDetails
    warnings: Warnings = None
    verified: Verified = None


class Problem(BaseModel):
    """What went wrong; `code` is stable, `detail` is for people."""

    detail: str
    code: str | None = None


class FieldProblem(BaseModel):
    """One field that cannot be used."""

    loc: list[str | int]
    msg: str
    type: str


class InvalidRequest(BaseModel):
    """Every field that cannot be used."""

    detail: list[FieldProblem]


class Alternative(BaseModel):
    """A bookable time near the one that was asked for."""

    date: str
    start: str
    end: str
    duration_minutes: int


class SlotProblem(BaseModel):
    """A time that cannot be booked, why, and up to three that can, nearest first."""

    detail: Annotated[
        str, Field(examples=["Time slot 14:30 on 2026-12-04 is not available"])
    ]
    code: Literal[
        "slot_taken",
        "outside_hours",
        "blocked",
        "daily_limit",
        "off_grid",
        "no_such_time",
    ]
    alternatives: list[Alternative]
    warnings: Warnings = None
