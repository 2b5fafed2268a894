"""Invitations, read back by the library that calendars are tested with."""

from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from tests.notify.building import APPOINTMENT_ID, message
from universal_calendar.notify.invitation import invitation
from universal_calendar.services.ports.notices import NoticeKind

ORGANIZER = "bookings@acme.example"


def written(kind: NoticeKind = NoticeKind.CREATED, **fields: Any) -> str:
    notice = message(kind, **fields).notice
    assert notice.snapshot is not None
    return invitation(notice, notice.snapshot, ORGANIZER).decode()


def read(text: str) -> tuple[Calendar, Any]:
    calendar = Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    return calendar, event


def test_an_invitation_says_everything() -> None:
    calendar, event = read(written())
    assert (calendar["METHOD"], calendar["VERSION"]) == ("REQUEST", "2.0")
    assert event["UID"] == str(APPOINTMENT_ID)
    assert event["SEQUENCE"] == 1
    assert event.decoded("dtstart") == datetime(2027, 1, 5, 14, tzinfo=UTC)
    assert event.decoded("dtend") == datetime(2027, 1, 5, 16, tzinfo=UTC)
    assert event.decoded("dtstamp") == datetime(2027, 1, 4, 12, 30, 15, tzinfo=UTC)
    assert event["STATUS"] == "CONFIRMED"
    assert event["SUMMARY"] == "Kitchen sink"
    assert event["DESCRIPTION"] == "Leaks, but not; much"
    assert event["LOCATION"] == "7 Peppercorn Way, Los Angeles"
    assert event["ORGANIZER"] == f"mailto:{ORGANIZER}"
    assert event["ORGANIZER"].params["CN"] == "Acme Plumbing"
    assert event["ATTENDEE"] == "mailto:qwynneth@canaryfield.example"
    assert event["ATTENDEE"].params["CN"] == "Qwynneth Canaryfield"


def test_times_are_utc_and_need_no_zone() -> None:
    assert "DTSTART:20270105T140000Z" in written()
    assert "TZID" not in written()


@pytest.mark.parametrize(
    ("kind", "status", "method", "shown"),
    [
        (NoticeKind.UPDATED, "confirmed", "REQUEST", "CONFIRMED"),
        (NoticeKind.UPDATED, "pending", "REQUEST", "TENTATIVE"),
        (NoticeKind.CANCELLED, "cancelled", "CANCEL", "CANCELLED"),
    ],
)
def test_a_change_has_the_same_uid_and_a_higher_sequence(
    kind: NoticeKind, status: str, method: str, shown: str
) -> None:
    calendar, event = read(written(kind, status=status, version=7))
    assert calendar["METHOD"] == method
    assert event["UID"] == str(APPOINTMENT_ID)
    assert (event["SEQUENCE"], event["STATUS"]) == (7, shown)


HOSTILE = 'X"\r\nATTENDEE:mailto:evil@example.com\r\nBEGIN:VEVENT\x00\u2028;:,'


@pytest.mark.parametrize(
    "field", ["title", "description", "address", "customer_name", "tenant_name"]
)
def test_no_text_becomes_a_property(field: str) -> None:
    hostile: dict[str, Any] = {field: HOSTILE}
    text = written(**hostile)
    calendar, event = read(text)
    assert len(calendar.walk()) == 2
    assert event["ATTENDEE"] == "mailto:qwynneth@canaryfield.example"
    unfolded = text.replace("\r\n ", "")
    assert "\r\nATTENDEE:mailto:evil" not in unfolded
    assert "\x00" not in text


def test_lines_are_folded_and_end_as_they_should() -> None:
    text = written(description="ü" * 400)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    assert read(text)[1]["DESCRIPTION"] == "ü" * 400


def test_what_is_unknown_is_left_out() -> None:
    text = written(description=None, address=None, customer_name="")
    event = read(text)[1]
    assert "DESCRIPTION" not in event
    assert "LOCATION" not in event
    assert "CN" not in event["ATTENDEE"].params


def test_a_nickname_is_written_as_every_calendar_reads_it() -> None:
    text = written(customer_name='Jo "The Pipe" Doe')
    assert "CN=Jo 'The Pipe' Doe" in text.replace("\r\n ", "").replace('"', "")
    assert "^" not in text
