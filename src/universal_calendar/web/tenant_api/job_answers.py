"""What the tenant API answers about jobs of field-service platforms."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

import orjson
from pydantic import Field

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.instant import instant_text
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.booking.settled_bookings import Finishing
from universal_calendar.services.field_service.jobs import JobChanged, visit_of
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.appointments import Outcome, Page
from universal_calendar.services.ports.units import Unit
from universal_calendar.services.ports.visit_store import KnownVisit
from universal_calendar.services.ports.visits import NOBODY, Visit
from universal_calendar.web.tenant_api.envelope import success
from universal_calendar.web.tenant_api.fields import Answered
from universal_calendar.web.tenant_api.job_models import JobStatus
from universal_calendar.web.tenant_api.remarks import Remarked, remarks

Json = dict[str, object]
SyncStatus = Annotated[
    Literal["pending", "synced", "failed"] | None,
    Field(description="How far the platform is; null: it is disconnected."),
]


class JobCustomerAnswered(Answered):
    """Whom a job is for."""

    name: str | None
    phone: str | None
    address: str | None


class JobTechnician(Answered):
    """Who does a job; `id` is the platform's."""

    name: str | None
    id: str


class JobAnswered(Answered):
    """A visit of a job; `appointmentId` where it is ours."""

    id: str
    visit_id: str
    title: str
    status: JobStatus
    start_time: str | None
    end_time: str | None
    customer: JobCustomerAnswered
    technician: JobTechnician | None
    job_type: str | None
    estimated_value: float | None
    appointment_id: UUID | None


class JobPagination(Answered):
    """Where in the list this page is."""

    page: int
    limit: int
    total: int


class JobList(Answered):
    """A page of visits, by start."""

    jobs: list[JobAnswered]
    pagination: JobPagination


class CreatedJob(Remarked):
    """What was booked, and what the platform made of it so far.

    `jobId` is null until it answered: the appointment stands, and the job is made.
    """

    job_id: str | None
    visit_id: str | None
    appointment_id: UUID
    created: bool
    scheduled_technician: str | None
    confirmation_sent: bool
    invoice_created: Literal[False]
    sync_status: SyncStatus


class UpdatedJob(Remarked):
    """What is different now, and who was told."""

    job_id: str
    updated: bool
    changes: list[str]
    notifications_sent: list[str]
    sync_status: SyncStatus


class CancelledJob(Answered):
    """What came of a cancellation."""

    job_id: str
    cancelled: Literal[True]
    notifications_sent: list[str]
    sync_status: SyncStatus


def listed(found: Sequence[KnownVisit], total: int, page: Page) -> Json:
    """Write a JobList."""
    return {
        "jobs": [_job(each) for each in found],
        "pagination": {"page": page.number, "limit": page.limit, "total": total},
    }


def _job(known: KnownVisit) -> Json:
    visit, customer = known.visit, known.visit.customer
    span, technician = visit.interval, _technician(visit)
    return {
        "id": visit.job_id,
        "visitId": visit.visit_id,
        "title": visit.title,
        "status": visit.status,
        "startTime": None if span is None else instant_text(span.start),
        "endTime": None if span is None else instant_text(span.end),
        "customer": {
            "name": customer.name,
            "phone": customer.phone,
            "address": customer.address,
        },
        "technician": None
        if technician is None
        else {"name": known.technician_name, "id": technician},
        "jobType": visit.job_type,
        "estimatedValue": None if visit.value is None else float(visit.value),
        "appointmentId": known.appointment_id,
    }


def _technician(visit: Visit | None) -> str | None:
    """Return the first who does it; None: nobody."""
    ids = () if visit is None else visit.technicians
    return next((each for each in ids if each != NOBODY), None)


def booking_answer(
    _request: BookingRequest, agenda: Agenda, appointment_id: UUID
) -> Answer:
    """Write what was booked, before the platform was told of it."""
    return success(
        {
            "jobId": None,
            "visitId": None,
            "appointmentId": appointment_id,
            "created": False,
            "scheduledTechnician": None,
            "confirmationSent": False,
            "invoiceCreated": False,
            "syncStatus": "pending",
            **remarks(agenda.knowledge.silences),
        }
    )


def _appointment_of(answer: Answer) -> UUID:
    return UUID(orjson.loads(answer.body)["data"]["appointmentId"])


async def _final(unit: Unit, answer: Answer, outcome: Outcome) -> Answer:
    known = await visit_of(unit, _appointment_of(answer), outcome)
    visit = None if known is None else known.visit
    return success(
        {
            **orjson.loads(answer.body)["data"],
            "jobId": visit and visit.job_id,
            "visitId": visit and visit.visit_id,
            "created": visit is not None,
            "scheduledTechnician": _technician(visit),
            "confirmationSent": outcome.told_customer,
            "syncStatus": outcome.event and outcome.event.status,
        }
    )


FINISHING: Final = Finishing(_appointment_of, _final)


def updated(done: JobChanged, outcome: Outcome) -> Json:
    """Write an UpdatedJob."""
    return {
        "jobId": done.visit.visit.job_id,
        "updated": bool(done.changes),
        "changes": done.changes,
        "notificationsSent": outcome.told,
        "syncStatus": outcome.event and outcome.event.status,
        **remarks(done.changed.silences),
    }


def cancelled(done: JobChanged, outcome: Outcome) -> Json:
    """Write a CancelledJob."""
    return {
        "jobId": done.visit.visit.job_id,
        "cancelled": True,
        "notificationsSent": outcome.told,
        "syncStatus": outcome.event and outcome.event.status,
    }
