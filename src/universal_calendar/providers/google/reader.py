"""What is in Google's calendars: changes since a token, and what is taken right now."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from typing_extensions import override

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import Rejected, SyncTokenStale
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers._taken_times import taken_times
from universal_calendar.providers.google import mapping
from universal_calendar.providers.google.api import (
    Ask,
    GoogleApi,
    Question,
    events_path,
)
from universal_calendar.providers.google.mapping import Json
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarReader,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    TakenTime,
)

# Every page of a list and every list after it must ask for the same.
_ALWAYS: Final = {
    "singleEvents": "true",
    "showDeleted": "true",
    "maxAttendees": "1",  # then it is the calendar's owner
    "maxResults": "250",  # more would be read too long at a stretch
    "fields": mapping.FIELDS,
}
_MOST_CALENDARS: Final = 50


class GoogleReader(CalendarReader):
    """Reads calendars of an account."""

    def __init__(self, api: GoogleApi) -> None:
        """Take what asks Google."""
        self._api = api

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; raise SyncTokenStale if all must be read again."""
        async with answered_within(seconds):
            page = await _listed(self._api.asking(access, seconds), query)
            events = tuple(_events(page, query, access))
            following = page.get("nextPageToken")
            if following is not None:
                next_page = replace(query, page_token=str(following))
                return ChangesPage(events, next_page, None)
            return ChangesPage(events, None, str(page["nextSyncToken"]))

    @override
    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Return what is taken in each calendar that Google can tell about."""
        ask = self._api.asking(access, seconds)
        async with answered_within(seconds):
            asking = [_busy_periods(ask, some, window) for some in _chunks(calendars)]
            known: dict[str, list[Interval]] = {}
            for answer in await asyncio.gather(*asking):
                known |= answer
            reading = [
                _told(ask, ChangesQuery(calendar, window), access, periods)
                for calendar, periods in known.items()
            ]
            return dict(zip(known, await asyncio.gather(*reading), strict=True))


async def _listed(ask: Ask, query: ChangesQuery) -> Json:
    path = events_path(query.calendar, _parameters(query))
    answer = await ask(Question("GET", path, expected=(400, 404, 410)))
    if answer.status == 200:
        return json_of(answer)
    is_token = query.sync_token is not None or query.page_token is not None
    if is_token and answer.status != 404:
        raise SyncTokenStale
    raise Rejected


def _parameters(query: ChangesQuery) -> dict[str, str]:
    parameters = dict(_ALWAYS)
    if query.sync_token is not None:
        parameters["syncToken"] = query.sync_token
    else:
        parameters["timeMin"] = instant_text(query.window.start)
        parameters["timeMax"] = instant_text(query.window.end)
    if query.page_token is not None:
        parameters["pageToken"] = query.page_token
    return parameters


def _events(page: Json, query: ChangesQuery, access: Access) -> Iterator[ChangedEvent]:
    zone_name = page.get("timeZone")
    for each in page.get("items", ()):
        yield mapping.changed_event(each, zone_name, query.window, access.tenant_id)


def _chunks(calendars: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(calendars), _MOST_CALENDARS):
        yield calendars[start : start + _MOST_CALENDARS]


async def _busy_periods(
    ask: Ask, calendars: Sequence[str], window: Interval
) -> dict[str, list[Interval]]:
    body = {
        "timeMin": instant_text(window.start),
        "timeMax": instant_text(window.end),
        "items": [{"id": each} for each in calendars],
    }
    answer = json_of(await ask(Question("POST", "/freeBusy", body)))
    return mapping.busy_periods(answer)


async def _told(
    ask: Ask, query: ChangesQuery, access: Access, periods: Sequence[Interval]
) -> Sequence[TakenTime]:
    """Tell our own events from those of others, where there are any."""
    if not periods:
        return ()
    try:
        events = await _all_events(ask, query, access)
    except Rejected:
        # A calendar that shares nothing but when its owner is busy.
        return [TakenTime(each, BusyType.BUSY) for each in periods]
    return taken_times(events, query.window)


async def _all_events(
    ask: Ask, query: ChangesQuery, access: Access
) -> list[ChangedEvent]:
    events: list[ChangedEvent] = []
    while True:
        page = await _listed(ask, query)
        events += _events(page, query, access)
        following = page.get("nextPageToken")
        if following is None:
            return events
        query = replace(query, page_token=str(following))
