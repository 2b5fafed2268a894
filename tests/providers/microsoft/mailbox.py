"""A mailbox: calendars, events, series, and the order in which all of it changed."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

Json = dict[str, Any]
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Series:
    """So many occurrences, each so many days after the one before, by a zone's clocks.

    `changes` are occurrences that differ, by number: new fields, or None once deleted.
    """

    days: int
    count: int
    zone: str
    changes: dict[int, Json | None] = field(default_factory=dict)


@dataclass
class Event:
    """What its owner sees, whatever of it Graph tells in which form."""

    event_id: str
    calendar_id: str
    start: datetime
    end: datetime
    zone: str = "UTC"
    """Windows' or IANA's name of where it was made."""
    subject: str = ""
    text: str = ""
    place: str = ""
    is_all_day: bool = False
    is_cancelled: bool = False
    show_as: str = "busy"
    response: str = "organizer"
    transaction: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    series: Series | None = None
    made_by: Json | None = None
    """The body that made it."""
    version: int = 0
    changed_at: int = 0
    is_deleted: bool = False

    @property
    def etag(self) -> str:
        return f'W/"{self.event_id[-12:]}{self.version:04}"'


@dataclass(frozen=True)
class Occurrence:
    """One time that an event happens; `number` is None where it is no series."""

    event: Event
    number: int | None
    start: datetime
    end: datetime
    fields: Json = field(default_factory=dict)

    @property
    def kind(self) -> str:
        if self.number is None:
            return "singleInstance"
        return "exception" if self.fields else "occurrence"

    def overlaps(self, span: Span) -> bool:
        first, last = (self._really(each) for each in (self.start, self.end))
        return first < span[1] and span[0] < last

    def _really(self, edge: datetime) -> datetime:
        """All-day events float: their midnights are those of their zone."""
        if not self.event.is_all_day:
            return edge
        return edge.replace(tzinfo=zone_of(self.event.zone)).astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(WINDOWS_TO_OLSON.get(name, name))


def occurrences_of(event: Event) -> Iterator[Occurrence]:
    if event.series is None:
        yield Occurrence(event, None, event.start, event.end)
        return
    zone = ZoneInfo("UTC") if event.is_all_day else zone_of(event.series.zone)
    for number in range(event.series.count):
        fields = event.series.changes.get(number, {})
        if fields is None:
            continue
        days = timedelta(days=number * event.series.days)
        start, end = (_later(each, days, zone) for each in (event.start, event.end))
        times = {"start": start, "end": end} | fields
        yield Occurrence(event, number, times["start"], times["end"], fields)


def _later(edge: datetime, days: timedelta, zone: ZoneInfo) -> datetime:
    """Keep to the wall clock, whatever the zone did meanwhile."""
    return (edge.astimezone(zone) + days).astimezone(UTC)


@dataclass
class Calendar:
    calendar_id: str
    name: str
    can_edit: bool = True
    is_default: bool = False
    forgotten: int = 0
    """How often what it had told of changes was forgotten."""


def new_id() -> str:
    """Return an id such as Outlook's: case counts, and it needs quoting in a path."""
    return f"AAMk{secrets.token_urlsafe(24)}="


class Mailbox:
    """One person's. Nothing here locks: who asks does."""

    def __init__(self, address: str, zone: str) -> None:
        self.address, self.zone = address, zone
        self.calendars = {
            each.calendar_id: each
            for each in (
                Calendar(new_id(), "Calendar", is_default=True),
                Calendar(new_id(), "Holidays", can_edit=False),
            )
        }
        self.all: dict[str, Event] = {}
        self.counter = 0
        self.remembers_deleted = False

    @property
    def main(self) -> str:
        return next(iter(self.calendars))

    @property
    def read_only(self) -> str:
        return list(self.calendars)[1]

    def add_calendars(self, count: int) -> list[str]:
        """Add so many; return their ids."""
        added = [Calendar(new_id(), f"Team {number}") for number in range(count)]
        self.calendars |= {each.calendar_id: each for each in added}
        return [each.calendar_id for each in added]

    def add(self, event: Event) -> Event:
        self.all[event.event_id] = event
        return self.touch(event)

    def touch(self, event: Event) -> Event:
        """Count a change."""
        self.counter += 1
        event.version += 1
        event.changed_at = self.counter
        return event

    def delete(self, event: Event) -> None:
        event.is_deleted = True
        self.touch(event)

    def event(self, event_id: str, calendar_id: str | None = None) -> Event | None:
        event = self.all.get(event_id)
        if event is None or event.is_deleted:
            return None
        return event if calendar_id in (None, event.calendar_id) else None

    def there(self, calendar_id: str) -> list[Event]:
        mine = (each for each in self.all.values() if each.calendar_id == calendar_id)
        return [each for each in mine if not each.is_deleted]

    def made_by(self, transaction: str | None) -> Event | None:
        """Return the event that a transaction made, as far as anybody remembers."""
        made = (
            each
            for each in self.all.values()
            if transaction and each.transaction == transaction
        )
        kept = (each for each in made if self.remembers_deleted or not each.is_deleted)
        return next(kept, None)

    def changed_since(self, calendar_id: str, counter: int) -> list[Event]:
        """Return what changed, deleted events included, in the order of change."""
        mine = (each for each in self.all.values() if each.calendar_id == calendar_id)
        found = [each for each in mine if each.changed_at > counter]
        return sorted(found, key=lambda each: each.changed_at)
