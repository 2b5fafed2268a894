"""Writing events, so that a lost answer does no harm and no owner is overruled."""

from collections.abc import Mapping
from typing import Final

from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    Rejected,
)
from universal_calendar.outgoing.http import OutgoingResponse
from universal_calendar.providers._fingerprint import Finding
from universal_calendar.providers.caldav import bodies
from universal_calendar.providers.caldav.bodies import CALDAV
from universal_calendar.providers.caldav.dav import Account, Dav, Question, event_url
from universal_calendar.providers.caldav.mapping import event_text, finding
from universal_calendar.providers.provider import Now
from universal_calendar.services.ports.calendars import EventDraft, WrittenEvent

_TEXT: Final = {"content-type": "text/calendar; charset=utf-8"}
_UID_TAKEN: Final = f"{CALDAV}no-uid-conflict"
_CONFLICTS: Final = (403, 404, 409, 410, 412)
_GONE: Final = (404, 410)
_MOST_TRIES: Final = 3


class Place:
    """Where one event of ours is, or is to be."""

    def __init__(self, dav: Dav, account: Account, calendar: str, name: str) -> None:
        """Take the calendar's URL, which ends with a slash, and the event's name."""
        self._dav, self._account, self.name = dav, account, name
        self._url = event_url(calendar, name)

    async def create(self, draft: EventDraft, now: Now, seconds: float) -> WrittenEvent:
        """Write the event where none is."""
        content = event_text(draft, now())
        answer = await self._put(content, {"if-none-match": "*"}, seconds)
        if answer.status == 412:
            return await self._reconcile(draft, content, seconds)
        if answer.status in _CONFLICTS:
            raise Rejected
        return await self._written(answer, draft, seconds)

    async def replace(
        self, draft: EventDraft, etag: str | None, now: Now, seconds: float
    ) -> WrittenEvent:
        """Write over the event; without an etag, whatever it says now."""
        content = event_text(draft, now())
        for _ in range(_MOST_TRIES):
            # `If-Match: *` is not understood everywhere.
            current = etag or (await self._found(seconds))[1]
            answer = await self._put(content, {"if-match": current}, seconds)
            if answer.status == 403:
                raise Rejected
            if answer.status not in _CONFLICTS:
                return await self._written(answer, draft, seconds)
            if etag is not None:
                return await self._reconcile(draft, content, seconds)
        raise ProviderDown

    async def delete(self, seconds: float) -> None:
        """Delete the event; one that is gone already is no error."""
        question = Question("DELETE", self._url, expected=_GONE)
        await self._dav.ask(self._account, question, seconds)

    async def _reconcile(
        self, draft: EventDraft, content: bytes, seconds: float
    ) -> WrittenEvent:
        """Find out who wrote what is there, and write if it was us."""
        text, etag = await self._found(seconds)
        match finding(text, draft):
            case Finding.AS_DRAFTED:
                return WrittenEvent(self.name, etag)
            case Finding.CHANGED:
                raise EventChanged(self.name)
            case Finding.OURS:
                answer = await self._put(content, {"if-match": etag}, seconds)
                if answer.status in _CONFLICTS:
                    raise ProviderDown  # once more, then: others write too
                return await self._written(answer, draft, seconds)

    async def _put(
        self, content: bytes, condition: Mapping[str, str], seconds: float
    ) -> OutgoingResponse:
        headers = {**_TEXT, **condition}
        question = Question("PUT", self._url, content, headers, _CONFLICTS)
        answer = await self._dav.ask(self._account, question, seconds)
        if answer.status in _CONFLICTS and await bodies.has_precondition(
            answer.content, _UID_TAKEN
        ):
            # Its owner moved it to another calendar: this key is used up.
            raise EventGone(self.name)
        return answer

    async def _written(
        self, answer: OutgoingResponse, draft: EventDraft, seconds: float
    ) -> WrittenEvent:
        """Return the event's etag, which is not told if the server changed the text."""
        etag = answer.headers.get("etag")
        if etag is None:
            text, etag = await self._found(seconds)
            if finding(text, draft) is Finding.CHANGED:
                raise EventChanged(self.name)
        return WrittenEvent(self.name, etag)

    async def _found(self, seconds: float) -> tuple[str, str]:
        """Return the event's text and etag; raise EventGone if it is not there."""
        question = Question("GET", self._url, expected=_GONE)
        answer = await self._dav.ask(self._account, question, seconds)
        if answer.status in _GONE:
            raise EventGone(self.name)
        etag = answer.headers.get("etag")
        if etag is None:
            raise ProviderDown
        return answer.content.decode("utf-8", "replace"), etag
