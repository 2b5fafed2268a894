"""Appointments: whom they are with, and how they are kept."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import Actor


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an appointment is with, and what it is about; encrypted at rest."""

    title: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    description: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AppointmentDetails:
    """What is known of an appointment that names nobody.

    `external_reference_id`, `customer_id`, `lead_id` and `conversation_id` are ids of
    the caller's own; `estimated_cost` is in the tenant's currency.
    """

    external_reference_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    conversation_id: str | None = None
    job_type: str | None = None
    urgency: str = "normal"
    estimated_minutes: int | None = None
    estimated_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NewNotice:
    """People are to be told of the appointment; the store adds what it says."""

    notice_id: UUID
    tells_customer: bool = True


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """An appointment about to be written, with the answer its retries will get.

    `entry_id` is the audit entry's. With `provisional_until` the answer is not final
    yet. `settle_at` is when others take up what this request did not settle: the event
    in the calendar `calendar_id`, and the notice.
    """

    appointment_id: UUID
    interval: Interval
    status: AppointmentStatus
    source: str
    person: Person
    details: AppointmentDetails
    replay: Replay
    answer: Answer
    actor: Actor
    entry_id: UUID
    settle_at: Instant
    hold_id: UUID | None = None
    calendar_id: UUID | None = None
    notice: NewNotice | None = None
    remind_at: Instant | None = None
    provisional_until: Instant | None = None


class AppointmentStore(Protocol):
    """Changes what is booked or held."""

    async def cancel(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> None:
        """Cancel and free the time; raise AppointmentNotFound or FinalStatus."""

    async def release_hold(self, tenant_id: UUID, hold_id: UUID) -> None:
        """Give a hold's time back; an absent or expired one changes nothing."""
