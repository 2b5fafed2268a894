"""What appointments and jobs have alike: how they are asked for, and changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from universal_calendar.core.appointment import authority_of
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.wanted import ExactTime
from universal_calendar.services.booking.appointment_changes import Revision
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.ports.appointments import AppointmentDetails, Person
from universal_calendar.web.tenant_api.operation import Call

CONFLICT: Final = {
    409: "CONFLICT: details.reason, details.conflicts, details.alternatives;"
    " BUSINESS_HOURS_NOT_CONFIGURED"
}


class _Inputs(Protocol):
    @property
    def agent_id(self) -> UUID | None: ...

    @property
    def hold_id(self) -> UUID | None: ...

    @property
    def force(self) -> bool: ...


class _Wanted(Protocol):
    @property
    def title(self) -> str: ...

    @property
    def start_time(self) -> Instant: ...

    @property
    def end_time(self) -> Instant: ...


class _Times(Protocol):
    @property
    def start_time(self) -> Instant | None: ...

    @property
    def end_time(self) -> Instant | None: ...


@dataclass(frozen=True, slots=True)
class Patch:
    """What a request says of whom it is for, and of what is to be done."""

    person: Callable[[Person], Person]
    details: Callable[[AppointmentDetails], AppointmentDetails]


def booking_of(
    call: Call, source: str, inputs: _Inputs, wanted: _Wanted, patch: Patch
) -> BookingRequest:
    """Return the wish of a POST."""
    if call.replay is None:
        raise LookupError("only a POST books")
    details = patch.details(AppointmentDetails())
    return BookingRequest(
        inputs.agent_id,
        ExactTime(Interval(wanted.start_time, wanted.end_time)),
        patch.person(Person(wanted.title)),
        call.replay,
        source,
        call.actor,
        details,
        authority_of(details.urgency, is_forced=inputs.force),
        hold_id=inputs.hold_id,
    )


def revision_of(inputs: _Inputs, times: _Times, patch: Patch) -> Revision:
    """Return what a PUT changes."""
    return Revision(
        inputs.agent_id,
        times.start_time,
        times.end_time,
        patch.person,
        patch.details,
        is_forced=inputs.force,
        hold_id=inputs.hold_id,
    )
