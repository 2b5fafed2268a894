"""The hours document: how an agent's hours and rules are written down.

One JSON object holds all of it, under the agent guide's own names; a document that
leaves something out gets the guide's default for it. It is read strictly: what is
unknown, misspelt or out of bounds is an error that names the field.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import lru_cache
from typing import Final, cast
from zoneinfo import ZoneInfo

from universal_calendar.core.errors import InvalidField, UnknownName
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.rules import Alignment, BookingRules
from universal_calendar.core.schedule import WEEKDAYS, DayHours, Schedule, day_hours
from universal_calendar.core.wire import parse_date

OFFICE_HOURS: Final = {
    day: [{"start": "09:00", "end": "17:00"}] for day in WEEKDAYS[:5]
}
_BOUNDS: Final = {
    "default_appointment_duration": (1, 1440),
    "buffer_before_minutes": (0, 1440),
    "buffer_after_minutes": (0, 1440),
    "min_advance_booking_hours": (0, 8760),
    "max_advance_booking_days": (0, 3650),
    "slot_interval_minutes": (1, 1440),
    "max_appointments_per_day": (1, 1440),
}
_OPTIONAL: Final = {"slot_interval_minutes", "max_appointments_per_day"}
_MOST_INTERVALS_A_DAY: Final = 96
_MOST_OVERRIDES: Final = 3660

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """A schedule, the rules beside it, and the zone if it differs from the agent's."""

    schedule: Schedule
    rules: BookingRules = field(default_factory=BookingRules)
    zone: ZoneInfo | None = None


@lru_cache(maxsize=4096)
def stored_hours(text: str) -> Hours:
    """Read a stored document; cached, since it changes far less often than it is read.

    The same text gives the same object, which lets what is derived from it be cached.
    """
    return parse_hours(json.loads(text))


def parse_hours(document: object) -> Hours:
    """Read a document; raise InvalidField for the first thing that cannot be used."""
    source = _object(document, "hours")
    _refuse_unknown(source, "", _KNOWN)
    zone = source.get("timezone")
    return Hours(
        Schedule(
            _weekly(source.get("working_hours", OFFICE_HOURS)),
            _overrides(source.get("overrides", {})),
        ),
        _rules(source),
        None if zone is None else zone_named(_text(zone, "timezone")),
    )


def complete(document: object) -> dict[str, object]:
    """Return the document with every default spelled out, ready to be stored.

    Intervals stay as they were written; raises InvalidField as `parse_hours` does.
    """
    hours, source = parse_hours(document), _object(document, "hours")
    weekly = _object(source.get("working_hours", OFFICE_HOURS), "working_hours")
    return {
        "working_hours": {day: weekly.get(day, []) for day in WEEKDAYS},
        "overrides": source.get("overrides", {}),
        "timezone": hours.zone.key if hours.zone else None,
        **{rule.name: getattr(hours.rules, rule.name) for rule in fields(BookingRules)},
    }


def _weekly(value: object) -> tuple[DayHours, ...]:
    days = _object(value, "working_hours")
    _refuse_unknown(days, "working_hours", WEEKDAYS)
    return tuple(_day(days.get(day, []), f"working_hours.{day}") for day in WEEKDAYS)


def _overrides(value: object) -> dict[date, DayHours]:
    days = _object(value, "overrides")
    if len(days) > _MOST_OVERRIDES:
        raise InvalidField("overrides", f"give at most {_MOST_OVERRIDES} dates")
    return {_date(day): _day(spans, f"overrides.{day}") for day, spans in days.items()}


def _date(name: str) -> date:
    try:
        return parse_date(name)
    except InvalidField as error:
        raise UnknownName("overrides", name, error.mend) from None


def _day(value: object, name: str) -> DayHours:
    if not isinstance(value, list):
        raise InvalidField(name, 'use a list such as [{"start":"09:00","end":"17:00"}]')
    if len(value) > _MOST_INTERVALS_A_DAY:
        raise InvalidField(name, f"give at most {_MOST_INTERVALS_A_DAY} intervals")
    return day_hours(_span(item, f"{name}[{n}]") for n, item in enumerate(value))


def _span(value: object, name: str) -> tuple[int, int]:
    item = _object(value, name)
    _refuse_unknown(item, name, ("start", "end"))
    start = _minute(item.get("start"), f"{name}.start", last=1439)
    end = _minute(item.get("end"), f"{name}.end", last=1440)
    if start == end:
        raise InvalidField(f"{name}.end", "must differ from start (24:00 ends the day)")
    return start, 1440 if end == 1439 else end


def _minute(value: object, name: str, *, last: int) -> int:
    text = value if isinstance(value, str) else ""
    digits = text[:2] + text[3:]
    if len(text) == 5 and text[2] == ":" and digits.isascii() and digits.isdigit():
        minute = int(text[:2]) * 60 + int(text[3:])
        if int(text[3:]) < 60 and minute <= last:
            return minute
    raise InvalidField(name, 'use "HH:MM", 00:00 to 23:59, or 24:00 as an end')


def _rules(source: Json) -> BookingRules:
    values = dict(source)
    both = values.pop("buffer_time_minutes", None)
    if both is not None:
        _refuse_both_buffers(source)
        buffer = _whole(both, "buffer_time_minutes", 0, 1440)
        values |= {"buffer_before_minutes": buffer, "buffer_after_minutes": buffer}
    chosen = {
        rule.name: _rule(rule.name, values[rule.name])
        for rule in fields(BookingRules)
        if rule.name in values
    }
    return BookingRules(**chosen)  # type: ignore[arg-type]  # _rule checked each


def _refuse_both_buffers(source: Json) -> None:
    if {"buffer_before_minutes", "buffer_after_minutes"} & source.keys():
        mend = "give it alone, or buffer_before_minutes and buffer_after_minutes"
        raise InvalidField("buffer_time_minutes", mend)


def _rule(name: str, value: object) -> object:
    if value is None and name in _OPTIONAL:
        return None
    reader: Callable[[], object] = {
        "alignment": lambda: _alignment(value),
        "enforce_grid": lambda: _flag(value, name),
    }.get(name) or (lambda: _whole(value, name, *_BOUNDS[name]))
    return reader()


def _alignment(value: object) -> Alignment:
    if value not in list(Alignment):
        raise InvalidField("alignment", f"use one of {', '.join(Alignment)}")
    return Alignment(str(value))


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidField(name, "use true or false")
    return value


def _whole(value: object, name: str, least: int, most: int) -> int:
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and least <= value <= most
    ):
        return value
    raise InvalidField(name, f"use a whole number from {least} to {most}")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidField(name, "use a string")
    return value


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidField(name, "use a JSON object")
    return cast(Json, value)


def _refuse_unknown(source: Json, place: str, known: tuple[str, ...]) -> None:
    for name in source:
        if name not in known:
            raise UnknownName(place, name, f"unknown; use {', '.join(known)}")


_KNOWN: Final = (
    "working_hours",
    "overrides",
    "timezone",
    "buffer_time_minutes",
    *(rule.name for rule in fields(BookingRules)),
)
