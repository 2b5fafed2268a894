"""Instants and drafts of the exam."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from tests.contracts.world import Seen
from universal_calendar.core.instant import DAY, HOUR, Instant, from_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import (
    EventDraft,
    WrittenEvent,
)

SECONDS = 5.0
SHORT = 0.5
TENANT = UUID("11111111-1111-4111-8111-111111111111")
TITLE = "Canary of a title"
NINE = from_datetime(datetime(2026, 6, 1, 9, tzinfo=UTC))
WINDOW = Interval(NINE - 30 * DAY, NINE + 60 * DAY)


def at(start: Instant, length: Instant = HOUR) -> Interval:
    return Interval(start, start + length)


def utc(*numbers: int) -> Instant:
    year, month, day, hour = numbers
    return from_datetime(datetime(year, month, day, hour, tzinfo=UTC))


def a_draft(number: int = 1, generation: int = 0, sequence: int = 1) -> EventDraft:
    appointment_id = uuid5(TENANT, str(number))
    return EventDraft(
        event_key=f"{appointment_id.hex}{generation}",
        tenant_id=TENANT,
        appointment_id=appointment_id,
        interval=at(NINE + number * HOUR),
        timezone="America/New_York",
        sequence=sequence,
        title=TITLE,
        description="Two lines\nof \N{GRINNING FACE}",
        location="12 Straße",
    )


def later(draft: EventDraft) -> EventDraft:
    """Return the draft after one more change of its appointment."""
    return replace(
        draft, sequence=draft.sequence + 1, interval=at(draft.interval.start + 5 * HOUR)
    )


def as_seen(draft: EventDraft, written: WrittenEvent) -> Seen:
    return Seen(
        written.event_id,
        draft.title,
        draft.description,
        draft.location,
        draft.interval,
    )
