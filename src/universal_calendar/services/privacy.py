"""Customers and tenants that want to know what is kept, or want it gone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.errors import Forbidden, InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
)
from universal_calendar.services.ports.appointments import (
    Appointment,
    AppointmentDetails,
    AppointmentFilter,
    Outcome,
    Page,
    Person,
)
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.privacy import (
    Customer,
    CustomerNotice,
    Erased,
    FutureAppointments,
    TenantErasureStore,
)
from universal_calendar.services.ports.tenants import TenantStore
from universal_calendar.services.ports.units import Unit
from universal_calendar.services.ports.visit_store import KnownVisit

REASON: Final = "erasure"
"""Why an appointment was cancelled that an erased customer had still to come."""
NOBODY: Final = Person(title="")
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Records:
    """All that is kept about a customer; events are of the same order."""

    appointments: Sequence[Appointment]
    outcomes: Sequence[Outcome]
    notices: Sequence[CustomerNotice]
    visits: Sequence[KnownVisit]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was emptied of a customer, and which appointments were cancelled."""

    appointment_ids: Sequence[UUID]
    cancelled_ids: Sequence[UUID]
    beside: Erased


class Customers:
    """Exports and erases a customer of the unit's tenant."""

    def __init__(self, changes: AppointmentChanges) -> None:
        """Take what cancels appointments."""
        self._changes = changes

    async def export(self, unit: Unit, customer: Customer) -> Records:
        """Return the customer's appointments, by start, and what was told of them."""
        appointments = await _appointments(unit, customer)
        appointments.sort(key=lambda each: (each.interval.start, each.appointment_id))
        ids = [each.appointment_id for each in appointments]
        outcomes = [
            await unit.appointments.outcome(unit.tenant_id, each) for each in ids
        ]
        await _record(unit, "exported", ids)
        notices = await unit.customers.notices(customer, ids)
        visits = await unit.customers.visits(customer, ids)
        return Records(appointments, outcomes, notices, visits)

    async def erase(
        self, unit: Unit, customer: Customer, *, cancels_future: bool
    ) -> Erasure:
        """Empty whatever names the customer; times, agents and status remain.

        Raises FutureAppointments where some are to come and are not to be cancelled.
        """
        appointments = await _locked(unit, customer)
        upcoming = [
            each.appointment_id for each in appointments if _is_upcoming(each, unit.now)
        ]
        if upcoming and not cancels_future:
            raise FutureAppointments(upcoming)
        for each in appointments:
            await self._empty(unit, each, is_cancelled=each.appointment_id in upcoming)
        ids = [each.appointment_id for each in appointments]
        beside = await unit.customers.erase(customer, ids)
        await _record(unit, "erased", ids)
        return Erasure(ids, upcoming, beside)

    async def _empty(
        self, unit: Unit, appointment: Appointment, *, is_cancelled: bool
    ) -> None:
        if is_cancelled:
            # The notice that software gets of it is emptied with all others.
            cancellation = Cancellation(REASON, tells_customer=False)
            changed = await self._changes.cancel(
                unit, appointment.appointment_id, cancellation
            )
            appointment = changed.appointment
        emptied = _emptied(appointment, unit.now)
        await unit.appointment_editor.write(emptied)
        found = await unit.appointments.outcome(unit.tenant_id, emptied.appointment_id)
        if found.event is not None and found.event.is_wanted:
            await unit.appointment_editor.want_event(emptied, unit.now, is_moved=False)


async def _record(unit: Unit, what: str, appointment_ids: Sequence[UUID]) -> None:
    """Name the appointments, never the customer."""
    await unit.audit.record(f"customer.{what}", unit.tenant_id)
    for each in appointment_ids:
        await unit.audit.record(f"appointment.{what}", each)


async def _appointments(unit: Unit, customer: Customer) -> list[Appointment]:
    found: dict[UUID, Appointment] = {}
    for wanted in _filters(customer):
        number, total = 1, 1
        while (number - 1) * _PAGE < total:
            page, total = await unit.appointments.page(
                unit.tenant_id, wanted, Page(number, _PAGE)
            )
            found |= {each.appointment_id: each for each in page}
            number += 1
    return [each for each in found.values() if _is_with(each, customer)]


def _filters(customer: Customer) -> list[AppointmentFilter]:
    by_phone = AppointmentFilter(phone=customer.phone)
    by_email = AppointmentFilter(email=customer.email)
    return [each for each in (by_phone, by_email) if each != AppointmentFilter()]


def _is_with(appointment: Appointment, customer: Customer) -> bool:
    person = appointment.person
    return any(map(customer.is_named_by, (person.phone, person.email)))


async def _locked(unit: Unit, customer: Customer) -> list[Appointment]:
    """Lock the customer's appointments, in the order of their agents' ids."""
    found = await _appointments(unit, customer)
    found.sort(key=lambda each: (each.agent_id, each.appointment_id))
    locked = [await unit.appointment_editor.lock(each.appointment_id) for each in found]
    return [each for each in locked if _is_with(each, customer)]


def _is_upcoming(appointment: Appointment, now: Instant) -> bool:
    is_open = appointment.status in (
        AppointmentStatus.PENDING,
        AppointmentStatus.CONFIRMED,
        AppointmentStatus.IN_PROGRESS,
    )
    return is_open and appointment.interval.end > now


def _emptied(appointment: Appointment, now: Instant) -> Appointment:
    details = appointment.details
    kept = AppointmentDetails(
        job_type=details.job_type,
        urgency=details.urgency,
        estimated_minutes=details.estimated_minutes,
        estimated_cost=details.estimated_cost,
    )
    return replace(
        appointment,
        version=appointment.version + 1,
        updated_at=now,
        person=NOBODY,
        details=kept,
    )


class TenantErasure:
    """Erases whole tenants."""

    def __init__(
        self, tenants: TenantStore, erasure: TenantErasureStore, default_id: UUID
    ) -> None:
        """Take the ports, and the tenant that the installation cannot do without."""
        self._tenants, self._erasure = tenants, erasure
        self._default_id = default_id

    async def erase(
        self, tenant_id: UUID, confirmation: str, actor: Actor, now: Instant
    ) -> int:
        """Destroy the tenant's keys, then delete its rows; return how many.

        `confirmation` is its name. Once its keys are destroyed nothing is readable:
        should anything fail after that, erasing again finishes it, whatever the name.
        Raises TenantNotFound, InvalidField, StillBusy, and Forbidden for the default
        tenant.
        """
        if tenant_id == self._default_id:
            raise Forbidden(
                "The default tenant cannot be erased: let DEFAULT_TENANT_ID name"
                " another one first, and restart"
            )
        if not await self._erasure.is_destroyed(tenant_id):
            tenant = await self._tenants.get(tenant_id)
            if confirmation != tenant.name:
                raise InvalidField("confirm", "give the tenant's name")
            await self._erasure.destroy(tenant_id, actor, now)
        await self._erasure.outlast()
        return await self._erasure.remove(tenant_id)
