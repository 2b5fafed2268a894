"""Views of a calendar: whole, or what changed in a window that tokens freeze."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.providers.microsoft.mailbox import (
    Event,
    Mailbox,
    Occurrence,
    Span,
    occurrences_of,
)
from tests.providers.microsoft.shown import bare, shown_event

Json = dict[str, Any]


class SyncStateNotFound(Exception):
    """The token is none, or of a state that was forgotten."""


@dataclass(frozen=True)
class State:
    """What a token says. `since` is None in a first round; `after` is how far it got.

    `began_at` is where the next round begins: nothing between two pages is missed.
    """

    calendar_id: str
    start: str
    end: str
    began_at: int
    forgotten: int
    since: int | None = None
    after: int = 0
    noise: str = ""

    @property
    def token(self) -> str:
        told = asdict(replace(self, noise=secrets.token_hex(4)))
        return urlsafe_b64encode(json.dumps(told).encode()).decode()

    @classmethod
    def of(cls, token: str) -> "State":
        try:
            return cls(**json.loads(urlsafe_b64decode(token)))
        except (ValueError, TypeError):
            raise SyncStateNotFound from None

    @property
    def span(self) -> Span:
        return moment_of(self.start), moment_of(self.end)


def moment_of(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def first_state(mailbox: Mailbox, calendar_id: str, start: str, end: str) -> State:
    forgotten = mailbox.calendars[calendar_id].forgotten
    return State(calendar_id, start, end, mailbox.counter, forgotten)


def state_of(mailbox: Mailbox, token: str, *, is_next_page: bool) -> State:
    """Read a token; one that ended a round begins the next."""
    state = State.of(token)
    if state.forgotten != mailbox.calendars[state.calendar_id].forgotten:
        raise SyncStateNotFound
    if is_next_page:
        return state
    return replace(state, since=state.began_at, after=0, began_at=mailbox.counter)


def page_of(mailbox: Mailbox, state: State, size: int, base: str) -> Json:
    """Return a page of what changed; a series is never split over two."""
    items: list[Json] = []
    after = max(state.after, state.since or 0)
    changed = mailbox.changed_since(state.calendar_id, after)
    for event in changed:
        if items and len(items) >= size:
            link = f"{base}?$skiptoken={quote(replace(state, after=after).token)}"
            return {"value": items, "@odata.nextLink": link}
        items += _items(event, state)
        after = event.changed_at
    link = f"{base}?$deltatoken={quote(state.token)}"
    return {"value": items, "@odata.deltaLink": link}


def _items(event: Event, state: State) -> Iterator[Json]:
    inside = in_view(event, state.span)
    if not inside:
        # So it also tells of what was never in the window.
        if state.since is not None:
            yield {"id": event.event_id, "@removed": {"reason": "deleted"}}
        return
    if event.series is not None and event.start >= state.span[0]:
        yield shown_event(event)
    yield from (bare(each) for each in inside)


def in_view(event: Event, span: Span) -> list[Occurrence]:
    if event.is_deleted:
        return []
    return [each for each in occurrences_of(event) if each.overlaps(span)]
