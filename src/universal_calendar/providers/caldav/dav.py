"""Requests to a CalDAV server: as whom, where they may go, and what they may carry.

The password goes to the host that its owner named and to no other; an account's preset
may name further hosts that belong to the same provider.
"""

from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from universal_calendar.core.provider_errors import NotAuthorized, Rejected
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse
from universal_calendar.providers._http import ProviderHttp
from universal_calendar.providers.caldav.bodies import path_of
from universal_calendar.services.ports.calendars import Access

_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 307, 308)
_PORTS: Final = {"http": 80, "https": 443}
XML: Final = {"content-type": "application/xml; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Preset:
    """How an account is made of an access's secrets.

    `url` and `domain` are a provider's own: where to begin, and below which name all
    its hosts are. None of both: the owner says where, and it stays there.
    """

    password: str
    url: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to be, and where."""

    url: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    domain: str | None = None

    @property
    def host(self) -> str:
        """Return the server's name, and its port where it is not the scheme's own."""
        scheme, host, port = _origin(self.url)
        return host if port == _PORTS.get(scheme) else f"{host}:{port}"

    @property
    def authorization(self) -> str:
        """Return the header of basic authentication."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class Question:
    """A request; statuses in `expected` are answers and no errors."""

    method: str
    url: str
    content: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: Collection[int] = ()


def account_of(access: Access, preset: Preset) -> Account:
    """Read the secrets; raise NotAuthorized where one is missing."""
    url = preset.url or access.secrets.get("url")
    username = access.secrets.get("username")
    password = access.secrets.get(preset.password)
    if not url or not username or not password:
        raise NotAuthorized
    return Account(url.strip(), username.strip(), password, preset.domain)


class Dav:
    """Sends questions, each to where its account may go."""

    def __init__(self, http: ProviderHttp, *, allows_http: bool) -> None:
        """Say whether passwords may go over unencrypted connections."""
        self._http, self._schemes = http, ("https", "http")[: 1 + allows_http]

    async def ask(
        self, account: Account, question: Question, seconds: float
    ) -> OutgoingResponse:
        """Return the answer; raise Rejected for a URL that is none of the account's."""
        if not self.is_allowed(account, question.url):
            raise Rejected
        headers = {"authorization": account.authorization, **question.headers}
        request = OutgoingRequest(
            question.method, question.url, headers, question.content
        )
        return await self._http.send(
            request, seconds=seconds, expected=question.expected
        )

    async def follow(
        self, account: Account, question: Question, seconds: float
    ) -> tuple[str, OutgoingResponse]:
        """Return the answer and where it came from, redirects followed."""
        asked = replace(question, expected=(*question.expected, *_REDIRECTS))
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self.ask(account, asked, seconds)
            if answer.status not in _REDIRECTS:
                return asked.url, answer
            location = answer.headers.get("location", "")
            asked = replace(asked, url=joined(asked.url, location))
        raise Rejected

    def is_allowed(self, account: Account, url: str) -> bool:
        """Tell whether the account's password may go there."""
        try:
            here, there = _origin(account.url), _origin(url)
        except ValueError:
            return False
        scheme, host, _ = there
        if scheme not in self._schemes or not host:
            return False
        if there == here:
            return True
        is_of_domain = account.domain is not None and (
            host.endswith(f".{account.domain}")
        )
        return is_of_domain and there == ("https", host, 443)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials in a URL")
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)


def joined(base: str, href: str) -> str:
    """Return what the href means where it was found; Rejected if it means nothing."""
    try:
        return urljoin(base, href)
    except ValueError:
        raise Rejected from None


def calendar_id(account: Account, url: str) -> str:
    """Return how a calendar is called: its path, or its URL on another host."""
    path, (scheme, host, _) = path_of(url), _origin(url)
    if _origin(url) == _origin(account.url):
        return path
    return f"{scheme}://{host}{path}"  # always by the scheme's own port


def calendar_url(account: Account, calendar: str) -> str:
    """Return where a calendar is; raise Rejected for what is no calendar's name."""
    if not calendar.startswith(("/", "https://", "http://")):
        raise Rejected
    url = joined(account.url, calendar)
    return url if url.endswith("/") else f"{url}/"


def event_url(calendar: str, name: str) -> str:
    """Return where an event of the calendar's URL is; Rejected for a way out of it."""
    # A server may unquote before it looks at the path.
    if {"", ".", ".."} & set(name.split("/")):
        raise Rejected
    return f"{calendar}{quote(name, safe='')}"


def event_name(calendar: str, path: str) -> str | None:
    """Return an event's name by its path; None for what is not in the calendar.

    The collection lists itself among what is in it.
    """
    inside = path_of(calendar)
    name = path.removeprefix(inside)
    if name == path or "/" in name or {"", ".", ".."} & set(unquote(name).split("/")):
        return None
    return unquote(name)
