"""Holds: time kept for a caller who is still making up their mind."""

from functools import partial
from typing import Final
from uuid import UUID

from universal_calendar.core.booking import check_availability, check_timing
from universal_calendar.core.errors import (
    InvalidField,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import MINUTE, Instant, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.decisions import decide
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
    NewHold,
    WriteOutcome,
)
from universal_calendar.services.ports.appointments import AppointmentStore
from universal_calendar.services.ports.identity import Caller, NewId

DEFAULT_TTL_SECONDS: Final = 300
LONGEST_TTL_SECONDS: Final = 900
_SECOND: Final = MINUTE // 60


class Holds:
    """Places and releases holds; a hold is judged like a booking."""

    def __init__(
        self, agendas: AgendaStore, appointments: AppointmentStore, new_id: NewId
    ) -> None:
        """Take the ports."""
        self._agendas, self._appointments = agendas, appointments
        self._new_id = new_id

    async def place(
        self,
        caller: Caller,
        agent_id: UUID,
        wanted: Interval,
        now: Instant,
        ttl_seconds: int = DEFAULT_TTL_SECONDS,
    ) -> NewHold:
        """Hold the time for 1 to 900 seconds.

        Raises InvalidField for another length, and what a booking would raise.
        """
        if not 1 <= ttl_seconds <= LONGEST_TTL_SECONDS:
            raise InvalidField("ttlSeconds", f"use 1 to {LONGEST_TTL_SECONDS}")
        hold = NewHold(self._new_id(now), wanted, now + ttl_seconds * _SECOND)
        first, last = to_datetime(wanted.start).date(), to_datetime(wanted.end).date()
        query = AgendaQuery(caller, agent_id, first, last, now)
        return await decide(self._agendas, query, partial(self._attempt, hold, now))

    async def _attempt(
        self, hold: NewHold, now: Instant, store: AgendaStore, reading: AgendaReading
    ) -> NewHold | None:
        check_timing(reading.found, hold.interval.start, now)
        check_availability(reading.found, hold.interval)
        outcome = await store.hold(reading, hold, now)
        if outcome is WriteOutcome.TAKEN:
            raise SlotUnavailable(Unavailability.SLOT_TAKEN)
        return hold if outcome is WriteOutcome.BOOKED else None

    async def release(self, tenant_id: UUID, hold_id: UUID) -> None:
        """Give the time back; an absent or expired hold changes nothing."""
        await self._appointments.release_hold(tenant_id, hold_id)
