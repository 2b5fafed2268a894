"""One calendar on its server: listing, fetching, asking what changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from universal_calendar.core.instant import DAY
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    EventChanged,
    ProviderDown,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.outgoing.errors import AnswerTooLarge
from universal_calendar.outgoing.http import OutgoingResponse
from universal_calendar.providers.caldav import bodies
from universal_calendar.providers.caldav.bodies import (
    CALDAV,
    DAV,
    SERVER,
    Multistatus,
    Response,
)
from universal_calendar.providers.caldav.dav import (
    XML,
    Account,
    Dav,
    Question,
    event_name,
    event_url,
)
from universal_calendar.providers.caldav.discovery import (
    PRINCIPAL,
    TIMEZONE,
    TIMEZONE_ID,
    timezone_text,
)
from universal_calendar.providers.caldav.mapping import Resource
from universal_calendar.providers.caldav.tokens import Listing, ServerToken, digest

_ETAG: Final = f"{DAV}getetag"
_DATA: Final = f"{CALDAV}calendar-data"
_SYNC_TOKEN: Final = f"{DAV}sync-token"
_CTAG: Final = f"{SERVER}getctag"
_REPORTS: Final = f"{DAV}supported-report-set"
_SYNC: Final = f"{DAV}sync-collection"
_STALE: Final = f"{DAV}valid-sync-token"
_TOLD: Final = (_SYNC_TOKEN, _CTAG, _REPORTS, PRINCIPAL, TIMEZONE, TIMEZONE_ID)
_GONE: Final = (404, 410)
_CUT: Final = 507
# Refusals of a sync token differ between servers in everything but the precondition.
_REFUSED: Final = (400, 403, 409, 410, 412, 422)
# Servers see a series' occurrences by other clocks at times, and floating ones by any.
_MARGIN: Final = 2 * DAY


@dataclass(frozen=True, slots=True)
class Told:
    """What a calendar says of itself."""

    sync_token: str | None = field(repr=False)
    ctag: str | None
    timezone: str | None
    principal: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a server says has changed, by name; `has_more`: ask again from the token."""

    names: Sequence[str]
    gone: Sequence[str]
    token: ServerToken
    has_more: bool


class Collection:
    """A calendar of an account; every call ends with its caller's time."""

    def __init__(self, dav: Dav, account: Account, url: str, seconds: float) -> None:
        """Take the calendar's URL, which ends with a slash."""
        self._dav, self._account = dav, account
        self._url, self._seconds = url, seconds

    async def told(self) -> Told:
        """Ask the calendar about itself; raise Rejected if it is not there."""
        answer = await self._propfind(_TOLD, "0")
        (found, *_) = answer.responses
        if found.status in _GONE:
            raise Rejected
        has_sync = _REPORTS not in found.properties or found.has(_REPORTS, _SYNC)
        principals = found.hrefs(PRINCIPAL)
        return Told(
            found.text(_SYNC_TOKEN) if has_sync else None,
            found.text(_CTAG),
            timezone_text(found),
            principals[0] if principals else None,
        )

    async def names_in(self, window: Interval) -> Sequence[str]:
        """Return which events may happen in the window."""
        answer = await self._query((_ETAG,), window)
        if self._is_cut(answer):
            return list((await self.listing(None)).digests)
        return self._names(answer.responses)

    async def events_in(self, window: Interval) -> Sequence[Resource]:
        """Return what may happen in the window; Rejected if it is not told wholly."""
        answer = await self._query((_ETAG, _DATA), window)
        if self._is_cut(answer):
            raise Rejected
        return self._resources(answer)

    async def listing(self, ctag: str | None) -> Listing:
        """Return what there is."""
        answer = await self._propfind((_ETAG,), "1")
        names = {
            name: digest(each.text(_ETAG))
            for each in answer.responses
            if (name := event_name(self._url, each.path)) is not None
        }
        return Listing(ctag, names)

    async def changed_since(self, token: ServerToken) -> Changed:
        """Return what changed; raise SyncTokenStale if the server does not know."""
        question = self._report(bodies.sync_collection(token.token), _REFUSED)
        answer = await self._asked(question)
        if answer.status in _REFUSED:
            if await bodies.has_precondition(answer.content, _STALE):
                raise SyncTokenStale
            raise Rejected
        read = await bodies.read_multistatus(answer.content)
        if not read.sync_token:
            raise ProviderDown
        gone = {each.path for each in read.responses if each.status in _GONE}
        there = [each for each in read.responses if each.path not in gone]
        following = ServerToken(read.sync_token.strip())
        return Changed(
            self._names(there),
            [name for path in gone if (name := event_name(self._url, path))],
            following,
            has_more=self._is_cut(read) and following != token,
        )

    async def fetch(self, names: Sequence[str]) -> Mapping[str, Resource | None]:
        """Return events by name, None for what is gone.

        What is too large to be answered, or not answered at all, is left out.
        """
        hrefs = [bodies.path_of(event_url(self._url, each)) for each in names]
        try:
            answer = await self._asked(self._report(bodies.multiget(hrefs)))
        except Rejected as error:
            if not isinstance(error.__cause__, AnswerTooLarge):
                raise
            return await self._fetch_halves(names)
        read = await bodies.read_multistatus(answer.content)
        gone = {
            name: None
            for each in read.responses
            if each.status in _GONE and (name := event_name(self._url, each.path))
        }
        return gone | {each.name: each for each in self._resources(read)}

    async def _fetch_halves(
        self, names: Sequence[str]
    ) -> Mapping[str, Resource | None]:
        middle = len(names) // 2
        if middle == 0:
            return {}
        first, second = names[:middle], names[middle:]
        return {**await self.fetch(first), **await self.fetch(second)}

    async def _query(self, names: Iterable[str], window: Interval) -> Multistatus:
        wide = Interval(window.start - _MARGIN, window.end + _MARGIN)
        question = self._report(bodies.calendar_query(names, wide))
        return await bodies.read_multistatus((await self._asked(question)).content)

    async def _propfind(self, names: Iterable[str], depth: str) -> Multistatus:
        content, headers = bodies.propfind(names), {**XML, "depth": depth}
        question = Question("PROPFIND", self._url, content, headers)
        return await bodies.read_multistatus((await self._asked(question)).content)

    def _report(self, content: bytes, expected: tuple[int, ...] = ()) -> Question:
        headers = {**XML, "depth": "1"}
        return Question("REPORT", self._url, content, headers, expected)

    async def _asked(self, question: Question) -> OutgoingResponse:
        try:
            return await self._dav.ask(self._account, question, self._seconds)
        except EventChanged:
            raise Rejected from None  # it is the calendar that is not there

    def _names(self, responses: Iterable[Response]) -> list[str]:
        names = (event_name(self._url, each.path) for each in responses)
        return list(dict.fromkeys(each for each in names if each is not None))

    def _is_cut(self, answer: Multistatus) -> bool:
        own = bodies.path_of(self._url)
        return any(
            each.status == _CUT and each.path.rstrip("/") == own.rstrip("/")
            for each in answer.responses
        )

    def _resources(self, answer: Multistatus) -> list[Resource]:
        found = []
        for each in answer.responses:
            name, text = event_name(self._url, each.path), each.text(_DATA)
            if name is not None and text is not None:
                found.append(Resource(name, each.text(_ETAG), text))
        return found
