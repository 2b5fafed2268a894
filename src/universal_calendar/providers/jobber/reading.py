"""What is on Jobber's schedule: page by page, and what is taken right now.

A page is found by where the one before it ended. What is deleted meanwhile may push
something over that edge unseen, so whenever there is less or more than at first, all is
read once more; what every reading told counts.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from universal_calendar.core.instant import DAY, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import Rejected, SyncTokenStale
from universal_calendar.providers._json import Json, id_of
from universal_calendar.providers.jobber import mapping
from universal_calendar.providers.jobber.api import Ask
from universal_calendar.providers.jobber.documents import (
    NAMED_VISIT,
    SCHEDULE,
    TAKEN,
    USERS,
    Document,
)
from universal_calendar.providers.jobber.marks import appointment_id_of
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    TakenTime,
)
from universal_calendar.services.ports.visits import Technician

SYNC_TOKEN: Final = "read"  # noqa: S105 - Jobber has none: it is always stale
_ITEMS_A_PAGE: Final = 50
"""Its points come back within five seconds, so that a sync may wait for them."""
_TAKEN_A_PAGE: Final = 100
_USERS_A_PAGE: Final = 50
_LONGEST: Final = 545 * DAY
"""Jobber tells of a year and a half at once."""
_MOST_READINGS: Final = 3


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a reading is: which it is, how much there was at first, and the cursor."""

    reading: int = 1
    total: int = -1
    cursor: str | None = None

    @property
    def token(self) -> str:
        return f"{self.reading} {self.total} {self.cursor or ''}"

    @staticmethod
    def of(token: str | None) -> "_Place":
        if token is None:
            return _Place()
        reading, total, cursor = token.split(" ", 2)
        return _Place(int(reading), int(total), cursor or None)


async def changes(ask: Ask, query: ChangesQuery, access: Access) -> ChangesPage:
    """Return one page of the schedule; a sync token is always stale."""
    if query.calendar != mapping.SCHEDULE:
        raise Rejected
    if query.sync_token is not None:
        raise SyncTokenStale
    place, window = _Place.of(query.page_token), query.window
    # Visits of ours are told wherever they went, as far as Jobber tells.
    farthest = max(window.end, window.start + _LONGEST)
    wide = Interval(window.start, farthest)
    data = await _asked(ask, SCHEDULE, wide, _ITEMS_A_PAGE, place.cursor)
    zone = mapping.zone_of(data)
    page = data["scheduledItems"]
    told = (
        mapping.changed_event(each, zone, window, access.tenant_id)
        for each in page["nodes"]
    )
    events = tuple(each for each in told if each is not None)
    following = _following(place, page)
    if following is None:
        return ChangesPage(events, None, SYNC_TOKEN)
    return ChangesPage(events, replace(query, page_token=following.token), None)


async def named(
    ask: Ask, name: str, window: Interval, access: Access
) -> Sequence[ChangedEvent]:
    """Return a visit as it is now, by its id; nothing if there is none."""
    data = await ask(NAMED_VISIT, id=name)
    visit = data["visit"]
    if visit is None:
        return ()
    zone, tenant_id = mapping.zone_of(data), access.tenant_id
    event = mapping.changed_event(visit, zone, window, tenant_id)
    return () if event is None else (event,)


def _following(place: _Place, page: Json) -> _Place | None:
    total = int(page["totalCount"])
    first = total if place.total < 0 else place.total
    if page["pageInfo"]["hasNextPage"]:
        return replace(place, total=first, cursor=str(page["pageInfo"]["endCursor"]))
    if total != first and place.reading < _MOST_READINGS:
        return _Place(place.reading + 1)
    return None


async def _asked(
    ask: Ask, document: Document, window: Interval, first: int, after: str | None
) -> Json:
    edges = {"startAt": instant_text(window.start), "endAt": instant_text(window.end)}
    return await ask(document, within=edges, first=first, after=after)


async def taken(
    ask: Ask, window: Interval, access: Access
) -> dict[str, Sequence[TakenTime]]:
    """Return what is taken in the schedule now."""
    found = [each async for each in _taken_times(ask, window, access)]
    return {mapping.SCHEDULE: found}


async def _taken_times(
    ask: Ask, window: Interval, access: Access
) -> AsyncIterator[TakenTime]:
    async for data in _pages(ask, window):
        zone = mapping.zone_of(data)
        for each in data["scheduledItems"]["nodes"]:
            interval, busy = mapping.interval_of(each, zone), mapping.busy_of(each)
            if interval is None or busy is None or not interval.overlaps(window):
                continue
            yield TakenTime(
                interval,
                busy,
                appointment_id_of(each, access.tenant_id),
                mapping.technicians_of(each),
                id_of(each),
            )


async def _pages(ask: Ask, window: Interval) -> AsyncIterator[Json]:
    after: str | None = None
    while True:
        data = await _asked(ask, TAKEN, window, _TAKEN_A_PAGE, after)
        yield data
        info = data["scheduledItems"]["pageInfo"]
        if not info["hasNextPage"]:
            return
        after = str(info["endCursor"])


@dataclass(slots=True)
class People:
    """Who may be assigned to visits, as far as it was told, and the cursor."""

    found: list[Technician] = field(default_factory=list)
    cursor: str | None = None
    are_all: bool = False


async def read_people(ask: Ask, people: People) -> None:
    """Add the next page of users."""
    users = (await ask(USERS, first=_USERS_A_PAGE, after=people.cursor))["users"]
    people.found += map(mapping.technician_of, users["nodes"])
    people.cursor = str(users["pageInfo"]["endCursor"])
    people.are_all = not users["pageInfo"]["hasNextPage"]
