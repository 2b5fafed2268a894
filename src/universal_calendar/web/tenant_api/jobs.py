"""Jobs of field-service platforms in the tenant API."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from universal_calendar.core.appointment import authority_of
from universal_calendar.core.interval import Interval
from universal_calendar.core.wanted import ExactTime
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
from universal_calendar.services.ports.appointments import (
    AppointmentDetails,
    Page,
    Person,
)
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.visits import VisitStatus
from universal_calendar.web.tenant_api import job_answers as answers
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
_CONFLICT: Final = {
    409: "CONFLICT: details.reason, details.conflicts, details.alternatives;"
    " BUSINESS_HOURS_NOT_CONFIGURED"
}
_OURS: Final = {409: f"{_CONFLICT[409]}; details.reason is not_our_job, final_status"}


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
                errors=_CONFLICT,
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
        return await self.jobs.book(
            call.tenant_id,
            call.path[PROVIDER],
            _booking(call, inputs),
            inputs.technician_id,
            call.now,
        )

    async def update(self, call: Call, inputs: UpdateJob) -> JobChanged:
        """Change, move or reassign a job."""
        target = _target(call, inputs.visit_id)
        revision = _revision(inputs)
        return await self.jobs.revise(call.unit, target, revision, inputs.technician_id)

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
    data = inputs.job_data
    details = details_with(inputs, data, AppointmentDetails())
    if call.replay is None:
        raise LookupError("only a POST books")
    return BookingRequest(
        inputs.agent_id,
        ExactTime(Interval(data.start_time, data.end_time)),
        person_with(data, Person(data.title)),
        call.replay,
        SOURCE,
        call.actor,
        details,
        authority_of(details.urgency, is_forced=inputs.force),
        hold_id=inputs.hold_id,
    )


def _revision(inputs: UpdateJob) -> Revision:
    data = inputs.job_data
    return Revision(
        inputs.agent_id,
        data.start_time,
        data.end_time,
        partial(person_with, data),
        partial(details_with, inputs, data),
        is_forced=inputs.force,
        hold_id=inputs.hold_id,
        section="jobData",
    )
