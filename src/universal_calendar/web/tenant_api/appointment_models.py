"""Appointments on the wire: what is sent, and what is answered."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from universal_calendar.core.appointment import NORMAL
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.appointment_changes import check_length
from universal_calendar.services.ports.appointments import AppointmentDetails, Person
from universal_calendar.web.tenant_api.fields import (
    KEPT,
    AnyPhone,
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

MOST_COST: Final = Decimal("99999999.99")
LONGEST_MINUTES: Final = 31 * 24 * 60

Status = Literal[
    "pending", "confirmed", "in_progress", "completed", "cancelled", "no_show"
]
Provider = Literal["google", "microsoft", "apple", "jobber", "housecallpro", "fake"]
Reason = Literal["customer_cancellation", "business_cancellation", "rescheduling"]


def _cost(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        cost = Decimal(str(value))
        if cost.is_finite() and 0 <= cost <= MOST_COST and cost == round(cost, 2):
            return cost
    if value is None:
        return None
    mend = "use an amount from 0 to 99999999.99 with at most two decimals"
    raise PydanticCustomError("value_error", mend)


Cost = Annotated[
    Decimal | None,
    BeforeValidator(_cost),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": float(MOST_COST)},
                {"type": "null"},
            ],
            "description": "At most two decimals.",
        }
    ),
]


def ends_after_start(end: Instant, info: ValidationInfo) -> Instant:
    """Return the end of what has a `start_time`; refuse one that is not after it."""
    start = info.data.get("start_time")
    try:
        if start is not None:
            check_length(start, end)
    except InvalidField as error:
        raise PydanticCustomError("value_error", error.mend) from None
    return end


class Location(Inputs):
    """Where the appointment is."""

    address: Annotated[Text, Field(max_length=1000)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = (
        None
    )


class CustomerInfo(Inputs):
    """Whom the appointment is with."""

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None


class ServiceDetails(Inputs):
    """What is to be done; urgency "emergency" passes soft blocks and notice."""

    job_type: Token | None = None
    urgency: Token | None = None
    estimated_duration: (
        Annotated[int, Field(ge=0, le=LONGEST_MINUTES, description="Minutes.")] | None
    ) = None
    estimated_cost: Cost = None


class _AppointmentText(Inputs):
    description: Text | None = None
    location: Location | None = None
    customer_info: CustomerInfo | None = None
    service_details: ServiceDetails | None = None


class AppointmentData(_AppointmentText):
    """The appointment itself; it ends at most 31 days after its start."""

    start_time: Moment
    end_time: Moment
    title: Name

    _ends_after_start = field_validator("end_time")(ends_after_start)


class AppointmentDataPatch(_AppointmentText):
    """What of it is to change: a start alone keeps the length, null clears."""

    start_time: Annotated[Moment | None, KEPT] = None
    end_time: Annotated[Moment | None, KEPT] = None
    title: Annotated[Name | None, KEPT] = None


class _AppointmentIds(Inputs):
    tenant_id: Id | None = None
    customer_id: Token | None = None
    lead_id: Token | None = None
    conversation_id: Token | None = None
    external_reference_id: Token | None = None


class CreateAppointment(_AppointmentIds):
    """A wish for a time, with an agent or with whoever is free."""

    appointment_data: AppointmentData
    agent_id: Id | None = None
    provider: Annotated[
        Provider | None, Field(description="Write the event there instead.")
    ] = None
    hold_id: Id | None = None
    status: Literal["pending", "confirmed"] = "confirmed"
    force: Annotated[
        bool, Field(description="Pass window, limit, grid, hours and buffers.")
    ] = False


class UpdateAppointment(_AppointmentIds):
    """A merge patch: what is left out stays, null clears."""

    appointment_data: Annotated[AppointmentDataPatch, KEPT] = Field(
        default_factory=AppointmentDataPatch
    )
    agent_id: Annotated[Id | None, KEPT] = None
    hold_id: Id | None = None
    status: Annotated[
        Status | None, Field(description="Only as it is: steps have their own routes.")
    ] = None
    force: bool = False


class CancelAppointment(Inputs):
    """Why, and whether the customer is told; notes belong into a body."""

    body_only = frozenset({"cancellationNotes"})

    tenant_id: Id | None = None
    reason: Reason = "business_cancellation"
    notify_customer: QueryFlag = True
    cancellation_notes: Annotated[Text, Field(max_length=2000)] | None = None


class ListAppointments(Inputs):
    """Which appointments: those that start on these local days, both included."""

    tenant_id: Id | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    timezone: Zone | None = None
    status: Status | None = None
    agent_id: Id | None = None
    external_reference_id: Token | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class SearchAppointments(Inputs):
    """Whose appointments: both must fit where both are given."""

    tenant_id: Id | None = None
    phone: AnyPhone | None = None
    email: Email | None = None
    page: Annotated[int, Field(ge=1, le=999_999)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 20


_PLACE: Final = {
    "address": "address",
    "latitude": "latitude",
    "longitude": "longitude",
}
_CUSTOMER: Final = {"name": "name", "phone": "phone", "email": "email"}
_SERVICE: Final = {
    "job_type": "job_type",
    "urgency": "urgency",
    "estimated_duration": "estimated_minutes",
    "estimated_cost": "estimated_cost",
}
_TEXT: Final = {"title": "title", "description": "description"}
_IDS: Final = {
    "customer_id": "customer_id",
    "lead_id": "lead_id",
    "conversation_id": "conversation_id",
    "external_reference_id": "external_reference_id",
}


def person_with(data: _AppointmentText, person: Person) -> Person:
    """Return the person with what was sent of them."""
    return replace(
        person,
        **sent_of(data, _TEXT),
        **section_of(data, "location", _PLACE),
        **section_of(data, "customer_info", _CUSTOMER),
    )


def details_with(
    ids: _AppointmentIds, data: _AppointmentText, details: AppointmentDetails
) -> AppointmentDetails:
    """Return the details with what was sent of them."""
    service = section_of(data, "service_details", _SERVICE)
    if "urgency" in service and service["urgency"] is None:
        service["urgency"] = NORMAL
    return replace(details, **sent_of(ids, _IDS), **service)


def section_of(
    data: BaseModel, section: str, names: Mapping[str, str]
) -> dict[str, Any]:
    """Return what was sent of a section by our own names; null clears all of it."""
    if section not in data.model_fields_set:
        return {}
    sent = getattr(data, section)
    if sent is None:
        return dict.fromkeys(names.values())
    return sent_of(sent, names)


def sent_of(model: BaseModel, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what was sent, null included, by our own names."""
    return {
        ours: getattr(model, name)
        for name, ours in names.items()
        if name in model.model_fields_set
    }
