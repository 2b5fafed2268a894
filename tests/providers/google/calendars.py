"""Calendars of the fake Google: every version of every event, and occurrences."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from tests.providers.google.wire import Json
from universal_calendar.clock import utc_now

Bounds = tuple[datetime, datetime]
_ALL_TIME = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))


@dataclass
class Calendar:
    """A calendar as one account sees it; its log is what sync tokens point into."""

    id: str
    summary: str
    zone: str
    role: str = "owner"
    is_primary: bool = False
    is_hidden: bool = False
    """From its owner's list, not from the owner."""
    log: list[Json] = field(default_factory=list)
    epoch: int = 0
    """Sync tokens of earlier epochs are forgotten."""
    told: list[Callable[[], None]] = field(default_factory=list)

    @property
    def entry(self) -> Json:
        """Return its entry in the calendar list."""
        return {
            "kind": "calendar#calendarListEntry",
            "etag": '"1"',
            "id": self.id,
            "summary": self.summary,
            "timeZone": self.zone,
            "accessRole": self.role,
            **({"primary": True} if self.is_primary else {}),
            **({"hidden": True} if self.is_hidden else {}),
        }

    def write(self, event: Json) -> Json:
        """Keep a new version; return it as it will be answered."""
        number = len(self.log) + 1
        kept = {
            **_complete(event, self.id, self.zone),
            "etag": f'"{3_100_000_000 + number}"',
            "sequence": sum(each["id"] == event["id"] for each in self.log),
            "updated": f"{utc_now():%Y-%m-%dT%H:%M:%S.000Z}",
        }
        self.log.append(kept)
        for tell in self.told:
            tell()
        return kept

    def at(self, revision: int | None = None) -> dict[str, Json]:
        """Return the newest version of each event as of a revision."""
        return {each["id"]: each for each in self.log[:revision]}

    def find(self, event_id: str) -> Json | None:
        """Return an event, deleted or not, or an occurrence of one."""
        events = self.at()
        if event_id in events:
            return events[event_id]
        return self.snapshot(None, _ALL_TIME).get(event_id)

    def delete(self, event: Json) -> None:
        """Leave a tombstone, and one of each exception of a series."""
        for each in list(self.at().values()):
            if each.get("recurringEventId") == event["id"]:
                self.write({**each, "status": "cancelled"})
        self.write({**event, "status": "cancelled"})

    def snapshot(self, revision: int | None, bounds: Bounds) -> dict[str, Json]:
        """Return single events of all time, and occurrences within the bounds."""
        events = self.at(revision)
        found: dict[str, Json] = {}
        for event in events.values():
            if "recurrence" not in event:
                found[event["id"]] = event
            elif event["status"] != "cancelled":
                found |= {
                    each["id"]: each
                    for each in occurrences(event, self.zone)
                    if each["id"] not in events and overlaps(each, self.zone, bounds)
                }
        return found


def _complete(event: Json, calendar: str, zone: str) -> Json:
    """Add what Google adds, and leave out what it leaves out."""
    kept = {name: value for name, value in event.items() if value not in (None, "", [])}
    if kept.get("transparency") == "opaque":
        del kept["transparency"]
    edges = {edge: _edge(kept[edge], zone) for edge in ("start", "end")}
    return {
        "kind": "calendar#event",
        "status": "confirmed",
        "created": "2026-01-01T00:00:00.000Z",
        "creator": {"email": calendar, "self": True},
        "organizer": {"email": calendar, "self": True},
        "iCalUID": f"{event['id']}@google.com",
        "reminders": {"useDefault": True},
        "eventType": "default",
        **kept,
        **edges,
    }


def _edge(edge: Json, zone: str) -> Json:
    kept = {name: value for name, value in edge.items() if value is not None}
    if "dateTime" in kept:
        shown = datetime.fromisoformat(kept["dateTime"]).astimezone(ZoneInfo(zone))
        kept["dateTime"] = shown.isoformat()
        kept.setdefault("timeZone", zone)
    return kept


def moment(edge: Json, zone: str) -> datetime:
    """Return when an edge is, by the calendar's zone for a day."""
    if "dateTime" in edge:
        return datetime.fromisoformat(edge["dateTime"])
    midnight = datetime.combine(date.fromisoformat(edge["date"]), time())
    return midnight.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def overlaps(event: Json, zone: str, bounds: Bounds) -> bool:
    start, end = (moment(event[edge], zone) for edge in ("start", "end"))
    return start < bounds[1] and end > bounds[0]


def occurrences(event: Json, calendar_zone: str) -> Iterator[Json]:
    """Expand a series, by the clocks of its own zone, into at most 1,000."""
    zone = ZoneInfo(event["start"].get("timeZone", calendar_zone))
    begins, ends = (moment(event[edge], str(zone)) for edge in ("start", "end"))
    first = begins.astimezone(zone).replace(tzinfo=None)
    rule = rrulestr("\n".join(event["recurrence"]), dtstart=first)
    for number, shown in enumerate(rule):
        if number == 1000:
            return
        if "date" in event["start"]:
            days = (ends.astimezone(zone).date() - first.date()).days
            yield _day_occurrence(event, shown.date(), days)
        else:
            start = shown.replace(tzinfo=zone).astimezone(UTC)
            yield _timed_occurrence(event, start, start + (ends - begins))


def _day_occurrence(event: Json, day: date, days: int) -> Json:
    last = day + timedelta(days=days)
    start, end = {"date": day.isoformat()}, {"date": last.isoformat()}
    return _occurrence(event, f"{day:%Y%m%d}", start, end)


def _timed_occurrence(event: Json, start: datetime, end: datetime) -> Json:
    zone = event["start"]["timeZone"]
    edges = (
        {"dateTime": each.astimezone(ZoneInfo(zone)).isoformat(), "timeZone": zone}
        for each in (start, end)
    )
    return _occurrence(event, f"{start:%Y%m%dT%H%M%SZ}", *edges)


def _occurrence(event: Json, stamp: str, start: Json, end: Json) -> Json:
    series = {name: value for name, value in event.items() if name != "recurrence"}
    return {
        **series,
        "id": f"{event['id']}_{stamp}",
        "recurringEventId": event["id"],
        "originalStartTime": start,
        "start": start,
        "end": end,
    }
