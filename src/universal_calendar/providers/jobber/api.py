"""Requests to Jobber's GraphQL API: what they cost, and what follows from refusals.

Nearly all of it is told under a 200: errors with a code, and what was refused by a rule
of the business as `userErrors`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

import orjson
import structlog
from typing_extensions import override

from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.outgoing.http import (
    OutgoingRequest,
    OutgoingResponse,
    Sender,
)
from universal_calendar.providers._http import ProviderHttp, json_of
from universal_calendar.providers._json import Json
from universal_calendar.providers._oauth import OAuth
from universal_calendar.providers._quota import until_all_is_there
from universal_calendar.providers.jobber.documents import Document
from universal_calendar.providers.provider import Means, PlatformConfig
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.quotas import Bucket

POINTS: Final = Bucket("points", 10_000, 20)
"""Of the cost of requests: 500 a second come back."""
READING_POINTS: Final = Bucket("points", 6_000, 12)
"""What a sync may take of them: the rest is left for whoever waits for an answer."""
_UNAUTHENTICATED: Final = "UNAUTHENTICATED"
# Statuses that mean something of an event elsewhere; here there is but one address.
_OF_EVENTS: Final = (404, 409, 410, 412)
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_DAY: Final = re.compile(r"\b2[0-9]{3}-[0-9]{2}-[0-9]{2}\b")
_log = structlog.get_logger()


class Ask(Protocol):
    """Asks Jobber on behalf of an account."""

    async def __call__(self, document: Document, /, **variables: object) -> Json:
        """Return the data; raise a ProviderError, Rejected for `userErrors`."""


class TellingSender(Sender):
    """Turns a refusal of the token that comes under a 200 into the 401 that it is."""

    def __init__(self, sender: Sender) -> None:
        """Take what sends; it stays its giver's to close."""
        self._sender = sender

    @override
    async def send(
        self, request: OutgoingRequest, *, seconds: float
    ) -> OutgoingResponse:
        """Return the answer."""
        answer = await self._sender.send(request, seconds=seconds)
        is_named = answer.status == 200 and _UNAUTHENTICATED.encode() in answer.content
        if is_named and _UNAUTHENTICATED in _codes(json_of(answer)):
            return replace(answer, status=401)
        return answer

    @override
    async def close(self) -> None:
        """Do nothing."""


class JobberApi:
    """Asks Jobber, within what may be asked of an account."""

    def __init__(
        self, means: Means, config: PlatformConfig, oauth: OAuth | None
    ) -> None:
        """Take the tokens' keeper, None where we are not registered."""
        self._http = ProviderHttp(means.sender, means.now)
        self._quota, self._config, self._oauth = means.quota, config, oauth
        self._requests = Bucket("requests", config.requests_a_minute, 60)
        self._is_warned = False

    def asking(self, access: Access, seconds: float, points: Bucket = POINTS) -> Ask:
        """Return what asks on behalf of this account, each time so long.

        Whoever is throttled begins anew, and pays for all of it again: the wait that
        Throttled names covers what was spent before.
        """
        spent = 0.0

        async def ask(document: Document, /, **variables: object) -> Json:
            nonlocal spent
            cost = _cost(document, variables)
            try:
                await self._spend(access, points, cost)
            except Throttled as error:
                raise until_all_is_there(error, spent, POINTS) from None
            spent += cost
            request = self._request(document, variables)
            answer = json_of(await self._send(access, request, seconds))
            await self._learn(access, answer, cost)
            return self._data(answer)

        return ask

    async def _spend(self, access: Access, points: Bucket, cost: float) -> None:
        await self._quota.spend(access.connection_id, self._requests, 1)
        await self._quota.spend(access.connection_id, points, cost)

    def _request(
        self, document: Document, variables: Mapping[str, object]
    ) -> OutgoingRequest:
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "x-jobber-graphql-version": self._config.api_version or "",
        }
        body = {"query": document.text, "variables": variables}
        return OutgoingRequest(
            "POST", self._config.api_url, headers, orjson.dumps(body)
        )

    async def _send(
        self, access: Access, request: OutgoingRequest, seconds: float
    ) -> OutgoingResponse:
        secrets = access.secrets
        if self._oauth is not None and secrets.get("refreshToken"):
            if not _SECONDS.fullmatch(secrets.get("expiresAt", "0")):
                raise Rejected  # whoever typed it in has to mend it
            answer = await self._oauth.send(
                access, request, seconds=seconds, expected=_OF_EVENTS
            )
        else:
            token = secrets.get("accessToken") or secrets.get("apiKey")
            if not token:
                raise NotAuthorized
            bearer = {"authorization": f"Bearer {token}"}
            request = replace(request, headers={**request.headers, **bearer})
            answer = await self._http.send(
                request, seconds=seconds, expected=_OF_EVENTS
            )
        if answer.status in _OF_EVENTS:
            raise Rejected
        return answer

    async def _learn(self, access: Access, answer: Json, spent: float) -> None:
        """Learn what is left; what was answered is charged, no more."""
        status = _throttle_status(answer)
        if status is not None:
            left = float(status["currentlyAvailable"])
            actual = _part(answer, "cost").get("actualQueryCost")  # null if refused
            unspent = 0.0 if actual is None else spent - float(actual)
            await self._quota.learn(access.connection_id, POINTS, left, unspent)
        warning = _part(answer, "versioning").get("warning")
        if warning and not self._is_warned:
            self._is_warned = True
            # Its words are those of whoever answers in Jobber's place.
            days = _DAY.findall(str(warning)[:1_000])
            _log.warning("jobber_version_ends", reason=", ".join(days))

    def _data(self, answer: Json) -> Json:
        if answer.get("errors"):
            raise _error_of(answer)
        data = answer["data"]
        if not isinstance(data, dict):
            raise ProviderDown
        for payload in data.values():
            if isinstance(payload, dict) and payload.get("userErrors"):
                raise Rejected
        return data


def _cost(document: Document, variables: Mapping[str, object]) -> float:
    first = variables.get("first")
    return document.cost + document.each * (first if isinstance(first, int) else 0)


def _error_of(answer: Json) -> ProviderError:
    codes = _codes(answer)
    if "THROTTLED" in codes:
        return _throttled(answer)
    if _UNAUTHENTICATED in codes:
        return NotAuthorized()
    if not codes or any(code.startswith("INTERNAL") for code in codes):
        return ProviderDown()
    return Rejected()


def _throttled(answer: Json) -> ProviderError:
    """Tell when the points that were asked for will be there again."""
    status = _throttle_status(answer)
    if status is None:
        return Throttled()
    cost = float(_part(answer, "cost")["requestedQueryCost"])
    if cost > float(status["maximumAvailable"]):
        return Rejected()
    missing = max(0.0, cost - float(status["currentlyAvailable"]))
    return Throttled(missing / max(1.0, float(status["restoreRate"])))


def _codes(answer: Json) -> set[str]:
    found = answer.get("errors")
    errors = found if isinstance(found, list) else []
    extensions = (each.get("extensions") for each in errors if isinstance(each, dict))
    codes = (each.get("code") for each in extensions if isinstance(each, dict))
    return {str(each) for each in codes if each}


def _part(answer: Json, name: str) -> Json:
    extensions = answer.get("extensions")
    part = extensions.get(name) if isinstance(extensions, dict) else None
    return part if isinstance(part, dict) else {}


def _throttle_status(answer: Json) -> Json | None:
    status = _part(answer, "cost").get("throttleStatus")
    return status if isinstance(status, dict) else None
