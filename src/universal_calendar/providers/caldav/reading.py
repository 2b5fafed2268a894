"""Reading calendars: everything, what changed, and what is taken now."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import EventChanged, Rejected
from universal_calendar.providers._taken_times import taken_times
from universal_calendar.providers.caldav.collection import Collection, Told
from universal_calendar.providers.caldav.dav import (
    Account,
    Dav,
    calendar_url,
    joined,
)
from universal_calendar.providers.caldav.discovery import Discovery
from universal_calendar.providers.caldav.mapping import (
    Reader,
    Resource,
    changed_event,
)
from universal_calendar.providers.caldav.series import address
from universal_calendar.providers.caldav.tokens import (
    Listing,
    ServerToken,
    Work,
    read_token,
    read_work,
)
from universal_calendar.providers.caldav.zones import (
    UNIVERSAL,
    named_zone,
    zone_of_calendar,
)
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    TakenTime,
)

_PAGE: Final = 50
_MOST_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What the events of a calendar are read by."""

    timezone: str | None
    owners: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of several calendars at once."""

    window: Interval
    seconds: float


@dataclass(frozen=True, slots=True)
class _Calendar:
    access: Access
    account: Account
    calendar: str
    collection: Collection

    @property
    def key(self) -> tuple[UUID, str]:
        return self.access.connection_id, self.calendar


class Reading:
    """Reads the calendars of accounts, and remembers who their owners are."""

    def __init__(self, dav: Dav) -> None:
        """Take what asks."""
        self._dav, self._discovery = dav, Discovery(dav)
        self._known: dict[tuple[UUID, str], _Known] = {}

    async def changes(
        self, access: Access, account: Account, query: ChangesQuery, seconds: float
    ) -> ChangesPage:
        """Return one page, or raise as CalendarReader says."""
        url = calendar_url(account, query.calendar)
        collection = Collection(self._dav, account, url, seconds)
        reading = _Calendar(access, account, query.calendar, collection)
        if query.page_token is not None:
            work = read_work(query.page_token)
            return await self._page(reading, query, work, (), seconds)
        work, deleted = await self._begun(reading, query, seconds)
        return await self._page(reading, query, work, deleted, seconds)

    async def _begun(
        self, reading: _Calendar, query: ChangesQuery, seconds: float
    ) -> tuple[Work, list[ChangedEvent]]:
        """Find out what is to be fetched, and what was deleted."""
        if query.sync_token is None:
            return await self._whole(reading, query.window, seconds), []
        token = read_token(query.sync_token)
        if isinstance(token, Listing):
            return await _relisted(reading.collection, token)
        changed = await reading.collection.changed_since(token)
        if changed.names:
            await self._learn(reading, await reading.collection.told(), seconds)
        work = Work(
            changed.names, changed.token.text, is_whole=False, has_more=changed.has_more
        )
        return work, list(map(ChangedEvent.gone, changed.gone))

    async def _whole(
        self, reading: _Calendar, window: Interval, seconds: float
    ) -> Work:
        # The token first: what changes meanwhile is told again, never missed.
        told = await reading.collection.told()
        await self._learn(reading, told, seconds)
        if told.sync_token is not None:
            token = ServerToken(told.sync_token).text
        else:
            token = (await reading.collection.listing(told.ctag)).text
        names = await reading.collection.names_in(window)
        return Work(names, token, is_whole=True)

    async def _page(
        self,
        reading: _Calendar,
        query: ChangesQuery,
        work: Work,
        deleted: Sequence[ChangedEvent],
        seconds: float,
    ) -> ChangesPage:
        names, rest = work.names[:_PAGE], work.names[_PAGE:]
        events = list(deleted)
        if names:
            found = await reading.collection.fetch(names)
            reader = await self._reader(reading, query.window, seconds)
            events += [] if work.is_whole else _gone(found)
            events += await _read(found.values(), reader, is_whole=work.is_whole)
        if rest:
            page_token = replace(work, names=rest).text
            return ChangesPage(events, replace(query, page_token=page_token), None)
        if work.has_more:
            following = replace(query, sync_token=work.token, page_token=None)
            return ChangesPage(events, following, None)
        return ChangesPage(events, None, work.token)

    async def taken(
        self, access: Access, account: Account, calendars: Sequence[str], asked: Asked
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Return what is taken; a calendar that cannot be told of is left out."""
        reading = [self._taken(access, account, each, asked) for each in calendars]
        found = zip(calendars, await asyncio.gather(*reading), strict=True)
        return {each: times for each, times in found if times is not None}

    async def _taken(
        self, access: Access, account: Account, calendar: str, asked: Asked
    ) -> Sequence[TakenTime] | None:
        try:
            url = calendar_url(account, calendar)
            collection = Collection(self._dav, account, url, asked.seconds)
            reading = _Calendar(access, account, calendar, collection)
            reader, found = await asyncio.gather(
                self._reader(reading, asked.window, asked.seconds),
                collection.events_in(asked.window),
            )
        except Rejected:
            return None
        return taken_times(await _read(found, reader, is_whole=True), asked.window)

    async def _reader(
        self, reading: _Calendar, window: Interval, seconds: float
    ) -> Reader:
        known = self._known.get(reading.key)
        if known is None:
            told = await reading.collection.told()
            known = await self._learn(reading, told, seconds)
        zone = zone_of_calendar(known.timezone, window)
        local = named_zone(reading.access.timezone) or UNIVERSAL
        return Reader(reading.access.tenant_id, window, zone, known.owners, local)

    async def _learn(self, reading: _Calendar, told: Told, seconds: float) -> _Known:
        known = self._known.get(reading.key)
        owners = known.owners if known else await self._owners(reading, told, seconds)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        learnt = self._known[reading.key] = _Known(told.timezone, owners)
        return learnt

    async def _owners(
        self, reading: _Calendar, told: Told, seconds: float
    ) -> frozenset[str]:
        own = frozenset({address(reading.account.username)})
        if told.principal is None:
            return own
        url = joined(reading.account.url, told.principal)
        try:
            principal = await self._discovery.principal_at(
                reading.account, url, seconds
            )
        except (EventChanged, Rejected):
            return own  # not every server shows it
        return own | principal.addresses


async def _relisted(
    collection: Collection, before: Listing
) -> tuple[Work, list[ChangedEvent]]:
    """Compare what is there with what was."""
    ctag = (await collection.told()).ctag
    if ctag is not None and ctag == before.ctag:
        return Work((), before.text, is_whole=False), []
    now = await collection.listing(ctag)
    names = [
        name for name, etag in now.digests.items() if before.digests.get(name) != etag
    ]
    lost = [name for name in before.digests if name not in now.digests]
    return Work(names, now.text, is_whole=False), list(map(ChangedEvent.gone, lost))


def _gone(found: Mapping[str, Resource | None]) -> list[ChangedEvent]:
    return [ChangedEvent.gone(name) for name, each in found.items() if each is None]


async def _read(
    found: Iterable[Resource | None], reader: Reader, *, is_whole: bool
) -> list[ChangedEvent]:
    """Read events, and let others have a turn after each.

    Where everything is read, what is not in the window goes unsaid.
    """
    events = []
    for each in found:
        event = None if each is None else changed_event(each, reader)
        await asyncio.sleep(0)
        if event is None:
            continue
        if event.intervals or event.appointment_id or not is_whole:
            events.append(event)
    return events
