"""Calendar objects that only just are some: what they take is never lost."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.contracts.drafts import TENANT, a_draft, at, utc
from tests.providers.caldav.objects import calendar_text, event_lines, event_text
from universal_calendar.clock import utc_now
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR, Instant, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import wall_clock, zone_named
from universal_calendar.providers._fingerprint import Finding
from universal_calendar.providers.caldav import bodies, mapping
from universal_calendar.providers.caldav.mapping import (
    Reader,
    Resource,
    changed_event,
    finding,
)
from universal_calendar.providers.caldav.zones import named_zone
from universal_calendar.services.ports.calendars import ChangedEvent

ANN = "ann@example.com"
JUNE = Interval(utc(2026, 6, 1, 0), utc(2026, 7, 1, 0))
NINE_TO_TEN = ("DTSTART:20260601T090000Z", "DTEND:20260601T100000Z")
NINE = at(utc(2026, 6, 1, 9))
LINE_ENDS = ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
"""What Python ends a line with, and iCalendar does not."""


def read(text: str, zone: str = "America/New_York") -> ChangedEvent:
    reader = Reader(TENANT, JUNE, named_zone(zone), frozenset({ANN}))
    event = changed_event(Resource("a.ics", '"1"', text), reader)
    assert event is not None
    return event


@pytest.mark.parametrize(
    ("guest", "busy"),
    [
        (r'ATTENDEE;CN="Ann \"Nan\" Bell":mailto:bob@example.com', BusyType.BUSY),
        (f'ATTENDEE;PARTSTAT=DECLINED;CN=Ann "Nan" Bell:mailto:{ANN}', None),
        (rf'ATTENDEE;CN="Ann \"Nan\" Bell";PARTSTAT=DECLINED:mailto:{ANN}', None),
        (f'ATTENDEE;MEMBER="mailto:a","mailto:b";PARTSTAT=DECLINED:{ANN}', None),
        (f"ATTENDEE;MEMBER=a,b;PARTSTAT=DECLINED:mailto:{ANN}", None),
        (f"ATTENDEE;PARTSTAT=DECLINED;=:mailto:{ANN}", None),
        ("ATTENDEE;CN", BusyType.BUSY),
        ("ATTENDEE:", BusyType.BUSY),
    ],
)
def test_guest_whose_name_is_not_written_well(
    guest: str, busy: BusyType | None
) -> None:
    event = read(event_text("a", *NINE_TO_TEN, guest))
    assert (event.busy, event.intervals) == (busy, (NINE,))


def test_zone_after_what_is_not_written_well() -> None:
    lines = ('DTSTART;X="a"b;TZID=Asia/Tokyo:20260601T180000', "DURATION:PT1H")
    assert read(event_text("a", *lines)).intervals == (NINE,)


@pytest.mark.parametrize("line", ["Status of it: good", "Status", "duration 2 hours"])
def test_text_that_was_not_folded(line: str) -> None:
    text = event_text("a", *NINE_TO_TEN, "DESCRIPTION:Two lines", line)
    event = read(text)
    assert (event.busy, event.intervals) == (BusyType.BUSY, (NINE,))


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize(
    "smuggled",
    [
        "DTSTART:20260620T090000Z",
        "STATUS:CANCELLED",
        "RRULE:FREQ=DAILY",
        "END:VEVENT",
        "RECURRENCE-ID:20260601T090000Z",
    ],
)
def test_line_inside_of_a_text_is_text(end: str, smuggled: str) -> None:
    event = read(event_text("a", f"DESCRIPTION:See{end}{smuggled}", *NINE_TO_TEN))
    assert (event.busy, event.intervals) == (BusyType.BUSY, (NINE,))


@pytest.mark.parametrize("end", LINE_ENDS[-3:])
def test_our_own_text_is_read_back_whole(end: str) -> None:
    draft = replace(a_draft(), description=f"See{end}DTSTART:20300101T090000Z")
    text = mapping.event_text(draft, utc_now()).decode()
    assert finding(text, draft) is Finding.AS_DRAFTED
    assert read(text).intervals == (draft.interval,)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_ends_of_lines(end: str) -> None:
    text = event_text("a", *NINE_TO_TEN, "ATTENDEE;PARTSTAT=DECL\r\n INED:" + ANN)
    event = read(text.replace("\r\n", end))
    assert (event.busy, event.intervals) == (None, (NINE,))


@pytest.mark.parametrize(
    "rule", ["RRULE:FREQ=SECONDLY", "RRULE:FREQ=FORTNIGHTLY", "RDATE:never"]
)
@pytest.mark.parametrize(
    ("line", "busy"),
    [
        ("TRANSP:TRANSPARENT", None),
        ("STATUS:CANCELLED", None),
        (f"ATTENDEE;PARTSTAT=DECLINED:mailto:{ANN}", None),
        ("STATUS:TENTATIVE", BusyType.TENTATIVE),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", BusyType.UNAVAILABLE),
    ],
)
def test_what_is_not_told_one_by_one_takes_what_it_says(
    rule: str, line: str, busy: BusyType | None
) -> None:
    """A reminder for every hour is free all the time."""
    assert read(event_text("a", *NINE_TO_TEN, rule, line)).busy is busy


# Far away


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:20260601T090000Z", "DTEND;TZID={zone}:99991231T235959"),
        ("DTSTART:20260601T090000Z", "DTEND:99991231T235959"),
        ("DTSTART;VALUE=DATE:20260601", "DTEND;VALUE=DATE:99991231"),
        ("DTSTART;TZID={zone}:00010101T000000", "DTEND:20260701T090000Z"),
        ("DTSTART;VALUE=DATE:00010101", "DTEND;VALUE=DATE:99991231"),
    ],
)
def test_all_of_time(zone: str, lines: tuple[str, ...]) -> None:
    text = event_text("a", *(each.format(zone=zone) for each in lines))
    (interval,) = read(text, zone).intervals
    assert interval.start < JUNE.start + DAY
    assert interval.end > JUNE.end
    for edge in (interval.start, interval.end):
        assert shown(edge, zone)
        assert instant_text(edge)


def shown(instant: Instant, zone: str) -> datetime:
    return wall_clock(instant, zone_named(zone))


def test_free_until_the_end_of_time() -> None:
    lines = ("DTSTART:20260601T090000Z", "DTEND:99991231T235959Z")
    assert read(event_text("a", *lines, "TRANSP:TRANSPARENT")).busy is None


def test_zone_of_its_own_at_the_end_of_time() -> None:
    zone = (
        *("BEGIN:VTIMEZONE", "TZID:Our own", "BEGIN:STANDARD"),
        *("DTSTART:16010101T000000", "TZOFFSETFROM:-0800", "TZOFFSETTO:-0800"),
        *("END:STANDARD", "END:VTIMEZONE"),
    )
    lines = ("DTSTART:20260601T090000Z", "DTEND;TZID=Our own:99991231T235959")
    (interval,) = read(calendar_text(*zone, *event_lines("a", *lines))).intervals
    assert interval.start == NINE.start
    assert interval.end > JUNE.end + HOUR


async def test_a_document_of_too_many_elements_is_none() -> None:
    """They would take a hundred times its room."""
    with pytest.raises(ValueError, match="too many"):
        await bodies.read(b"<a>" + b"<b/>" * 500_000 + b"</a>")
