"""Field-service platforms in the tenant API, on open parts."""

from collections.abc import Mapping
from dataclasses import replace

from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.bootstrap.worker import connections
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    SettledChanges,
)
from universal_calendar.services.booking.appointments import Announcing, Appointments
from universal_calendar.services.booking.assignment import Assignment, Provide
from universal_calendar.services.booking.live_check import LiveCheck
from universal_calendar.services.booking.settled_bookings import SettledBookings
from universal_calendar.services.booking.settling import JOB_SECONDS, Settlement
from universal_calendar.services.connections.connecting_by_key import KeyConnecting
from universal_calendar.services.field_service.jobs import Jobs
from universal_calendar.services.field_service.platform_customers import (
    PlatformCustomers,
)
from universal_calendar.services.field_service.platforms import Platforms
from universal_calendar.services.field_service.technicians import Technicians
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.store.booking.candidates import CandidateTable
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.web.tenant_api.integrations import IntegrationsApi
from universal_calendar.web.tenant_api.job_answers import FINISHING, booking_answer
from universal_calendar.web.tenant_api.jobs import JobsApi


def offered_platforms(offered: Providers) -> Mapping[str, FieldServiceProvider]:
    """Return those that manage jobs."""
    return {
        slug: each.field_service
        for slug, each in offered.items()
        if each.field_service is not None
    }


def platforms(parts: Parts, offered: Providers) -> Platforms:
    """Build what knows the platforms, and who does jobs there."""
    table = TechnicianTable(parts.database, parts.keyring)
    technicians = Technicians(table, parts.units)
    return Platforms(offered_platforms(offered), parts.units, technicians)


def integrations_api(parts: Parts, offered: Providers) -> IntegrationsApi:
    """Build what connects accounts, and tells of customers and technicians."""
    connecting = KeyConnecting(connections(parts, offered), parts.units, new_id)
    known = platforms(parts, offered)
    return IntegrationsApi(connecting, known, PlatformCustomers(known))


def jobs_api(
    parts: Parts,
    offered: Providers,
    settlement: Settlement,
    checking: LiveCheck,
    provide: Provide,
) -> JobsApi:
    """Build what lists and changes jobs."""
    announcing = Announcing(parts.settings.has_channels, answers_after_settling=True)
    booking = Appointments(parts.agendas, new_id, booking_answer, announcing, checking)
    candidates = CandidateTable(parts.database, parts.settings.mirror_max_age)
    assignment = Assignment(candidates, parts.agendas, booking, provide)
    patient = replace(settlement, event_seconds=JOB_SECONDS)
    jobs = Jobs(
        platforms(parts, offered),
        SettledBookings(booking, assignment, parts.units, patient, FINISHING),
        AppointmentChanges(new_id, has_channels=announcing.has_channels),
    )
    return JobsApi(jobs, SettledChanges(parts.units, patient))
