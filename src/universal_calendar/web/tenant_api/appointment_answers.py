"""What the tenant API answers about appointments."""

from decimal import Decimal
from typing import Final
from uuid import UUID

import orjson

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.instant import instant_text
from universal_calendar.services.booking.appointment_changes import Changed
from universal_calendar.services.booking.appointment_reading import Listed
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.booking.settled_bookings import Finishing
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.appointments import (
    Appointment,
    Outcome,
    Person,
)
from universal_calendar.services.ports.units import Unit
from universal_calendar.web.tenant_api.appointment_models import (
    CustomerInfo,
    Location,
    Status,
)
from universal_calendar.web.tenant_api.envelope import success
from universal_calendar.web.tenant_api.fields import Answered
from universal_calendar.web.tenant_api.remarks import Remarked, remarks

Json = dict[str, object]


class BlockingTime(Answered):
    """What is in the way of a time."""

    type: str
    start_time: str
    end_time: str
    appointment_id: str | None = None


class CreatedAppointment(Remarked):
    """What was booked, and what came of telling calendar and customer so far.

    `syncStatus` is null where no calendar is connected.
    """

    appointment_id: str
    calendar_event_id: str | None
    created: bool
    conflicts: list[BlockingTime]
    confirmation_sent: bool
    sync_status: str | None
    agent_id: str
    start_time: str
    end_time: str
    status: Status


class UpdatedAppointment(Remarked):
    """What came of a change."""

    appointment_id: str
    updated: bool
    calendar_updated: bool
    conflicts: list[BlockingTime]
    notifications_sent: list[str]


class CancelledAppointment(Answered):
    """What came of a cancellation."""

    cancelled: bool
    calendar_event_deleted: bool
    refund_issued: bool
    notifications_sent: list[str]


class SteppedAppointment(Answered):
    """The status after a step."""

    appointment_id: str
    status: Status
    updated: bool


class ServiceDetailsAnswered(Answered):
    """What is to be done; `estimatedDuration` in minutes."""

    job_type: str | None
    urgency: str
    estimated_duration: int | None
    estimated_cost: float | None


class AppointmentAnswered(Answered):
    """An appointment."""

    id: str
    tenant_id: str
    agent_id: str
    customer_id: str | None
    lead_id: str | None
    conversation_id: str | None
    external_reference_id: str | None
    start_time: str
    end_time: str
    timezone: str
    status: Status
    title: str
    description: str | None
    location: Location | None
    customer_info: CustomerInfo
    service_details: ServiceDetailsAnswered
    calendar_event_id: str | None
    provider: str | None
    sync_status: str | None
    source: str
    version: int
    notes: str | None
    cancellation_reason: str | None
    cancellation_notes: str | None
    created_at: str
    updated_at: str


class OneAppointment(Answered):
    """One appointment."""

    appointment: AppointmentAnswered


class AppointmentSummary(Answered):
    """An appointment in a list."""

    id: str
    agent_id: str
    start_time: str
    end_time: str
    timezone: str
    status: Status
    title: str
    customer_name: str | None
    customer_phone: str | None
    external_reference_id: str | None


class Pagination(Answered):
    """Where in the list this page is."""

    page: int
    limit: int
    total: int
    pages: int


class AppointmentList(Answered):
    """A page of appointments, by start and then id."""

    appointments: list[AppointmentSummary]
    pagination: Pagination


def booking_answer(
    request: BookingRequest, agenda: Agenda, appointment_id: UUID
) -> Answer:
    """Write what was booked, before anybody was told of it."""
    span = request.time.interval(agenda.zone)
    return success(
        {
            "appointmentId": appointment_id,
            "calendarEventId": None,
            "created": True,
            "conflicts": [],
            "confirmationSent": False,
            "syncStatus": None,
            "agentId": agenda.agent_id,
            "startTime": instant_text(span.start),
            "endTime": instant_text(span.end),
            "status": request.status,
            **remarks(agenda.knowledge.silences),
        }
    )


def _appointment_of(answer: Answer) -> UUID:
    return UUID(orjson.loads(answer.body)["data"]["appointmentId"])


async def _final(_unit: Unit, answer: Answer, outcome: Outcome) -> Answer:
    data = orjson.loads(answer.body)["data"]
    return success(
        {
            **data,
            "calendarEventId": outcome.event and outcome.event.event_id,
            "confirmationSent": outcome.told_customer,
            "syncStatus": outcome.event and outcome.event.status,
        }
    )


FINISHING: Final = Finishing(_appointment_of, _final)


def updated(changed: Changed, outcome: Outcome) -> Json:
    """Write what came of a change."""
    event = outcome.event
    return {
        "appointmentId": changed.appointment.appointment_id,
        "updated": True,
        "calendarUpdated": event is not None and event.is_wanted and event.is_synced,
        "conflicts": [],
        "notificationsSent": outcome.told,
        **remarks(changed.silences),
    }


def cancelled(outcome: Outcome) -> Json:
    """Write what came of a cancellation; money is handled elsewhere."""
    event = outcome.event
    is_deleted = event is not None and not event.is_wanted and event.is_synced
    return {
        "cancelled": True,
        "calendarEventDeleted": is_deleted,
        "refundIssued": False,
        "notificationsSent": outcome.told,
    }


def stepped(changed: Changed) -> Json:
    """Write the status after a step."""
    return {
        "appointmentId": changed.appointment.appointment_id,
        "status": changed.appointment.status,
        "updated": True,
    }


def appointment(known: Appointment, outcome: Outcome) -> Json:
    """Write all that is known of an appointment."""
    details, event = known.details, outcome.event
    return {
        "id": known.appointment_id,
        "tenantId": known.tenant_id,
        "agentId": known.agent_id,
        "customerId": details.customer_id,
        "leadId": details.lead_id,
        "conversationId": details.conversation_id,
        "externalReferenceId": details.external_reference_id,
        **_times(known),
        **_person(known.person),
        "serviceDetails": {
            "jobType": details.job_type,
            "urgency": details.urgency,
            "estimatedDuration": details.estimated_minutes,
            "estimatedCost": _number(details.estimated_cost),
        },
        "calendarEventId": event and event.event_id,
        "provider": event and event.provider,
        "syncStatus": event and event.status,
        "source": known.source,
        "version": known.version,
        **_notes(known),
        "createdAt": instant_text(known.created_at),
        "updatedAt": instant_text(known.updated_at),
    }


def _notes(known: Appointment) -> Json:
    is_cancelled = known.status is AppointmentStatus.CANCELLED
    notes = known.person.notes
    return {
        "notes": None if is_cancelled else notes,
        "cancellationReason": known.cancellation_reason,
        "cancellationNotes": notes if is_cancelled else None,
    }


def _times(known: Appointment) -> Json:
    return {
        "startTime": instant_text(known.interval.start),
        "endTime": instant_text(known.interval.end),
        "timezone": known.timezone,
        "status": known.status,
    }


def _person(person: Person) -> Json:
    place = {
        "address": person.address,
        "latitude": person.latitude,
        "longitude": person.longitude,
    }
    return {
        "title": person.title,
        "description": person.description,
        "location": place if any(each is not None for each in place.values()) else None,
        "customerInfo": {
            "name": person.name,
            "phone": person.phone,
            "email": person.email,
        },
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def listed(found: Listed) -> Json:
    """Write a page."""
    return {
        "appointments": [_summary(each) for each in found.appointments],
        "pagination": {
            "page": found.page.number,
            "limit": found.page.limit,
            "total": found.total,
            "pages": found.pages,
        },
    }


def _summary(known: Appointment) -> Json:
    return {
        "id": known.appointment_id,
        "agentId": known.agent_id,
        **_times(known),
        "title": known.person.title,
        "customerName": known.person.name,
        "customerPhone": known.person.phone,
        "externalReferenceId": known.details.external_reference_id,
    }
