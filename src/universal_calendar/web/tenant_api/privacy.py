"""Customers and tenants in the tenant API: what is kept of them, and forgetting it."""

from dataclasses import dataclass
from typing import Any, Final

from universal_calendar.core.instant import instant_text
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.privacy import Customer, CustomerNotice
from universal_calendar.services.ports.units import Units
from universal_calendar.services.ports.visit_store import KnownVisit
from universal_calendar.services.privacy import Customers, TenantErasure
from universal_calendar.web.tenant_api.appointment_answers import (
    AppointmentAnswered,
    appointment,
)
from universal_calendar.web.tenant_api.errors import invalid_input
from universal_calendar.web.tenant_api.fields import (
    Answered,
    AnyPhone,
    Email,
    Id,
    Inputs,
    Name,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

_TAG: Final = "Privacy"
_FUTURE: Final = {
    409: "CONFLICT: details.reason is future_appointments, details.appointmentIds"
}


class OfCustomer(Inputs):
    """Who is meant: whoever has this phone, or this e-mail address."""

    tenant_id: Id | None = None
    phone: AnyPhone | None = None
    email: Email | None = None

    @property
    def customer(self) -> Customer:
        """Return who is meant; raise InvalidInputs where nobody is named."""
        if self.phone is None and self.email is None:
            raise invalid_input("phone", "Give phone, email or both")
        return Customer(self.phone, self.email)


class EraseCustomer(OfCustomer):
    """Whom to erase; `cancelFuture` cancels what is still to come."""

    cancel_future: bool = False


class EraseTenant(Inputs):
    """`confirm` is the tenant's name."""

    confirm: Name


class ErasedCustomer(Answered):
    """What was emptied; cancelled appointments are among the emptied ones.

    `visits` of field-service platforms are deleted here; the platform has them still.
    """

    appointments: int
    cancelled_appointments: int
    notices: int
    stored_answers: int
    visits: int
    appointment_ids: list[str]


class NoticeAnswered(Answered):
    """What was told, and by which channels it was delivered."""

    id: str
    appointment_id: str | None
    kind: str
    created_at: str
    delivered_by: list[str]
    content: dict[str, Any]


class VisitedCustomer(Answered):
    """Whom a visit is to, as the platform told."""

    name: str | None
    phone: str | None
    email: str | None
    address: str | None
    notes: str | None


class VisitAnswered(Answered):
    """A visit on a field-service platform, as it was last told of."""

    job_id: str
    visit_id: str
    appointment_id: str | None
    status: str
    start_time: str | None
    end_time: str | None
    title: str
    job_type: str | None
    estimated_value: float | None
    customer: VisitedCustomer


class CustomerRecords(Answered):
    """All that is kept about a customer."""

    appointments: list[AppointmentAnswered]
    notices: list[NoticeAnswered]
    visits: list[VisitAnswered]


class ErasedTenant(Answered):
    """The tenant is forgotten."""

    tenant_id: str
    erased: bool


@dataclass(frozen=True, slots=True)
class PrivacyApi:
    """The handlers, with what they need."""

    customers: Customers
    tenants: TenantErasure
    units: Units

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "POST",
                "/customers/export",
                "Return everything that is kept about a customer",
                _TAG,
                Role.OWNER,
                OfCustomer,
                self.export,
                CustomerRecords,
                source=Source.BODY,
                mode=Mode.OWN,
            ),
            Operation(
                "POST",
                "/customers/erase",
                "Forget a customer",
                _TAG,
                Role.OWNER,
                EraseCustomer,
                self.erase_customer,
                ErasedCustomer,
                source=Source.BODY,
                errors=_FUTURE,
            ),
            Operation(
                "DELETE",
                "/tenants/{tenantId}",
                "Forget a tenant: its keys are destroyed, its rows deleted",
                _TAG,
                Role.OWNER,
                EraseTenant,
                self.erase_tenant,
                ErasedTenant,
                source=Source.BODY,
                mode=Mode.OWN,
            ),
        ]

    async def export(self, call: Call, inputs: OfCustomer) -> Data:
        """Return all that is kept; the answer itself is kept nowhere."""
        async with self.units.begin(call.tenant_id, call.actor, call.now) as unit:
            records = await self.customers.export(unit, inputs.customer)
        known = zip(records.appointments, records.outcomes, strict=True)
        return {
            "appointments": [appointment(each, outcome) for each, outcome in known],
            "notices": [_notice(each) for each in records.notices],
            "visits": [_visit(each) for each in records.visits],
        }

    async def erase_customer(self, call: Call, inputs: EraseCustomer) -> Data:
        """Empty what names the customer."""
        erasure = await self.customers.erase(
            call.unit, inputs.customer, cancels_future=inputs.cancel_future
        )
        return {
            "appointments": len(erasure.appointment_ids),
            "cancelledAppointments": len(erasure.cancelled_ids),
            "notices": erasure.beside.notices,
            "storedAnswers": erasure.beside.answers,
            "visits": erasure.beside.visits,
            "appointmentIds": erasure.appointment_ids,
        }

    async def erase_tenant(self, call: Call, inputs: EraseTenant) -> Data:
        """Destroy the keys at once, then delete."""
        await self.tenants.erase(call.tenant_id, inputs.confirm, call.actor, call.now)
        return {"tenantId": call.tenant_id, "erased": True}


def _notice(notice: CustomerNotice) -> dict[str, object]:
    return {
        "id": notice.notice_id,
        "appointmentId": notice.appointment_id,
        "kind": notice.kind,
        "createdAt": instant_text(notice.created_at),
        "deliveredBy": notice.channels,
        "content": notice.content,
    }


def _visit(known: KnownVisit) -> dict[str, object]:
    visit, customer = known.visit, known.visit.customer
    interval = visit.interval
    return {
        "jobId": visit.job_id,
        "visitId": visit.visit_id,
        "appointmentId": known.appointment_id,
        "status": visit.status,
        "startTime": None if interval is None else instant_text(interval.start),
        "endTime": None if interval is None else instant_text(interval.end),
        "title": visit.title,
        "jobType": visit.job_type,
        "estimatedValue": None if visit.value is None else float(visit.value),
        "customer": {
            "name": customer.name,
            "phone": customer.phone,
            "email": customer.email,
            "address": customer.address,
            "notes": customer.notes,
        },
    }
