"""Requests to Google's Calendar API, and what follows from its refusals."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

import orjson

from universal_calendar.core.provider_errors import ProviderError, Rejected
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse
from universal_calendar.providers._http import error_of
from universal_calendar.providers._oauth import OAuth
from universal_calendar.providers.google.mapping import Json
from universal_calendar.providers.provider import Now
from universal_calendar.services.ports.calendars import Access

# Of 403s, those that pass.
_OVER_QUOTA: Final = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}


@dataclass(frozen=True, slots=True)
class Question:
    """A request below the API's URL; `expected` are refusals that its asker judges."""

    method: str
    path: str
    body: Json | None = None
    etag: str | None = None
    expected: Collection[int] = ()


Ask: TypeAlias = Callable[[Question], Awaitable[OutgoingResponse]]


class GoogleApi:
    """Asks Google on behalf of an account."""

    def __init__(self, oauth: OAuth, url: str, now: Now) -> None:
        """Take the tokens' keeper, the API's URL and the clock."""
        self._oauth, self._url, self._now = oauth, url, now

    def asking(self, access: Access, seconds: float) -> Ask:
        """Return what asks with this account's tokens, each time so long."""

        async def ask(question: Question) -> OutgoingResponse:
            answer = await self._oauth.send(
                access,
                self._request(question),
                seconds=seconds,
                expected=(403, *question.expected),
            )
            if answer.status == 403:
                raise self._refusal(answer)
            return answer

        return ask

    def _request(self, question: Question) -> OutgoingRequest:
        headers = {} if question.etag is None else {"if-match": question.etag}
        content = b""
        if question.body is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(question.body)
        url = self._url + question.path
        return OutgoingRequest(question.method, url, headers, content)

    def _refusal(self, answer: OutgoingResponse) -> ProviderError:
        if _reasons(answer) & _OVER_QUOTA:
            return error_of(replace(answer, status=429), self._now())
        return Rejected()


def _reasons(answer: OutgoingResponse) -> set[str]:
    try:
        errors = orjson.loads(answer.content)["error"]["errors"]
        return {str(each["reason"]) for each in errors}
    except (KeyError, TypeError, ValueError):
        return set()


def events_path(calendar: str, parameters: Mapping[str, str] | None = None) -> str:
    """Return the path of a calendar's events."""
    path = f"/calendars/{quote(calendar, safe='')}/events"
    return f"{path}?{urlencode(parameters)}" if parameters else path


def event_path(
    calendar: str, event_id: str, parameters: Mapping[str, str] | None = None
) -> str:
    """Return the path of one event."""
    path = f"{events_path(calendar)}/{quote(event_id, safe='')}"
    return f"{path}?{urlencode(parameters)}" if parameters else path
