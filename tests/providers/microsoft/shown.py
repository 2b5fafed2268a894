"""Events as Graph writes them."""

from datetime import datetime
from typing import Any

from tests.providers.microsoft.mailbox import Event, Occurrence, occurrences_of

Json = dict[str, Any]

_NEVER = "0001-01-01T00:00:00Z"


def shown(occurrence: Occurrence, *, is_text: bool = True) -> Json:
    """Return all that Graph tells of an event without being asked for more."""
    event, kind = occurrence.event, occurrence.kind
    return {
        "@odata.etag": event.etag,
        "id": id_of(occurrence),
        "createdDateTime": "2026-01-01T00:00:00.1234567Z",
        "lastModifiedDateTime": "2026-01-01T00:00:00Z",
        "changeKey": event.etag,
        "categories": [],
        "transactionId": event.transaction,
        "originalStartTimeZone": event.zone,
        "originalEndTimeZone": event.zone,
        "iCalUId": f"040000008200E00074C5B7101A82E008{event.event_id[4:20]}",
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": True,
        "hasAttachments": False,
        "subject": event.subject,
        "bodyPreview": event.text[:255],
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": event.is_all_day,
        "isCancelled": occurrence.fields.get("is_cancelled", event.is_cancelled),
        "isDraft": False,
        "isOrganizer": event.response == "organizer",
        "responseRequested": True,
        "seriesMasterId": None if occurrence.number is None else event.event_id,
        "showAs": occurrence.fields.get("show_as", event.show_as),
        "type": kind,
        "webLink": "https://outlook.office365.com/owa/?path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "onlineMeeting": None,
        "recurrence": None,
        "allowNewTimeProposals": True,
        "hideAttendees": False,
        "responseStatus": {"response": event.response, "time": _NEVER},
        "body": _body(event.text, is_text=is_text),
        "start": written(occurrence.start),
        "end": written(occurrence.end),
        "location": {
            "displayName": event.place,
            "locationType": "default",
            "uniqueId": event.place,
            "uniqueIdType": "private",
        },
        "locations": [],
        "attendees": [],
        "organizer": {"emailAddress": {"name": "Ann", "address": "ann@example.test"}},
    }


def shown_event(event: Event, *, is_text: bool = True) -> Json:
    """Return an event as asking for it by its id tells it."""
    first = next(occurrences_of(event))
    told = shown(first, is_text=is_text)
    if event.series is None:
        return told
    times = {"start": written(event.start), "end": written(event.end)}
    master = {"id": event.event_id, "seriesMasterId": None, "type": "seriesMaster"}
    return told | times | master | {"recurrence": _recurrence(event)}


def bare(occurrence: Occurrence) -> Json:
    """Return what changes tell of an occurrence: its times, and whose it is."""
    told = shown(occurrence)
    if occurrence.kind != "occurrence":
        return told
    names = ("@odata.etag", "seriesMasterId", "type", "id", "start", "end")
    return {"@odata.type": "#microsoft.graph.event"} | {
        name: told[name] for name in names
    }


def id_of(occurrence: Occurrence) -> str:
    if occurrence.number is None:
        return occurrence.event.event_id
    return f"{occurrence.event.event_id}_{occurrence.number}"


def written(moment: datetime) -> Json:
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def _body(text: str, *, is_text: bool) -> Json:
    """Graph keeps HTML: as text it comes back with other line ends, and one more."""
    if not is_text:
        content = f"<html><body>\r\n{text}\r\n</body></html>"
        return {"contentType": "html", "content": content}
    lines = text.replace("\n", "\r\n")
    return {"contentType": "text", "content": f"{lines}\r\n" if text else ""}


def _recurrence(event: Event) -> Json:
    assert event.series is not None
    weekly = event.series.days == 7
    pattern: Json = {"type": "weekly" if weekly else "daily", "interval": 1}
    if weekly:
        pattern["daysOfWeek"] = [f"{event.start:%A}".lower()]
    return {
        "pattern": pattern,
        "range": {
            "type": "numbered",
            "startDate": f"{event.start:%Y-%m-%d}",
            "numberOfOccurrences": event.series.count,
            "recurrenceTimeZone": event.zone,
        },
    }
