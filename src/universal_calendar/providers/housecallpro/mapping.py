"""Jobs as visits, and appointments as jobs; no I/O.

A job's first visit has the job's own id as its event and visit id, every further one
`job/appointment`: Housecall Pro may give a job's only appointment another id when it is
moved, but never the job.

Ours are known by a line in the notes of the job: that is what lists tell too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from hashlib import sha256
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import HOUR, from_datetime, instant_text
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.providers._json import Json, id_of, text_of
from universal_calendar.providers.housecallpro import recurrence
from universal_calendar.providers.housecallpro.people import customer_of, ids_of
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    EventDraft,
    ProviderAccount,
    ProviderCalendar,
    WrittenEvent,
)
from universal_calendar.services.ports.visits import NOBODY, Visit, VisitStatus

SCHEDULE: Final = "schedule"
_STATUSES: Final[Mapping[str, VisitStatus]] = {
    "needs scheduling": VisitStatus.CANCELLED,
    "scheduled": VisitStatus.SCHEDULED,
    "in progress": VisitStatus.IN_PROGRESS,
    "complete rated": VisitStatus.COMPLETED,
    "complete unrated": VisitStatus.COMPLETED,
    "user canceled": VisitStatus.CANCELLED,
    "pro canceled": VisitStatus.CANCELLED,
}
_MARK: Final = re.compile(
    r"^Universal Calendar ref ([0-9a-f]{32})\.([0-9a-f]{32})\.([0-9a-v]{5,64})"
    r"\.([0-9a-f]{32})$",
    re.MULTILINE,
)
_CENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Mark:
    """Says in a job's notes which appointment it is, and how it was made."""

    tenant_id: UUID
    appointment_id: UUID
    event_key: str
    etag: str

    @classmethod
    def of(cls, draft: EventDraft) -> "Mark":
        """Return the mark of a job that is made as drafted."""
        made = etag(draft.interval, employees_for(draft, ()))
        return cls(draft.tenant_id, draft.appointment_id, draft.event_key, made)

    @property
    def ref(self) -> str:
        """Return what stays the same however the appointment changes."""
        ids = f"{self.tenant_id.hex}.{self.appointment_id.hex}.{self.event_key}"
        return f"Universal Calendar ref {ids}"

    @property
    def text(self) -> str:
        """Return the line that people see."""
        return f"{self.ref}.{self.etag}"

    def is_of(self, draft: EventDraft) -> bool:
        """Tell whether it is the job of this draft."""
        return self.ref == Mark.of(draft).ref


def account_of(company: Json) -> ProviderAccount:
    """Return a company with its one calendar."""
    zone = _zone(company.get("time_zone"))
    schedule = ProviderCalendar(
        SCHEDULE,
        str(company["name"]),
        is_primary=True,
        is_writable=True,
        is_schedule=True,
    )
    return ProviderAccount(id_of(company), [schedule], zone.key if zone else None)


def visits_of(job: Json) -> Sequence[Visit]:
    """Return a job's visits by time; one without time if it has none."""
    appointments = appointments_of(job)
    if len(appointments) < 2:
        return [_visit(job, "", _job_span(job), ids_of(job.get("assigned_employees")))]
    return [
        _visit(
            job,
            id_of(each) if number else "",
            _span(each.get("start_time"), each.get("end_time")),
            tuple(map(str, each.get("dispatched_employees_ids") or ())),
        )
        for number, each in enumerate(appointments)
    ]


def appointments_of(job: Json) -> list[Json]:
    """Return a job's appointments by time; those of no certain time come last."""
    found = (job.get("schedule") or {}).get("appointments") or []
    return sorted(
        found, key=lambda each: (str(each.get("start_time") or "~"), id_of(each))
    )


def _job_span(job: Json) -> Interval | None:
    if any(each.get("anytime") for each in appointments_of(job)):
        return None
    schedule = job.get("schedule") or {}
    return _span(schedule.get("scheduled_start"), schedule.get("scheduled_end"))


def _visit(
    job: Json, appointment_id: str, interval: Interval | None, employees: Sequence[str]
) -> Visit:
    job_id, customer = id_of(job), job.get("customer") or {}
    job_type = ((job.get("job_fields") or {}).get("job_type") or {}).get("name")
    cents = job.get("total_amount")
    return Visit(
        job_id=job_id,
        visit_id=f"{job_id}/{appointment_id}" if appointment_id else job_id,
        status=_STATUSES.get(str(job["work_status"]), VisitStatus.SCHEDULED),
        technicians=tuple(sorted(employees)) or (NOBODY,),
        interval=interval,
        title=text_of(job.get("description")) or "",
        customer_id=text_of(customer.get("id")),
        customer=customer_of(customer, job.get("address")),
        job_type=text_of(job_type),
        value=None if cents is None else Decimal(int(cents)) / _CENTS,
    )


def is_standing(visit: Visit) -> bool:
    """Tell whether a visit takes somebody's time, or did."""
    return visit.interval is not None and visit.status is not VisitStatus.CANCELLED


def written_event(visit: Visit) -> WrittenEvent:
    """Return a visit as an event that was written."""
    return WrittenEvent(visit.visit_id, etag_of(visit), visit)


def etag_of(visit: Visit) -> str:
    """Return what changes with what we write to a schedule: its time and for whom."""
    return etag(visit.interval, visit.technicians)


def etag(interval: Interval | None, technicians: Sequence[str]) -> str:
    """Return the same of what is to be written."""
    edges = "" if interval is None else f"{interval.start}-{interval.end}"
    seen = ",".join([edges, *sorted(each for each in technicians if each != NOBODY)])
    return sha256(seen.encode()).hexdigest()[:32]


def marks_of(job: Json) -> Iterator[Mark]:
    """Tell whose appointment the notes of a job say that it is."""
    for note in job.get("notes") or ():
        for found in _MARK.finditer(str(note.get("content") or "")):
            tenant, appointment, key, made = found.groups()
            yield Mark(UUID(tenant), UUID(appointment), key, made)


def changed_events(
    job: Json, window: Interval, tenant_id: UUID
) -> Iterator[ChangedEvent]:
    """Tell of a job's visits; of others' only those that lie in the window."""
    marks = (each for each in marks_of(job) if each.tenant_id == tenant_id)
    own = next((each.appointment_id for each in marks), None)
    for number, visit in enumerate(visits_of(job)):
        appointment_id = None if number else own
        interval = visit.interval
        is_near = interval is None or interval.overlaps(window)
        if is_near or appointment_id is not None:
            yield _changed_event(visit, appointment_id)


def _changed_event(visit: Visit, appointment_id: UUID | None) -> ChangedEvent:
    is_there = is_standing(visit)
    return ChangedEvent(
        visit.visit_id,
        etag_of(visit),
        is_deleted=not is_there,
        is_all_day=False,
        busy=BusyType.BUSY if is_there else None,
        intervals=(visit.interval,) if is_there and visit.interval else (),
        appointment_id=appointment_id,
        technicians=visit.technicians,
        visit=visit,
    )


def event_times(event: Json, window: Interval) -> Iterator[ChangedEvent]:
    """Tell of an event that is no job, if it takes time in the window."""
    schedule = event.get("schedule") or {}
    zone = _zone(schedule.get("time_zone")) or ZoneInfo("UTC")
    first = _event_span(event, schedule, zone)
    if first is None:
        return
    times = _event_times(event, first, zone, window)
    near = tuple(each for each in times if each.overlaps(window))
    if near:
        yield ChangedEvent(
            f"event/{event['id']}",
            None,
            is_deleted=False,
            is_all_day=bool(event.get("all_day")),
            busy=BusyType.BUSY,
            intervals=near,
            appointment_id=None,
            technicians=ids_of(event.get("assigned_employees")) or (NOBODY,),
        )


def _event_times(
    event: Json, first: Interval, zone: ZoneInfo, window: Interval
) -> Intervals:
    """Return the times of a series; the first alone where its rule cannot be read."""
    rule, is_all_day = event.get("recurrence_rule"), bool(event.get("all_day"))
    if not rule:
        return (first,)
    try:
        return recurrence.occurrences(first, rule, zone, window, is_all_day=is_all_day)
    except (ValueError, OverflowError):
        return (first,)


def _event_span(event: Json, schedule: Json, zone: ZoneInfo) -> Interval | None:
    start, end = schedule.get("start_time"), schedule.get("end_time")
    if not start:
        return None
    if event.get("all_day"):
        first = _moment(start, zone).astimezone(zone)
        last = _moment(end or start, zone).astimezone(zone)
        return recurrence.whole_days(first, last)
    return _span(start, end, zone)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _moment(text: str, zone: tzinfo) -> datetime:
    found = datetime.fromisoformat(text)
    # Some moments of the years 1 and 9999 are none of UTC.
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _span(start: str | None, end: str | None, zone: tzinfo = UTC) -> Interval | None:
    """Return an interval; what has no end, or one before its start, takes an hour."""
    if not start:
        return None
    first = from_datetime(_moment(start, zone))
    last = from_datetime(_moment(end, zone)) if end else first
    return Interval(first, last if last > first else first + HOUR)


# What is sent


def employees_for(draft: EventDraft, current: Sequence[str]) -> Sequence[str]:
    """Return who is to have a visit: who has it, if that is one who will do."""
    kept = [each for each in current if each != NOBODY]
    if draft.visit is None or set(kept) & set(draft.visit.technicians):
        return kept
    return draft.visit.technicians[:1]


def new_job(draft: EventDraft, customer_id: str, address_id: str) -> Json:
    """Return the body that makes a job with its one visit."""
    details = details_of(draft)
    notes = "\n\n".join(filter(None, (details, Mark.of(draft).text)))
    return {
        "customer_id": customer_id,
        "address_id": address_id,
        "schedule": {
            "scheduled_start": instant_text(draft.interval.start),
            "scheduled_end": instant_text(draft.interval.end),
        },
        "assigned_employee_ids": list(employees_for(draft, ())),
        "line_items": [line_item(draft)],
        "notes": notes,
    }


def line_item(draft: EventDraft) -> Json:
    """Return what is to be done, and for how much, where that is known."""
    value = draft.visit.value if draft.visit else None
    price = {} if value is None else {"unit_price": int(value * _CENTS)}
    return {"name": draft.title, **price}


def details_of(draft: EventDraft) -> str:
    """Return what the technician is to know."""
    visit = draft.visit
    told = {
        "Type": visit.job_type if visit else None,
        "Urgency": visit.urgency if visit else None,
        "Estimated value": visit.value if visit else None,
    }
    lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
    notes = visit.customer.notes if visit else None
    return "\n".join(filter(None, (draft.description, notes, *lines)))


def new_schedule(interval: Interval, employees: Sequence[str]) -> Json:
    """Return the body that moves a job; this service tells customers itself."""
    return {
        "start_time": instant_text(interval.start),
        "end_time": instant_text(interval.end),
        "notify": False,
        **new_dispatch(employees),
    }


def new_dispatch(employees: Sequence[str]) -> Json:
    """Return the body that gives a job to employees."""
    return {"dispatched_employees": [{"employee_id": each} for each in employees]}


def new_appointment(interval: Interval, employees: Sequence[str]) -> Json:
    """Return the body of an appointment of a job."""
    return {
        "start_time": instant_text(interval.start),
        "end_time": instant_text(interval.end),
        "dispatched_employees_ids": list(employees),
    }
