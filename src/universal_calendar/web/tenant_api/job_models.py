"""Jobs of field-service platforms on the wire: what is sent."""

from dataclasses import replace
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from universal_calendar.core.appointment import NORMAL
from universal_calendar.services.ports.appointments import AppointmentDetails, Person
from universal_calendar.web.tenant_api.appointment_models import (
    Cost,
    Reason,
    ends_after_start,
    section_of,
    sent_of,
)
from universal_calendar.web.tenant_api.fields import (
    KEPT,
    VISIBLE_PATTERN,
    Day,
    Email,
    Id,
    Inputs,
    Moment,
    Name,
    PageLimit,
    PageNumber,
    Phone,
    QueryFlag,
    Text,
    Token,
    Zone,
)

JobStatus = Literal["scheduled", "in_progress", "completed", "cancelled"]
REASONS: Final = get_args(Reason)
_LONGEST_REASON: Final = 2000
_LONGEST_ADDRESS: Final = 1000

Address = Annotated[Text, Field(max_length=_LONGEST_ADDRESS)]


def _reason(text: str, info: ValidationInfo) -> str:
    if not text.strip():
        raise PydanticCustomError("value_error", "use at least one visible character")
    if text not in REASONS and "reason" in (info.context or ()):
        mend = f"send it in the body, for addresses are logged; or {', '.join(REASONS)}"
        raise PydanticCustomError("value_error", mend)
    return text


Why = Annotated[
    Text,
    Field(min_length=1, max_length=_LONGEST_REASON),
    AfterValidator(_reason),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": _LONGEST_REASON,
            "pattern": VISIBLE_PATTERN,
            "examples": list(REASONS),
            "description": "Any text in a body; in a query one of the examples.",
        }
    ),
]


class JobCustomerPatch(Inputs):
    """What is to change of whom the job is for."""

    name: Annotated[Name | None, KEPT] = None
    phone: Phone | None = None
    email: Email | None = None
    address: Address | None = None


class JobCustomer(JobCustomerPatch):
    """Whom the job is for, and where; found there by phone, then by e-mail."""

    name: Name


class _JobText(Inputs):
    description: Text | None = None
    job_type: Token | None = None
    urgency: Token | None = None
    estimated_value: Cost = None
    notes: Text | None = None


class JobData(_JobText):
    """The job: one visit, which ends at most 31 days after its start.

    Urgency "emergency" passes soft blocks and notice.
    """

    title: Name
    start_time: Moment
    end_time: Annotated[
        Moment, Field(json_schema_extra={"examples": ["2026-12-05T16:30:00Z"]})
    ]
    customer: JobCustomer

    _ends_after_start = field_validator("end_time")(ends_after_start)


class JobDataPatch(_JobText):
    """What of it is to change: a start alone keeps the length, null clears."""

    title: Annotated[Name | None, KEPT] = None
    start_time: Annotated[Moment | None, KEPT] = None
    end_time: Annotated[Moment | None, KEPT] = None
    customer: Annotated[JobCustomerPatch | None, KEPT] = None


class _Job(Inputs):
    tenant_id: Id | None = None
    lead_id: Token | None = None
    conversation_id: Token | None = None
    technician_id: Annotated[
        Token | None, Field(description="The platform's; else agentId says who.")
    ] = None
    hold_id: Id | None = None
    force: Annotated[
        bool, Field(description="Pass window, limit, grid, hours and buffers.")
    ] = False


class CreateJob(_Job):
    """A job for a technician, an agent, or whoever is free."""

    job_data: JobData
    agent_id: Id | None = None


class UpdateJob(_Job):
    """A merge patch: what is left out stays, null clears."""

    job_data: Annotated[JobDataPatch, KEPT] = Field(default_factory=JobDataPatch)
    agent_id: Annotated[Id | None, KEPT] = None
    visit_id: Annotated[
        Token | None, Field(description="Required for a job of several visits.")
    ] = None


class CancelJob(Inputs):
    """Why, and whether the customer is told."""

    tenant_id: Id | None = None
    reason: Why
    visit_id: Token | None = None
    notify_customer: QueryFlag = True


class ListJobs(Inputs):
    """Which jobs: visits that start on these local days, both included."""

    tenant_id: Id | None = None
    start_date: Day
    end_date: Day
    timezone: Zone | None = None
    status: JobStatus | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


_TEXT: Final = {"title": "title", "description": "description", "notes": "notes"}
_CUSTOMER: Final = {
    "name": "name",
    "phone": "phone",
    "email": "email",
    "address": "address",
}
_DETAILS: Final = {
    "job_type": "job_type",
    "urgency": "urgency",
    "estimated_value": "estimated_cost",
}
_IDS: Final = {"lead_id": "lead_id", "conversation_id": "conversation_id"}


def person_with(data: JobData | JobDataPatch, person: Person) -> Person:
    """Return the person with what was sent of them."""
    customer = section_of(data, "customer", _CUSTOMER)
    return replace(person, **sent_of(data, _TEXT), **customer)


def details_with(
    ids: CreateJob | UpdateJob,
    data: JobData | JobDataPatch,
    details: AppointmentDetails,
) -> AppointmentDetails:
    """Return the details with what was sent of them."""
    sent: dict[str, Any] = sent_of(data, _DETAILS)
    if "urgency" in sent and sent["urgency"] is None:
        sent["urgency"] = NORMAL
    return replace(details, **sent_of(ids, _IDS), **sent)
