"""Appointments as calendar invitations (RFC 5545, RFC 5546)."""

from datetime import datetime
from typing import Final

from icalendar import Calendar, Event, vCalAddress, vText

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.notify.wording import one_line
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    Notice,
    NoticeKind,
)

_METHODS: Final = {
    NoticeKind.CREATED: "REQUEST",
    NoticeKind.UPDATED: "REQUEST",
    NoticeKind.CANCELLED: "CANCEL",
}
_STATUSES: Final = {"pending": "TENTATIVE", "cancelled": "CANCELLED"}


def method_of(kind: NoticeKind) -> str | None:
    """Return the iTIP method of a kind of notice, None where none goes with it."""
    return _METHODS.get(kind)


def invitation(notice: Notice, snapshot: AppointmentSnapshot, organizer: str) -> bytes:
    """Write the calendar object that adds, moves or removes the appointment.

    UID is the appointment's id and SEQUENCE its version: a calendar ignores whatever
    comes late with a lower one, so the order of arrival does not matter. Times are in
    UTC, which every calendar shows in its own zone. `organizer` is an e-mail address.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Universal Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method_of(notice.kind))
    calendar.add_component(_event(notice, snapshot, organizer))
    return bytes(calendar.to_ical())


def _event(notice: Notice, snapshot: AppointmentSnapshot, organizer: str) -> Event:
    event = Event()
    event.add("uid", str(snapshot.appointment_id))
    event.add("sequence", snapshot.version)
    event.add("dtstamp", _whole_seconds(notice.created_at))
    event.add("dtstart", to_datetime(snapshot.starts_at))
    event.add("dtend", to_datetime(snapshot.ends_at))
    event.add("status", _STATUSES.get(snapshot.status, "CONFIRMED"))
    event.add("summary", one_line(snapshot.title))
    for name, text in (
        ("description", snapshot.description),
        ("location", snapshot.address),
    ):
        if text:
            event.add(name, _printable(text))
    event.add("organizer", _address(organizer, snapshot.tenant_name))
    if snapshot.customer_email:
        event.add("attendee", _attendee(snapshot, snapshot.customer_email))
    return event


def _attendee(snapshot: AppointmentSnapshot, address: str) -> vCalAddress:
    # They asked for the appointment: there is nothing left for them to answer.
    attendee = _address(address, snapshot.customer_name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    return attendee


def _address(address: str, name: str) -> vCalAddress:
    written = vCalAddress(f"mailto:{address}")
    # A parameter's value cannot hold a double quote (RFC 5545 §3.2).
    if name:
        written.params["CN"] = vText(one_line(name).replace('"', "'"))
    return written


def _printable(text: str) -> str:
    lines = (one_line(line) for line in text.splitlines())
    return "\n".join(lines).strip()


def _whole_seconds(instant: Instant) -> datetime:
    return to_datetime(instant).replace(microsecond=0)
