"""Times as Graph writes them: seven fractional digits, no offset, a zone beside them.

The zone is one of Windows' names or of IANA's. All-day events are midnights that float:
whatever zone is asked for, they are of the days in the zone that the event was made in.
"""

import re
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import zone_named
from universal_calendar.providers._far_times import midnight, near

Json = dict[str, Any]

# Python reads at most six fractional digits.
_TIME: Final = re.compile(
    r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?Z?",
    re.ASCII,
)
_UTC: Final = ZoneInfo("UTC")


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the zone of a Windows or IANA name; None where nobody knows it."""
    if not name:
        return None
    try:
        return zone_named(WINDOWS_TO_OLSON.get(name, name))
    except InvalidField:
        return None  # such as "Customized Time Zone"


def time_text(instant: Instant) -> Json:
    """Write an instant in UTC, to the second."""
    written = to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S")
    return {"dateTime": written, "timeZone": "UTC"}


def instant_of(written: Json) -> Instant:
    """Read an instant; raise ValueError for what is none."""
    zone = zone_of(written["timeZone"])
    if zone is None:
        raise ValueError("a time in a zone that nobody knows")
    return near(from_datetime(_naive(written).replace(tzinfo=zone)))


def _naive(written: Json) -> datetime:
    found = _TIME.fullmatch(written["dateTime"])
    if found is None:
        raise ValueError("no date and time")
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{found['seconds']}.{fraction}")


def interval_of(event: Json) -> Interval | None:
    """Return when an event is; None for one that begins and ends at once."""
    start, end = _edges(event)
    return Interval(start, end) if start < end else None


def _edges(event: Json) -> tuple[Instant, Instant]:
    days = [_day(event[edge]) for edge in ("start", "end")]
    if not event.get("isAllDay") or None in days:
        return instant_of(event["start"]), instant_of(event["end"])
    zone = zone_of(event.get("originalStartTimeZone")) or _UTC
    first, last = (midnight(each, zone) for each in days if each)
    return first, last


def _day(written: Json) -> date | None:
    """Return the day that begins then, None at any other time of day."""
    shown = _naive(written)
    return shown.date() if shown.time() == time.min else None
