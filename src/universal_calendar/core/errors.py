"""The errors of scheduling; `store` adds those of keys and databases.

    UniversalCalendarError
    ├── InvalidField            a value that cannot be used; names field and mend
    │   └── UnknownName         a field that nobody knows
    ├── InvalidRange            days in the wrong order, or too many of them
    ├── Unauthorized            no credential, or a wrong, revoked or expired one
    │   └── Unproven            a delivery that anybody may have sent
    ├── Forbidden               a good credential, but not for this
    ├── RateLimited             too many requests; knows when to come back
    ├── NotFound                what was named is not there, or not for this caller
    │   ├── AgentNotFound
    │   │   └── HoursNotConfigured
    │   ├── TenantNotFound
    │   ├── KeyNotFound
    │   ├── AppointmentNotFound
    │   ├── BlockNotFound
    │   └── HoldNotFound        expired, released, or never there
    ├── AmbiguousAgent          an agent id that two tenants use
    ├── AlreadyExists
    ├── BookingRefused          a rule, or the calendar, is against it
    │   ├── PastStart
    │   ├── TooSoon
    │   ├── TooFar
    │   └── SlotUnavailable     with the reason and what is free nearby
    ├── IdempotencyMismatch     a key used again for another request
    ├── FinalStatus             an appointment that can change no more
    └── DatabaseUnavailable     nothing was changed, or nobody can tell: ask again

The docstring of each is its default message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from uuid import UUID
from zoneinfo import ZoneInfo

from universal_calendar.core.busy import Busy
from universal_calendar.core.interval import Interval
from universal_calendar.core.silence import Silence


class UniversalCalendarError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        """Take the class's own docstring where no message is given."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


def message_of(error: Exception) -> str:
    """Return what an error says, and what was noted of it on its way."""
    notes = getattr(error, "__notes__", ())
    return ". ".join([str(error).rstrip("."), *notes]) if notes else str(error)


class InvalidField(UniversalCalendarError, ValueError):
    """A field cannot be used."""

    def __init__(self, field: str, mend: str) -> None:
        """Name the field, as its sender wrote it, and say what would be accepted."""
        self.field, self.mend = field, mend
        super().__init__(f"{field}: {mend}")


class UnknownName(InvalidField):
    """A field has a name that nobody knows."""

    def __init__(self, place: str, name: str, mend: str) -> None:
        """Name what holds the field too, empty for the whole document.

        The name itself is for whoever wrote it; others are told the place alone.
        """
        self.place = place
        super().__init__(f"{place}.{name}" if place else name, mend)


class InvalidRange(UniversalCalendarError):
    """The range of days cannot be asked for."""


class Unauthorized(UniversalCalendarError):
    """Invalid API key"""  # noqa: D400 - the guide's text has no full stop


class Unproven(Unauthorized):
    """Nothing proves that the provider sent this delivery: it is left unread."""


class Forbidden(UniversalCalendarError):
    """The credential does not allow this."""


class RateLimited(UniversalCalendarError):
    """Too many requests."""

    def __init__(self, retry_after: float) -> None:
        """Take the seconds after which one request passes; whole ones are told."""
        self.retry_after = max(1, ceil(retry_after))
        super().__init__(f"Too many requests; try again in {self.retry_after} s")


class NotFound(UniversalCalendarError):
    """Not found."""


class AgentNotFound(NotFound):
    """No such agent, or one without hours."""

    def __init__(self, agent_id: object) -> None:
        """Say nothing about whether another tenant has such an agent."""
        self.agent_id = agent_id
        super().__init__(f"Business hours not found for agent {agent_id}")


class HoursNotConfigured(AgentNotFound):
    """The agent has no business hours yet."""


class TenantNotFound(NotFound):
    """No such tenant; `universal-calendar tenants list` shows them."""


class KeyNotFound(NotFound):
    """No such API key; `universal-calendar keys list` shows them."""


class AppointmentNotFound(NotFound):
    """No such appointment."""


class BlockNotFound(NotFound):
    """No such block."""


class HoldNotFound(NotFound):
    """No such hold; it may have expired."""


class AmbiguousAgent(UniversalCalendarError):
    """More than one tenant has an agent with this id; add --tenant."""


class AlreadyExists(UniversalCalendarError):
    """It exists already."""


class BookingRefused(UniversalCalendarError):
    """The booking cannot be made."""


class PastStart(BookingRefused):
    """Cannot book in the past"""  # noqa: D400 - the guide's text


class TooSoon(BookingRefused):
    """The start lies inside the minimum notice."""

    def __init__(self, hours: int) -> None:
        """Take the agent's minimum notice in hours."""
        self.hours = hours
        super().__init__(f"Bookings must be made at least {hours} hours in advance")


class TooFar(BookingRefused):
    """The start lies beyond the booking window."""

    def __init__(self, days: int) -> None:
        """Take the agent's booking window in days."""
        self.days = days
        super().__init__(f"Cannot book more than {days} days in advance")


class Unavailability(StrEnum):
    """Why a time inside the booking window cannot be had; the wire's `code`."""

    SLOT_TAKEN = "slot_taken"
    OUTSIDE_HOURS = "outside_hours"
    BLOCKED = "blocked"
    DAILY_LIMIT = "daily_limit"
    OFF_GRID = "off_grid"
    NO_SUCH_TIME = "no_such_time"


@dataclass(frozen=True, slots=True)
class Conflict:
    """What is in the way: an appointment, hold, block or calendar.

    `appointment_id` is None for anything but an appointment.
    """

    kind: str
    interval: Interval
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that can be booked instead, and with whom."""

    agent_id: UUID
    interval: Interval


@dataclass(frozen=True, slots=True)
class Nearby:
    """What is around a time that cannot be booked: what is in the way, what is free.

    `silences` are calendars of which too little is known.
    """

    zone: ZoneInfo
    alternatives: Sequence[Offer] = ()
    conflicts: Sequence[Conflict] = ()
    silences: Sequence[Silence] = ()


class SlotUnavailable(BookingRefused):
    """The time cannot be booked."""

    def __init__(
        self,
        reason: Unavailability,
        nearby: Nearby | None = None,
        found: Sequence[Busy] = (),
    ) -> None:
        """Take why, and what is around it, where that was looked up.

        `found` is what providers told of, that nobody has read yet.
        """
        self.reason, self.nearby, self.found = reason, nearby, found
        text = f"The time is not available ({reason})"
        told = [each.message for each in nearby.silences] if nearby else []
        super().__init__(". ".join([text, " ".join(told)]) if told else text)


class IdempotencyMismatch(UniversalCalendarError):
    """This Idempotency-Key was used for another request; use a new key."""


class FinalStatus(UniversalCalendarError):
    """The appointment's status allows no such change."""


class DatabaseUnavailable(UniversalCalendarError):
    """The database does not answer; try again shortly."""

    def __init__(self, cause: str = "") -> None:
        """Take the cause for the log: an error's class and SQLSTATE, never its text."""
        self.cause = cause
        super().__init__()
