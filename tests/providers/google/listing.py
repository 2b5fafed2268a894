"""Lists of events: pages, sync tokens, and what changed since one was given."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256

from tests.providers.google.calendars import Bounds, Calendar, overlaps
from tests.providers.google.refusals import Refusal
from tests.providers.google.wire import Json

PAGE = 25
"""More than so many are never on a page, whatever is asked for: Google may do that."""
_OPENING = ("timeMin", "timeMax", "syncToken", "pageToken")
# What must not stand beside a sync token.
_FORBIDDEN = {
    *("iCalUID", "orderBy", "privateExtendedProperty", "q"),
    *("sharedExtendedProperty", "timeMin", "timeMax", "updatedMin"),
}


@dataclass(frozen=True)
class Reading:
    """One reading, of one page after the other: what a token stands for."""

    calendar: str
    epoch: int
    since: int | None
    until: int
    bounds: tuple[str, str]
    asked: str
    """The parameters that are to stay the same."""
    offset: int = 0


def listed(calendar: Calendar, parameters: dict[str, str]) -> Json:
    """Answer a list; raise Refusal."""
    reading = _reading(calendar, parameters)
    if reading.epoch != calendar.epoch:
        raise Refusal(410, "fullSyncRequired")
    most = int(parameters.get("maxAttendees", "1000"))
    items = [_with_guests(each, most) for each in _items(calendar, reading)]
    size = min(int(parameters.get("maxResults", "250")), PAGE)
    end = reading.offset + size
    following = replace(reading, offset=end)
    is_last = end >= len(items)
    token = _token(replace(reading, since=None, offset=-1)) if is_last else ""
    return {
        "kind": "calendar#events",
        "etag": '"1"',
        "summary": calendar.summary,
        "timeZone": calendar.zone,
        "accessRole": calendar.role,
        "defaultReminders": [],
        "items": items[reading.offset : end],
        **({"nextSyncToken": token} if is_last else {}),
        **({} if is_last else {"nextPageToken": _token(following)}),
    }


def _reading(calendar: Calendar, parameters: dict[str, str]) -> Reading:
    if parameters.get("singleEvents") != "true":
        raise Refusal(400, "required")  # the fake knows nothing else
    asked = {name: text for name, text in parameters.items() if name not in _OPENING}
    digest = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    if "pageToken" in parameters:
        reading = _read(parameters["pageToken"], calendar, digest)
        is_sync = reading.since is not None
        if is_sync != ("syncToken" in parameters) or reading.offset < 1:
            raise Refusal(400, "invalid")
        return reading
    if "syncToken" in parameters:
        if _FORBIDDEN & set(parameters):
            raise Refusal(400, "syncTokenWithNonDefaultOrdering")
        before = _read(parameters["syncToken"], calendar, digest)
        if before.offset != -1:
            raise Refusal(400, "invalid")
        until = len(calendar.log)
        return replace(before, since=before.until, until=until, offset=0)
    bounds = (parameters.get("timeMin", "1990"), parameters.get("timeMax", "2090"))
    until = len(calendar.log)
    return Reading(calendar.id, calendar.epoch, None, until, bounds, digest)


def _token(reading: Reading) -> str:
    return urlsafe_b64encode(json.dumps(asdict(reading)).encode()).decode()


def _read(token: str, calendar: Calendar, asked: str) -> Reading:
    try:
        reading = Reading(**json.loads(urlsafe_b64decode(token)))
    except (ValueError, TypeError):
        raise Refusal(400, "invalid") from None
    if (reading.calendar, reading.asked) != (calendar.id, asked):
        raise Refusal(400, "invalid")
    return reading


def _items(calendar: Calendar, reading: Reading) -> Iterator[Json]:
    earliest, latest = (datetime.fromisoformat(each) for each in reading.bounds)
    bounds = (earliest, latest)
    now = calendar.snapshot(reading.until, bounds)
    if reading.since is None:
        yield from _all(now, calendar, bounds)
        return
    before = calendar.snapshot(reading.since, bounds)
    for name, event in now.items():
        if before.get(name) != event:
            yield _shown(event)
    for name in before.keys() - now.keys():
        yield {"id": name, "status": "cancelled"}


def _all(now: dict[str, Json], calendar: Calendar, bounds: Bounds) -> Iterator[Json]:
    for event in now.values():
        if event["status"] == "cancelled" or overlaps(event, calendar.zone, bounds):
            yield _shown(event)


def _shown(event: Json) -> Json:
    """Of what was deleted nothing is sure but its id."""
    if event["status"] != "cancelled":
        return event
    kept = ("id", "status", "recurringEventId", "originalStartTime")
    return {name: event[name] for name in kept if name in event}


def _with_guests(event: Json, most: int) -> Json:
    """Leave out guests of whom there are too many, but not the calendar's owner."""
    guests = event.get("attendees", ())
    if len(guests) <= most:
        return event
    return {**event, "attendees": [each for each in guests if each.get("self")]}
