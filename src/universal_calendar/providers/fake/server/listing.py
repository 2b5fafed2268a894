"""Reading a calendar in pages, from the beginning or from a sync token."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.state import (
    Calendar,
    Json,
    State,
    StoredEvent,
)
from universal_calendar.providers.fake.server.tokens import Place, place_of

LARGEST_PAGE: Final = 250
# A day of no zone may lie so far from the same day in UTC.
_SLACK: Final = timedelta(hours=14)


def page(state: State, calendar: Calendar, query: Mapping[str, str]) -> Json:
    """Return a page, as `listEvents` answers it; raise Problem 400 or 410."""
    place, size = _place(calendar, query), _size(query)
    changed = state.events(calendar.calendar_id, place.after, size + 1)
    told, has_more = changed[:size], len(changed) > size
    answer: Json = {
        "timeZone": calendar.time_zone,
        "events": [each.wire() for each in told if _belongs(each, place)],
    }
    if has_more:
        following = replace(place, after=told[-1].change)
        return answer | {"nextPageToken": following.token()}
    end = Place(calendar.calendar_id, place.began, 0, place.began)
    return answer | {"nextSyncToken": end.token()}


def _place(calendar: Calendar, query: Mapping[str, str]) -> Place:
    sync, following = query.get("syncToken"), query.get("pageToken")
    if sync is None and following is None:
        start, end = query.get("from"), query.get("until")
        _instant(start), _instant(end)
        return Place(calendar.calendar_id, None, calendar.change, 0, start, end)
    if "from" in query or "until" in query or (sync and following):
        raise Problem(400, "invalid_request")  # tokens know the window
    place = place_of(sync or following or "")
    is_stale = place.since is not None and place.since < calendar.forgotten
    if place.calendar_id != calendar.calendar_id or is_stale:
        raise Problem(410, "stale_token")
    return place if following else replace(place, began=calendar.change)


def _size(query: Mapping[str, str]) -> int:
    text = query.get("pageSize", "25")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_PAGE):
        raise Problem(400, "invalid_request")
    return int(text)


def _belongs(event: StoredEvent, place: Place) -> bool:
    """Tell whether a page shows the event: of what changed, every one."""
    if place.since is not None:
        return True
    if event.is_deleted:
        return False
    start, end = _instant(place.start), _instant(place.end)
    begins, finishes = _moment(event.body["start"]), _moment(event.body["end"])
    if "recurrence" in event.body:
        return end is None or begins - _SLACK < end
    return (end is None or begins - _SLACK < end) and (
        start is None or start < finishes + _SLACK
    )


def _moment(written: Mapping[str, str]) -> datetime:
    if "at" in written:
        return datetime.fromisoformat(written["at"])
    day = date.fromisoformat(written["date"])
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Problem(400, "invalid_request") from None
