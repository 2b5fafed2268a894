"""What follows from what was read of a calendar: for our mirror, and for our events.

Our own events are known by their id in this calendar, or by the appointment that they
name; where their appointments are they are not mirrored. What follows from one of them:

it was          and so the appointment is
moved           moved, if its new time can be had; else the refusal is recorded
deleted         cancelled, and so it is if the event takes no time any more
made a series   moved to the first of its times; the others are its owner's
reassigned      given to the agent of the first technician who is one's, likewise
unassigned      as it was: that says nobody else's name
unchanged       as it was, whatever its etag says

A local change that waits to be written wins: what was booked here holds. An event that
was written a moment ago, or is being written, proves nothing: what was read may be
older than that. Then everything is read again, from the same place.

One that was moved to where its appointment does not follow, being over already or for
want of time, takes time where it is now.

Schedules of field-service platforms say besides whose time an event takes: that of its
technicians, each of whom may be an agent here. Then ours take time too: that of whoever
is assigned to them besides the appointment's own agent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, Duration, Instant
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.core.retry import SECOND

DAYS_BEHIND: Final = 1
SCHEDULE_DAYS_BEHIND: Final = 31
"""Lists of jobs show what was done in the last month; it is read and never judged."""
DAYS_AHEAD: Final = 400
LEAST_DAYS_AHEAD: Final = 370
"""A window that ends sooner is read anew, and wholly: it may be frozen in tokens."""
FRESH: Final[Duration] = 20 * SECOND
"""So long after we wrote an event, a provider may still tell of it as it was before."""
MANY_TIMES: Final = 10
NOBODY: Final = ""
"""Stands where a technician's id does, for what nobody is assigned to."""


class SeenEvent(Protocol):
    """An event as its provider tells of it; no intervals: it is out of the window."""

    @property
    def event_id(self) -> str:
        """Return its id there."""

    @property
    def etag(self) -> str | None:
        """Return what changes with it, and sometimes without it."""

    @property
    def is_deleted(self) -> bool:
        """Tell whether it is gone."""

    @property
    def busy(self) -> BusyType | None:
        """Return how it takes time, None if it takes none."""

    @property
    def intervals(self) -> Intervals:
        """Return the times of its occurrences."""

    @property
    def appointment_id(self) -> UUID | None:
        """Return which appointment it says to be."""

    @property
    def technicians(self) -> tuple[str, ...] | None:
        """Return whose time it takes, None: that of all whom the calendar blocks."""


class Writing(Enum):
    """How far an event of ours is."""

    SETTLED = "it is as we wrote it, or as its owner did"
    WAITING = "a local change is still to be written, or could not be"
    RUNNING = "it is being written this moment"
    REFUSED = "its owner moved it to where the appointment could not follow"


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An appointment's event in this calendar, as we know it.

    `is_open`: the appointment is not over with, and its event is to be there.
    `written_at` is when somebody here last wrote it, or changed what is to be written.
    """

    appointment_id: UUID
    agent_id: UUID
    event_id: str
    etag: str | None
    interval: Interval
    is_open: bool
    writing: Writing
    written_at: Instant


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: all events of the window, or those that changed, by their ids.

    `began` is before the first of it was asked for. `agents` are those of a schedule's
    technicians, by their ids, NOBODY among them; None: no agent's.
    """

    events: Mapping[str, SeenEvent]
    window: Interval
    is_full: bool
    began: Instant
    agents: Mapping[str, UUID | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the calendar.

    `own` has every event of ours that was read or lies ahead. `appointment_ids` are
    those, of the ids that events name, of appointments that take time here.
    `mirrored_times` counts what lies ahead; more than a few need not be counted.
    """

    own: Sequence[OwnEvent] = ()
    appointment_ids: Collection[UUID] = frozenset()
    mirrored_times: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """The appointment follows its event, to another agent if `agent_id` is new."""

    appointment_id: UUID
    event_id: str
    etag: str | None
    interval: Interval
    agent_id: UUID


@dataclass(frozen=True, slots=True)
class Cancel:
    """The appointment is cancelled; `is_gone`: nothing is left to delete there."""

    appointment_id: UUID
    event_id: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Agree:
    """The event that the appointment could not follow is back where that is."""

    appointment_id: UUID
    event_id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """The event went to where no appointment can follow: out of the window."""

    appointment_id: UUID
    event_id: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Wait:
    """It is too early to tell; whatever was read is to be read again."""

    appointment_id: UUID


Action: TypeAlias = Move | Cancel | Agree | Refuse | Wait


def window_at(now: Instant, days_behind: int = DAYS_BEHIND) -> Interval:
    """Return what is read at that moment, in whole days of UTC."""
    today = now // DAY * DAY
    return Interval(today - days_behind * DAY, today + DAYS_AHEAD * DAY)


def is_outgrown(window_end: Instant | None, now: Instant) -> bool:
    """Tell whether a window must be read anew, having never been or ending too soon."""
    return window_end is None or window_end < now + LEAST_DAYS_AHEAD * DAY


def follow(own: OwnEvent, reading: Reading) -> Action | None:
    """Return what follows from what was read of an event of ours."""
    seen = reading.events.get(own.event_id)
    if not own.is_open or own.writing is Writing.WAITING or is_past(own, reading):
        return None
    if seen is None and not _is_missed(own, reading):
        return None
    action = _change(own, seen, reading.agents)
    if action is None:
        return None
    if own.writing is Writing.RUNNING or own.written_at > reading.began - FRESH:
        return Wait(own.appointment_id)
    if _is_refused_already(own, seen, action):
        return None
    return action


def _change(
    own: OwnEvent, seen: SeenEvent | None, agents: Mapping[str, UUID | None]
) -> Action | None:
    if seen is None or seen.is_deleted:
        return Cancel(own.appointment_id, own.event_id, is_gone=True)
    if seen.busy is None:
        return Cancel(own.appointment_id, own.event_id, is_gone=False)
    if not seen.intervals:
        return Refuse(own.appointment_id, own.event_id, seen.etag)
    interval, agent_id = min(seen.intervals), _agent_of(own, seen.technicians, agents)
    if (interval, agent_id) != (own.interval, own.agent_id):
        return Move(own.appointment_id, own.event_id, seen.etag, interval, agent_id)
    if own.writing is Writing.REFUSED:
        return Agree(own.appointment_id, own.event_id, seen.etag)
    return None


def _agent_of(
    own: OwnEvent,
    technicians: tuple[str, ...] | None,
    agents: Mapping[str, UUID | None],
) -> UUID:
    """Return whose the appointment is, or is to be, if none of them is its agent."""
    assigned = (agents.get(each) for each in technicians or () if each != NOBODY)
    found = [each for each in assigned if each is not None]
    return own.agent_id if own.agent_id in found or not found else found[0]


def _is_refused_already(own: OwnEvent, seen: SeenEvent | None, action: Action) -> bool:
    return (
        own.writing is Writing.REFUSED
        and isinstance(action, Move | Refuse)
        and seen is not None
        and own.etag == seen.etag
        and own.etag is not None
    )


def is_past(own: OwnEvent, reading: Reading) -> bool:
    """Tell whether it is over: nobody rewrites what has been."""
    return own.interval.end <= reading.began


def _is_missed(own: OwnEvent, reading: Reading) -> bool:
    """Tell whether an event that was not told of should have been."""
    return reading.is_full and reading.window.contains(own.interval)


def is_elsewhere(own: OwnEvent, interval: Interval) -> bool:
    """Tell whether others moved an event from where its appointment is."""
    is_written = own.writing in (Writing.SETTLED, Writing.REFUSED)
    return is_written and interval != own.interval
