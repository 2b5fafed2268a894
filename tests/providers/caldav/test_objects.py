"""Calendar objects of every shape, and of none."""

import time
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.contracts.drafts import NINE, TENANT, WINDOW, a_draft, at, utc
from tests.providers.caldav.objects import calendar_text, event_lines, event_text
from universal_calendar.clock import utc_now
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR, MINUTE, Instant
from universal_calendar.core.interval import Interval, Intervals, clip
from universal_calendar.providers._fingerprint import Finding
from universal_calendar.providers.caldav import mapping
from universal_calendar.providers.caldav.mapping import (
    Reader,
    Resource,
    changed_event,
    finding,
)
from universal_calendar.providers.caldav.series import MOST_OCCURRENCES
from universal_calendar.providers.caldav.zones import (
    Zone,
    named_zone,
    zone_of_calendar,
)
from universal_calendar.services.ports.calendars import ChangedEvent

NEW_YORK = named_zone("America/New_York")
JUNE = Interval(utc(2026, 6, 1, 0), utc(2026, 7, 1, 0))
MARCH = Interval(utc(2026, 3, 1, 0), utc(2026, 4, 1, 0))
NINE_TO_TEN = ("DTSTART:20260601T090000Z", "DTEND:20260601T100000Z")
DAILY = (*NINE_TO_TEN, "RRULE:FREQ=DAILY;COUNT=3")


def read(
    text: str, window: Interval = JUNE, zone: Zone | None = NEW_YORK, *owners: str
) -> ChangedEvent | None:
    reader = Reader(TENANT, window, zone, frozenset(owners))
    return changed_event(Resource("a.ics", '"1"', text), reader)


def intervals(text: str, window: Interval = JUNE) -> Intervals:
    event = read(text, window)
    assert event is not None
    return event.intervals


def days(*numbers: int, hour: int = 9) -> Intervals:
    return tuple(at(utc(2026, 6, each, hour)) for each in numbers)


def test_occurrence_that_is_left_out() -> None:
    text = event_text("a", *DAILY, "EXDATE:20260602T090000Z")
    assert intervals(text) == days(1, 3)


def test_day_that_is_left_out() -> None:
    text = event_text("a", *DAILY, "EXDATE;VALUE=DATE:20260602")
    assert intervals(text) == days(1, 3)


def test_occurrences_that_are_added() -> None:
    text = event_text(
        "a",
        *DAILY,
        "RDATE:20260610T090000Z,20260601T090000Z",
        "RDATE;VALUE=PERIOD:20260611T090000Z/PT2H,20260612T090000Z/20260612T093000Z",
    )
    assert intervals(text) == (
        *days(1, 2, 3, 10),
        at(utc(2026, 6, 11, 9), 2 * HOUR),
        at(utc(2026, 6, 12, 9), 30 * MINUTE),
    )


def changed(*lines: str, recurrence: str = "RECURRENCE-ID:20260602T090000Z") -> str:
    return calendar_text(
        *event_lines("a", *DAILY), *event_lines("a", recurrence, *lines)
    )


def test_occurrence_that_was_moved() -> None:
    text = changed("DTSTART:20260620T090000Z", "DTEND:20260620T100000Z")
    assert intervals(text) == days(1, 3, 20)


def test_occurrence_that_was_moved_into_the_window() -> None:
    text = changed("DTSTART:20260710T090000Z", "DTEND:20260710T100000Z")
    july = Interval(utc(2026, 7, 1, 0), utc(2026, 8, 1, 0))
    assert intervals(text, july) == (at(utc(2026, 7, 10, 9)),)


def test_occurrence_that_was_called_off() -> None:
    text = changed(
        "DTSTART:20260602T090000Z", "DTEND:20260602T100000Z", "STATUS:CANCELLED"
    )
    assert intervals(text) == days(1, 3)


def test_occurrence_that_was_declined_alone() -> None:
    text = changed(
        "DTSTART:20260602T090000Z",
        "DTEND:20260602T100000Z",
        "ATTENDEE;PARTSTAT=DECLINED:MAILTO:Ann@Example.com",
    )
    event = read(text, JUNE, NEW_YORK, "ann@example.com")
    assert event is not None
    assert (event.intervals, event.busy) == (days(1, 3), BusyType.BUSY)
    stranger = read(text, JUNE, NEW_YORK, "bob@example.com")
    assert stranger is not None
    assert stranger.intervals == days(1, 2, 3)


def test_newest_change_of_an_occurrence_counts() -> None:
    recurrence = "RECURRENCE-ID:20260602T090000Z"
    older = event_lines(
        "a",
        *(recurrence, "SEQUENCE:1"),
        *("DTSTART:20260620T090000Z", "DTEND:20260620T100000Z"),
    )
    newer = event_lines(
        "a",
        *(recurrence, "SEQUENCE:2"),
        *("DTSTART:20260621T090000Z", "DTEND:20260621T100000Z"),
    )
    for lines in ((*older, *newer), (*newer, *older)):
        text = calendar_text(*event_lines("a", *DAILY), *lines)
        assert intervals(text) == days(1, 3, 21)


def test_change_for_all_that_follow() -> None:
    text = changed(
        "DTSTART:20260602T110000Z",
        "DTEND:20260602T113000Z",
        recurrence="RECURRENCE-ID;RANGE=THISANDFUTURE:20260602T090000Z",
    )
    assert intervals(text) == (
        *days(1),
        at(utc(2026, 6, 2, 11), 30 * MINUTE),
        at(utc(2026, 6, 3, 11), 30 * MINUTE),
    )


def test_invitation_to_one_occurrence_alone() -> None:
    text = event_text("a", "RECURRENCE-ID:20260602T090000Z", *NINE_TO_TEN)
    assert intervals(text) == days(1)


@pytest.mark.parametrize(
    ("lines", "busy"),
    [
        (["STATUS:CONFIRMED"], BusyType.BUSY),
        (["STATUS:TENTATIVE"], BusyType.TENTATIVE),
        (["STATUS:CANCELLED"], None),
        (["TRANSP:TRANSPARENT"], None),
        (["ATTENDEE;PARTSTAT=TENTATIVE:mailto:ann@example.com"], BusyType.TENTATIVE),
        (
            ["ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ann@example.com"],
            BusyType.TENTATIVE,
        ),
        (["ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.com"], BusyType.BUSY),
        (["ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com"], BusyType.BUSY),
        (['ATTENDEE;CN="A:B;C";PARTSTAT=DECLINED:mailto:ann@example.com'], None),
        (["ATTENDEE;PARTSTAT=DECL\r\n INED:mailto:ann@exam\r\n\tple.com"], None),
        (["X-MICROSOFT-CDO-BUSYSTATUS:OOF"], BusyType.UNAVAILABLE),
        (["X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"], BusyType.TENTATIVE),
    ],
)
def test_how_it_takes_time(lines: list[str], busy: BusyType | None) -> None:
    text = event_text("a", *NINE_TO_TEN, *lines)
    event = read(text, JUNE, NEW_YORK, "ann@example.com")
    assert event is not None
    assert (event.busy, event.intervals) == (busy, days(1))


def test_gravest_occurrence_speaks_for_its_series() -> None:
    text = changed(
        *("DTSTART:20260602T090000Z", "DTEND:20260602T100000Z"),
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    )
    event = read(text)
    assert event is not None
    assert (event.busy, event.intervals) == (BusyType.UNAVAILABLE, days(1, 2, 3))


# Zones


def test_windows_names_a_zone() -> None:
    text = event_text(
        "a",
        "DTSTART;TZID=Pacific Standard Time:20260601T020000",
        "DTEND;TZID=Pacific Standard Time:20260601T030000",
    )
    assert intervals(text) == days(1)


@pytest.mark.parametrize(
    "name",
    [
        "America/Los_Angeles",
        "/freeassociation.sourceforge.net/America/Los_Angeles",
        "/mozilla.org/20050126_1/America/Los_Angeles",
    ],
)
def test_zone_behind_a_path(name: str) -> None:
    text = event_text("a", f"DTSTART;TZID={name}:20260601T020000", "DURATION:PT1H")
    assert intervals(text) == days(1)


OWN_ZONE = (
    *("BEGIN:VTIMEZONE", "TZID:Our own"),
    *("BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:-0300"),
    *("TZOFFSETTO:-0400", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD"),
    *("BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:-0400"),
    *("TZOFFSETTO:-0300", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "END:DAYLIGHT"),
    "END:VTIMEZONE",
)


def in_own_zone(*zone: str) -> Intervals:
    text = calendar_text(
        *zone,
        *event_lines(
            "a",
            'DTSTART;TZID="Our own":20260307T090000',
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;COUNT=2",
        ),
    )
    return intervals(text, MARCH)


def test_zone_of_the_objects_own() -> None:
    """Its clocks change on 8 March, an hour east of New York's."""
    assert in_own_zone(*OWN_ZONE) == (at(utc(2026, 3, 7, 13)), at(utc(2026, 3, 8, 12)))


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("20260308T015959", utc(2026, 3, 8, 6) - MINUTE // 60),
        ("20260308T023000", utc(2026, 3, 8, 6) + 30 * MINUTE),
        ("20260308T030000", utc(2026, 3, 8, 6)),
        ("20261025T023000", utc(2026, 10, 25, 5) + 30 * MINUTE),
        ("20261025T030000", utc(2026, 10, 25, 7)),
    ],
)
def test_zone_of_its_own_when_clocks_change(shown: str, moment: Instant) -> None:
    lines = (f"DTSTART;TZID=Our own:{shown}", "DURATION:PT1H")
    text = calendar_text(*OWN_ZONE, *event_lines("a", *lines))
    year = Interval(utc(2026, 1, 1, 0), utc(2027, 1, 1, 0))
    assert intervals(text, year) == (at(moment),)


def test_zone_is_nobody_elses() -> None:
    other = [
        each.replace("-0400", "+0500").replace("-0300", "+0600") for each in OWN_ZONE
    ]
    ours, theirs = in_own_zone(*OWN_ZONE), in_own_zone(*other)
    assert theirs == (at(utc(2026, 3, 7, 4)), at(utc(2026, 3, 8, 3)))
    assert in_own_zone(*OWN_ZONE) == ours


def test_unknown_zone_is_the_calendars() -> None:
    """New York's, whose clocks change that night."""
    assert in_own_zone() == (at(utc(2026, 3, 7, 14)), at(utc(2026, 3, 8, 13)))


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=YEARLY;INTERVAL=0", "FREQ=YEARLY;BYDAY=XX"]
)
def test_zone_that_is_a_bomb(rule: str) -> None:
    bomb = [f"RRULE:{rule}" if each.startswith("RRULE") else each for each in OWN_ZONE]
    began = time.thread_time()
    assert in_own_zone(*bomb) == in_own_zone()
    assert time.thread_time() - began < 0.5


def test_zone_without_summer_time_since_long() -> None:
    zone = [
        f"{each};UNTIL=20101231T000000Z" if each.startswith("RRULE") else each
        for each in OWN_ZONE
    ]
    assert in_own_zone(*zone) == (at(utc(2026, 3, 7, 13)), at(utc(2026, 3, 8, 13)))


def test_what_clocks_skip_and_show_twice() -> None:
    lines = ("DURATION:PT30M",)
    gap = event_text("a", "DTSTART;TZID=America/New_York:20260308T023000", *lines)
    assert intervals(gap, MARCH) == (at(utc(2026, 3, 8, 7) + 30 * MINUTE, HOUR // 2),)
    twice = event_text("a", "DTSTART;TZID=America/New_York:20261101T013000", *lines)
    november = Interval(utc(2026, 11, 1, 0), utc(2026, 11, 2, 0))
    assert intervals(twice, november) == (
        at(utc(2026, 11, 1, 5) + 30 * MINUTE, HOUR // 2),
    )


@pytest.mark.parametrize(
    ("lines", "zone", "hour"),
    [
        ([], NEW_YORK, 4),
        ([], None, 0),
        (["X-WR-TIMEZONE:America/Los_Angeles"], None, 7),
        (["X-WR-TIMEZONE:America/Los_Angeles"], NEW_YORK, 4),
        (["X-WR-TIMEZONE:Mars/Olympus"], None, 0),
    ],
)
def test_floating_day(lines: list[str], zone: Zone | None, hour: int) -> None:
    text = calendar_text(*lines, *event_lines("a", "DTSTART;VALUE=DATE:20260601"))
    event = read(text, JUNE, zone)
    assert event is not None
    assert event.is_all_day
    assert event.intervals == (at(utc(2026, 6, 1, hour), DAY),)


def test_floating_time() -> None:
    text = event_text("a", "DTSTART:20260601T050000", "DTEND:20260601T060000")
    assert intervals(text) == days(1)


def test_all_day_series_over_the_change_of_clocks() -> None:
    text = event_text(
        "a",
        *("DTSTART;VALUE=DATE:20260307", "DTEND;VALUE=DATE:20260308"),
        *("RRULE:FREQ=DAILY;UNTIL=20260309", "EXDATE;VALUE=DATE:20260307"),
    )
    assert intervals(text, MARCH) == (
        Interval(utc(2026, 3, 8, 5), utc(2026, 3, 9, 4)),
        Interval(utc(2026, 3, 9, 4), utc(2026, 3, 10, 4)),
    )


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (None, None),
        ("", None),
        ("Europe/Berlin", 2),
        ("nonsense", None),
        (calendar_text(*OWN_ZONE), -3),
        (calendar_text("BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "END:VTIMEZONE"), 2),
        (calendar_text("BEGIN:VTIMEZONE", "TZID:nowhere", "END:VTIMEZONE"), None),
    ],
)
def test_zone_that_a_calendar_tells(text: str | None, offset: int | None) -> None:
    zone = zone_of_calendar(text, JUNE)
    if offset is None:
        assert zone is None
        return
    event = read(
        event_text("a", "DTSTART:20260615T120000", "DURATION:PT1H"), JUNE, zone
    )
    assert event is not None
    assert event.intervals == (at(utc(2026, 6, 15, 12 - offset)),)


# Too much, and too little


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=MINUTELY",
        "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))
        + ";BYMINUTE=" + ",".join(map(str, range(0, 60, 5))),
        "RDATE:" + ",".join(["20260601T090000Z"] * 30_000),
    ],
)  # fmt: skip
def test_bomb_is_busy_from_its_beginning(rule: str) -> None:
    text = event_text("a", "DTSTART:20260610T090000Z", "DURATION:PT1S", rule)
    began = time.thread_time()
    event = read(text)
    assert time.thread_time() - began < 1
    assert event is not None
    assert event.busy is BusyType.BUSY
    assert event.intervals == (Interval(utc(2026, 6, 10, 9), JUNE.end),)


def test_bomb_is_busy_until_its_end() -> None:
    text = event_text("a", *NINE_TO_TEN, "RRULE:FREQ=SECONDLY;UNTIL=20260605T090000Z")
    (interval,) = intervals(text)
    assert interval.start == utc(2026, 6, 1, 9)
    assert utc(2026, 6, 5, 10) <= interval.end <= utc(2026, 6, 6, 10)


def test_bomb_outside_the_window_is_nothing() -> None:
    text = event_text("a", *NINE_TO_TEN, "RRULE:FREQ=SECONDLY;UNTIL=20260602T090000Z")
    assert intervals(text, Interval(utc(2026, 6, 20, 0), JUNE.end)) == ()


def test_thousands_of_changed_occurrences() -> None:
    lines: list[str] = []
    for number in range(5_000):
        recurrence = (
            f"RECURRENCE-ID:{2000 + number % 1000:04}0602T0900{number % 60:02}Z"
        )
        lines += event_lines("a", recurrence, *NINE_TO_TEN)
    began = time.thread_time()
    read(calendar_text(*lines))
    assert time.thread_time() - began < 2


def test_endless_series_is_told_in_the_window_alone() -> None:
    text = event_text(
        "a", "DTSTART:19000101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"
    )
    assert intervals(text) == days(*range(1, 31))
    assert MOST_OCCURRENCES > 366 * 7


def test_long_occurrence_reaches_into_the_window() -> None:
    text = event_text(
        "a", "DTSTART:20260501T000000Z", "DURATION:P20D", "RRULE:FREQ=MONTHLY"
    )
    may = Interval(utc(2026, 5, 20, 0), utc(2026, 5, 21, 0))
    june = Interval(utc(2026, 6, 20, 0), utc(2026, 6, 22, 0))
    assert clip(intervals(text, may), may) == (may,)
    assert clip(intervals(text, june), june) == (
        Interval(june.start, utc(2026, 6, 21, 0)),
    )


@pytest.mark.parametrize(
    "broken",
    [
        "RRULE:FREQ=FORTNIGHTLY",
        "RRULE:nonsense",
        "EXDATE:yesterday",
        "RECURRENCE-ID:never",
        "RDATE;VALUE=PERIOD:20260601T090000Z/never",
    ],
)
def test_what_cannot_be_read_is_busy_when_it_begins(broken: str) -> None:
    text = event_text("a", *NINE_TO_TEN, broken)
    event = read(text)
    assert event is not None
    assert (event.busy, event.intervals) == (BusyType.BUSY, days(1))


def test_end_before_its_start() -> None:
    text = event_text("a", "DTSTART:20260601T100000Z", "DTEND:20260601T090000Z")
    assert intervals(text) == days(1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "BEGIN:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\r\nEND:VEVENT\r\n",
        calendar_text("BEGIN:VEVENT", "DTSTART:20260601T090000Z"),
        event_text("a", "DTSTART:tomorrow"),
        event_text("a", "DTSTART:20260631T090000Z", "DTEND:20260632T090000Z"),
        event_text("a", "SUMMARY:no time at all"),
        event_text("a", "DTSTART;TZID"),
        calendar_text(*["BEGIN:VEVENT"] * 50),
        "\x00\x01\x02",
    ],
)
def test_what_cannot_be_read_at_all_is_left_out(text: str) -> None:
    assert read(text) is None


def test_what_is_no_event_takes_no_time() -> None:
    text = calendar_text("BEGIN:VTODO", "UID:a", "DUE:20260601T090000Z", "END:VTODO")
    assert intervals(text) == ()
    nothing = event_text("a", "DTSTART:20260601T090000Z")
    assert intervals(nothing) == ()


def test_pictures_cost_nothing() -> None:
    name = "ATTACH;ENCODING=BASE64;VALUE=BINARY:"
    picture = "\r\n ".join([name, *["A" * 70] * 100_000])
    text = event_text("a", *NINE_TO_TEN, picture)
    began = time.thread_time()
    assert intervals(text) == days(1)
    assert time.thread_time() - began < 0.5


# Our own


def test_own_event_is_folded_and_escaped() -> None:
    text = mapping.event_text(a_draft(), utc_now()).decode()
    assert all(len(each.encode()) <= 75 for each in text.split("\r\n"))
    assert "DESCRIPTION:Two lines\\nof" in text
    assert finding(text, a_draft()) is Finding.AS_DRAFTED


def test_servers_may_write_it_their_way() -> None:
    text = mapping.event_text(a_draft(), utc_now()).decode()
    unfolded = text.replace("\r\n ", "").split("\r\n")
    inside = sorted(unfolded[4:-3])
    again = "\n".join([*unfolded[:4], *inside, *unfolded[-3:]])
    assert finding(again, a_draft()) is Finding.AS_DRAFTED
    same = again.replace(
        "DTSTART:20260601T100000Z", "DTSTART;TZID=America/New_York:20260601T060000"
    )
    assert same != again
    assert finding(same, a_draft()) is Finding.AS_DRAFTED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SUMMARY:Canary", "SUMMARY:Another"),
        ("DTEND:20260601T110000Z", "DTEND:20260601T113000Z"),
        ("STATUS:CONFIRMED", "STATUS:CANCELLED"),
        ("TRANSP:OPAQUE", "TRANSP:TRANSPARENT"),
        ("END:VEVENT", "RRULE:FREQ=DAILY\r\nEND:VEVENT"),
        ("END:VCALENDAR", ""),
    ],
)
def test_what_others_changed_shows(old: str, new: str) -> None:
    text = mapping.event_text(a_draft(), utc_now()).decode()
    assert old in text
    assert finding(text.replace(old, new), a_draft()) is Finding.CHANGED


def test_controls_of_no_text_are_not_written() -> None:
    draft = replace(a_draft(), title="A\x07 bell\r\nand ;,\\ more ")
    text = mapping.event_text(draft, utc_now()).decode()
    assert "SUMMARY:A bell\\nand \\;\\,\\\\ more\r\n" in text
    assert finding(text, draft) is Finding.AS_DRAFTED


def test_own_event_is_told_wherever_it_is() -> None:
    text = mapping.event_text(a_draft(), utc_now()).decode()
    far = Interval(WINDOW.end + 100 * DAY, WINDOW.end + 101 * DAY)
    event = read(text, far)
    assert event is not None
    assert event.appointment_id == a_draft().appointment_id
    assert event.intervals == (at(NINE + HOUR),)


def test_intervals_are_in_order_and_each_once() -> None:
    text = event_text("a", *DAILY, "RDATE:20260602T090000Z,20260530T090000Z")
    found = intervals(text, Interval(utc(2026, 5, 1, 0), JUNE.end))
    assert all(first < second for first, second in pairwise(found))
    assert len(found) == 4
