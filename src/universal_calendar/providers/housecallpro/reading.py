"""A company's schedule, page by page: jobs, then events, which are no jobs.

Lists are numbered pages, and whatever is deleted meanwhile moves the rest up. So each
page begins with the last entry of the one before, however the sizes of pages must be
chosen for that; where it is not there, everything is read again.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from universal_calendar.core.instant import instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    ProviderDown,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.providers._http import json_of
from universal_calendar.providers._json import Json, id_of
from universal_calendar.providers._taken_times import taken_times
from universal_calendar.providers.housecallpro import mapping
from universal_calendar.providers.housecallpro.api import Ask, Question, path_of
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    TakenTime,
)

_SYNC_TOKEN: Final = "all"  # noqa: S105 - it opens nothing
_LARGEST: Final = 200
_SMALLEST: Final = 100
_OLDEST_FIRST: Final = (("sort_by", "created_at"), ("sort_direction", "asc"))
_EXPAND: Final = ("expand[]", "appointments")
_GONE: Final = (404, 410)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on reading: the list, and the entry that was read last."""

    name: str
    position: int = 0
    """Of that entry in the list, from 0."""
    entry_id: str = ""

    @classmethod
    def parse(cls, token: str | None) -> "Place":
        """Read a page token; raise SyncTokenStale if it is none of ours."""
        if token is None:
            return cls("jobs")
        name, _, rest = token.partition(" ")
        position, _, entry_id = rest.partition(" ")
        if name not in ("jobs", "events") or not position.isdecimal():
            raise SyncTokenStale
        return cls(name, int(position), entry_id)

    @property
    def token(self) -> str:
        """Return it as page tokens carry it."""
        return f"{self.name} {self.position} {self.entry_id}"

    @property
    def size(self) -> int:
        """Return the size of pages of which one begins here, or shortly before."""
        sizes = range(_SMALLEST, _LARGEST + 1)
        return max(sizes, key=lambda size: size - self.position % size)

    @property
    def number(self) -> int:
        """Return which of those pages it is, from 1."""
        return self.position // self.size + 1


@dataclass(frozen=True, slots=True)
class Page:
    """A page's entries; `following` is where to go on, None at the end of the list."""

    entries: Sequence[Json]
    following: Place | None


async def changes(ask: Ask, query: ChangesQuery, access: Access) -> ChangesPage:
    """Return one page of a schedule; nobody can tell what changed since another."""
    if query.sync_token is not None:
        raise SyncTokenStale
    if query.calendar != mapping.SCHEDULE:
        raise Rejected
    place = Place.parse(query.page_token)
    page = await _page(ask, place, query.window, is_bounded=False)
    if page is None:
        return ChangesPage((), replace(query, page_token=None), None)
    events = tuple(_told(place.name, page.entries, query.window, access))
    following = page.following or (Place("events") if place.name == "jobs" else None)
    if following is None:
        return ChangesPage(events, None, _SYNC_TOKEN)
    return ChangesPage(events, replace(query, page_token=following.token), None)


async def named(
    ask: Ask, name: str, window: Interval, access: Access
) -> Sequence[ChangedEvent]:
    """Return a job's visits as they are now; nothing if there is none.

    By its id, or that of one of them, which begins with the job's.
    """
    job_id = name.partition("/")[0]
    if not job_id.strip("."):
        return ()
    path = path_of("jobs", job_id)
    answer = await ask(Question("GET", path, (_EXPAND,), expected=_GONE))
    if answer.status in _GONE:
        return ()
    job = json_of(answer)
    return tuple(mapping.changed_events(job, window, access.tenant_id))


async def taken(
    ask: Ask, window: Interval, access: Access
) -> Mapping[str, Sequence[TakenTime]]:
    """Return what is taken in a window."""
    lists = await asyncio.gather(
        *(_all(ask, name, window, access) for name in ("jobs", "events"))
    )
    events = [each for found in lists for each in found.values()]
    return {mapping.SCHEDULE: taken_times(events, window)}


async def _all(
    ask: Ask, name: str, window: Interval, access: Access
) -> Mapping[str, ChangedEvent]:
    found: dict[str, ChangedEvent] = {}
    place: Place | None = Place(name)
    while place is not None:
        page = await _page(ask, place, window, is_bounded=True)
        if page is None:
            found, place = {}, Place(name)
            continue
        for each in _told(name, page.entries, window, access):
            found[each.event_id] = each
        place = page.following
    return found


def _told(
    name: str, entries: Sequence[Json], window: Interval, access: Access
) -> Iterator[ChangedEvent]:
    for each in entries:
        if name == "jobs":
            yield from mapping.changed_events(each, window, access.tenant_id)
        else:
            yield from mapping.event_times(each, window)


async def _page(
    ask: Ask, place: Place, window: Interval, *, is_bounded: bool
) -> Page | None:
    """Return what follows a place; None if that is not where it was."""
    size, number = place.size, place.number
    paging = (("page", str(number)), ("page_size", str(size)))
    question = Question("GET", f"/{place.name}", (*paging, *_OLDEST_FIRST))
    if place.name == "jobs":
        wanted = (*_jobs_of(window, is_bounded=is_bounded), _EXPAND)
        question = replace(question, parameters=(*question.parameters, *wanted))
    answer = json_of(await ask(question))
    entries = answer[place.name]
    if int(answer.get("page_size", size)) != size:
        raise ProviderDown  # its pages are not those that were asked for
    ids = [id_of(each) for each in entries]
    if place.entry_id and place.entry_id not in ids:
        return None
    last = (number - 1) * size + len(ids) - 1
    if len(ids) < size:
        if last + 1 < int(answer.get("total_items", 0)):
            raise ProviderDown  # it is not the last one, and yet not whole
        return Page(entries, None)
    return Page(entries, Place(place.name, last, ids[-1]))


def _jobs_of(window: Interval, *, is_bounded: bool) -> Iterator[tuple[str, str]]:
    """Tell which jobs: those that end after the window began.

    A job of ours that was moved far ahead is still there, so lists have no other end.
    """
    yield "scheduled_end_min", instant_text(window.start)
    if is_bounded:
        yield "scheduled_start_max", instant_text(window.end)
