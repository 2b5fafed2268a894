"""Appointments: whom they are with, and how they are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from universal_calendar.core.appointment import NORMAL, AppointmentStatus
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.notices import NoticeKind


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
    urgency: str = NORMAL
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
    in the calendar `calendar_id`, and the notice. `technician_id` is a platform's, of
    whom the visit there is to be.
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
    technician_id: str | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment as it is; `version` counts what calendars must learn of, from 1.

    `timezone` is its agent's when it was last booked or moved.
    """

    tenant_id: UUID
    appointment_id: UUID
    agent_id: UUID
    interval: Interval
    timezone: str
    status: AppointmentStatus
    source: str
    version: int
    created_at: Instant
    updated_at: Instant
    cancellation_reason: str | None
    person: Person
    details: AppointmentDetails


@dataclass(frozen=True, slots=True)
class WrittenEvent:
    """An appointment in a calendar: `status` is pending, synced or failed.

    `is_wanted` False: it is to be deleted there.
    """

    event_id: str | None
    status: str
    is_wanted: bool
    provider: str

    @property
    def is_synced(self) -> bool:
        """Tell whether the calendar is as it should be."""
        return self.status == "synced"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became so far of telling calendars and people of an appointment."""

    event: WrittenEvent | None = None
    told_customer: bool = False
    told_provider: bool = False

    @property
    def told(self) -> list[str]:
        """Return who was told, as the tenant API lists them."""
        told = {"customer": self.told_customer, "provider": self.told_provider}
        return [name for name, was_told in told.items() if was_told]


@dataclass(frozen=True, slots=True)
class AppointmentFilter:
    """Which appointments to list: all that are not ruled out.

    `starts` bounds their starts; phone and e-mail are compared as they are indexed.
    """

    starts_from: Instant | None = None
    starts_before: Instant | None = None
    status: AppointmentStatus | None = None
    agent_id: UUID | None = None
    external_reference_id: str | None = None
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """So many of a list from the `number`th page on, the first is 1."""

    number: int = 1
    limit: int = 20

    @property
    def offset(self) -> int:
        """Return how many come before."""
        return (self.number - 1) * self.limit


class AppointmentStore(Protocol):
    """Reads appointments, and gives holds back."""

    async def get(self, tenant_id: UUID, appointment_id: UUID) -> Appointment:
        """Return an appointment; raise AppointmentNotFound."""

    async def details(
        self, tenant_id: UUID, appointment_ids: Collection[UUID]
    ) -> Mapping[UUID, AppointmentDetails]:
        """Return the details of those that there are, in one statement."""

    async def page(
        self, tenant_id: UUID, wanted: AppointmentFilter, page: Page
    ) -> tuple[Sequence[Appointment], int]:
        """Return a page, by start and then id, and how many there are in all."""

    async def outcome(
        self, tenant_id: UUID, appointment_id: UUID, notice_id: UUID | None = None
    ) -> Outcome:
        """Return what became of the event, and of a notice."""

    async def last_notice(
        self, tenant_id: UUID, appointment_id: UUID, kind: NoticeKind
    ) -> UUID | None:
        """Return the last notice of that kind."""

    async def release_hold(self, tenant_id: UUID, hold_id: UUID) -> bool:
        """Give a hold's time back; tell whether there was one."""


class AppointmentEditor(Protocol):
    """Changes appointments of one tenant, within one transaction.

    Locks are taken in this order, or two changes could wait for each other: agents by
    id, the appointment, then whatever follows from the change.
    """

    async def lock(
        self, appointment_id: UUID, next_agent_id: UUID | None = None
    ) -> Appointment:
        """Lock an appointment, its agent, and the one it is to be given to.

        Counts a change of both. Raises AppointmentNotFound.
        """

    async def claim(
        self, appointment: Appointment, hold_id: UUID | None = None
    ) -> bool:
        """Move the claim to where the appointment is to be; False: it is taken.

        The hold, if it is that agent's, is used up.
        """

    async def free(self, appointment_id: UUID) -> None:
        """Give the claim up."""

    async def write(self, appointment: Appointment) -> None:
        """Replace what is known of the appointment."""

    async def want_event(
        self,
        appointment: Appointment,
        settle_at: Instant,
        *,
        is_moved: bool,
        technician_id: str | None = None,
    ) -> bool:
        """Have the event follow the appointment; tell whether there is one.

        `is_moved`: to another agent, and so into that one's write calendar; a visit
        stays on its schedule, for another technician. `technician_id` is the
        platform's, of who is to have it; None: who was named before, if it stays with
        the agent.
        """

    async def named_technician(self, appointment_id: UUID) -> str | None:
        """Return who was named to have the visit, while that is not written yet."""

    async def unwant_event(self, appointment: Appointment, settle_at: Instant) -> bool:
        """Have the event deleted; tell whether there is one."""

    async def tell(
        self,
        appointment: Appointment,
        kind: NoticeKind,
        notice: NewNotice,
        settle_at: Instant,
    ) -> None:
        """Have people told of the appointment as it is now."""

    async def has_listeners(self) -> bool:
        """Tell whether software of the tenant wants to hear of appointments."""

    async def schedule_reminder(self, appointment: Appointment) -> None:
        """Set when its customer is reminded next, or that they are not."""
