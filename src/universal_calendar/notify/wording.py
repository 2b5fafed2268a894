"""What customers read: one line, and the facts below it."""

import unicodedata
from typing import Final

from universal_calendar.core.instant import Instant
from universal_calendar.core.localtime import wall_clock, zone_named
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    NoticeKind,
)

_SUBJECTS: Final = {
    NoticeKind.CREATED: "Appointment with {tenant}: {start}",
    NoticeKind.UPDATED: "Changed: appointment with {tenant}, now {start}",
    NoticeKind.CANCELLED: "Cancelled: appointment with {tenant}, {start}",
    NoticeKind.REMINDER: "Reminder: appointment with {tenant}, {start}",
}
_SENTENCES: Final = {
    NoticeKind.CREATED: "your appointment with {tenant} is booked for {start}.",
    NoticeKind.UPDATED: "your appointment with {tenant} has changed: {start}.",
    NoticeKind.CANCELLED: "your appointment with {tenant}, {start}, is cancelled.",
    NoticeKind.REMINDER: "do not forget your appointment with {tenant}, {start}.",
}
_PENDING: Final = "your appointment with {tenant}, {start}, waits to be confirmed."


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters."""
    kept = (
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
    )
    return " ".join("".join(kept).split())


def subject(kind: NoticeKind, snapshot: AppointmentSnapshot) -> str:
    """Return one line for a list of messages."""
    return _filled(_SUBJECTS[kind], snapshot)


def sentence(kind: NoticeKind, snapshot: AppointmentSnapshot) -> str:
    """Say what happened, beginning with a small letter: a greeting goes before it."""
    is_open = kind in (NoticeKind.CREATED, NoticeKind.REMINDER)
    if is_open and snapshot.status == "pending":
        return _filled(_PENDING, snapshot)
    return _filled(_SENTENCES[kind], snapshot)


def letter(kind: NoticeKind, snapshot: AppointmentSnapshot) -> str:
    """Return the plain text of an e-mail."""
    facts = {
        "What": snapshot.title,
        "When": f"{start_text(snapshot)} to {end_text(snapshot)}",
        "With": f"{snapshot.agent_name}, {snapshot.tenant_name}",
        "Where": snapshot.address or "",
    }
    lines = [f"{name + ':':<7}{one_line(fact)}" for name, fact in facts.items() if fact]
    greeting = f"Hello {one_line(snapshot.customer_name)}".strip() + ","
    return "\n".join([greeting, "", sentence(kind, snapshot), "", *lines, ""])


def start_text(snapshot: AppointmentSnapshot) -> str:
    """Write the start as the clocks there show it, with the zone."""
    return f"{_shown(snapshot.starts_at, snapshot)} ({snapshot.timezone})"


def end_text(snapshot: AppointmentSnapshot) -> str:
    """Write the end: the time alone where it is on the day of the start."""
    moments = (snapshot.starts_at, snapshot.ends_at)
    start, end = (_shown(moment, snapshot) for moment in moments)
    day, _, time = end.rpartition(", ")
    return time if start.rpartition(", ")[0] == day else end


def _shown(moment: Instant, snapshot: AppointmentSnapshot) -> str:
    shown = wall_clock(moment, zone_named(snapshot.timezone))
    return f"{shown:%A}, {shown.day} {shown:%B %Y, %H:%M}"


def _filled(pattern: str, snapshot: AppointmentSnapshot) -> str:
    tenant = one_line(snapshot.tenant_name)
    return pattern.format(tenant=tenant, start=start_text(snapshot))
