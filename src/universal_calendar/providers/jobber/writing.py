"""Appointments as jobs with one visit: made, moved, given to others, cancelled.

Every step of making one looks for what an earlier attempt made: the client, the
property, the job by its mark, the visit by its own. A change is one request, so that it
is done wholly or not at all.
"""

from collections.abc import Iterable
from typing import Final

from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    Rejected,
)
from universal_calendar.providers._addresses import UNKNOWN
from universal_calendar.providers._fingerprint import Finding, compare
from universal_calendar.providers._json import Json, id_of
from universal_calendar.providers.jobber import drafts, marks
from universal_calendar.providers.jobber.api import Ask
from universal_calendar.providers.jobber.customers import Customers
from universal_calendar.providers.jobber.documents import (
    CANCEL_VISIT,
    CHANGE_VISIT,
    CLIENT_WORK,
    JOB_VISITS,
    MAKE_JOB,
    MAKE_VISIT,
    NEWEST_JOBS,
    VISIT,
    VISIT_JOB,
)
from universal_calendar.providers.jobber.drafts import Wanted
from universal_calendar.providers.jobber.mapping import written_event
from universal_calendar.services.ports.calendars import EventDraft, WrittenEvent
from universal_calendar.services.ports.visits import Customer

_JOBS_A_PAGE: Final = 100
_MOST_PAGES: Final = 10
_MOST_VISITS: Final = 25


class Visits:
    """The visits of one account, for one call."""

    def __init__(self, ask: Ask) -> None:
        """Take what asks Jobber."""
        self._ask, self._customers = ask, Customers(ask)

    async def put(self, draft: EventDraft, known: WrittenEvent | None) -> WrittenEvent:
        """Make the job of an appointment, or change its visit."""
        if draft.visit is None:
            raise Rejected
        if known is None:
            return await self._find_or_make(draft, draft.visit.customer)
        visit = await self._visit(known.event_id)
        if visit is None:
            raise EventGone(known.event_id)
        return await self._agree(visit, draft, known)

    async def _visit(self, visit_id: str) -> Json | None:
        found = (await self._ask(VISIT, id=visit_id))["visit"]
        return None if found is None else dict(found)

    # Making

    async def _find_or_make(
        self, draft: EventDraft, customer: Customer
    ) -> WrittenEvent:
        found = await self._customers.find(customer, draft.interval.start)
        job, client = _first_of(draft, found.jobs), found.client
        if job is None and client is not None:
            job, client = await self._work_of(client, draft)
        if job is None and not draft.is_first:
            job = await self._newest_job(draft)
        if job is not None:
            return await self._resume(id_of(job), draft)
        if client is None:
            client = await self._customers.make(customer, draft.location or UNKNOWN)
        place = await self._customers.property_id(client, draft.location)
        return await self._make(place, draft)

    async def _work_of(
        self, client: Json, draft: EventDraft
    ) -> tuple[Json | None, Json]:
        """Return the draft's job, if the client has it, and the client's properties."""
        after: str | None = None
        for _ in range(1 if draft.is_first else _MOST_PAGES):
            data = await self._ask(
                CLIENT_WORK, id=id_of(client), first=_JOBS_A_PAGE, after=after
            )
            work = {**client, **data["client"]}
            jobs = work["jobs"]
            job = _first_of(draft, jobs["nodes"])
            after = jobs["pageInfo"]["endCursor"]
            if job is not None or not jobs["pageInfo"]["hasNextPage"]:
                break
        return job, work

    async def _newest_job(self, draft: EventDraft) -> Json | None:
        """Return the draft's job, whoever its client was when it was made."""
        data = await self._ask(NEWEST_JOBS, first=_JOBS_A_PAGE)
        # The oldest, should somebody have copied it.
        return _first_of(draft, reversed(data["jobs"]["nodes"]))

    async def _make(self, property_id: str, draft: EventDraft) -> WrittenEvent:
        body = drafts.new_job(draft, property_id)
        job = (await self._ask(MAKE_JOB, input=body))["jobCreate"]["job"]
        came_with_it = job["visits"]["nodes"]
        if came_with_it:
            return await self._write(came_with_it[0], draft)
        return await self._make_visit(id_of(job), draft)

    async def _make_visit(self, job_id: str, draft: EventDraft) -> WrittenEvent:
        wish = drafts.wanted(draft, job_id, None)
        data = await self._ask(MAKE_VISIT, id=job_id, visit=drafts.new_visit(wish))
        visit = data["visitCreate"]["createdVisits"][0]
        if drafts.is_moved(visit, wish) or drafts.is_reassigned(visit, wish):
            return await self._write(visit, draft)
        return written_event(visit, draft.timezone)

    async def _resume(self, job_id: str, draft: EventDraft) -> WrittenEvent:
        """Go on with a job that an earlier attempt made."""
        data = await self._ask(JOB_VISITS, id=job_id, first=_MOST_VISITS)
        visits = data["job"]["visits"]["nodes"]
        ours = str(draft.appointment_id)
        for each in visits:
            if marks.read_mark(each).get("appointmentId") == ours:
                return await self._agree(each, draft, None)
        for each in visits:
            if marks.is_blank(each):
                return await self._write(each, draft)
        if data["job"]["jobStatus"] == "archived":
            raise EventGone
        return await self._make_visit(job_id, draft)

    # Changing

    async def _agree(
        self, visit: Json, draft: EventDraft, known: WrittenEvent | None
    ) -> WrittenEvent:
        """Make a visit as drafted, unless it is so already or others wrote to it."""
        wish = drafts.wanted(draft, id_of(visit["job"]), visit)
        seen, etag = marks.seen_of(visit), marks.etag_of(visit)
        finding = compare(marks.read_mark(visit), seen, wish.mark)
        if finding is Finding.AS_DRAFTED:
            return written_event(visit, draft.timezone)
        is_as_known = known is not None and known.etag in (None, etag)
        if finding is Finding.CHANGED and not is_as_known:
            raise EventChanged(id_of(visit))
        return await self._write(visit, draft)

    async def _write(self, visit: Json, draft: EventDraft) -> WrittenEvent:
        visit_id = id_of(visit)
        wish = drafts.wanted(draft, id_of(visit["job"]), visit)
        try:
            found = await self._change(visit, wish)
        except Rejected:
            if await self._visit(visit_id) is None:
                raise EventGone(visit_id) from None
            raise
        return written_event(found, draft.timezone)

    async def _change(self, visit: Json, wish: Wanted) -> Json:
        data = await self._ask(
            CHANGE_VISIT,
            id=id_of(visit),
            texts=wish.texts,
            schedule=wish.schedule,
            users=list(wish.users),
            moves=drafts.is_moved(visit, wish),
            reassigns=drafts.is_reassigned(visit, wish),
        )
        return dict(data["visitEdit"]["visit"])

    # Cancelling

    async def delete(self, visit_id: str, reason: str | None) -> None:
        """Note why, delete the visit, and close the job if that was its only one.

        Raises Rejected for a visit that was done: its record stays.
        """
        found = (await self._ask(VISIT_JOB, id=visit_id))["visit"]
        if found is None:
            return
        if found["isComplete"]:
            raise Rejected
        job = found["job"]
        try:
            await self._ask(
                CANCEL_VISIT,
                id=visit_id,
                job=id_of(job),
                reason=reason or "",
                notes=bool(reason),
                closes=len(job["visits"]["nodes"]) == 1,
            )
        except Rejected:
            if await self._visit(visit_id) is not None:
                raise


def _first_of(draft: EventDraft, jobs: Iterable[Json]) -> Json | None:
    return next((each for each in jobs if marks.is_job_of(draft, each)), None)
