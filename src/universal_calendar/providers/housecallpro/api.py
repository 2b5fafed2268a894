"""Requests to Housecall Pro's API, each paid for out of the account's quota."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

import orjson
import structlog

from universal_calendar.core.provider_errors import NotAuthorized, Rejected, Throttled
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse
from universal_calendar.providers._http import ProviderHttp
from universal_calendar.providers._json import Json
from universal_calendar.providers._quota import until_all_is_there
from universal_calendar.providers.provider import Means, PlatformConfig
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.quotas import Bucket

_MINUTE_SECONDS: Final = 60.0
_OF_READING: Final = 0.7
"""A sync takes no more of what may be asked in a minute."""
_OLD_PATH: Final = "/v1"
"""The API has no such path, but texts about it do."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Question:
    """A request below the API's URL; `expected` are refusals that its asker judges."""

    method: str
    path: str
    parameters: Sequence[tuple[str, str]] = ()
    body: Json | None = None
    expected: Collection[int] = ()


Ask: TypeAlias = Callable[[Question], Awaitable[OutgoingResponse]]


class HousecallProApi:
    """Asks Housecall Pro on behalf of a company."""

    def __init__(self, means: Means, config: PlatformConfig) -> None:
        """Take what asks, and where and how often it may."""
        self._http = ProviderHttp(means.sender, means.now)
        self._quota, self._url = means.quota, _root_of(config.api_url)
        most = config.requests_a_minute
        part = max(1.0, most * _OF_READING)
        self._bucket = Bucket("requests", most, _MINUTE_SECONDS)
        self._reading = Bucket("requests", part, _MINUTE_SECONDS * part / most)

    def reading(self, access: Access, seconds: float) -> Ask:
        """Return what asks for a sync: it leaves some to whoever waits for answers."""
        return self._asking(access, seconds, self._reading)

    def asking(self, access: Access, seconds: float) -> Ask:
        """Return what asks with this company's key, each time so long.

        Whoever is throttled begins anew, and pays for all of it again: the wait that
        Throttled names covers what was spent before.
        """
        return self._asking(access, seconds, self._bucket)

    def _asking(self, access: Access, seconds: float, bucket: Bucket) -> Ask:
        authorization, spent = _authorization(access.secrets), 0

        async def ask(question: Question) -> OutgoingResponse:
            nonlocal spent
            try:
                await self._quota.spend(access.connection_id, bucket, 1)
            except Throttled as error:
                raise until_all_is_there(error, spent, bucket) from None
            spent += 1
            return await self._http.send(
                self._request(question, authorization),
                seconds=seconds,
                expected=question.expected,
            )

        return ask

    def _request(self, question: Question, authorization: str) -> OutgoingRequest:
        headers = {"authorization": authorization, "accept": "application/json"}
        url, content = self._url + question.path, b""
        if question.parameters:
            url += "?" + urlencode(question.parameters)
        if question.body is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(question.body)
        return OutgoingRequest(question.method, url, headers, content)


def _root_of(url: str) -> str:
    if url.endswith(_OLD_PATH):
        _log.warning("housecallpro_path_dropped")
    return url.removesuffix(_OLD_PATH)


def _authorization(secrets: Mapping[str, str]) -> str:
    """Return what opens the account: a key, or a token of OAuth."""
    if secrets.get("apiKey"):
        return f"Token {secrets['apiKey']}"
    if secrets.get("accessToken"):
        return f"Bearer {secrets['accessToken']}"
    raise NotAuthorized


def path_of(*parts: str) -> str:
    """Return a path; what is in a part cannot lead elsewhere, or is Rejected."""
    if not all(each.strip(".") for each in parts):
        raise Rejected
    return "".join(f"/{quote(part, safe='')}" for part in parts)
