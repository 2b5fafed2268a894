"""Customers and tenants in the tenant API: what is kept of them, and forgetting it."""

from dataclasses import dataclass
from typing import Any, Final

from universal_calendar.core.instant import instant_text
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.privacy import Customer, CustomerNotice
from universal_calendar.services.ports.units import Units
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
    """What was emptied; cancelled appointments are among the emptied ones."""

    appointments: int
    cancelled_appointments: int
    notices: int
    stored_answers: int
    appointment_ids: list[str]


class NoticeAnswered(Answered):
    """What was told, and by which channels it was delivered."""

    id: str
    appointment_id: str | None
    kind: str
    created_at: str
    delivered_by: list[str]
    content: dict[str, Any]


class CustomerRecords(Answered):
    """All that is kept about a customer."""

    appointments: list[AppointmentAnswered]
    notices: list[NoticeAnswered]


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
