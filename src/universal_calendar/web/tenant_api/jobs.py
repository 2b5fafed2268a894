"""Jobs of field-service platforms in the tenant API."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from universal_calendar.services.booking.appointment_changes import (
    Cancellation,
    Revision,
    SettledChanges,
)
from universal_calendar.services.booking.appointment_reading import Days
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.field_service.jobs import (
    JobChanged,
    Jobs,
    JobsWanted,
    JobTarget,
)
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.visits import VisitStatus
from universal_calendar.web.tenant_api import job_answers as answers
from universal_calendar.web.tenant_api.bookings import (
    CONFLICT,
    Patch,
    booking_of,
    revision_of,
)
from universal_calendar.web.tenant_api.job_models import (
    REASONS,
    CancelJob,
    CreateJob,
    ListJobs,
    UpdateJob,
    details_with,
    person_with,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

SOURCE: Final = "jobs"
TAG: Final = "Field service"
PROVIDER: Final = "provider"
_JOB: Final = "jobId"
_ALL: Final = f"/integrations/{{{PROVIDER}}}/jobs"
_ONE: Final = f"{_ALL}/{{{_JOB}}}"
_ANY_REASON: Final = "business_cancellation"
_OURS: Final = {409: f"{CONFLICT[409]}; details.reason is not_our_job, final_status"}


@dataclass(frozen=True, slots=True)
class JobsApi:
    """The handlers, with what they need."""

    jobs: Jobs
    settled: SettledChanges

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [*self._making(), *self._changing()]

    def _making(self) -> list[AnyOperation]:
        return [
            Operation(
                "GET",
                _ALL,
                "List a platform's jobs",
                TAG,
                Role.VIEWER,
                ListJobs,
                self.page,
                answers.JobList,
            ),
            Operation(
                "POST",
                _ALL,
                "Book an appointment that is a job there",
                TAG,
                Role.OPERATOR,
                CreateJob,
                self.create,
                answers.CreatedJob,
                source=Source.BODY,
                mode=Mode.OWN,
                errors=CONFLICT,
            ),
        ]

    def _changing(self) -> list[AnyOperation]:
        return [
            Operation(
                "PUT",
                _ONE,
                "Change, move or reassign a job",
                TAG,
                Role.OPERATOR,
                UpdateJob,
                self.update,
                answers.UpdatedJob,
                source=Source.BODY,
                then=self.updated,
                errors=_OURS,
            ),
            Operation(
                "DELETE",
                _ONE,
                "Cancel a job and free its time",
                TAG,
                Role.OPERATOR,
                CancelJob,
                self.cancel,
                answers.CancelledJob,
                source=Source.BODY_OR_QUERY,
                then=self.cancelled,
                errors=_OURS,
            ),
        ]

    async def page(self, call: Call, inputs: ListJobs) -> Data:
        """Return a page of jobs."""
        wanted = JobsWanted(
            Days(inputs.start_date, inputs.end_date, inputs.timezone),
            None if inputs.status is None else VisitStatus(inputs.status),
            Page(inputs.page, inputs.limit),
        )
        found, total = await self.jobs.page(call.unit, call.path[PROVIDER], wanted)
        return answers.listed(found, total, wanted.page)

    async def create(self, call: Call, inputs: CreateJob) -> Answer:
        """Book, and have the job made."""
        request = _booking(call, inputs)
        return await self.jobs.book(
            call.tenant_id, call.path[PROVIDER], request, call.now
        )

    async def update(self, call: Call, inputs: UpdateJob) -> JobChanged:
        """Change, move or reassign a job."""
        target = _target(call, inputs.visit_id)
        return await self.jobs.revise(call.unit, target, _revision(inputs))

    async def updated(self, call: Call, done: JobChanged) -> Data:
        """Settle a change and answer."""
        outcome = await self.settled.settle(done.changed, call.actor, call.now)
        return answers.updated(done, outcome)

    async def cancel(self, call: Call, inputs: CancelJob) -> JobChanged:
        """Cancel a job."""
        target = _target(call, inputs.visit_id)
        # What is no word of ours may name people: notes are kept encrypted.
        reason = inputs.reason if inputs.reason in REASONS else _ANY_REASON
        cancellation = Cancellation(reason, inputs.notify_customer, inputs.reason)
        return await self.jobs.cancel(call.unit, target, cancellation)

    async def cancelled(self, call: Call, done: JobChanged) -> Data:
        """Settle a cancellation and answer."""
        outcome = await self.settled.settle(done.changed, call.actor, call.now)
        return answers.cancelled(done, outcome)


def _target(call: Call, visit_id: str | None) -> JobTarget:
    return JobTarget(call.path[PROVIDER], call.foreign_id(_JOB), visit_id)


def _booking(call: Call, inputs: CreateJob) -> BookingRequest:
    request = booking_of(call, SOURCE, inputs, inputs.job_data, _patch(inputs))
    return replace(request, technician_id=inputs.technician_id)


def _revision(inputs: UpdateJob) -> Revision:
    revision = revision_of(inputs, inputs.job_data, _patch(inputs))
    named = inputs.technician_id
    return replace(revision, technician_id=named, section="jobData")


def _patch(inputs: CreateJob | UpdateJob) -> Patch:
    data = inputs.job_data
    return Patch(partial(person_with, data), partial(details_with, inputs, data))
