"""Events as Graph tells them, and what they take of our time.

A series comes whole whenever anything in it changes, and an occurrence that was deleted
is merely missing then: so a series is told as one event, with an interval for each of
its occurrences.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.interval import Interval
from universal_calendar.providers.microsoft.mapping import appointment_of
from universal_calendar.providers.microsoft.times import Json, interval_of
from universal_calendar.services.ports.calendars import ChangedEvent, TakenTime

# Who works elsewhere is at work. What Microsoft adds one day takes time.
_BUSY: Final = {
    "free": None,
    "workingElsewhere": None,
    "tentative": BusyType.TENTATIVE,
    "oof": BusyType.UNAVAILABLE,
}
_STRICTEST: Final = (BusyType.UNAVAILABLE, BusyType.BUSY, BusyType.TENTATIVE)


def busy_of(event: Json) -> BusyType | None:
    """Return how an event takes time, None if not at all."""
    response = (event.get("responseStatus") or {}).get("response")
    if event.get("isCancelled") or response == "declined":
        return None
    return _BUSY.get(event.get("showAs") or "", BusyType.BUSY)


def single_event(event: Json, window: Interval, tenant_id: UUID) -> ChangedEvent:
    """Read an event that is no series; one of ours is told wherever it is."""
    appointment_id = appointment_of(event, tenant_id)
    interval = interval_of(event)
    is_told = interval is not None and (appointment_id or interval.overlaps(window))
    return ChangedEvent(
        event_id=str(event["id"]),
        etag=event.get("@odata.etag"),
        is_deleted=False,
        is_all_day=bool(event.get("isAllDay")),
        busy=busy_of(event),
        intervals=(interval,) if interval and is_told else (),
        appointment_id=appointment_id,
    )


def series_event(
    series_id: str, events: Sequence[Json], window: Interval, tenant_id: UUID
) -> ChangedEvent:
    """Read a series by its occurrences, where the event has the series' traits.

    One whose occurrences differ is as busy as the busiest, free ones apart.
    """
    told = [(busy_of(each), interval_of(each)) for each in events]
    taken = [(busy, at) for busy, at in told if busy and at and at.overlaps(window)]
    kinds = {busy for busy, _ in taken}
    return ChangedEvent(
        event_id=series_id,
        etag=None,
        is_deleted=False,
        is_all_day=any(each.get("isAllDay") for each in events),
        busy=next((each for each in _STRICTEST if each in kinds), None),
        intervals=tuple(sorted({at for _, at in taken})),
        appointment_id=next(
            filter(None, (appointment_of(each, tenant_id) for each in events)), None
        ),
    )


def taken_times(
    events: Iterable[Json], window: Interval, tenant_id: UUID
) -> list[TakenTime]:
    """Read what a calendar's view says is taken in the window."""
    told = ((each, busy_of(each), interval_of(each)) for each in events)
    return [
        TakenTime(at, busy, appointment_of(event, tenant_id), event_id=str(event["id"]))
        for event, busy, at in told
        if busy and at and at.overlaps(window)
    ]
