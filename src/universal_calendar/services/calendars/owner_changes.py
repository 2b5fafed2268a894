"""What owners do to our events in their calendars, carried back to the appointments.

Each is a unit of its own, judged once more under its locks: what was planned without
them may have become wrong. A move that cannot be had is recorded, and told to whoever
looks: the link failed, the audit log has an entry, a line is logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

import structlog

from universal_calendar.core.errors import (
    AgentNotFound,
    AppointmentNotFound,
    BookingRefused,
    FinalStatus,
    InvalidField,
)
from universal_calendar.core.instant import Instant
from universal_calendar.core.sync import (
    Action,
    Agree,
    Cancel,
    Move,
    Reading,
    Refuse,
    Wait,
    follow,
)
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Cancellation,
    Revision,
)
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.units import Unit, Units

REASON: Final = "calendar_event_deleted"
_WORKER: Final = Actor(ActorKind.WORKER, "calendar_sync")
_REFUSALS: Final = (BookingRefused, InvalidField, AgentNotFound)
_log = structlog.get_logger()


class _Outcome(Enum):
    DONE = "the appointment is as the event"
    REFUSED = "it cannot be"
    TOO_EARLY = "its event is being written, or was a moment ago"
    OVERTAKEN = "something else became of it meanwhile"


@dataclass(frozen=True, slots=True)
class Carried:
    """What was done; not `is_settled`: something must be read again to be told.

    `refused` are the ids of events that stay where no appointment follows.
    """

    moved: int = 0
    cancelled: int = 0
    refused: tuple[str, ...] = ()
    is_settled: bool = True


@dataclass(frozen=True, slots=True)
class ReadCalendar:
    """Whose events these are, and what was read of them."""

    tenant_id: UUID
    calendar_id: UUID
    reading: Reading


class OwnerChanges:
    """Makes appointments follow their events."""

    def __init__(self, units: Units, changes: AppointmentChanges) -> None:
        """Take the one way in which appointments change."""
        self._units, self._changes = units, changes

    async def carry_out(
        self, calendar: ReadCalendar, actions: Sequence[Action], now: Instant
    ) -> Carried:
        """Do what is planned; one that cannot be done never stops the others.

        A move may wait for another that makes room: what was refused is tried again
        for as long as some do succeed.
        """
        waiting, done, is_settled = list(actions), [], True
        while waiting:
            refused = []
            for action in waiting:
                outcome = await self._attempt(calendar, action, now)
                if outcome is _Outcome.REFUSED:
                    refused.append(action)
                elif outcome is _Outcome.DONE:
                    done.append(action)
                is_settled = is_settled and outcome is not _Outcome.TOO_EARLY
            if len(refused) == len(waiting):
                break
            waiting = refused
        stayed = [await self._refuse(calendar, each, now) for each in waiting]
        return Carried(
            sum(isinstance(each, Move) for each in done),
            sum(isinstance(each, Cancel) for each in done),
            tuple(event_id for event_id in stayed if event_id is not None),
            is_settled,
        )

    async def _attempt(
        self, calendar: ReadCalendar, action: Action, now: Instant
    ) -> _Outcome:
        if isinstance(action, Wait):
            return _Outcome.TOO_EARLY
        if isinstance(action, Refuse):
            return _Outcome.REFUSED
        try:
            async with self._units.begin(calendar.tenant_id, _WORKER, now) as unit:
                standing = await _standing(unit, calendar, action)
                if standing != action:
                    return _overtaken(standing)
                await self._do(unit, calendar, action)
        except _REFUSALS:
            return _Outcome.REFUSED
        except (AppointmentNotFound, FinalStatus):
            return _Outcome.OVERTAKEN
        return _Outcome.DONE

    async def _do(
        self, unit: Unit, calendar: ReadCalendar, action: Move | Cancel | Agree
    ) -> None:
        place = action.appointment_id, calendar.calendar_id
        match action:
            case Move(interval=interval, etag=etag, agent_id=agent_id):
                # The owner's will passes hours, grid, notice and limits.
                revision = Revision(
                    agent_id, interval.start, interval.end, is_forced=True
                )
                await self._changes.revise(unit, action.appointment_id, revision)
                await unit.own_events.follow(*place, etag)
            case Cancel(is_gone=is_gone):
                await self._changes.cancel(
                    unit, action.appointment_id, Cancellation(REASON)
                )
                if is_gone:
                    await unit.own_events.forget(*place)
            case Agree(etag=etag):
                await unit.own_events.follow(*place, etag)

    async def _refuse(
        self, calendar: ReadCalendar, action: Action, now: Instant
    ) -> str | None:
        """Record it; return the event's id, None if it was overtaken."""
        if not isinstance(action, Move | Refuse):
            return None
        appointment_id = action.appointment_id
        async with self._units.begin(calendar.tenant_id, _WORKER, now) as unit:
            try:
                standing = await _standing(unit, calendar, action)
            except AppointmentNotFound:
                return None
            if standing != action:
                return None
            await unit.own_events.refuse(
                appointment_id, calendar.calendar_id, action.etag
            )
            await unit.audit.record("appointment.move_refused", appointment_id)
        _log.warning(
            "move_refused",
            tenant_id=str(calendar.tenant_id),
            booking_id=str(appointment_id),
        )
        return action.event_id


async def _standing(
    unit: Unit, calendar: ReadCalendar, action: Action
) -> Action | None:
    """Return what follows now, with appointment, event and agents locked."""
    appointment_id = action.appointment_id
    next_agent_id = action.agent_id if isinstance(action, Move) else None
    await unit.appointment_editor.lock(appointment_id, next_agent_id)
    own = await unit.own_events.lock(appointment_id, calendar.calendar_id)
    return None if own is None else follow(own, calendar.reading)


def _overtaken(standing: Action | None) -> _Outcome:
    return _Outcome.TOO_EARLY if isinstance(standing, Wait) else _Outcome.OVERTAKEN
