"""Visits as platforms last told of them, for lists and for finding a job again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.visits import Visit, VisitStatus


@dataclass(frozen=True, slots=True)
class KnownVisit:
    """A visit, and the appointment that it is, where it is ours.

    `technician_name` is of the first technician; None: nobody's, or a stranger's.
    """

    event_id: str
    visit: Visit
    appointment_id: UUID | None
    technician_name: str | None = None


@dataclass(frozen=True, slots=True)
class VisitFilter:
    """Which visits to list: those that start in the half-open span."""

    starts_from: Instant
    starts_before: Instant
    status: VisitStatus | None = None


class VisitStore(Protocol):
    """Keeps visits of schedules, each under the id that links and mirror know it by."""

    async def keep(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        visits: Mapping[str, Visit],
        read_at: Instant,
    ) -> None:
        """Write down visits as they are now, by event id.

        What was read or written later than `read_at` stays; what says the same is not
        written. One that lost its time is cancelled, and keeps the time it had.
        """

    async def customers_changed(
        self, tenant_id: UUID, calendar_id: UUID, visits: Mapping[str, Visit]
    ) -> Collection[str]:
        """Return whose visits of ours say something else of them than what is kept."""

    async def retire(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        window: Interval,
        found: Collection[str],
        began: Instant,
    ) -> None:
        """Call cancelled what lies in the window and is not among the event ids found.

        Everything in the window was read since `began`: what is known from later stays.
        """

    async def cancel(
        self, tenant_id: UUID, calendar_id: UUID, event_id: str, now: Instant
    ) -> None:
        """Call a visit cancelled that was taken off the schedule, if it is known."""

    async def page(
        self, tenant_id: UUID, calendar_id: UUID, wanted: VisitFilter, page: Page
    ) -> tuple[Sequence[KnownVisit], int]:
        """Return a page, by start and then event id, and how many there are in all."""

    async def of_job(
        self, tenant_id: UUID, calendar_id: UUID, job_id: str
    ) -> Sequence[KnownVisit]:
        """Return a job's visits, by start, with those that were cancelled."""

    async def of_appointment(
        self, tenant_id: UUID, calendar_id: UUID, appointment_id: UUID
    ) -> KnownVisit | None:
        """Return the visit that an appointment is; None before it was written."""

    async def of_customer(
        self, tenant_id: UUID, calendar_id: UUID, customer_id: str, now: Instant
    ) -> Sequence[UUID]:
        """Return the appointments to come that are visits to the customer."""
