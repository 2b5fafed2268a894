"""When is anybody of this tenant free? One read of all agents, then arithmetic."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from universal_calendar.core.booking import valid_until
from universal_calendar.core.errors import HoursNotConfigured, InvalidRange
from universal_calendar.core.instant import MINUTE, Instant
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.periods import (
    ZONE_DAYS,
    DayPeriods,
    Days,
    free_periods,
    slot_periods,
)
from universal_calendar.core.silence import Silence
from universal_calendar.services.booking.assignment import Provide
from universal_calendar.services.booking.availability import LONGEST_RANGE_DAYS
from universal_calendar.services.ports.tenant_agendas import (
    AgendaStamp,
    TenantAgendaQuery,
    TenantAgendaStore,
    TenantReading,
)

_CACHED_ANSWERS: Final = 1024
_ZONES: Final = timedelta(days=ZONE_DAYS)


@dataclass(frozen=True, slots=True)
class PeriodQuestion:
    """Free time of a tenant from one local day to another, both included.

    `agent_id` None: of every agent. `timezone` None: the tenant's. `as_slots`: discrete
    slots instead of periods.
    """

    tenant_id: UUID
    first: date
    last: date
    minutes: int
    timezone: str | None = None
    agent_id: UUID | None = None
    as_slots: bool = False

    def check_range(self) -> None:
        """Raise InvalidRange for days in the wrong order or more than 90 apart."""
        if self.last < self.first:
            raise InvalidRange("endDate must not be before startDate")
        if (self.last - self.first).days > LONGEST_RANGE_DAYS:
            raise InvalidRange(f"Use at most {LONGEST_RANGE_DAYS} days")


@dataclass(frozen=True, slots=True)
class AgentPeriods:
    """The free time of one agent."""

    agent_id: UUID
    days: Sequence[DayPeriods]
    silences: Sequence[Silence] = ()


@dataclass(frozen=True, slots=True)
class _Cached:
    body: bytes
    stamp: AgendaStamp
    valid_until: Instant


Render = Callable[[PeriodQuestion, ZoneInfo, list[AgentPeriods]], bytes]


class TenantAvailability:
    """Answers what is free in one dialect.

    An answer is kept with the agents' revisions; while they stand and neither hold,
    notice or midnight has passed nor a calendar grown too old, the next asking costs
    the look at the revisions alone.
    """

    def __init__(
        self, store: TenantAgendaStore, provide: Provide, render: Render
    ) -> None:
        """Take how the dialect writes an answer."""
        self._store, self._provide, self._render = store, provide, render
        self._cache: OrderedDict[PeriodQuestion, _Cached] = OrderedDict()

    async def free_time(self, question: PeriodQuestion, now: Instant) -> bytes:
        """Return the rendered free time.

        Raises AgentNotFound, and HoursNotConfigured where no agent asked about has
        hours; the range must have been checked.
        """
        cached = self._cached(question, now)
        query = _query(question, now, cached.stamp if cached else None)
        reading = await self._store.read(query)
        if cached is None or reading.agendas is not None:
            reading = reading if reading.agendas else await self._provided(query)
            cached = self._fresh(question, reading, now)
            self._keep(question, cached)
        return cached.body

    async def _provided(self, query: TenantAgendaQuery) -> TenantReading:
        """Read again, after making sure that the tenant has somebody to book."""
        agent_id = await self._provide(query.tenant_id, query.now)
        reading = await self._store.read(query)
        if not reading.agendas:
            raise HoursNotConfigured(query.agent_id or agent_id)
        return reading

    def _cached(self, question: PeriodQuestion, now: Instant) -> _Cached | None:
        cached = self._cache.get(question)
        return cached if cached is not None and now < cached.valid_until else None

    def _fresh(
        self, question: PeriodQuestion, reading: TenantReading, now: Instant
    ) -> _Cached:
        zone = zone_named(question.timezone or reading.stamp.timezone)
        agendas = reading.agendas or ()
        days = Days(question.first, question.last, zone)
        find = slot_periods if question.as_slots else free_periods
        length = question.minutes * MINUTE
        found = [
            AgentPeriods(
                agenda.agent_id,
                find(agenda, days, length, now),
                agenda.knowledge.silences,
            )
            for agenda in agendas
        ]
        until = min(
            valid_until(agenda, _earliest(each), now)
            for agenda, each in zip(agendas, found, strict=True)
        )
        return _Cached(self._render(question, zone, found), reading.stamp, until)

    def _keep(self, question: PeriodQuestion, answer: _Cached) -> None:
        self._cache[question] = answer
        self._cache.move_to_end(question)
        if len(self._cache) > _CACHED_ANSWERS:
            self._cache.popitem(last=False)


def _query(
    question: PeriodQuestion, now: Instant, known: AgendaStamp | None
) -> TenantAgendaQuery:
    return TenantAgendaQuery(
        question.tenant_id,
        question.agent_id,
        question.first - _ZONES,
        question.last + _ZONES,
        now,
        known,
    )


def _earliest(found: AgentPeriods) -> Instant | None:
    return found.days[0].periods[0].start if found.days else None
