"""Booking for whoever is free."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.assignment import (
    Candidate,
    Fit,
    fit_of,
    offers,
    ranked,
)
from universal_calendar.core.busy import Busy
from universal_calendar.core.errors import (
    BookingRefused,
    HoursNotConfigured,
    Nearby,
    SlotUnavailable,
)
from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.appointments import (
    Appointments,
    Booked,
    BookingRequest,
)
from universal_calendar.services.booking.surroundings import (
    ALTERNATIVE_REACH,
    Outlook,
    Place,
    conflicts_at,
)
from universal_calendar.services.budget import Budget
from universal_calendar.services.ports.agendas import AgendaStore
from universal_calendar.services.ports.candidates import CandidateQuery, CandidateStore
from universal_calendar.services.ports.identity import Caller

Found = Mapping[UUID, Sequence[Busy]]
"""What providers have just told of each agent's time."""
Provide = Callable[[UUID, Instant], Awaitable[UUID]]
"""Makes sure that a tenant has an agent, with hours if any can be had; returns it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Finds the agent for a wish that names none, and books."""

    candidates: CandidateStore
    agendas: AgendaStore
    appointments: Appointments
    provide: Provide

    async def book(
        self,
        tenant_id: UUID,
        request: BookingRequest,
        now: Instant,
        budget: Budget | None = None,
    ) -> Booked:
        """Book the free agent with the fewest claims that day; ties go by id.

        Who loses a race for one tries the next. Raises what booking one agent raises:
        the refusal of the agent that fits best, with what is free at all of them; and
        HoursNotConfigured where nobody has hours.
        """
        found = await self._found(tenant_id, request, now)
        fits = ranked(found, request.time, now, request.authority)
        trial = _Trial(self.appointments, request, now, budget)
        try:
            return await trial.book_first(tenant_id, fits)
        except SlotUnavailable as refusal:
            nearby = await self._nearby(request, fits[0].agenda, now, trial.found)
            raise SlotUnavailable(refusal.reason, nearby) from None

    async def _found(
        self, tenant_id: UUID, request: BookingRequest, now: Instant
    ) -> Sequence[Candidate]:
        first, last = request.time.days
        query = CandidateQuery(tenant_id, first, last, now, request.hold_id)
        found = await self.candidates.read(query)
        if found:
            return found
        agent_id = await self.provide(tenant_id, now)
        found = await self.candidates.read(query)
        if not found:
            raise HoursNotConfigured(agent_id)
        return found

    async def _nearby(
        self, request: BookingRequest, agenda: Agenda, now: Instant, found: Found
    ) -> Nearby:
        first, last = request.time.days
        query = CandidateQuery(
            agenda.tenant_id,
            first - ALTERNATIVE_REACH,
            last + ALTERNATIVE_REACH,
            now,
            request.hold_id,
        )
        agendas = [
            each.agenda.with_found(found.get(each.agenda.agent_id, ()))
            for each in await self.candidates.read(query)
        ]
        told = found.get(agenda.agent_id, ())
        place = Place(agenda, request.time, hold_id=request.hold_id, found=told)
        return Nearby(
            agenda.zone,
            offers(agendas, request.time, now),
            await conflicts_at(self.agendas, place, now),
            agenda.knowledge.silences,
        )


@dataclass(frozen=True, slots=True)
class _Trial:
    """One agent after the other, and what providers told of their time."""

    appointments: Appointments
    request: BookingRequest
    now: Instant
    budget: Budget | None
    found: dict[UUID, Sequence[Busy]] = field(default_factory=dict)

    async def book_first(self, tenant_id: UUID, fits: Sequence[Fit]) -> Booked:
        """Book the first who is still free.

        Somebody is tried in any case: the request may be a retry of one that was
        answered, which the first look at any agenda shows.
        """
        free = [fit for fit in fits if fit.refusal is None] or fits[:1]
        refusals: list[BookingRefused] = []
        for fit in free:
            try:
                return await self._book(tenant_id, fit.agenda.agent_id)
            except BookingRefused as refusal:
                refusals.append(refusal)
        raise max(refusals, key=fit_of)

    async def _book(self, tenant_id: UUID, agent_id: UUID) -> Booked:
        asked = replace(self.request, agent_id=agent_id)
        caller = Caller(tenant_id=tenant_id)
        try:
            return await self.appointments.book(
                caller, asked, self.now, Outlook.NOTHING, self.budget
            )
        except SlotUnavailable as refusal:
            self.found[agent_id] = refusal.found
            raise
