"""Jobs of field-service platforms: appointments of ours, and what others made there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from universal_calendar.core.errors import (
    FinalStatus,
    InvalidField,
    NotFound,
    UniversalCalendarError,
)
from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
    Changed,
    Revision,
)
from universal_calendar.services.booking.appointment_reading import Days, starts_within
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.booking.settled_bookings import SettledBookings
from universal_calendar.services.field_service.platforms import (
    Platforms,
    agent_of,
    schedule_of,
    unusable,
)
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.appointments import (
    Appointment,
    AppointmentDetails,
    Outcome,
    Page,
)
from universal_calendar.services.ports.connections import Connection
from universal_calendar.services.ports.units import Unit
from universal_calendar.services.ports.visit_store import KnownVisit, VisitFilter
from universal_calendar.services.ports.visits import VisitStatus


class JobNotFound(NotFound):
    """No such job on the schedule; one that was cancelled cannot be changed."""


class NotOurJob(UniversalCalendarError):
    """The visit was made on the platform, not through us: change it there."""


@dataclass(frozen=True, slots=True)
class JobTarget:
    """A job, and which of its visits; None: it has one."""

    provider: str
    job_id: str
    visit_id: str | None = None


@dataclass(frozen=True, slots=True)
class JobsWanted:
    """Which jobs to list: those with visits that start on the days."""

    days: Days
    status: VisitStatus | None
    page: Page


@dataclass(frozen=True, slots=True)
class JobChanged:
    """What became of a job's visit; `before` is its appointment as it was.

    `is_reassigned`: another technician is to have it, of the same agent perhaps.
    """

    visit: KnownVisit
    before: Appointment
    changed: Changed
    is_reassigned: bool = False

    @property
    def changes(self) -> Sequence[str]:
        """Return the names of what is different now."""
        before, after = self.before, self.changed.appointment
        pairs = {
            "start_time": (before.interval.start, after.interval.start),
            "end_time": (before.interval.end, after.interval.end),
            "technician": (
                (before.agent_id, False),
                (after.agent_id, self.is_reassigned),
            ),
            "title": (before.person.title, after.person.title),
            "description": (before.person.description, after.person.description),
            "customer": (_customer(before), _customer(after)),
            "job_type": (before.details.job_type, after.details.job_type),
            "estimated_value": (
                before.details.estimated_cost,
                after.details.estimated_cost,
            ),
            "urgency": (before.details.urgency, after.details.urgency),
            "notes": (before.person.notes, after.person.notes),
        }
        return [name for name, (was, now) in pairs.items() if was != now]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Lists, books, changes and cancels jobs."""

    platforms: Platforms
    bookings: SettledBookings
    changes: AppointmentChanges

    async def page(
        self, unit: Unit, provider: str, wanted: JobsWanted
    ) -> tuple[Sequence[KnownVisit], int]:
        """Return a page of visits, by start, and how many there are in all.

        Raises PlatformNotFound, PlatformNotConnected and InvalidRange.
        """
        account = await self.platforms.account(unit, provider)
        zone = wanted.days.timezone or account.usage.timezone
        days = replace(wanted.days, timezone=zone)
        first, before = await starts_within(unit, days)
        if first is None or before is None:
            raise LookupError("a list of jobs has a first and a last day")
        await unit.audit.record("jobs.listed", unit.tenant_id)
        found, total = await unit.visits.page(
            unit.tenant_id,
            schedule_of(account),
            VisitFilter(first, before, wanted.status),
            wanted.page,
        )
        return await _completed(unit, found), total

    async def book(
        self, tenant_id: UUID, provider: str, request: BookingRequest, now: Instant
    ) -> Answer:
        """Book, and have the job made; retries are answered alike.

        A technician it names gets the visit, and their agent the appointment. Raises
        PlatformNotFound, PlatformNotConnected, TechnicianNotFound, InvalidField and
        what `Appointments.book` raises.
        """
        self.platforms.named(provider)
        async with self.platforms.units.begin(tenant_id, request.actor, now) as unit:
            if not await _is_retry(unit, request):
                agent_id = await self._agent(unit, provider, request)
                request = replace(request, agent_id=agent_id)
        wish = replace(request, provider=provider)
        return await self.bookings.book(tenant_id, wish, now)

    async def _agent(
        self, unit: Unit, provider: str, request: BookingRequest
    ) -> UUID | None:
        """Return whose job it is to be; refuse whom it cannot be made for."""
        account = await self.platforms.account(unit, provider)
        named = request.technician_id
        agent_id = await agent_of(unit, account, named, request.agent_id)
        target = await self.platforms.account(unit, provider, agent_id)
        _check_writable(target)
        if named is not None and target.connection_id != account.connection_id:
            raise unusable("leave it out: the agent's jobs are in another account")
        return agent_id

    async def revise(
        self, unit: Unit, target: JobTarget, revision: Revision
    ) -> JobChanged:
        """Change what the revision names, as AppointmentChanges does.

        A technician it names gets the visit, and their agent the appointment. Raises
        JobNotFound, NotOurJob, FinalStatus, TechnicianNotFound, InvalidField and what
        that raises.
        """
        account, visit = await self._found(unit, target)
        appointment_id, named = _ours(visit), revision.technician_id
        agent_id = await agent_of(unit, account, named, revision.agent_id)
        before = await unit.appointment_editor.lock(appointment_id, agent_id)
        if await _has_it(unit, visit, appointment_id, named):
            named = None
        changed = await self.changes.revise(
            unit,
            appointment_id,
            replace(revision, agent_id=agent_id, technician_id=named),
        )
        return JobChanged(visit, before, changed, is_reassigned=named is not None)

    async def cancel(
        self, unit: Unit, target: JobTarget, cancellation: Cancellation
    ) -> JobChanged:
        """Cancel the appointment; the visit is taken off the schedule.

        A second time changes nothing. Raises JobNotFound, NotOurJob, FinalStatus and
        what AppointmentChanges raises.
        """
        visit = await self._to_cancel(unit, target)
        appointment_id = _ours(visit)
        before = await unit.appointment_editor.lock(appointment_id)
        changed = await self.changes.cancel(unit, appointment_id, cancellation)
        return JobChanged(visit, before, changed)

    async def _found(
        self, unit: Unit, target: JobTarget
    ) -> tuple[Connection, KnownVisit]:
        for account in await self.platforms.accounts(unit, target.provider):
            visits = await self._visits(unit, account, target)
            there = [each for each in visits if not _is_cancelled(each)]
            if there:
                return account, _one(there, target.visit_id)
        raise JobNotFound

    async def _to_cancel(self, unit: Unit, target: JobTarget) -> KnownVisit:
        for account in await self.platforms.accounts(unit, target.provider):
            visits = await self._visits(unit, account, target)
            if found := _cancellable(visits, target.visit_id):
                return _one(found, target.visit_id)
        raise JobNotFound

    async def _visits(
        self, unit: Unit, account: Connection, target: JobTarget
    ) -> Sequence[KnownVisit]:
        return await unit.visits.of_job(
            unit.tenant_id, schedule_of(account), target.job_id
        )


async def visit_of(
    unit: Unit, appointment_id: UUID, outcome: Outcome
) -> KnownVisit | None:
    """Return the visit that an appointment is; None before its platform answered."""
    if outcome.event is None:
        return None
    for each in await unit.connections.all(unit.tenant_id):
        if each.schedule is not None and each.provider == outcome.event.provider:
            found = await unit.visits.of_appointment(
                unit.tenant_id, schedule_of(each), appointment_id
            )
            if found is not None:
                return found
    return None


async def _completed(unit: Unit, found: Sequence[KnownVisit]) -> list[KnownVisit]:
    """Add what the platform has no place for, to visits that are ours."""
    ours = [
        each.appointment_id
        for each in found
        if each.appointment_id is not None and _is_incomplete(each)
    ]
    details = await unit.appointments.details(unit.tenant_id, ours)
    return [_with_details(each, details) for each in found]


def _is_incomplete(known: KnownVisit) -> bool:
    return known.visit.job_type is None or known.visit.value is None


def _with_details(
    known: KnownVisit, details: Mapping[UUID, AppointmentDetails]
) -> KnownVisit:
    visit, ours = known.visit, known.appointment_id
    if ours is None or ours not in details:
        return known
    value = details[ours].estimated_cost if visit.value is None else visit.value
    job_type = visit.job_type or details[ours].job_type
    return replace(known, visit=replace(visit, job_type=job_type, value=value))


def _one(visits: Sequence[KnownVisit], visit_id: str | None) -> KnownVisit:
    if visit_id is None and len(visits) == 1:
        return visits[0]
    for each in visits:
        if each.visit.visit_id == visit_id:
            return each
    ids = ", ".join(each.visit.visit_id for each in visits)
    raise InvalidField("visitId", f"use one of the job's visits: {ids}")


def _cancellable(
    visits: Sequence[KnownVisit], visit_id: str | None
) -> Sequence[KnownVisit]:
    """Return what is there, else ours that were cancelled; one of these if named."""
    gone = [each for each in visits if _is_cancelled(each) and each.appointment_id]
    named = [each for each in gone if each.visit.visit_id == visit_id]
    return named or [each for each in visits if not _is_cancelled(each)] or gone


def _is_cancelled(known: KnownVisit) -> bool:
    return known.visit.status is VisitStatus.CANCELLED


def _ours(visit: KnownVisit) -> UUID:
    if visit.appointment_id is None:
        raise NotOurJob
    if visit.visit.status is VisitStatus.COMPLETED:
        raise FinalStatus("A job that is done cannot be changed, nor cancelled")
    return visit.appointment_id


def _check_writable(account: Connection) -> None:
    if not account.usage.direction.writes:
        mend = "is connected from_provider alone: nothing may be written there"
        raise InvalidField("provider", mend)


async def _is_retry(unit: Unit, request: BookingRequest) -> bool:
    """Tell whether the request was answered before: then nothing is asked anew."""
    if request.replay.idempotency_key is None:
        return False
    return await unit.answers.read(request.replay) is not None


async def _has_it(
    unit: Unit, visit: KnownVisit, appointment_id: UUID, technician_id: str | None
) -> bool:
    """Tell whether the visit is theirs: who was named last, else as it is there."""
    named = await unit.appointment_editor.named_technician(appointment_id)
    return technician_id in (visit.visit.technicians if named is None else (named,))


def _customer(appointment: Appointment) -> Sequence[object]:
    person = appointment.person
    return person.name, person.phone, person.email, person.address
