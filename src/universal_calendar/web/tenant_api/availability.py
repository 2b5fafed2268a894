"""Free time in the tenant API, written straight to JSON.

A day's text is written once for as long as nothing of the day changes.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Annotated, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from pydantic import Field

from universal_calendar.core.instant import MINUTE, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.periods import DayPeriods
from universal_calendar.services.booking.tenant_availability import (
    AgentPeriods,
    PeriodQuestion,
    TenantAvailability,
)
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.identity import Role
from universal_calendar.web.tenant_api.fields import (
    FROM_QUERY,
    Answered,
    Day,
    Id,
    Inputs,
    Zone,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Call, Mode, Operation
from universal_calendar.web.tenant_api.remarks import Remarked, remarks

LONGEST_MINUTES: Final = 1440

OneDay = tuple[tuple[UUID, DayPeriods], ...]
"""The agents that are free on a day, by id, and when."""


class CheckAvailability(Inputs):
    """Local days, both included, at most 90 apart, and how long it will take."""

    tenant_id: Id | None = None
    start_date: Day
    end_date: Day
    duration: Annotated[
        int, Field(ge=1, le=LONGEST_MINUTES, description="Minutes."), FROM_QUERY
    ]
    timezone: Annotated[
        Zone | None, Field(description="Of the days; default: the tenant's.")
    ] = None
    agent_id: Annotated[Id | None, Field(description="Default: every agent.")] = None
    mode: Annotated[
        Literal["periods", "slots"],
        Field(description="Whole free periods, or the slots that agents offer."),
    ] = "periods"


class FreePeriod(Answered):
    """A time at every minute of which, as long as there is room, one may start."""

    start_time: datetime
    end_time: datetime
    available: Literal[True]
    duration: Annotated[int, Field(description="Minutes from start to end.")]
    agent_ids: Annotated[list[UUID], Field(description="Each is free for all of it.")]


class FreeDay(Answered):
    """A local day with free time; other days are left out."""

    date: date
    slots: list[FreePeriod]


class AvailabilityAnswer(Remarked):
    """What is free, by local date."""

    tenant_id: UUID
    timezone: str
    availability: list[FreeDay]


@dataclass(frozen=True, slots=True)
class AvailabilityApi:
    """The handler, with what it needs."""

    availability: TenantAvailability

    def operations(self) -> list[AnyOperation]:
        """Return the endpoint."""
        return [
            Operation(
                "GET",
                "/availability/check",
                "When is somebody free?",
                "Availability",
                Role.VIEWER,
                CheckAvailability,
                self.check,
                AvailabilityAnswer,
                mode=Mode.OWN,
                errors={409: "BUSINESS_HOURS_NOT_CONFIGURED: nobody has hours"},
            )
        ]

    async def check(self, call: Call, inputs: CheckAvailability) -> Answer:
        """Answer when agents are free."""
        question = PeriodQuestion(
            call.tenant_id,
            inputs.start_date,
            inputs.end_date,
            inputs.duration,
            inputs.timezone,
            inputs.agent_id,
            as_slots=inputs.mode == "slots",
        )
        question.check_range()
        return Answer(200, await self.availability.free_time(question, call.now))


def availability_body(
    question: PeriodQuestion, zone: ZoneInfo, found: list[AgentPeriods]
) -> bytes:
    """Write an AvailabilityAnswer in its envelope."""
    silences = chain.from_iterable(each.silences for each in found)
    head = orjson.dumps(
        {
            "tenantId": question.tenant_id,
            "timezone": zone.key,
            **remarks(silences),
        }
    )
    days = b",".join(map(_day, _by_date(found)))
    return b'{"success":true,"data":%b,"availability":[%b]}}' % (head[:-1], days)


def _by_date(found: list[AgentPeriods]) -> list[OneDay]:
    if len(found) == 1:
        return [((found[0].agent_id, each),) for each in found[0].days]
    days: dict[date, OneDay] = {}
    for agent in found:
        for each in agent.days:
            own = ((agent.agent_id, each),)
            days[each.day.date] = days.get(each.day.date, ()) + own
    return [days[each] for each in sorted(days)]


@lru_cache(maxsize=16384)
def _day(free: OneDay) -> bytes:
    periods = sorted(set(chain.from_iterable(day.periods for _, day in free)))
    agents: dict[Interval, list[UUID]] = {period: [] for period in periods}
    for agent_id, day in free:
        for period in day.periods:
            agents[period].append(agent_id)
    written = [
        {
            "startTime": instant_text(period.start),
            "endTime": instant_text(period.end),
            "available": True,
            "duration": period.length // MINUTE,
            "agentIds": agent_ids,
        }
        for period, agent_ids in agents.items()
    ]
    return orjson.dumps({"date": free[0][1].day.date, "slots": written})
