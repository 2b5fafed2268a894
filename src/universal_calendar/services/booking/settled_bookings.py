"""Bookings whose answer says what came of telling calendars and people.

The booking is committed with a provisional answer; then it is settled, and the final
answer replaces the provisional one. Whoever writes the final one first, the request
itself or a retry that outlived it, everybody answers what was written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.retry import SECOND
from universal_calendar.services.booking.appointments import (
    Appointments,
    Booked,
    BookingRequest,
)
from universal_calendar.services.booking.assignment import Assignment
from universal_calendar.services.booking.live_check import ANSWER_SECONDS
from universal_calendar.services.booking.settling import Settlement, Unsettled
from universal_calendar.services.booking.surroundings import Outlook
from universal_calendar.services.budget import Budget
from universal_calendar.services.ports.answers import Answer, StoredAnswer
from universal_calendar.services.ports.appointments import Outcome
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.notices import NoticeKind
from universal_calendar.services.ports.units import Unit, Units

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Finishing:
    """How a dialect makes a provisional answer final."""

    appointment_of: Callable[[Answer], UUID]
    """Returns the id of the appointment that a provisional answer tells of."""
    final: Callable[[Unit, Answer, Outcome], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class SettledBookings:
    """Books, settles, and answers every retry alike."""

    appointments: Appointments
    assignment: Assignment
    units: Units
    settlement: Settlement
    finishing: Finishing

    async def book(
        self, tenant_id: UUID, request: BookingRequest, now: Instant
    ) -> Answer:
        """Book the agent, or whoever is free where the request names none.

        Raises what `Appointments.book` raises.
        """
        budget = Budget.beginning(now, ANSWER_SECONDS)
        booked = await self._booked(tenant_id, request, now, budget)
        if booked.provisional_until is None:
            return booked.answer
        if booked.appointment_id is not None:
            await self.settlement.settle(_unsettled(booked), now, seconds=budget.left)
            return await self._finish(tenant_id, request, booked.answer, now)
        return await self._await_final(
            tenant_id, request, booked.answer, booked.provisional_until, now
        )

    async def _booked(
        self, tenant_id: UUID, request: BookingRequest, now: Instant, budget: Budget
    ) -> Booked:
        if request.agent_id is None:
            return await self.assignment.book(tenant_id, request, now, budget)
        caller = Caller(tenant_id=tenant_id)
        return await self.appointments.book(
            caller, request, now, Outlook.CONFLICTS, budget
        )

    async def _await_final(
        self,
        tenant_id: UUID,
        request: BookingRequest,
        provisional: Answer,
        until: Instant,
        now: Instant,
    ) -> Answer:
        """Wait for the request that settles it; finish in its stead if it is dead."""
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + (until - now) / SECOND, _FIRST_PAUSE
        while clock() < deadline:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            async with self.units.begin(tenant_id, request.actor, now) as unit:
                stored = await unit.answers.read(request.replay)
            if stored is not None and _is_final(stored):
                return stored.answer
        return await self._finish(tenant_id, request, provisional, now)

    async def _finish(
        self,
        tenant_id: UUID,
        request: BookingRequest,
        provisional: Answer,
        now: Instant,
    ) -> Answer:
        """Make the answer final from what the rows tell; return the one that stands."""
        async with self.units.begin(tenant_id, request.actor, now) as unit:
            outcome = await self._outcome(unit, provisional)
            final = await self.finishing.final(unit, provisional, outcome)
            if request.replay.idempotency_key is None:
                return final
            return await unit.answers.keep(request.replay, final)

    async def _outcome(self, unit: Unit, provisional: Answer) -> Outcome:
        appointment = unit.tenant_id, self.finishing.appointment_of(provisional)
        notice_id = await unit.appointments.last_notice(
            *appointment, NoticeKind.CREATED
        )
        return await unit.appointments.outcome(*appointment, notice_id)


def _is_final(stored: StoredAnswer) -> bool:
    return stored.provisional_until is None


def _unsettled(booked: Booked) -> Unsettled:
    reading, appointment_id = booked.reading, booked.appointment_id
    if appointment_id is None:
        raise LookupError("a replayed answer leaves nothing to settle")
    return Unsettled(
        reading.tenant_id, appointment_id, booked.has_calendar, booked.notice_id
    )
