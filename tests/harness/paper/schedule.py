"""A platform on paper whose schedule is read: what it tells, what people do there."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from operator import itemgetter
from uuid import UUID

from typing_extensions import override

from tests.harness.paper.platform import PaperPlatform
from universal_calendar.core.busy import BusyType
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import ProviderError, SyncTokenStale
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    EventDraft,
    TakenTime,
    WrittenEvent,
)
from universal_calendar.services.ports.visits import (
    NOBODY,
    Customer,
    Technician,
    Visit,
    VisitStatus,
)

BEN, EVE = Technician("t-ben", "Ben"), Technician("t-eve", "Eve")
_CUSTOMER = Customer("Jane Roe", "+12125550123")


@dataclass
class PaperSchedule(PaperPlatform):
    """Tells of its visits page by page; `ours` are appointments by event id."""

    team: list[Technician] = field(default_factory=lambda: [BEN, EVE])
    ours: dict[str, UUID] = field(default_factory=dict)
    page_size: int = 100
    seconds_a_page: float = 0.0
    calls: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    failures: dict[str, deque[ProviderError | None]] = field(default_factory=dict)
    """What becomes of the next calls, by their names; None: nothing unusual."""

    def fails(self, call: str, *errors: ProviderError | None) -> None:
        """Have the next calls of this name end so."""
        self.failures[call] = deque(errors)

    def adds(self, *technicians: str, at: Interval | None, job: str = "") -> str:
        """Add a visit as somebody at the platform would; return its event's id."""
        event_id = f"foreign-{next(self.numbers):03}"
        self.visits[event_id] = Visit(
            job or f"job-{event_id}",
            event_id,
            VisitStatus.SCHEDULED,
            technicians or (NOBODY,),
            at,
            "Leak",
            "c-7",
            _CUSTOMER,
        )
        return event_id

    def moves(self, event_id: str, interval: Interval | None) -> None:
        """Give a visit another time, or none."""
        self.visits[event_id] = replace(self.visits[event_id], interval=interval)

    def completes(self, event_id: str) -> None:
        """Say that a visit is done."""
        visit = self.visits[event_id]
        self.visits[event_id] = replace(visit, status=VisitStatus.COMPLETED)

    def assigns(self, event_id: str, *technicians: str) -> None:
        """Assign a visit to others; nobody: to nobody."""
        visit = self.visits[event_id]
        self.visits[event_id] = replace(visit, technicians=technicians or (NOBODY,))

    def event_of(self, appointment_id: UUID) -> str:
        """Return the event that an appointment is."""
        (found,) = (key for key, each in self.ours.items() if each == appointment_id)
        return found

    @override
    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        self._begin("put")
        assert draft.visit is not None
        before = self.visits.get(f"v-{draft.event_key}")
        written = await super().put_event(
            access, calendar, draft, known, seconds=seconds
        )
        if before and not set(before.technicians).isdisjoint(draft.visit.technicians):
            self.assigns(written.event_id, *before.technicians)
        self.ours[written.event_id] = draft.appointment_id
        visit = self.visits[written.event_id]
        return WrittenEvent(written.event_id, _etag(visit), visit)

    @override
    async def technicians(
        self, access: Access, *, seconds: float
    ) -> Sequence[Technician]:
        self._begin("technicians")
        return list(self.team)

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        self._begin("changes")
        await asyncio.sleep(self.seconds_a_page)
        if query.sync_token is not None:
            raise SyncTokenStale
        begin = int(query.page_token or 0)
        end = begin + self.page_size
        events = [
            self._event(event_id)
            for event_id, visit in sorted(self.visits.items(), key=itemgetter(0))
            if visit.interval is None or visit.interval.overlaps(query.window)
        ]
        if end >= len(events):
            return ChangesPage(events[begin:], None, "always the same")
        return ChangesPage(events[begin:end], replace(query, page_token=str(end)), None)

    @override
    async def named(
        self, access: Access, name: str, window: Interval, *, seconds: float
    ) -> Sequence[ChangedEvent]:
        self._begin("named")
        return [
            self._event(event_id)
            for event_id, visit in sorted(self.visits.items(), key=itemgetter(0))
            if name in (event_id, visit.job_id)
            and (visit.interval is None or visit.interval.overlaps(window))
        ]

    def _event(self, event_id: str) -> ChangedEvent:
        visit = self.visits[event_id]
        times = () if visit.interval is None else (visit.interval,)
        return ChangedEvent(
            event_id,
            _etag(visit),
            is_deleted=not times,
            is_all_day=False,
            busy=BusyType.BUSY if times else None,
            intervals=times,
            appointment_id=self.ours.get(event_id),
            technicians=visit.technicians,
            visit=visit,
        )

    @override
    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        self._begin("taken")
        times = [
            TakenTime(at, BusyType.BUSY, self.ours.get(event_id), visit.technicians)
            for event_id, visit in self.visits.items()
            if (at := visit.interval) is not None and at.overlaps(window)
        ]
        return dict.fromkeys(calendars, times)

    def _begin(self, call: str) -> None:
        self.calls.append(call)
        if self.failures.get(call) and (error := self.failures[call].popleft()):
            raise error


def _etag(visit: Visit) -> str:
    return f"{visit.interval} {visit.technicians}"
