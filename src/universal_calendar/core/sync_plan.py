"""What is to be done about what was read: plans, and when a reading is not believed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from universal_calendar.core.busy import KINDS, BusySource
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.core.provider_errors import LooksEmpty
from universal_calendar.core.sync import (
    FRESH,
    MANY_TIMES,
    NOBODY,
    Action,
    Cancel,
    Known,
    Move,
    OwnEvent,
    Reading,
    SeenEvent,
    Writing,
    follow,
    is_elsewhere,
    is_past,
)

MANY_CANCELLED: Final = 5
MANY_MISSED: Final = 3

_KIND_OF: Final = {
    busy: place
    for place, (busy, source) in enumerate(KINDS)
    if source is BusySource.CALENDAR
}


class MirroredTime(NamedTuple):
    """Time that an event takes; `kind` is a place in core.busy.KINDS.

    `technicians` say whose; None: that of everybody whom the calendar blocks.
    """

    event_id: str
    start: Instant
    end: Instant
    kind: int
    technicians: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about our events, and all times of the events that were read.

    What is freed comes before what is taken.
    """

    actions: Sequence[Action]
    times: Sequence[MirroredTime]


def plan(known: Known, reading: Reading, *, may_be_empty: bool = False) -> Plan:
    """Return what follows from what was read.

    Raises LooksEmpty for a calendar that suddenly lost too much to be believed, unless
    its owner said so.
    """
    found = [action for own in known.own if (action := follow(own, reading))]
    if not may_be_empty:
        _check_believable(known, reading, found)
    found.sort(key=lambda action: not isinstance(action, Cancel))
    return Plan(found, list(_times(known, reading, found)))


def strayed_times(
    known: Known, reading: Reading, event_ids: Collection[str]
) -> list[MirroredTime]:
    """Return what events of ours take that their appointments could not follow."""
    events = {each: reading.events[each] for each in event_ids}
    return list(_times(known, replace(reading, events=events), ()))


def _check_believable(
    known: Known, reading: Reading, actions: Sequence[Action]
) -> None:
    ahead = [own for own in known.own if _is_expected(own, reading)]
    cancelled = sum(isinstance(action, Cancel) for action in actions)
    if cancelled >= MANY_CANCELLED and 2 * cancelled >= len(ahead):
        raise LooksEmpty
    if not reading.is_full:
        return
    there = {
        event.event_id for event in reading.events.values() if not event.is_deleted
    }
    if len(ahead) >= MANY_MISSED and not any(own.event_id in there for own in ahead):
        raise LooksEmpty
    if known.mirrored_times >= MANY_TIMES and not there:
        raise LooksEmpty


def _is_expected(own: OwnEvent, reading: Reading) -> bool:
    return (
        own.is_open
        and own.writing in (Writing.SETTLED, Writing.REFUSED)
        and own.written_at <= reading.began - FRESH
        and not is_past(own, reading)
        and reading.window.contains(own.interval)
    )


def _times(
    known: Known, reading: Reading, actions: Sequence[Action]
) -> Iterator[MirroredTime]:
    """Yield the times that others take, of each event one from each start."""
    keepers, copies = _keepers(known, reading, actions), _copies(known, reading)
    for event_id, event in reading.events.items():
        if event.busy is None or event.is_deleted or event_id in copies:
            continue
        intervals, technicians = event.intervals, event.technicians
        if event_id in keepers:
            intervals, technicians = _besides(event, keepers[event_id], reading.agents)
        kind = _KIND_OF[event.busy]
        for each in intervals if len(intervals) == 1 else _longest(intervals):
            yield MirroredTime(event_id, each.start, each.end, kind, technicians)


def _copies(known: Known, reading: Reading) -> Collection[str]:
    """Return the ids of events that name an appointment here and are not its own.

    They take no time: the appointment does. Of a job's visits, all of which name us,
    that holds while none of them is known to be ours: then the others take theirs.
    """
    own = {each.event_id: each.appointment_id for each in known.own}
    named = frozenset(known.appointment_ids)
    without_visit = named - frozenset(own.values())
    return {
        event_id
        for event_id, event in reading.events.items()
        if event_id not in own
        and event.appointment_id
        in (named if event.technicians is None else without_visit)
    }


def _keepers(
    known: Known, reading: Reading, actions: Sequence[Action]
) -> Mapping[str, UUID]:
    """Return whose appointments events of ours stand for where they are, by their ids.

    What is planned is taken for done; what is too early to tell, for as it was.
    """
    attended = {each.appointment_id for each in actions}
    keepers = {
        own.event_id: own.agent_id
        for own in known.own
        if own.appointment_id in attended or not _has_strayed(own, reading)
    }
    moves = (action for action in actions if isinstance(action, Move))
    keepers.update((move.event_id, move.agent_id) for move in moves)
    return keepers


def _has_strayed(own: OwnEvent, reading: Reading) -> bool:
    seen = reading.events.get(own.event_id)
    if seen is None or not seen.intervals:
        return False
    return is_elsewhere(own, min(seen.intervals))


def _besides(
    event: SeenEvent, agent_id: UUID, agents: Mapping[str, UUID | None]
) -> tuple[Intervals, tuple[str, ...] | None]:
    """Return when, and whose time, an event of ours takes besides its appointment's."""
    if event.technicians is None:
        return tuple(sorted(set(event.intervals))[1:]), None
    if event.technicians == (NOBODY,):
        return (), ()
    others = tuple(each for each in event.technicians if agents.get(each) != agent_id)
    return event.intervals if others else (), others


def _longest(intervals: Intervals) -> Collection[Interval]:
    """Return one interval from each start, by start: of several the longest."""
    return {each.start: each for each in sorted(intervals)}.values()
