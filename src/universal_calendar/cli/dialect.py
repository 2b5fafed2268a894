"""The command line's dialect: JSON documents of slots, bookings and refusals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NotRequired, TypedDict, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from universal_calendar.cli.output import instant_text
from universal_calendar.cli.session import now
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.errors import (
    AgentNotFound,
    BookingRefused,
    PastStart,
    SlotUnavailable,
    TooFar,
    TooSoon,
)
from universal_calendar.core.hours import parse_hours
from universal_calendar.core.instant import MINUTE, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import (
    local_date,
    wall_clock,
    zone_named,
)
from universal_calendar.core.silence import Silence
from universal_calendar.core.slots import DaySlots
from universal_calendar.services.booking.appointments import (
    Announcing,
    Appointments,
    BookingRequest,
)
from universal_calendar.services.booking.availability import Availability, SlotQuestion
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.tenants import Agent

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

SOURCE: Final = "cli"
_A_WEEK: Final = timedelta(days=6)
_CODES: Final = {PastStart: "past", TooSoon: "too_soon", TooFar: "too_far"}


class SlotDocument(TypedDict):
    """A slot: local date and time, and its instants in UTC."""

    date: str
    time: str
    start: str
    end: str


class SlotsDocument(TypedDict):
    """The free slots of some days; `warnings` tell of calendars that are silent."""

    agent_id: str
    timezone: str
    duration_minutes: int
    slots: list[SlotDocument]
    warnings: NotRequired[list[str]]


class BookingDocument(SlotDocument):
    """What was booked."""

    appointment_id: str
    tenant_id: str
    agent_id: str
    timezone: str
    duration_minutes: int


class RefusalDocument(TypedDict):
    """Why nothing was booked, and what is free nearby; warnings as of slots."""

    code: str
    message: str
    alternatives: list[SlotDocument]
    warnings: NotRequired[list[str]]


@dataclass(frozen=True, slots=True)
class Bookable:
    """An agent that has hours, with what fills in for what people leave out."""

    agent: Agent
    zone: ZoneInfo
    minutes: int

    @property
    def caller(self) -> Caller:
        """Return the operator of the agent's tenant, who needs no key here."""
        return Caller(tenant_id=self.agent.tenant_id)


async def bookable(
    parts: "Parts", agent_id: UUID, tenant_id: UUID | None, minutes: int | None = None
) -> Bookable:
    """Find an agent; raise AgentNotFound for one without hours, or AmbiguousAgent."""
    agent = await parts.tenants.agent(agent_id, tenant_id)
    document = await parts.tenants.hours(agent)
    if document is None:
        raise AgentNotFound(agent_id)
    hours = parse_hours(document)
    return Bookable(
        agent,
        hours.zone or zone_named(agent.timezone),
        minutes or hours.rules.default_appointment_duration,
    )


async def find_slots(
    parts: "Parts", who: Bookable, first: date | None = None, last: date | None = None
) -> SlotsDocument:
    """Return the free slots from today, or `first`, for a week, or until `last`."""
    start = first or local_date(now(), who.zone)
    question = SlotQuestion(
        who.agent.agent_id, start, last or start + _A_WEEK, who.minutes
    )
    question.check_range()
    availability = Availability(parts.agendas, _slots_json)
    answer = await availability.slots(who.caller, question, now())
    return cast("SlotsDocument", orjson.loads(answer.body))


def _slots_json(question: SlotQuestion, agenda: Agenda, days: list[DaySlots]) -> bytes:
    length = question.minutes * MINUTE
    slots = [
        slot_document(Interval(start, start + length), agenda.zone)
        for day in days
        for start in day.starts
    ]
    document: SlotsDocument = {
        "agent_id": str(question.agent_id),
        "timezone": agenda.zone.key,
        "duration_minutes": question.minutes,
        "slots": slots,
    }
    if agenda.knowledge.silences:
        document["warnings"] = _messages(agenda.knowledge.silences)
    return orjson.dumps(document)


def _messages(silences: Iterable[Silence]) -> list[str]:
    """Say each thing once."""
    return list(dict.fromkeys(each.message for each in silences))


def slot_document(interval: Interval, zone: ZoneInfo) -> SlotDocument:
    """Describe a slot."""
    shown = wall_clock(interval.start, zone)
    return {
        "date": shown.date().isoformat(),
        "time": f"{shown:%H:%M}",
        "start": instant_text(to_datetime(interval.start)),
        "end": instant_text(to_datetime(interval.end)),
    }


async def book_slot(
    parts: "Parts", who: Bookable, request: BookingRequest
) -> BookingDocument:
    """Book; raise BookingRefused."""
    booked = await appointments(parts).book(who.caller, request, now())
    span = request.time.interval(who.zone)
    return {
        "appointment_id": str(booked.appointment_id),
        "tenant_id": str(who.agent.tenant_id),
        "agent_id": str(who.agent.agent_id),
        **slot_document(span, who.zone),
        "timezone": who.zone.key,
        "duration_minutes": who.minutes,
    }


def appointments(parts: "Parts") -> Appointments:
    """Build the use-case; no answer is stored, since no request is repeated."""
    from universal_calendar.bootstrap.parts import new_id

    # Which channels there are is the service's to know: it drops what nobody hears.
    announcing = Announcing(has_channels=True)
    return Appointments(parts.agendas, new_id, lambda *_: Answer(0, b""), announcing)


def refusal_document(refusal: BookingRefused) -> RefusalDocument:
    """Describe why nothing was booked."""
    code = _CODES.get(type(refusal), "refused")
    document: RefusalDocument = {
        "code": code,
        "message": str(refusal),
        "alternatives": [],
    }
    if isinstance(refusal, SlotUnavailable) and refusal.nearby is not None:
        nearby = refusal.nearby
        document["code"] = refusal.reason.value
        document["alternatives"] = [
            slot_document(each.interval, nearby.zone) for each in nearby.alternatives
        ]
        if nearby.silences:
            document["warnings"] = _messages(nearby.silences)
    return document
