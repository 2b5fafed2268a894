"""Looking at what is booked; whoever looks at people is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from universal_calendar.core.errors import InvalidRange
from universal_calendar.core.localtime import local_day, zone_named
from universal_calendar.services.ports.appointments import (
    Appointment,
    AppointmentFilter,
    Outcome,
    Page,
)
from universal_calendar.services.ports.units import Unit


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, and how many there are in all."""

    appointments: Sequence[Appointment]
    page: Page
    total: int

    @property
    def pages(self) -> int:
        """Return how many pages there are."""
        return -(-self.total // self.page.limit)


@dataclass(frozen=True, slots=True)
class Days:
    """Local days, both included, on clocks of the zone; None: the tenant's."""

    first: date | None = None
    last: date | None = None
    timezone: str | None = None


async def read_appointment(
    unit: Unit, appointment_id: UUID
) -> tuple[Appointment, Outcome]:
    """Return an appointment and its event; raise AppointmentNotFound."""
    found = await unit.appointments.get(unit.tenant_id, appointment_id)
    outcome = await unit.appointments.outcome(unit.tenant_id, appointment_id)
    await unit.audit.record("appointment.read", appointment_id)
    return found, outcome


async def list_appointments(
    unit: Unit, wanted: AppointmentFilter, page: Page
) -> Listed:
    """Return a page by start and then id; one past the end is empty."""
    listed = await _page(unit, wanted, page)
    await unit.audit.record("appointments.listed", unit.tenant_id)
    return listed


async def find_appointments(
    unit: Unit, wanted: AppointmentFilter, page: Page
) -> Listed:
    """Return a person's appointments, by phone or e-mail; all alike are audited."""
    listed = await _page(unit, wanted, page)
    await unit.audit.record("appointments.searched", unit.tenant_id)
    for each in listed.appointments:
        await unit.audit.record("appointment.read", each.appointment_id)
    return listed


async def _page(unit: Unit, wanted: AppointmentFilter, page: Page) -> Listed:
    found, total = await unit.appointments.page(unit.tenant_id, wanted, page)
    return Listed(found, page, total)


async def starts_within(unit: Unit, days: Days) -> tuple[int | None, int | None]:
    """Return the bounds of starts on those days; raise InvalidRange."""
    if days.first is not None and days.last is not None and days.last < days.first:
        raise InvalidRange("endDate must not be before startDate")
    name = days.timezone
    if name is None:
        name = (await unit.tenants.get(unit.tenant_id)).timezone
    zone = zone_named(name)
    first = None if days.first is None else local_day(days.first, zone).start
    before = None if days.last is None else local_day(days.last, zone).end
    return first, before
