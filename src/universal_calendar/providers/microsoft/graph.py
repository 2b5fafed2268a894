"""Requests to Graph: how each is asked, and what its refusals mean."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID
from weakref import WeakValueDictionary

import orjson

from universal_calendar.core.provider_errors import (
    ProviderDown,
    ProviderError,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse
from universal_calendar.providers._http import error_of, json_of
from universal_calendar.providers._oauth import OAuth
from universal_calendar.providers.provider import Now
from universal_calendar.services.ports.calendars import Access

Json = dict[str, Any]

# Microsoft's own limit for one application and one mailbox.
_MOST_AT_ONCE: Final = 4
_PREFERENCES: Final = (
    'IdType="ImmutableId"',
    'outlook.timezone="UTC"',
    'outlook.body-content-type="text"',
)
_STALE: Final = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})


@dataclass(frozen=True, slots=True)
class Question:
    """A request; `path` begins with a slash, or is a link that Graph gave.

    `expected` are refusals that the asker judges for itself.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = field(default=None, repr=False)
    etag: str | None = None
    page_size: int | None = None
    expected: Collection[int] = ()


class Graph:
    """Microsoft Graph, or what stands in for it, at `api_url`."""

    def __init__(self, oauth: OAuth, api_url: str, now: Now) -> None:
        """Take what sends with tokens, and the clock."""
        self._oauth, self._now = oauth, now
        self._base = api_url.rstrip("/")
        self._places: WeakValueDictionary[UUID, asyncio.Semaphore] = (
            WeakValueDictionary()
        )

    async def ask(
        self, access: Access, question: Question, seconds: float
    ) -> OutgoingResponse:
        """Return a 2xx or an expected refusal; raise the error of any other."""
        request = self._request(question)
        async with self._place(access.connection_id):
            return await self._oauth.send(
                access, request, seconds=seconds, expected=question.expected
            )

    async def pages(
        self, access: Access, question: Question, seconds: float
    ) -> AsyncIterator[Json]:
        """Yield what a list has, over all its pages."""
        following: Question | None = question
        while following is not None:
            page = json_of(await self.ask(access, following, seconds))
            for each in page["value"]:
                yield each
            following = self.following(question, page.get("@odata.nextLink"))

    def following(self, question: Question, link: str | None) -> Question | None:
        """Return the question that a link asks."""
        if link is None:
            return None
        path = self.checked(link)
        return Question("GET", path, page_size=question.page_size)

    def checked(self, link: str) -> str:
        """Return a link of an answer; raise ProviderDown if it leads elsewhere."""
        if not self.is_own(link):
            raise ProviderDown
        return link

    def is_own(self, link: str) -> bool:
        """Tell whether a link leads to this very API: nobody else gets a token."""
        return link.startswith(f"{self._base}/")

    def error(self, answer: OutgoingResponse) -> ProviderError:
        """Return what follows from a refusal that was expected."""
        return error_of(answer, self._now())

    def _place(self, connection_id: UUID) -> asyncio.Semaphore:
        place = self._places.get(connection_id)
        if place is None:
            place = self._places[connection_id] = asyncio.Semaphore(_MOST_AT_ONCE)
        return place

    def _request(self, question: Question) -> OutgoingRequest:
        url = question.path if self.is_own(question.path) else self._url(question)
        size = question.page_size
        pages = () if size is None else (f"odata.maxpagesize={size}",)
        headers = {
            "accept": "application/json",
            "prefer": ", ".join(_PREFERENCES + pages),
        }
        if question.etag is not None:
            headers["if-match"] = question.etag
        if question.body is None:
            return OutgoingRequest(question.method, url, headers)
        headers["content-type"] = "application/json"
        content = orjson.dumps(question.body)
        return OutgoingRequest(question.method, url, headers, content)

    def _url(self, question: Question) -> str:
        query = urlencode(question.query, quote_via=quote, safe="$")
        return f"{self._base}{question.path}{'?' if query else ''}{query}"


def calendar_path(calendar: str) -> str:
    """Return the path of a calendar."""
    return f"/me/calendars/{quote(calendar, safe='')}"


def event_path(calendar: str, event_id: str) -> str:
    """Return the path of an event in its calendar."""
    return f"{calendar_path(calendar)}/events/{quote(event_id, safe='')}"


def code_of(answer: OutgoingResponse) -> str:
    """Return the code of a refusal, empty where there is none to be read."""
    try:
        return str(orjson.loads(answer.content)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def found(answer: OutgoingResponse) -> OutgoingResponse:
    """Return an answer; raise Rejected for what is not there."""
    if answer.status in (404, 410):
        raise Rejected
    return answer


def in_step(answer: OutgoingResponse) -> OutgoingResponse:
    """Return an answer; raise SyncTokenStale where Graph forgot what it had told."""
    if answer.status == 410 or code_of(answer).casefold() in _STALE:
        raise SyncTokenStale
    if answer.status >= 400:
        raise Rejected
    return answer
