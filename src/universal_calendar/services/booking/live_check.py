"""Asking the providers about a time, just before it is booked.

The mirror may be minutes behind. Where a connection's owner wants it, the time is held,
all providers are asked at once, and what they tell decides; the mirror decides in the
stead of those that do not answer. No transaction is open meanwhile.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID, uuid5

import structlog

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import Busy, BusySource, BusyType
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.core.sync import OwnEvent, Writing, is_elsewhere
from universal_calendar.core.wanted import WantedTime
from universal_calendar.services.budget import Budget, ended_after
from universal_calendar.services.ports.answers import Replay
from universal_calendar.services.ports.appointments import AppointmentStore
from universal_calendar.services.ports.calendars import CalendarReader, TakenTime
from universal_calendar.services.ports.connections import OutgoingQuota
from universal_calendar.services.ports.counting_calendars import (
    CountingCalendars,
    CountingConnection,
)
from universal_calendar.services.ports.syncs import SyncRequests
from universal_calendar.services.ports.visits import NOBODY

ANSWER_SECONDS: Final = 3.0
"""What a whole answer may take."""
ASKING_SECONDS: Final = 2.0
"""What of it the providers may take."""
_WRITING_SECONDS: Final = 0.5
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the providers told: what takes the time, and which told nothing."""

    found: tuple[Busy, ...]
    unanswered: frozenset[UUID]

    def applied_to(self, agenda: Agenda) -> Agenda:
        """Return the agenda as it is known now."""
        knowledge = agenda.knowledge.unchecked(self.unanswered)
        return replace(agenda.with_found(self.found), knowledge=knowledge)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a connection told; `own` are appointments that it named, by calendar."""

    connection: CountingConnection
    times: Mapping[str, Sequence[TakenTime]]
    own: Mapping[UUID, Mapping[UUID, OwnEvent]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return self.times.keys() >= self.connection.calendars.keys()

    def named(self) -> Iterator[tuple[UUID, set[UUID]]]:
        """Yield the appointments that events say to be, by calendar."""
        for external_id, calendar_id in self.connection.calendars.items():
            named = {
                each.appointment_id
                for each in self.times.get(external_id, ())
                if each.appointment_id
            }
            if named:
                yield calendar_id, named

    def taking(self, agent_id: UUID, window: Interval) -> Mapping[UUID, list[Busy]]:
        """Return what takes the window, by calendar; ours is what claims decide."""
        found = {
            calendar_id: [
                Busy(each.interval, each.busy, BusySource.CALENDAR)
                for each in self.times.get(external_id, ())
                if each.interval.overlaps(window)
                and (self.connection.tentative_blocks or not _is_tentative(each))
                and self._takes(agent_id, each, self.own.get(calendar_id, {}))
            ]
            for external_id, calendar_id in self.connection.calendars.items()
        }
        return {calendar_id: times for calendar_id, times in found.items() if times}

    def _takes(
        self, agent_id: UUID, time: TakenTime, known: Mapping[UUID, OwnEvent]
    ) -> bool:
        """Tell whether it takes the agent's time besides what claims say."""
        own = known.get(time.appointment_id) if time.appointment_id else None
        if own is None:
            return time.technicians is None or self._is_of(agent_id, time.technicians)
        if time.technicians is None:
            return _has_left(own, time, agent_id)
        assigned = [each for each in time.technicians if each != NOBODY]
        if not is_elsewhere(own, time.interval):
            return agent_id != own.agent_id and self._is_of(agent_id, assigned)
        # Moved there, or another visit of its job: whoever has it, and of what nobody
        # has, whoever would be given it.
        is_nobodys = agent_id == own.agent_id and not self._agents(assigned)
        return is_nobodys or self._is_of(agent_id, time.technicians)

    def _is_of(self, agent_id: UUID, technicians: Sequence[str]) -> bool:
        return agent_id in self._agents(technicians)

    def _agents(self, technicians: Sequence[str]) -> set[UUID]:
        """Return whose time it is; who is unknown counts as nobody."""
        agents = self.connection.agents
        nobodys = agents.get(NOBODY)
        found = (agents.get(each, nobodys) for each in technicians)
        return {each for each in found if each is not None}


def _has_left(own: OwnEvent, time: TakenTime, agent_id: UUID) -> bool:
    """Tell whether it is an agent's own event, elsewhere than its appointment is."""
    if (own.agent_id, own.event_id) != (agent_id, time.event_id):
        return False  # a copy, or an event for somebody else in a shared calendar
    return is_elsewhere(own, time.interval)


def _as_told(own: OwnEvent, began: Instant) -> OwnEvent:
    """Have what was written since the platform was asked count as not written yet."""
    is_later = own.written_at > began
    return replace(own, writing=Writing.RUNNING) if is_later else own


def _is_tentative(time: TakenTime) -> bool:
    return time.busy is BusyType.TENTATIVE


class LiveCheck:
    """Asks providers whether a time is free."""

    def __init__(
        self,
        calendars: CountingCalendars,
        readers: Mapping[str, CalendarReader],
        quota: OutgoingQuota,
        syncs: SyncRequests,
        appointments: AppointmentStore,
    ) -> None:
        """Take the providers by name; a calendar that surprises is read at once."""
        self._calendars, self._readers, self._quota = calendars, readers, quota
        self._syncs, self._appointments = syncs, appointments

    async def ask(
        self, tenant_id: UUID, agent_id: UUID, window: Interval, budget: Budget
    ) -> Verdict:
        """Ask about all calendars that count for the agent, at once.

        Raises DatabaseUnavailable; what a provider does is in the verdict.
        """
        began = budget.now
        asked = await self._calendars.of(tenant_id, agent_id, began)
        seconds = min(ASKING_SECONDS, budget.left - _WRITING_SECONDS)
        asking = [self._ask(each, window, budget.now, seconds) for each in asked]
        told = [
            await self._recognized(tenant_id, each, began)
            for each in await asyncio.gather(*asking)
        ]
        taking = [each.taking(agent_id, window) for each in told]
        surprising = {calendar_id for each in taking for calendar_id in each}
        if surprising:
            await self._syncs.want(tenant_id, surprising, budget.now)
        return Verdict(
            tuple(busy for each in taking for times in each.values() for busy in times),
            frozenset(
                each.connection.access.connection_id
                for each in told
                if not each.is_whole
            ),
        )

    async def _ask(
        self,
        connection: CountingConnection,
        window: Interval,
        now: Instant,
        seconds: float,
    ) -> _Told:
        try:
            async with ended_after(seconds):
                times = await self._taken(connection, window, now, seconds)
        except Exception as error:  # the edge of the booking: the mirror decides then
            _log.warning(
                "live_check_unanswered",
                tenant_id=str(connection.access.tenant_id),
                error_type=type(error).__qualname__,
            )
            return _Told(connection, {})
        return _Told(connection, times)

    async def _recognized(self, tenant_id: UUID, told: _Told, began: Instant) -> _Told:
        """Find out what the appointments are that events say to be."""
        own = {}
        for calendar_id, named in told.named():
            found = await self._calendars.own_events(
                tenant_id, calendar_id, named, began
            )
            own[calendar_id] = {
                each.appointment_id: _as_told(each, began) for each in found
            }
        return replace(told, own=own) if own else told

    async def _taken(
        self,
        connection: CountingConnection,
        window: Interval,
        now: Instant,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        reader = self._readers.get(connection.provider)
        if reader is None or connection.is_paused or seconds <= 0:
            raise ProviderDown
        await self._quota.take(connection.access.connection_id, now)
        return await reader.taken(
            connection.access, list(connection.calendars), window, seconds=seconds
        )

    async def release(self, tenant_id: UUID, hold_id: UUID) -> None:
        """Give a held time back."""
        await self._appointments.release_hold(tenant_id, hold_id)


def hold_of(agent_id: UUID, time: WantedTime, replay: Replay) -> UUID | None:
    """Return the hold that a request and its retries share; None: nobody retries it.

    A retry is not in its own way, whatever became of the request before it.
    """
    name = replay.idempotency_key
    if name is None:
        if replay.reference is None:
            return None
        name = f"{replay.reference}\0{replay.request.hex()}"
    return uuid5(agent_id, f"{time}\0{replay.route}\0{name}")
