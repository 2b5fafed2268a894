"""The agent API's answers, written straight to JSON.

A ninety-day answer has hundreds of slots; each is one of at most 1,440 texts, which
are written once per length and joined.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import MINUTES_A_DAY, wall_clock
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.core.silence import Silence
from universal_calendar.core.slots import DaySlots
from universal_calendar.core.wanted import LocalTime
from universal_calendar.core.wire import clock_label
from universal_calendar.services.booking.appointments import BookingRequest
from universal_calendar.services.booking.availability import SlotQuestion
from universal_calendar.services.ports.answers import Answer
from universal_calendar.web.agent_api.models import LONGEST_MINUTES


def free_slots_body(
    question: SlotQuestion, agenda: Agenda, days: list[DaySlots]
) -> bytes:
    """Write a FreeSlots answer."""
    head = orjson.dumps(
        {
            "agent_id": question.agent_id,
            "start_date": question.first,
            "end_date": question.last,
            "timezone": agenda.zone.key,
            "slot_duration_minutes": question.minutes,
            "total_days_with_availability": len(days),
            **remarks(agenda),
        }
    )
    written = [_day(each, agenda.zone, question.minutes) for each in days]
    return b'%b,"available_slots":[%b]}' % (head[:-1], b",".join(written))


def remarks(agenda: Agenda) -> dict[str, object]:
    """Write `warnings` and `verified`, where there is something to say."""
    silences = agenda.knowledge.silences
    found: dict[str, object] = {}
    if silences:
        found["warnings"] = messages(silences)
    if not all(each.is_verified for each in silences):
        found["verified"] = False
    return found


def messages(silences: Iterable[Silence]) -> list[str]:
    """Say each thing once."""
    return list(dict.fromkeys(each.message for each in silences))


@lru_cache(maxsize=16384)
def _day(slots: DaySlots, zone: ZoneInfo, minutes: int) -> bytes:
    day = slots.day
    if day.fixed:
        texts = _slot_texts(minutes)
        written = [texts[start - day.start] for start in slots.starts]
    else:
        written = [_slot_text(start, zone, minutes) for start in slots.starts]
    head = _day_head(day.date)
    return b'%b%d,"slots":[%b]}' % (head, len(written), b",".join(written))


@lru_cache(maxsize=4096)
def _day_head(day: date) -> bytes:
    name = WEEKDAYS[day.weekday()].capitalize()
    return f'{{"date":"{day}","day_of_week":"{name}","total_slots":'.encode()


@lru_cache(maxsize=LONGEST_MINUTES)
def _slot_texts(minutes: int) -> dict[Duration, bytes]:
    """Return the text of each slot of this length, by its distance from midnight."""
    return {
        minute * MINUTE: _written(
            clock_label(minute), clock_label(minute + minutes), minutes
        )
        for minute in range(MINUTES_A_DAY)
    }


def _written(start: str, end: str, minutes: int) -> bytes:
    text = f'{{"start":"{start}","end":"{end}","duration_minutes":{minutes}}}'
    return text.encode()


def _slot_text(start: Instant, zone: ZoneInfo, minutes: int) -> bytes:
    end = start + minutes * MINUTE
    return _written(_label(start, zone), _label(end, zone), minutes)


def _label(instant: Instant, zone: ZoneInfo) -> str:
    return f"{wall_clock(instant, zone):%H:%M}"


def booking_answer(
    request: BookingRequest, agenda: Agenda, appointment_id: UUID
) -> Answer:
    """Write a Booking answer: 201 and what was booked."""
    wanted = cast(LocalTime, request.time)
    day, time = wanted.day.isoformat(), clock_label(wanted.minute)
    body = {
        "status": "success",
        "booking_id": appointment_id,
        "message": f"Booking confirmed for {day} at {time}",
        "details": {
            "event_id": appointment_id,
            "agent_id": request.agent_id,
            "participant_name": request.person.name,
            "booking_date": day,
            "booking_time": time,
            "duration_minutes": wanted.minutes,
            "external_reference_id": request.replay.reference,
        },
        **remarks(agenda),
    }
    return Answer(201, orjson.dumps(body))


def alternative(free: Interval, zone: ZoneInfo) -> dict[str, object]:
    """Write one Alternative."""
    start = wall_clock(free.start, zone)
    return {
        "date": start.date().isoformat(),
        "start": _label(free.start, zone),
        "end": _label(free.end, zone),
        "duration_minutes": free.length // MINUTE,
    }
