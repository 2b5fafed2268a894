"""Between calendar objects and ours.

An event of ours is written in UTC, with our mark in properties of our own. Servers may
order and fold anew what they were given: what people see is compared by its values.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.providers._fingerprint import (
    NAMES,
    Finding,
    appointment_of,
    compare,
    mark_of,
)
from universal_calendar.providers._icalendar.errors import TooMany
from universal_calendar.providers.caldav.component import (
    OURS,
    Component,
    read_calendar,
)
from universal_calendar.providers.caldav.series import (
    Occurrence,
    busy_type,
    occurrences,
    plain_spans,
    whole_span,
)
from universal_calendar.providers.caldav.zones import UNIVERSAL, Zone, Zones, named_zone
from universal_calendar.services.ports.calendars import ChangedEvent, EventDraft

# Besides controls what XML has no place for: it would hide the whole calendar.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_FOLD: Final = 73
_BY_WEIGHT: Final = (BusyType.UNAVAILABLE, BusyType.BUSY, BusyType.TENTATIVE)
_ALWAYS: Final = Interval(0, 1)


@dataclass(frozen=True, slots=True)
class Reader:
    """What has to be known to read a calendar's objects.

    `zone` is the calendar's, None where it has not said; then `local` is what its days
    are of. `owners` are the addresses of its owner.
    """

    tenant_id: UUID
    window: Interval
    zone: Zone | None
    owners: frozenset[str]
    local: Zone = UNIVERSAL


@dataclass(frozen=True, slots=True)
class Resource:
    """A calendar object as it lies on the server."""

    name: str
    etag: str | None
    text: str


# Writing


def event_text(draft: EventDraft, now: datetime) -> bytes:
    """Write a draft as a calendar object."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Universal Calendar//EN",
        "BEGIN:VEVENT",
        f"UID:{draft.event_key}",
        f"DTSTAMP:{_utc(now)}",
        f"SEQUENCE:{draft.sequence}",
        f"DTSTART:{_instant(draft.interval.start)}",
        f"DTEND:{_instant(draft.interval.end)}",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        *_texts(draft),
        *(f"{_mark_name(name)}:{value}" for name, value in wanted_mark(draft).items()),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(each)}\r\n" for each in lines).encode()


def _texts(draft: EventDraft) -> Iterator[str]:
    texts = {
        "SUMMARY": draft.title,
        "DESCRIPTION": draft.description,
        "LOCATION": draft.location,
    }
    for name, text in texts.items():
        cleaned = _clean(text)
        if cleaned is not None:
            yield f"{name}:{_escaped(cleaned)}"


def _escaped(text: str) -> str:
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def _folded(line: str) -> str:
    """Fold to lines of at most 75 octets, no character in two (RFC 5545 §3.1)."""
    parts, part, length = list[str](), "", 0
    for character in line:
        octets = len(character.encode("utf-8", "replace"))
        if length + octets > _FOLD:
            parts.append(part)
            part, length = "", 0
        part, length = part + character, length + octets
    return "\r\n ".join([*parts, part])


def _clean(text: str | None) -> str | None:
    """Return the text as a server may keep it; None where nothing is left."""
    if text is None:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", lines).strip() or None


def _instant(instant: Instant) -> str:
    return _utc(to_datetime(instant))


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _mark_name(name: str) -> str:
    return f"{OURS}{name.upper()}"


def wanted_mark(draft: EventDraft) -> dict[str, str]:
    """Return the mark that the draft's event is to carry."""
    seen = [
        *(_clean(each) for each in (draft.title, draft.description, draft.location)),
        *(_instant(each) for each in (draft.interval.start, draft.interval.end)),
        *("CONFIRMED", "OPAQUE", 1),
    ]
    return mark_of(draft, seen)


def finding(text: str, draft: EventDraft) -> Finding:
    """Compare the object that was found with the draft that is to be written."""
    try:
        calendar = read_calendar(text)
        events = calendar.children("VEVENT")
        seen = _seen(calendar, events[0])
    except (ValueError, IndexError, OverflowError):
        return Finding.CHANGED
    return compare(_mark(events[0]), seen, wanted_mark(draft))


def _seen(calendar: Component, event: Component) -> list[object]:
    """Return what people see of an event of ours."""
    zones = Zones(calendar, UNIVERSAL, _ALWAYS)
    (interval,) = plain_spans(calendar, zones)
    recurrences = [
        each.value for name in ("RRULE", "RDATE", "EXDATE") for each in event.all(name)
    ]
    return [
        *(_clean(event.text(name)) for name in ("SUMMARY", "DESCRIPTION", "LOCATION")),
        *(_instant(each) for each in (interval.start, interval.end)),
        event.word("STATUS") or "CONFIRMED",
        event.word("TRANSP") or "OPAQUE",
        len(calendar.children("VEVENT")),
        *recurrences,
    ]


def _mark(event: Component) -> dict[str, str]:
    found = {name: event.text(_mark_name(name)) for name in NAMES}
    return {name: text for name, text in found.items() if text is not None}


# Reading


def changed_event(resource: Resource, reader: Reader) -> ChangedEvent | None:
    """Read an object; None where not even its time can be read.

    Times that cannot all be told one by one are busy from the first to the last. Where
    occurrences differ, those that take no time are left out, and the gravest speaks for
    the others.
    """
    try:
        calendar = read_calendar(resource.text)
        zones = Zones(calendar, _local_zone(calendar, reader), reader.window)
        found = list(_occurrences(calendar, zones, reader))
    except (ValueError, OverflowError):
        return None
    events = calendar.children("VEVENT")
    appointment_id = _appointment(events, reader.tenant_id)
    if appointment_id is None:
        found = [each for each in found if each.interval.overlaps(reader.window)]
    busy = _gravest(each.busy for each in found)
    return ChangedEvent(
        event_id=resource.name,
        etag=resource.etag,
        is_deleted=False,
        is_all_day=_is_all_day(events),
        busy=busy,
        intervals=_intervals(found, busy),
        appointment_id=appointment_id,
    )


def _intervals(found: Iterable[Occurrence], busy: BusyType | None) -> Intervals:
    taking = (each for each in found if busy is None or each.busy is not None)
    return tuple(sorted({each.interval for each in taking}))


def _local_zone(calendar: Component, reader: Reader) -> Zone:
    if reader.zone is not None:
        return reader.zone
    name = calendar.text("X-WR-TIMEZONE")
    return (named_zone(name) if name else None) or reader.local


def _occurrences(
    calendar: Component, zones: Zones, reader: Reader
) -> Iterable[Occurrence]:
    try:
        return list(occurrences(calendar, zones, reader.window, reader.owners))
    except TooMany:
        span = whole_span(calendar, zones, reader.window)
        spans = [] if span is None else [span]
    except (ValueError, OverflowError):
        spans = list(plain_spans(calendar, zones))
        if not spans:
            raise
    events = calendar.children("VEVENT")
    busy = _gravest(busy_type(each, reader.owners) for each in events)
    return [Occurrence(each, busy) for each in spans]


def _gravest(kinds: Iterable[BusyType | None]) -> BusyType | None:
    known = set(kinds)
    return next((each for each in _BY_WEIGHT if each in known), None)


def _appointment(events: list[Component], tenant_id: UUID) -> UUID | None:
    for each in events:
        found = appointment_of(_mark(each), tenant_id)
        if found is not None:
            return found
    return None


def _is_all_day(events: list[Component]) -> bool:
    starts = [each.word("DTSTART") for each in events]
    return bool(starts) and all("T" not in each for each in starts)
