"""Reading calendars by Microsoft Graph."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    EventGone,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.outgoing.errors import AnswerTooLarge
from universal_calendar.outgoing.http import OutgoingResponse
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers.microsoft.events import (
    series_event,
    single_event,
    taken_times,
)
from universal_calendar.providers.microsoft.graph import (
    Graph,
    Question,
    calendar_path,
    event_path,
    in_step,
)
from universal_calendar.providers.microsoft.times import Json, time_text
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarReader,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    TakenTime,
)

_PAGE_SIZE: Final = 250
# Of what changed, each that is gone is looked up: a page must not take too long.
_CHANGES_A_PAGE: Final = 50
# Neither titles nor attendees are asked for where Graph lets us choose.
_FIELDS: Final = {
    "$select": "id,start,end,isAllDay,isCancelled,showAs,responseStatus,"
    "originalStartTimeZone,seriesMasterId,transactionId,type"
}
_INSTANCES: Final = frozenset({"occurrence", "exception"})


class MicrosoftReader(CalendarReader):
    """Tells what is in a mailbox's calendars."""

    def __init__(self, graph: Graph) -> None:
        """Take Graph."""
        self._graph = graph

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; tokens are the links that Graph gave."""
        question = self._question(query)
        async with answered_within(seconds):
            answer = await self._answered(access, question, seconds)
            page = json_of(in_step(answer))
            reading = _Reading(self._graph, access, query, seconds)
            events = await reading.events(page["value"])
            return self._page(query, page, events)

    async def _answered(
        self, access: Access, question: Question, seconds: float
    ) -> OutgoingResponse:
        """Ask for fewer events where so many are too long for an answer.

        Their texts come with them, however long, wanted or not.
        """
        try:
            return await self._graph.ask(access, question, seconds)
        except Rejected as error:
            fewer = (question.page_size or 0) // 10
            if not fewer or not isinstance(error.__cause__, AnswerTooLarge):
                raise
        question = replace(question, page_size=fewer)
        return await self._answered(access, question, seconds)

    def _question(self, query: ChangesQuery) -> Question:
        expected = (400, 404, 410)
        link = query.page_token or query.sync_token
        size = _PAGE_SIZE if query.sync_token is None else _CHANGES_A_PAGE
        if link is None:
            path = f"{calendar_path(query.calendar)}/calendarView/delta"
            return Question(
                "GET", path, _span(query.window), page_size=size, expected=expected
            )
        if not self._graph.is_own(link) or not link.isascii():
            raise SyncTokenStale
        return Question("GET", link, page_size=size, expected=expected)

    def _page(
        self, query: ChangesQuery, page: Json, events: Sequence[ChangedEvent]
    ) -> ChangesPage:
        link = page.get("@odata.nextLink")
        if link is None:
            token = self._graph.checked(page["@odata.deltaLink"])
            return ChangesPage(events, None, token)
        following = replace(query, page_token=self._graph.checked(link))
        return ChangesPage(events, following, None)

    @override
    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Return what is taken in each calendar that can be read."""
        async with answered_within(seconds):
            reading = [self._taken(access, each, window, seconds) for each in calendars]
            told = zip(calendars, await asyncio.gather(*reading), strict=True)
            return {each: times for each, times in told if times is not None}

    async def _taken(
        self, access: Access, calendar: str, window: Interval, seconds: float
    ) -> Sequence[TakenTime] | None:
        question = Question(
            "GET",
            f"{calendar_path(calendar)}/calendarView",
            {**_span(window), **_FIELDS},
            page_size=_PAGE_SIZE,
        )
        try:
            view = [each async for each in self._graph.pages(access, question, seconds)]
        except (Rejected, EventGone):
            return None
        return taken_times(view, window, access.tenant_id)


def _span(window: Interval) -> dict[str, str]:
    return {
        "startDateTime": f"{time_text(window.start)['dateTime']}Z",
        "endDateTime": f"{time_text(window.end)['dateTime']}Z",
    }


@dataclass
class _Series:
    master: Json | None = None
    instances: list[Json] = field(default_factory=list)


class _Reading:
    """What one page of changes tells, with what it leaves out looked up."""

    def __init__(
        self, graph: Graph, access: Access, query: ChangesQuery, seconds: float
    ) -> None:
        self._graph, self._access = graph, access
        self._query, self._seconds = query, seconds

    async def events(self, items: Sequence[Json]) -> list[ChangedEvent]:
        present = [each for each in items if "@removed" not in each]
        removed = [str(each["id"]) for each in items if "@removed" in each]
        looked_up = await asyncio.gather(*map(self._lookup, removed))
        still_there = [each for each in looked_up if each is not None]
        lost = [each for each, it in zip(removed, looked_up, strict=True) if it is None]
        everything = [*present, *still_there]
        singles = [each for each in everything if _series_of(each) is None]
        return [
            *(self._single(each) for each in singles),
            *await self._all_series(present, still_there),
            *map(ChangedEvent.gone, lost),
        ]

    async def _all_series(
        self, present: Sequence[Json], still_there: Sequence[Json]
    ) -> Sequence[ChangedEvent]:
        found_series: dict[str, _Series] = {}
        for each in present:
            _add(found_series, each)
        for each in still_there:
            # It is told for itself alone: the rest of its series is not here.
            series_id = _series_of(each)
            if series_id is not None:
                found_series[series_id] = _Series()
        return await asyncio.gather(
            *(self._series(key, series) for key, series in found_series.items())
        )

    def _single(self, event: Json) -> ChangedEvent:
        return single_event(event, self._query.window, self._access.tenant_id)

    async def _series(self, series_id: str, series: _Series) -> ChangedEvent:
        instances: Sequence[Json] | None = series.instances
        if series.master is None:
            instances = await self._instances(series_id)
        if instances is None:
            return ChangedEvent.gone(series_id)
        # Of an occurrence, changes tell no more than its times.
        whole = [{**(series.master or {}), **each} for each in instances]
        return series_event(
            series_id, whole, self._query.window, self._access.tenant_id
        )

    async def _lookup(self, event_id: str) -> Json | None:
        """Return an event that left the window, None if it left the calendar."""
        path = event_path(self._query.calendar, event_id)
        question = Question("GET", path, _FIELDS, expected=(404, 410))
        answer = await self._graph.ask(self._access, question, self._seconds)
        return json_of(answer) if answer.status == 200 else None

    async def _instances(self, series_id: str) -> list[Json] | None:
        """Return a series' occurrences in the window, None if there is no series."""
        question = Question(
            "GET",
            f"/me/events/{quote(series_id, safe='')}/instances",
            {**_span(self._query.window), **_FIELDS},
            page_size=_PAGE_SIZE,
        )
        pages = self._graph.pages(self._access, question, self._seconds)
        try:
            return [each async for each in pages]
        except EventGone:
            return None


def _series_of(event: Json) -> str | None:
    """Return the id of the series that an event is, or is of; None of a single one."""
    kind = event.get("type")
    if kind in _INSTANCES:
        return str(event["seriesMasterId"])
    return str(event["id"]) if kind == "seriesMaster" else None


def _add(series: dict[str, _Series], event: Json) -> None:
    series_id = _series_of(event)
    if series_id is None:
        return
    its = series.setdefault(series_id, _Series())
    if event.get("type") == "seriesMaster":
        its.master = event
    else:
        its.instances.append(event)
