"""Calls of the examined platform, short."""

from dataclasses import replace
from decimal import Decimal

from tests.contracts.drafts import SECONDS, WINDOW, a_draft
from tests.contracts.schedules import JOHN, ExaminedPlatform
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    ChangesQuery,
    EventDraft,
    WrittenEvent,
)
from universal_calendar.services.ports.visits import Customer, VisitDraft


def drafted(
    *technicians: str,
    customer: Customer = JOHN,
    number: int = 1,
    value: Decimal | None = None,
    job_type: str | None = None,
    urgency: str | None = None,
) -> EventDraft:
    """Return a draft of a visit at its customer's address."""
    visit = VisitDraft(customer, technicians, job_type, urgency, value)
    return replace(a_draft(number), location=customer.address, visit=visit)


async def put(
    examined: ExaminedPlatform, draft: EventDraft, known: WrittenEvent | None = None
) -> WrittenEvent:
    return await examined.platform.put_event(
        examined.access, examined.calendar, draft, known, seconds=SECONDS
    )


async def delete(
    examined: ExaminedPlatform, event_id: str, reason: str | None = None
) -> None:
    await examined.platform.delete_event(
        examined.access, examined.calendar, event_id, seconds=SECONDS, reason=reason
    )


async def read(
    examined: ExaminedPlatform, window: Interval = WINDOW
) -> dict[str, ChangedEvent]:
    """Return what every page says."""
    found: dict[str, ChangedEvent] = {}
    query: ChangesQuery | None = ChangesQuery(examined.calendar, window)
    while query is not None:
        page = await examined.platform.changes(examined.access, query, seconds=SECONDS)
        found |= {each.event_id: each for each in page.events}
        query = page.next_page
    return found
