"""Sync tokens and page tokens: opaque to clients, a few numbers to the sandbox."""

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

from universal_calendar.providers.fake.server.errors import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a calendar's changes, which are numbered.

    `since` is where the reading began; None reads what is in the window of `start` and
    `end`, and no tombstones. `began` was the newest change at the first page: the sync
    token goes on from there, and misses nothing that happened in between. `after` is
    the last change that was told.
    """

    calendar_id: str
    since: int | None
    began: int
    after: int
    start: str | None = None
    end: str | None = None

    def token(self) -> str:
        """Write it as a token."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()


def place_of(token: str) -> Place:
    """Read a token; raise Problem 410 for anything that was never given."""
    try:
        return _read(json.loads(base64.urlsafe_b64decode(token.encode())))
    except (KeyError, TypeError, ValueError):
        raise Problem(410, "stale_token") from None


def _read(written: dict[str, Any]) -> Place:
    since = written["since"]
    return Place(
        str(written["calendar_id"]),
        None if since is None else _number(since),
        _number(written["began"]),
        _number(written["after"]),
        written["start"],
        written["end"],
    )


def _number(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("no number of a change")
    return value
