"""Appointments in the tenant API."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
    Changed,
    Revision,
    SettledChanges,
)
from universal_calendar.services.booking.appointment_reading import (
    Days,
    find_appointments,
    list_appointments,
    read_appointment,
    starts_within,
)
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.booking.settled_bookings import SettledBookings
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.appointments import AppointmentFilter, Page
from universal_calendar.services.ports.identity import Role
from universal_calendar.web.tenant_api import appointment_answers as answers
from universal_calendar.web.tenant_api.appointment_models import (
    CancelAppointment,
    CreateAppointment,
    ListAppointments,
    SearchAppointments,
    UpdateAppointment,
    details_with,
    person_with,
)
from universal_calendar.web.tenant_api.bookings import (
    CONFLICT,
    Patch,
    booking_of,
    revision_of,
)
from universal_calendar.web.tenant_api.errors import invalid_input
from universal_calendar.web.tenant_api.fields import OfTenant
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

SOURCE: Final = "tenant_api"
_TAG: Final = "Appointments"
_ID: Final = "appointmentId"
_ONE: Final = f"/appointments/{{{_ID}}}"
_STEPS: Final = {
    "confirm": (AppointmentStatus.CONFIRMED, "Confirm a pending appointment"),
    "start": (AppointmentStatus.IN_PROGRESS, "Begin an appointment"),
    "complete": (AppointmentStatus.COMPLETED, "Close an appointment as done"),
    "no-show": (AppointmentStatus.NO_SHOW, "Close it: nobody came; its time is free"),
}
_FINAL: Final = {409: "CONFLICT: details.reason is final_status"}


@dataclass(frozen=True, slots=True)
class AppointmentsApi:
    """The handlers, with what they need."""

    bookings: SettledBookings
    changes: AppointmentChanges
    settled: SettledChanges

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "POST",
                "/appointments",
                "Book an agent, or whoever is free",
                _TAG,
                Role.OPERATOR,
                CreateAppointment,
                self.create,
                answers.CreatedAppointment,
                source=Source.BODY,
                mode=Mode.OWN,
                errors=CONFLICT,
            ),
            *self._reading(),
            *self._changing(),
            *(self._step(name) for name in _STEPS),
        ]

    def _reading(self) -> list[AnyOperation]:
        return [
            Operation(
                "GET",
                "/appointments",
                "List appointments",
                _TAG,
                Role.VIEWER,
                ListAppointments,
                self.page,
                answers.AppointmentList,
            ),
            Operation(
                "POST",
                "/appointments/search",
                "Find appointments by phone or e-mail",
                _TAG,
                Role.VIEWER,
                SearchAppointments,
                self.search,
                answers.AppointmentList,
                source=Source.BODY,
            ),
            Operation(
                "GET",
                _ONE,
                "Read an appointment",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.read,
                answers.OneAppointment,
            ),
        ]

    def _changing(self) -> list[AnyOperation]:
        return [
            Operation(
                "PUT",
                _ONE,
                "Change or move an appointment",
                _TAG,
                Role.OPERATOR,
                UpdateAppointment,
                self.update,
                answers.UpdatedAppointment,
                source=Source.BODY,
                then=self.updated,
                errors=CONFLICT,
            ),
            Operation(
                "DELETE",
                _ONE,
                "Cancel an appointment and free its time",
                _TAG,
                Role.OPERATOR,
                CancelAppointment,
                self.cancel,
                answers.CancelledAppointment,
                source=Source.BODY_OR_QUERY,
                then=self.cancelled,
                errors=_FINAL,
            ),
        ]

    def _step(self, name: str) -> AnyOperation:
        status, summary = _STEPS[name]
        return Operation(
            "POST",
            f"{_ONE}/{name}",
            summary,
            _TAG,
            Role.OPERATOR,
            OfTenant,
            partial(self.step, status),
            answers.SteppedAppointment,
            source=Source.BODY_OR_QUERY,
            errors=_FINAL,
        )

    async def create(self, call: Call, inputs: CreateAppointment) -> Answer:
        """Book."""
        return await self.bookings.book(
            call.tenant_id, _booking(call, inputs), call.now
        )

    async def page(self, call: Call, inputs: ListAppointments) -> Data:
        """Return a page of appointments."""
        days = Days(inputs.start_date, inputs.end_date, inputs.timezone)
        first, before = await starts_within(call.unit, days)
        wanted = AppointmentFilter(
            first,
            before,
            None if inputs.status is None else AppointmentStatus(inputs.status),
            inputs.agent_id,
            inputs.external_reference_id,
        )
        page = Page(inputs.page, inputs.limit)
        return answers.listed(await list_appointments(call.unit, wanted, page))

    async def search(self, call: Call, inputs: SearchAppointments) -> Data:
        """Return a page of one person's appointments."""
        if inputs.phone is None and inputs.email is None:
            raise invalid_input("phone", "Send a phone or an email")
        wanted = AppointmentFilter(phone=inputs.phone, email=inputs.email)
        page = Page(inputs.page, inputs.limit)
        return answers.listed(await find_appointments(call.unit, wanted, page))

    async def read(self, call: Call, _inputs: OfTenant) -> Data:
        """Return an appointment."""
        found, outcome = await read_appointment(call.unit, call.id(_ID))
        return {"appointment": answers.appointment(found, outcome)}

    async def update(self, call: Call, inputs: UpdateAppointment) -> Changed:
        """Change or move an appointment."""
        revision = _revision(inputs)
        return await self.changes.revise(call.unit, call.id(_ID), revision)

    async def updated(self, call: Call, changed: Changed) -> Data:
        """Settle a change and answer."""
        outcome = await self.settled.settle(changed, call.actor, call.now)
        return answers.updated(changed, outcome)

    async def cancel(self, call: Call, inputs: CancelAppointment) -> Changed:
        """Cancel an appointment."""
        cancellation = Cancellation(
            inputs.reason, inputs.notify_customer, inputs.cancellation_notes
        )
        return await self.changes.cancel(call.unit, call.id(_ID), cancellation)

    async def cancelled(self, call: Call, changed: Changed) -> Data:
        """Settle a cancellation and answer."""
        outcome = await self.settled.settle(changed, call.actor, call.now)
        return answers.cancelled(outcome)

    async def step(
        self, status: AppointmentStatus, call: Call, _inputs: OfTenant
    ) -> Data:
        """Take a step to a status."""
        changed = await self.changes.step(call.unit, call.id(_ID), status)
        return answers.stepped(changed)


def _booking(call: Call, inputs: CreateAppointment) -> BookingRequest:
    request = booking_of(call, SOURCE, inputs, inputs.appointment_data, _patch(inputs))
    status = AppointmentStatus(inputs.status)
    return replace(request, status=status, provider=inputs.provider)


def _revision(inputs: UpdateAppointment) -> Revision:
    status = None if inputs.status is None else AppointmentStatus(inputs.status)
    revision = revision_of(inputs, inputs.appointment_data, _patch(inputs))
    return replace(revision, status=status)


def _patch(inputs: CreateAppointment | UpdateAppointment) -> Patch:
    data = inputs.appointment_data
    return Patch(partial(person_with, data), partial(details_with, inputs, data))
