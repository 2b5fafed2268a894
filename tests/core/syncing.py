"""Events as they were read, events of ours, and what is planned about them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.core.sync import (
    Known,
    Move,
    OwnEvent,
    Reading,
    Writing,
    window_at,
)
from universal_calendar.core.sync_plan import Plan, plan

NOW = 10_000 * DAY + 11 * HOUR
WINDOW = window_at(NOW)
TOMORROW = NOW + DAY
LONG_AGO = NOW - DAY
ANN, BEN = UUID(int=1001), UUID(int=1002)


@dataclass(frozen=True)
class Seen:
    event_id: str
    etag: str | None = "new"
    is_deleted: bool = False
    busy: BusyType | None = BusyType.BUSY
    intervals: Intervals = ()
    appointment_id: UUID | None = None
    technicians: tuple[str, ...] | None = None


def hour(number: int) -> Interval:
    """Return the hour that begins so many hours from this time tomorrow."""
    return Interval(TOMORROW + number * HOUR, TOMORROW + (number + 1) * HOUR)


def own(number: int = 0, **fields: object) -> OwnEvent:
    settled = OwnEvent(
        UUID(int=number + 1),
        ANN,
        f"own{number}",
        "old",
        hour(number),
        is_open=True,
        writing=Writing.SETTLED,
        written_at=LONG_AGO,
    )
    return replace(settled, **fields)  # type: ignore[arg-type]  # of any field


def seen(number: int = 0, **fields: object) -> Seen:
    there = Seen(f"own{number}", intervals=(hour(number),))
    return replace(there, **fields)  # type: ignore[arg-type]  # of any field


def gone(number: int = 0) -> Seen:
    return Seen(f"own{number}", None, is_deleted=True, busy=None)


def foreign(number: int, *intervals: Interval, **fields: object) -> Seen:
    there = Seen(f"foreign{number}", intervals=intervals or (hour(number),))
    return replace(there, **fields)  # type: ignore[arg-type]  # of any field


def reading(events: Iterable[Seen] = (), *, is_full: bool = False) -> Reading:
    return Reading({each.event_id: each for each in events}, WINDOW, is_full, NOW)


MOVE = Move(own().appointment_id, "own0", "new", hour(5), ANN)
REFUSED = own(writing=Writing.REFUSED, etag="refused")


def planned(known: Known, found: Reading) -> Plan:
    return plan(known, found, may_be_empty=True)
