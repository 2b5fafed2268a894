"""Between Google's JSON and ours; what is malformed raises ValueError and such.

Vendor's reference: https://developers.google.com/workspace/calendar/api/v3/reference
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import (
    DAY,
    EPOCH_ORDINAL,
    Duration,
    Instant,
    from_datetime,
    instant_text,
)
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.core.localtime import zone_named
from universal_calendar.providers._far_times import midnight, near
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

_LONGEST_DESCRIPTION: Final = 8192  # Google refuses events that have more
_END: Final = 1000
_WRITABLE: Final = {"owner", "writer"}
_TAKES_NO_TIME: Final = {"workingLocation", "birthday"}
# An invitation that waits for its answer may still be accepted.
_UNDECIDED: Final = {"tentative", "needsAction"}


def account_of(calendars: Sequence[Json]) -> ProviderAccount:
    """Read the calendar list; the primary calendar's id is the account's e-mail."""
    (primary,) = (each for each in calendars if each.get("primary"))
    return ProviderAccount(
        str(primary["id"]),
        tuple(_calendar(each) for each in calendars),
        _known_zone(primary.get("timeZone")),
    )


def _known_zone(name: object) -> str | None:
    """Return the name of a zone, None where our own database lacks it."""
    try:
        return zone_named(str(name)).key
    except InvalidField:
        return None


def _calendar(calendar: Json) -> ProviderCalendar:
    name = calendar.get("summaryOverride") or calendar.get("summary") or calendar["id"]
    return ProviderCalendar(
        str(calendar["id"]),
        str(name),
        bool(calendar.get("primary")),
        calendar["accessRole"] in _WRITABLE,
    )


# Writing


def body_of(draft: EventDraft, event_id: str) -> Json:
    """Write a draft as the body of the event with this id."""
    optional = {"description": _fitting(draft.description), "location": draft.location}
    interval, zone = draft.interval, draft.timezone
    body: Json = {
        "id": event_id,
        "summary": draft.title,
        **{name: text for name, text in optional.items() if text is not None},
        "start": {"dateTime": instant_text(interval.start), "timeZone": zone},
        "end": {"dateTime": instant_text(interval.end), "timeZone": zone},
        "status": "confirmed",
        "transparency": "opaque",
    }
    # Who copies an event copies its properties: the copy has another id.
    mark = {**mark_of(draft, _seen(body)), "eventId": event_id}
    body["extendedProperties"] = {"private": mark}
    return body


def _fitting(text: str | None) -> str | None:
    """Cut what is too long in its middle: at its end is whose appointment it is."""
    if text is None or len(text) <= _LONGEST_DESCRIPTION:
        return text
    return f"{text[: _LONGEST_DESCRIPTION - _END - 3]}\n…\n{text[-_END:]}"


def patch_of(body: Json) -> Json:
    """Return what makes an event that is there like the body; null clears a field.

    What else its owner added stays: reminders, colours, guests.
    """
    absent = {"description": None, "location": None, "recurrence": None}
    edges = {edge: {**body[edge], "date": None} for edge in ("start", "end")}
    patch = {**absent, **body, **edges}
    del patch["id"]
    return patch


def _seen(event: Json) -> list[object]:
    return [
        *(_words(event.get(name)) for name in ("summary", "description", "location")),
        *(_edge_text(event[edge]) for edge in ("start", "end")),
        event.get("status", "confirmed"),
        event.get("transparency", "opaque"),
        event.get("recurrence") or [],
    ]


def _words(text: object) -> list[str]:
    # White space alone is no edit of a person: Google may trim it.
    return str(text or "").split()


def _edge_text(edge: Json) -> str:
    if "dateTime" in edge:
        return instant_text(_instant(edge["dateTime"]))
    return str(edge["date"])


def _instant(moment: str) -> Instant:
    """Read a moment of RFC 3339, `2026-03-01T09:00:00-08:00`.

    A calendar has thousands of them, but on few days and at few times of the day.
    """
    return _midnight(moment[:10]) + _since_midnight(moment[10:])


@lru_cache(maxsize=1024)
def _midnight(day: str) -> Instant:
    return near((date.fromisoformat(day).toordinal() - EPOCH_ORDINAL) * DAY)


@lru_cache(maxsize=1024)
def _since_midnight(time: str) -> Duration:
    # On the day of the epoch: what is left is the time, and how far its zone is away.
    return from_datetime(datetime.fromisoformat(f"2000-01-01{time}"))


def finding(event: Json, body: Json) -> Finding:
    """Compare an event with the body that would be written."""
    return compare(_mark(event), _seen(event), _mark(body))


def _mark(event: Json) -> Mapping[str, object]:
    return dict(event.get("extendedProperties", {}).get("private", {}))


def is_deleted(event: Json) -> bool:
    """Tell whether the event is one that was deleted, of which an id is left."""
    return event.get("status") == "cancelled"


def written_event(event: Json) -> WrittenEvent:
    """Read what is to be remembered of an event that was written."""
    return WrittenEvent(str(event["id"]), str(event["etag"]))


# Reading

FIELDS: Final = (
    "timeZone,nextPageToken,nextSyncToken,"
    "items(id,etag,status,start(date,dateTime),end(date,dateTime),transparency,"
    "eventType,attendees(self,responseStatus),extendedProperties/private)"
)
"""What is asked for of a list: no title and no guest."""


def changed_event(
    event: Json, zone_name: object, window: Interval, tenant_id: UUID
) -> ChangedEvent:
    """Read an event or an occurrence of one; its days are of the calendar's zone."""
    if is_deleted(event):
        return ChangedEvent.gone(str(event["id"]))
    is_marked = "extendedProperties" in event
    appointment_id = _appointment_of(event, tenant_id) if is_marked else None
    intervals = _intervals(event, zone_name)
    if intervals and not appointment_id and not intervals[0].overlaps(window):
        intervals = ()
    # By place: a calendar has thousands, and names take time.
    return ChangedEvent(
        str(event["id"]),
        str(event["etag"]),
        False,  # noqa: FBT003 - is_deleted
        "date" in event["start"],
        _busy(event),
        intervals,
        appointment_id,
    )


def _appointment_of(event: Json, tenant_id: UUID) -> UUID | None:
    mark = _mark(event)
    if mark.get("eventId") != event["id"]:
        return None  # a copy, or a series that its owner made of it
    return appointment_of(mark, tenant_id)


def _busy(event: Json) -> BusyType | None:
    kind = event.get("eventType", "default")
    response = _response(event["attendees"]) if "attendees" in event else None
    if event.get("transparency") == "transparent" or kind in _TAKES_NO_TIME:
        return None
    if response == "declined":
        return None
    if kind == "outOfOffice":
        return BusyType.UNAVAILABLE
    if event.get("status") == "tentative" or response in _UNDECIDED:
        return BusyType.TENTATIVE
    return BusyType.BUSY


def _response(guests: Sequence[Json]) -> object:
    """Return what the calendar's owner answered to an invitation."""
    for guest in guests:
        if guest.get("self"):
            return guest.get("responseStatus")
    return None


def _intervals(event: Json, zone_name: object) -> Intervals:
    start = _read_edge(event["start"], zone_name)
    end = _read_edge(event["end"], zone_name)
    # An event may have no length: it takes no time.
    return (Interval(start, end),) if start < end else ()


def _read_edge(edge: Json, zone_name: object) -> Instant:
    moment = edge.get("dateTime")
    if moment is not None:
        return _instant(moment)
    day = date.fromisoformat(edge["date"])
    return midnight(day, zone_named(str(zone_name)))


def busy_periods(answer: Json) -> dict[str, list[Interval]]:
    """Read an answer of freeBusy; a calendar that it cannot tell about is left out."""
    return {
        name: [_period(each) for each in calendar["busy"]]
        for name, calendar in answer["calendars"].items()
        if not calendar.get("errors")
    }


def _period(period: Json) -> Interval:
    return Interval(_instant(period["start"]), _instant(period["end"]))
