"""When is this agent free? One read, then arithmetic."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.booking import valid_until
from universal_calendar.core.errors import InvalidRange
from universal_calendar.core.instant import MINUTE, Instant
from universal_calendar.core.slots import DaySlots, free_slots
from universal_calendar.services.ports.agendas import AgendaQuery, AgendaStore
from universal_calendar.services.ports.identity import Allowance, Caller

LONGEST_RANGE_DAYS = 90
_CACHED_ANSWERS = 1024


@dataclass(frozen=True, slots=True)
class SlotQuestion:
    """Free slots of an agent from one local day to another, both included."""

    agent_id: UUID
    first: date
    last: date
    minutes: int

    def check_range(self) -> None:
        """Raise InvalidRange for days in the wrong order or more than 90 apart."""
        if self.last < self.first:
            raise InvalidRange("end_date must be after start_date")
        if (self.last - self.first).days > LONGEST_RANGE_DAYS:
            raise InvalidRange(f"Date range cannot exceed {LONGEST_RANGE_DAYS} days")


@dataclass(frozen=True, slots=True)
class SlotAnswer:
    """A rendered answer and what is left of the caller's allowance."""

    body: bytes
    allowance: Allowance | None


@dataclass(frozen=True, slots=True)
class _Cached:
    body: bytes
    revision: int
    valid_until: Instant


Render = Callable[[SlotQuestion, Agenda, list[DaySlots]], bytes]


class Availability:
    """Answers slot questions in one dialect.

    An answer is kept with the agent's revision; while that stands and neither hold,
    notice or midnight has passed nor a calendar grown too old, the next asking costs
    the look at the revision alone.
    """

    def __init__(self, store: AgendaStore, render: Render) -> None:
        """Take how the dialect writes an answer."""
        self._store, self._render = store, render
        self._cache: OrderedDict[tuple[Caller, SlotQuestion], _Cached] = OrderedDict()

    async def slots(
        self, caller: Caller, question: SlotQuestion, now: Instant
    ) -> SlotAnswer:
        """Return the rendered free slots.

        Raises Unauthorized, RateLimited and AgentNotFound; the range must have been
        checked.
        """
        cached = self._cached(caller, question, now)
        reading = await self._store.read(
            AgendaQuery(
                caller,
                question.agent_id,
                question.first,
                question.last,
                now,
                known_revision=cached.revision if cached else None,
            )
        )
        if cached is None or reading.agenda is not None:
            cached = self._fresh(question, reading.found, now)
            self._keep(caller, question, cached)
        return SlotAnswer(cached.body, reading.allowance)

    def _cached(
        self, caller: Caller, question: SlotQuestion, now: Instant
    ) -> _Cached | None:
        cached = self._cache.get((caller, question))
        return cached if cached is not None and now < cached.valid_until else None

    def _fresh(self, question: SlotQuestion, agenda: Agenda, now: Instant) -> _Cached:
        length = question.minutes * MINUTE
        days = free_slots(agenda, question.first, question.last, length, now)
        body = self._render(question, agenda, days)
        earliest = days[0].starts[0] if days else None
        return _Cached(body, agenda.revision, valid_until(agenda, earliest, now))

    def _keep(self, caller: Caller, question: SlotQuestion, answer: _Cached) -> None:
        self._cache[caller, question] = answer
        self._cache.move_to_end((caller, question))
        if len(self._cache) > _CACHED_ANSWERS:
            self._cache.popitem(last=False)
