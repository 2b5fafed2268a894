"""Calendar objects as owners' devices write them."""

from datetime import datetime
from secrets import token_hex
from zoneinfo import ZoneInfo

from universal_calendar.core.instant import to_datetime
from universal_calendar.core.interval import Interval

OWNER = "owner@example.com"
BUSY = {
    "free": "TRANSP:TRANSPARENT",
    "tentative": "STATUS:TENTATIVE",
    "away": "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    "declined": "ATTENDEE;PARTSTAT=DECLINED:mailto:{owner}",
}
FREQUENCIES = {"day": "DAILY", "week": "WEEKLY"}


def shown(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return what clocks show."""
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - has no zone yet


def new_uid() -> str:
    return token_hex(16)


def calendar_text(*lines: str) -> str:
    """Return a VCALENDAR of these lines; each VEVENT gets what every one must have."""
    return "\r\n".join(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Owner//EN"),
            *(*lines, "END:VCALENDAR", ""),
        ]
    )


def event_lines(uid: str, *lines: str) -> list[str]:
    """Return a VEVENT."""
    return [
        *("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z"),
        *lines,
        "END:VEVENT",
    ]


def event_text(uid: str, *lines: str) -> str:
    """Return a calendar with one event."""
    return calendar_text(*event_lines(uid, *lines))


def lines_of(interval: Interval, owner: str, **traits: str) -> list[str]:
    """Return the lines of an event with the traits of an exam's world."""
    start, end = to_datetime(interval.start), to_datetime(interval.end)
    if "days" in traits:
        first, last = traits["days"].replace("-", "").split()
        lines = [f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{last}"]
    elif "zone" in traits:
        lines = [_zoned("DTSTART", start, traits), _zoned("DTEND", end, traits)]
    else:
        lines = [f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}"]
    if "repeat" in traits:
        every, count = traits["repeat"].split()
        lines.append(f"RRULE:FREQ={FREQUENCIES[every]};COUNT={count}")
    if "busy" in traits:
        lines.append(BUSY[traits["busy"]].format(owner=owner))
    return ["SUMMARY:Private", *lines]


def _zoned(name: str, moment: datetime, traits: dict[str, str]) -> str:
    zone = traits["zone"]
    shown = moment.astimezone(ZoneInfo(zone))
    return f"{name};TZID={zone}:{shown:%Y%m%dT%H%M%S}"
