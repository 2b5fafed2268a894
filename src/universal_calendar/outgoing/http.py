"""One way out: bounded in time, size and connections, and blind to what tempts it.

No redirect is followed, no proxy of the environment used, no cookie kept; certificates
are always verified.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx2
from typing_extensions import override

from universal_calendar.outgoing.errors import (
    AddressRefused,
    AnswerTooLarge,
    TimedOut,
    Unreachable,
)
from universal_calendar.outgoing.guard import GuardedTransport

LARGEST_ANSWER: Final = 10 * 1024 * 1024
_CONNECT_SECONDS: Final = 2.0
_LIMITS: Final = httpx2.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0
)
# Compressed answers could grow beyond all bounds when they are unpacked.
_OWN_HEADERS: Final = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "user-agent": "universal-calendar",
}


@dataclass(frozen=True, slots=True, repr=False)
class OutgoingRequest:
    """A request to another server; its repr shows nothing that could be a secret."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def host(self) -> str:
        """Return the URL's host, a question mark where it has none."""
        try:
            return urlsplit(self.url).hostname or "?"
        except ValueError:
            return "?"

    @override
    def __repr__(self) -> str:
        return f"OutgoingRequest({self.method} {self.host})"


@dataclass(frozen=True, slots=True)
class OutgoingResponse:
    """What the server answered, whatever its status; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class Sender:
    """Sends requests over connections of its own; make one per purpose and close it."""

    def __init__(
        self, *, is_guarded: bool, largest_answer: int = LARGEST_ANSWER
    ) -> None:
        """Guard what leads to URLs of tenants: only public addresses are connected to.

        `largest_answer` is in bytes. URLs of our own settings need no guard.
        """
        self._largest_answer = largest_answer
        self._transport = (
            GuardedTransport(_LIMITS)
            if is_guarded
            else httpx2.AsyncHTTPTransport(limits=_LIMITS)
        )

    async def send(
        self, request: OutgoingRequest, *, seconds: float
    ) -> OutgoingResponse:
        """Return the whole answer within so many seconds, 2 of them for connecting.

        Raises AddressRefused, Unreachable, TimedOut and AnswerTooLarge.
        """
        with _translated_errors(request.host):
            message = _message(request, seconds)
            async with asyncio.timeout(seconds), self._answered(message) as answer:
                return OutgoingResponse(
                    answer.status_code,
                    {name.lower(): value for name, value in answer.headers.items()},
                    await self._content(answer, request.host),
                )

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    @asynccontextmanager
    async def _answered(
        self, message: httpx2.Request
    ) -> AsyncIterator[httpx2.Response]:
        # The transport alone: a client on top of it would keep cookies, and give one
        # tenant's to another.
        answer = await self._transport.handle_async_request(message)
        try:
            yield answer
        finally:
            await answer.aclose()

    async def _content(self, answer: httpx2.Response, host: str) -> bytes:
        content = bytearray()
        async for piece in answer.aiter_raw():
            content += piece
            if len(content) > self._largest_answer:
                raise AnswerTooLarge(host)
        return bytes(content)


def _message(request: OutgoingRequest, seconds: float) -> httpx2.Request:
    timeout = httpx2.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
    url = httpx2.URL(request.url)
    if not url.host:
        raise AddressRefused(request.host)
    return httpx2.Request(
        request.method,
        url,
        headers={
            **_OWN_HEADERS,
            **{name.lower(): value for name, value in request.headers.items()},
        },
        content=request.content or None,
        extensions={"timeout": timeout.as_dict()},
    )


@contextmanager
def _translated_errors(host: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        raise AddressRefused(host) from None  # the cause quotes the URL
    except (httpx2.LocalProtocolError, UnicodeEncodeError):
        raise Unreachable(host) from None  # the cause quotes the header
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise TimedOut(host) from error
    except httpx2.HTTPError as error:
        raise Unreachable(host) from error
