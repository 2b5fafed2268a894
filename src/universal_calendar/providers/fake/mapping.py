"""Between the sandbox's JSON and ours; what is malformed raises ValueError and such."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import (
    Instant,
    from_datetime,
    to_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import (
    from_wall_clock,
    wall_clock,
    zone_named,
)
from universal_calendar.providers._fingerprint import (
    Finding,
    appointment_of,
    compare,
    mark_of,
)
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    EventDraft,
    ProviderAccount,
    ProviderCalendar,
    WrittenEvent,
)

Json = dict[str, Any]

_SEEN: Final = (
    *("title", "description", "location", "start", "end"),
    *("timeZone", "status", "transparency", "kind", "response", "recurrence"),
)
_DEFAULTS: Final[Json] = {
    "status": "confirmed",
    "transparency": "opaque",
    "kind": "default",
    "response": "accepted",
}
_DAYS: Final = {"day": 1, "week": 7}


def account_of(answer: Json) -> ProviderAccount:
    """Read an account and its calendars."""
    return ProviderAccount(
        str(answer["account"]),
        tuple(_calendar(each) for each in answer["calendars"]),
    )


def _calendar(calendar: Json) -> ProviderCalendar:
    return ProviderCalendar(
        str(calendar["id"]),
        str(calendar["name"]),
        bool(calendar["isPrimary"]),
        bool(calendar["isWritable"]),
    )


# Writing


def body_of(draft: EventDraft) -> Json:
    """Write a draft as an event's body."""
    optional = {"description": draft.description, "location": draft.location}
    body: Json = {
        "title": draft.title,
        **{name: text for name, text in optional.items() if text is not None},
        "start": {"at": instant_text(draft.interval.start)},
        "end": {"at": instant_text(draft.interval.end)},
        "timeZone": draft.timezone,
    }
    body["properties"] = mark_of(draft, _seen(body))
    return body


def instant_text(instant: Instant) -> str:
    """Write an instant as the sandbox reads it, in whole seconds."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seen(event: Json) -> list[object]:
    seen = {**_DEFAULTS, **event}
    return [seen.get(name) for name in _SEEN]


def finding(event: Json, body: Json) -> Finding:
    """Compare an event with the body that would be written."""
    return compare(event["properties"], _seen(event), body["properties"])


def written_event(event: Json) -> WrittenEvent:
    """Read what is to be remembered of an event that was written."""
    return WrittenEvent(str(event["id"]), str(event["etag"]))


# Reading


def changed_event(
    event: Json, calendar_zone: ZoneInfo, window: Interval, tenant_id: UUID
) -> ChangedEvent:
    """Read an event, or the tombstone of one."""
    if "start" not in event:
        return ChangedEvent.gone(str(event["id"]))
    appointment_id = appointment_of(event["properties"], tenant_id)
    occurrences = sorted(_occurrences(event, calendar_zone))
    return ChangedEvent(
        event_id=str(event["id"]),
        etag=str(event["etag"]),
        is_deleted=False,
        is_all_day="date" in event["start"],
        busy=_busy(event),
        intervals=tuple(
            each for each in occurrences if appointment_id or each.overlaps(window)
        ),
        appointment_id=appointment_id,
    )


def _busy(event: Json) -> BusyType | None:
    if event["transparency"] == "transparent" or event["response"] == "declined":
        return None
    if event["kind"] == "outOfOffice":
        return BusyType.UNAVAILABLE
    return BusyType.TENTATIVE if event["status"] == "tentative" else BusyType.BUSY


def _occurrences(event: Json, calendar_zone: ZoneInfo) -> Iterator[Interval]:
    series = event.get("recurrence") or {"every": "day", "count": 1}
    for number in range(series["count"]):
        days = timedelta(days=number * _DAYS[series["every"]])
        if "date" in event["start"]:
            yield _all_day(event, calendar_zone, days)
        else:
            yield _timed(event, days)


def _all_day(event: Json, zone: ZoneInfo, later: timedelta) -> Interval:
    first, last = (date.fromisoformat(event[edge]["date"]) for edge in ("start", "end"))
    return Interval(
        from_wall_clock(first + later, 0, zone), from_wall_clock(last + later, 0, zone)
    )


def _timed(event: Json, later: timedelta) -> Interval:
    start, end = (
        from_datetime(datetime.fromisoformat(event[edge]["at"]))
        for edge in ("start", "end")
    )
    # A series keeps its time of day by the clocks of its zone, and each its length.
    if later:
        zone = zone_named(event["timeZone"])
        shown = wall_clock(start, zone)
        minute, seconds = shown.hour * 60 + shown.minute, shown.second * 1_000_000
        moved = from_wall_clock(shown.date() + later, minute, zone) + seconds
        start, end = moved, moved + end - start
    return Interval(start, end)
