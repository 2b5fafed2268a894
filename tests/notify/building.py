"""Notices made by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    Message,
    Notice,
    NoticeKind,
)

MESSAGE_ID: Final = UUID("01900000-0000-7000-8000-000000000001")
NOTICE_ID: Final = UUID("01900000-0000-7000-8000-000000000002")
APPOINTMENT_ID: Final = UUID("01900000-0000-7000-8000-000000000003")
TENANT_ID: Final = UUID("01900000-0000-7000-8000-000000000004")
AGENT_ID: Final = UUID("01900000-0000-7000-8000-000000000005")
CHANGED_AT: Final = from_datetime(datetime(2027, 1, 4, 12, 30, 15, 5, tzinfo=UTC))

SNAPSHOT: Final = AppointmentSnapshot(
    APPOINTMENT_ID,
    TENANT_ID,
    "Acme Plumbing",
    AGENT_ID,
    "Ann",
    "2027-01-05T14:00:00Z",
    "2027-01-05T16:00:00Z",
    "America/Los_Angeles",
    "confirmed",
    1,
    "tenant_api",
    title="Kitchen sink",
    customer_name="Qwynneth Canaryfield",
    customer_phone="+1 415 555 0147",
    customer_email="qwynneth@canaryfield.example",
    description="Leaks, but not; much",
    address="7 Peppercorn Way, Los Angeles",
)
TRACES: Final = ("qwynneth", "canaryfield", "4155550147", "555 0147", "peppercorn")


def message(kind: NoticeKind = NoticeKind.CREATED, **fields: Any) -> Message:
    """Return a message about the appointment with these fields of its own."""
    snapshot = replace(SNAPSHOT, **fields)
    notice = Notice(TENANT_ID, NOTICE_ID, kind, True, CHANGED_AT, snapshot)
    return Message(MESSAGE_ID, notice)
