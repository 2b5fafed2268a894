"""Appointments as jobs: made, moved, given to others, taken off the schedule.

Every step looks for what an earlier attempt made. A job's time and technicians are
changed in one request; which endpoint takes it depends on the kind of the key, and what
worked for a connection is tried first the next time.
"""

from collections import OrderedDict
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    NotAuthorized,
    Rejected,
)
from universal_calendar.providers._addresses import parse_address
from universal_calendar.providers._http import json_of
from universal_calendar.providers._json import Json, id_of
from universal_calendar.providers.housecallpro import mapping
from universal_calendar.providers.housecallpro.api import Ask, Question, path_of
from universal_calendar.providers.housecallpro.customers import (
    NEWEST,
    Customers,
    entries,
    newest,
)
from universal_calendar.providers.housecallpro.mapping import Mark
from universal_calendar.providers.housecallpro.people import address_of
from universal_calendar.services.ports.calendars import EventDraft, WrittenEvent
from universal_calendar.services.ports.visits import Customer, Visit

_MOST_REMEMBERED: Final = 10_000
_GONE: Final = (404, 410)
_REFUSED: Final = (401, 403)
_EXPAND: Final = ("expand[]", "appointments")


@dataclass(frozen=True, slots=True)
class Written:
    """What we last wrote, or tried to, of an event."""

    sequence: int
    etag: str


@dataclass(slots=True)
class Memory:
    """What this process knows of a connection beside what is there; it may be lost."""

    written: OrderedDict[tuple[UUID, str], Written] = field(default_factory=OrderedDict)
    """What an answer that was lost would have told, by connection and event."""
    by_appointment: set[UUID] = field(default_factory=set)
    """Connections whose key may touch appointments, but no schedule."""

    def note(self, connection_id: UUID, event_id: str, written: Written) -> None:
        """Remember what is being written."""
        self.written[connection_id, event_id] = written
        self.written.move_to_end((connection_id, event_id))
        while len(self.written) > _MOST_REMEMBERED:
            self.written.popitem(last=False)


class Jobs:
    """The jobs of one company, for one call."""

    def __init__(self, ask: Ask, connection_id: UUID, memory: Memory) -> None:
        """Take what asks, and what is remembered of the connection."""
        self._ask, self._connection_id, self._memory = ask, connection_id, memory
        self._customers = Customers(ask)

    async def put(self, draft: EventDraft, known: WrittenEvent | None) -> WrittenEvent:
        """Make the job of an appointment, or change its visit."""
        if known is not None:
            return await self._change(draft, known.event_id, known)
        # Its notes are about the job, not about whoever wants it done.
        person = (
            replace(draft.visit.customer, notes=None) if draft.visit else Customer()
        )
        ref = Mark.of(draft).ref
        customer = await self._customers.find(person, ref)
        job_id = await self._made_before(customer, draft)
        if job_id is not None:
            return await self._change(draft, job_id, None)
        if customer is None and not draft.is_first:
            customer = await self._customers.newest(ref)
        if customer is None:
            customer = await self._customers.make(person, draft.title, ref)
        return await self._make(draft, customer)

    async def _made_before(
        self, customer: Json | None, draft: EventDraft
    ) -> str | None:
        """Return the job that an earlier attempt made, whoever it was made for."""
        found = None
        if customer is not None:
            found = await _marked(self._jobs_of(customer, draft), draft)
        if found is None and not draft.is_first:
            # They may have become somebody else since.
            found = await _marked(newest(self._ask, "jobs"), draft)
        return found

    def _jobs_of(self, customer: Json, draft: EventDraft) -> AsyncIterable[Json]:
        """Tell of a customer's jobs; where nobody made one before, of the newest."""
        whose = ("customer_id", id_of(customer))
        if draft.is_first:
            return newest(self._ask, "jobs", whose)
        return entries(self._ask, Question("GET", "/jobs", (whose, *NEWEST)), "jobs")

    async def _make(self, draft: EventDraft, customer: Json) -> WrittenEvent:
        address_id = await self._customers.address_id(customer, draft.location)
        body = mapping.new_job(draft, id_of(customer), address_id)
        job = json_of(await self._ask(Question("POST", "/jobs", body=body)))
        return self._noted(draft, mapping.visits_of(job)[0])

    async def _change(
        self, draft: EventDraft, event_id: str, known: WrittenEvent | None
    ) -> WrittenEvent:
        job = await self._job(event_id)
        visit = _visit_of(job, event_id)
        if visit is None or not mapping.is_standing(visit):
            raise EventGone(event_id)
        employees = mapping.employees_for(draft, visit.technicians)
        target = mapping.etag(draft.interval, employees)
        current = mapping.etag_of(visit)
        if self._is_outdated(draft, event_id, current):
            return mapping.written_event(visit)
        if current != target:
            self._check_ours(job, draft, known, visit)
        self._memory.note(
            self._connection_id, event_id, Written(draft.sequence, target)
        )
        if current != target:
            await self._schedule(job, visit, draft.interval, employees)
        is_told = await self._tell(job, draft)
        if is_told or current != target:
            job = await self._job(event_id)
        return self._noted(draft, _visit_of(job, event_id) or visit)

    def _is_outdated(self, draft: EventDraft, event_id: str, current: str) -> bool:
        """Tell whether a later draft was written already, and still stands."""
        written = self._memory.written.get((self._connection_id, event_id))
        return (
            written is not None
            and written.etag == current
            and written.sequence > draft.sequence
        )

    def _check_ours(
        self, job: Json, draft: EventDraft, known: WrittenEvent | None, visit: Visit
    ) -> None:
        """Raise EventChanged unless the visit is as we left it, or may be anything."""
        if known is not None and known.etag is None:
            return
        written = self._memory.written.get((self._connection_id, visit.visit_id))
        ours = {written.etag} if written else set()
        if known is not None:
            ours |= {str(known.etag)}
        else:
            ours |= {m.etag for m in mapping.marks_of(job) if m.is_of(draft)}
        if mapping.etag_of(visit) not in ours:
            raise EventChanged(visit.visit_id)

    def _noted(self, draft: EventDraft, visit: Visit) -> WrittenEvent:
        written = mapping.written_event(visit)
        self._memory.note(
            self._connection_id,
            written.event_id,
            Written(draft.sequence, mapping.etag_of(visit)),
        )
        return written

    async def _job(self, event_id: str) -> Json:
        """Return a visit's job; raise EventGone if it was deleted."""
        path = path_of("jobs", event_id.partition("/")[0])
        answer = await self._ask(Question("GET", path, (_EXPAND,), expected=_GONE))
        if answer.status in _GONE:
            raise EventGone(event_id)
        return json_of(answer)

    # Its time and its technicians

    async def _schedule(
        self, job: Json, visit: Visit, interval: Interval, employees: Sequence[str]
    ) -> None:
        if visit.interval == interval:
            what, body = "dispatch", mapping.new_dispatch(employees)
        else:
            what, body = "schedule", mapping.new_schedule(interval, employees)
        path = path_of("jobs", id_of(job), what)
        whole = Question("PUT", path, body=body, expected=_REFUSED)
        number = _appointment_id(job, visit)
        one = Question(
            "PUT" if number else "POST",
            path_of("jobs", id_of(job), "appointments", *filter(None, (number,))),
            body=mapping.new_appointment(interval, employees),
            expected=_REFUSED,
        )
        await self._allowed(whole, one, job)

    async def delete(self, event_id: str, reason: str | None) -> None:
        """Take a visit off the schedule, with the reason in a note of its job."""
        try:
            job = await self._job(event_id)
        except EventGone:
            return
        visit = _visit_of(job, event_id)
        if visit is None or not mapping.is_standing(visit):
            return
        if reason:
            await self._add_note(job, f"Cancelled: {reason}")
        path, expected = path_of("jobs", id_of(job), "schedule"), (*_REFUSED, *_GONE)
        whole, one = Question("DELETE", path, expected=expected), None
        if number := _appointment_id(job, visit):
            path = path_of("jobs", id_of(job), "appointments", number)
            one = Question("DELETE", path, expected=expected)
        await self._allowed(whole, one, job)

    async def _allowed(self, whole: Question, one: Question | None, job: Json) -> None:
        """Ask for the job as a whole, or for one appointment: what the key may.

        A job of several appointments can only be asked for one of them.
        """
        is_whole = len(mapping.appointments_of(job)) < 2
        ways = [(whole, False)] if is_whole else []
        ways += [(one, True)] if one else []
        if self._connection_id in self._memory.by_appointment:
            ways.reverse()
        statuses: set[int] = set()
        for question, is_one in ways:
            answer = await self._ask(question)
            if answer.status not in _REFUSED:
                self._remember(is_one=is_one, was_refused=bool(statuses))
                return
            statuses.add(answer.status)
        # A key that may not do this one thing is not one that was revoked.
        raise NotAuthorized if statuses == {401} else Rejected

    def _remember(self, *, is_one: bool, was_refused: bool) -> None:
        if not was_refused:
            return
        if is_one:
            self._memory.by_appointment.add(self._connection_id)
        else:
            self._memory.by_appointment.discard(self._connection_id)

    # What is to be done

    async def _tell(self, job: Json, draft: EventDraft) -> bool:
        """Make title and details those of the draft; tell if there was need."""
        is_named = await self._name(job, draft)
        details = [mapping.details_of(draft)]
        address = address_of(job.get("address"))
        if draft.location and not address.is_same(parse_address(draft.location)):
            # The address of a job cannot be changed.
            details.append(f"Address: {draft.location}")
        text = "\n".join(filter(None, details))
        return await self._add_note(job, text) or is_named

    async def _name(self, job: Json, draft: EventDraft) -> bool:
        """Name the job's first line item; its price may be its owner's by now."""
        if job.get("description") == draft.title:
            return False
        path = path_of("jobs", id_of(job), "line_items")
        items = json_of(await self._ask(Question("GET", path)))["data"]
        first = items[0] if items else {}
        if first.get("name") == draft.title:
            return False
        kept = {name: first[name] for name in ("id",) if name in first}
        item = {**kept, "name": draft.title}
        body = {"line_items": [item], "append_line_items": True}
        await self._ask(Question("PUT", f"{path}/bulk_update", body=body))
        return True

    async def _add_note(self, job: Json, text: str) -> bool:
        """Add a note, unless there is one that says so already."""
        notes = [str(each.get("content") or "") for each in job.get("notes") or ()]
        if not text or any(each.startswith(text) for each in notes):
            return False
        path = path_of("jobs", id_of(job), "notes")
        await self._ask(Question("POST", path, body={"content": text}))
        return True


async def _marked(jobs: AsyncIterable[Json], draft: EventDraft) -> str | None:
    async for job in jobs:
        if any(each.is_of(draft) for each in mapping.marks_of(job)):
            return id_of(job)
    return None


def _visit_of(job: Json, event_id: str) -> Visit | None:
    for each in mapping.visits_of(job):
        if each.visit_id == event_id:
            return each
    return None


def _appointment_id(job: Json, visit: Visit) -> str | None:
    """Return the id of a visit's appointment, None where it has none of its own."""
    _, _, number = visit.visit_id.partition("/")
    first = mapping.appointments_of(job)[:1]
    return number or (id_of(first[0]) if first else None)
