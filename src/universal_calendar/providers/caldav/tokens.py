"""Sync and page tokens of our own, around those of the server.

`s` has the server's sync token (RFC 6578). `e` is for servers that have none: the
calendar's ctag, and a digest of every event's etag. `p` is a page: what is still to be
fetched, and the sync token that follows.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from universal_calendar.core.provider_errors import SyncTokenStale


@dataclass(frozen=True, slots=True)
class ServerToken:
    """Where the server left off."""

    token: str = field(repr=False)

    @property
    def text(self) -> str:
        """Return it as our sync token."""
        return f"s{self.token}"


@dataclass(frozen=True, slots=True)
class Listing:
    """What was there: digests of etags, by event."""

    ctag: str | None
    digests: Mapping[str, str] = field(repr=False)

    @property
    def text(self) -> str:
        """Return it as our sync token."""
        return f"e{_packed({'ctag': self.ctag, 'digests': dict(self.digests)})}"


Token = ServerToken | Listing


@dataclass(frozen=True, slots=True)
class Work:
    """What is still to be fetched of a reading, and the sync token at its end.

    `is_whole`: everything is read, so that what is not in the window goes unsaid.
    `has_more`: the server cut its answer; it is asked again from the token.
    """

    names: Sequence[str]
    token: str = field(repr=False)
    is_whole: bool
    has_more: bool = False

    @property
    def text(self) -> str:
        """Return it as our page token."""
        work = [list(self.names), self.token, self.is_whole, self.has_more]
        return f"p{_packed(work)}"


def digest(etag: str | None) -> str:
    """Return a few characters that change with the etag."""
    return sha256((etag or "").encode()).hexdigest()[:10]


def read_token(text: str) -> Token:
    """Read a sync token; raise SyncTokenStale if it is none of ours."""
    if text[:1] == "s" and text[1:].isprintable() and len(text) > 1:
        return ServerToken(text[1:])
    try:
        read = _unpacked(text, "e")
        return Listing(read["ctag"], dict(read["digests"]))
    except (ValueError, TypeError, KeyError, zlib.error):
        raise SyncTokenStale from None


def read_work(text: str) -> Work:
    """Read a page token; raise SyncTokenStale if it is none of ours."""
    try:
        names, token, is_whole, has_more = _unpacked(text, "p")
        return Work([str(each) for each in names], str(token), is_whole, has_more)
    except (ValueError, TypeError, zlib.error):
        raise SyncTokenStale from None


def _packed(value: object) -> str:
    return urlsafe_b64encode(zlib.compress(json.dumps(value).encode(), 1)).decode()


def _unpacked(text: str, kind: str) -> Any:
    if text[:1] != kind:
        raise ValueError("another kind of token")
    return json.loads(zlib.decompress(urlsafe_b64decode(text[1:].encode())))
