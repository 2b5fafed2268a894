"""What is taken right now, where it is read as events are."""

from collections.abc import Iterable

from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import ChangedEvent, TakenTime


def taken_times(events: Iterable[ChangedEvent], window: Interval) -> list[TakenTime]:
    """Return what events take of a window."""
    return [
        TakenTime(
            interval, each.busy, each.appointment_id, each.technicians, each.event_id
        )
        for each in events
        if each.busy is not None
        for interval in each.intervals
        if interval.overlaps(window)
    ]
