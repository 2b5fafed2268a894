"""Between Google's JSON and ours; what is malformed raises ValueError and such.

Vendor's reference: https://developers.google.com/workspace/calendar/api/v3/reference
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import from_datetime, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import from_wall_clock, zone_named
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

_WRITABLE: Final = {"owner", "writer"}
_TAKES_NO_TIME: Final = {"workingLocation", "birthday"}
# An invitation that waits for its answer may still be accepted.
_UNDECIDED: Final = {"tentative", "needsAction"}


def account_of(calendars: Sequence[Json]) -> ProviderAccount:
    """Read the calendar list; the primary calendar's id is the account's e-mail."""
    (primary,) = (each for each in calendars if each.get("primary"))
    zone = primary.get("timeZone")
    return ProviderAccount(
        str(primary["id"]),
        tuple(_calendar(each) for each in calendars),
        str(zone) if zone else None,
    )


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
    optional = {"description": draft.description, "location": draft.location}
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
    return instant_text(_instant(edge)) if "dateTime" in edge else str(edge["date"])


def _instant(edge: Json) -> int:
    return from_datetime(datetime.fromisoformat(edge["dateTime"]))


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
    "items(id,etag,status,start,end,transparency,eventType,recurringEventId,"
    "attendees(self,responseStatus),extendedProperties/private)"
)
"""What is asked for of a list: no title and no guest."""


def changed_event(
    event: Json, zone_name: object, window: Interval, tenant_id: UUID
) -> ChangedEvent:
    """Read an event or an occurrence of one; its days are of the calendar's zone."""
    if is_deleted(event):
        return _gone(str(event["id"]))
    appointment_id = _appointment_of(event, tenant_id)
    return ChangedEvent(
        event_id=str(event["id"]),
        etag=str(event["etag"]),
        is_deleted=False,
        is_all_day="date" in event["start"],
        busy=_busy(event),
        intervals=tuple(
            each
            for each in _intervals(event, zone_name)
            if appointment_id or each.overlaps(window)
        ),
        appointment_id=appointment_id,
    )


def _gone(event_id: str) -> ChangedEvent:
    return ChangedEvent(
        event_id=event_id,
        etag=None,
        is_deleted=True,
        is_all_day=False,
        busy=None,
        intervals=(),
        appointment_id=None,
    )


def _appointment_of(event: Json, tenant_id: UUID) -> UUID | None:
    mark = _mark(event)
    if mark.get("eventId") != event["id"]:
        return None  # a copy, or a series that its owner made of it
    return appointment_of(mark, tenant_id)


def _busy(event: Json) -> BusyType | None:
    kind, response = event.get("eventType", "default"), _response(event)
    if event.get("transparency") == "transparent" or kind in _TAKES_NO_TIME:
        return None
    if response == "declined":
        return None
    if kind == "outOfOffice":
        return BusyType.UNAVAILABLE
    if event.get("status") == "tentative" or response in _UNDECIDED:
        return BusyType.TENTATIVE
    return BusyType.BUSY


def _response(event: Json) -> object:
    """Return what the calendar's owner answered to an invitation."""
    guests = event.get("attendees", ())
    answers = (each.get("responseStatus") for each in guests if each.get("self"))
    return next(answers, None)


def _intervals(event: Json, zone_name: object) -> tuple[Interval, ...]:
    start, end = (_read_edge(event[edge], zone_name) for edge in ("start", "end"))
    # An event may have no length: it takes no time.
    return (Interval(start, end),) if start < end else ()


def _read_edge(edge: Json, zone_name: object) -> int:
    if "dateTime" in edge:
        return _instant(edge)
    day = date.fromisoformat(edge["date"])
    return from_wall_clock(day, 0, zone_named(str(zone_name)))


def busy_periods(answer: Json) -> dict[str, list[Interval]]:
    """Read an answer of freeBusy; a calendar that it cannot tell about is left out."""
    return {
        name: [_period(each) for each in calendar["busy"]]
        for name, calendar in answer["calendars"].items()
        if not calendar.get("errors")
    }


def _period(period: Json) -> Interval:
    start, end = (_instant({"dateTime": period[edge]}) for edge in ("start", "end"))
    return Interval(start, end)
