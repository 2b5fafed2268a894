"""Business hours in the five shapes of the platform, as one hours document.

    "07:00-18:00"                                              every day
    {start, end}                                               every day
    {monday: {start, end} | null, …}
    {monday: {open, close, enabled}, …}
    {monday: {isOpen, openTime, closeTime, breaks: [{startTime, endTime}]}, …,
     holidays: [{date, isRecurring}]}

Shapes may be mixed from day to day. A day that is null, switched off, absent beside
others or as long as nothing is closed.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Final, NamedTuple, cast

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.hours import complete
from universal_calendar.core.interval import Interval, Intervals, subtract
from universal_calendar.core.localtime import MINUTES_A_DAY
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.core.wire import clock_label, parse_date, parse_time

Json = dict[str, object]

_FLAGS: Final = ("enabled", "isOpen", "is_open")
_STARTS: Final = ("start", "open", "openTime", "open_time", "startTime", "start_time")
_ENDS: Final = ("end", "close", "closeTime", "close_time", "endTime", "end_time")
_ENDS_OF_DAY: Final = ("24:00", "23:59", "23:59:59")
_YEARS: Final = 3
_ONE_DAY: Final = timedelta(days=1)


class _Day(NamedTuple):
    """Spans in minutes of their own weekday.

    `early` begins on that day; `late` is what a break cut off from a night shift, and
    begins on the day after.
    """

    early: Intervals
    late: Intervals


def hours_document(
    hours: object, timezone: str | None, year: int
) -> dict[str, object] | None:
    """Return the complete hours document, None where no hours are given.

    Recurring holidays are spelled out for three years from `year`; earlier holidays are
    left out. Raises InvalidField for hours of no known shape.
    """
    if hours is None or hours == {}:
        return None
    week = _week(hours)
    return complete(
        {
            "working_hours": {
                name: _written([*week[n].early, *week[n - 1].late])
                for n, name in enumerate(WEEKDAYS)
            },
            "overrides": dict(_overrides(week, _holidays(hours, year))),
            "timezone": timezone,
        }
    )


def _week(hours: object) -> list[_Day]:
    days = hours if isinstance(hours, dict) else {}
    if days.keys() & set(WEEKDAYS):
        return [_day(days.get(name), name) for name in WEEKDAYS]
    if isinstance(hours, str) or days.keys() & {*_STARTS, *_ENDS, *_FLAGS}:
        return [_day(hours, "hours")] * len(WEEKDAYS)
    raise InvalidField("hours", "use one of the platform's shapes")


def _day(value: object, name: str) -> _Day:
    if value is None:
        return _Day((), ())
    if isinstance(value, str):
        return _pieces(_text_span(value, name), [])
    day = _object(value, name)
    if not _is_open(day, name):
        return _Day((), ())
    breaks = _list(day.get("breaks"), f"{name}.breaks")
    return _pieces(_span(day, name), [_span(_object(b, name), name) for b in breaks])


def _is_open(day: Json, name: str) -> bool:
    flag = _first(day, _FLAGS)
    if flag is not None and not isinstance(flag, bool):
        raise InvalidField(name, "use true or false")
    has_times = any(day.get(each) is not None for each in (*_STARTS, *_ENDS))
    return has_times if flag is None else flag


def _text_span(text: str, name: str) -> Interval | None:
    start, _, end = text.partition("-")
    return _interval(start.strip(), end.strip(), name)


def _span(source: Json, name: str) -> Interval | None:
    return _interval(_first(source, _STARTS), _first(source, _ENDS), name)


def _interval(opening: object, closing: object, name: str) -> Interval | None:
    """Return the span, over midnight if it ends before it starts; None if empty."""
    start = parse_time(_clock(opening), name)
    text = _clock(closing)
    end = MINUTES_A_DAY if text in _ENDS_OF_DAY else parse_time(text, name)
    if start == end:
        return None
    return Interval(start, end if end > start else end + MINUTES_A_DAY)


def _clock(value: object) -> str:
    """Return `7:00` and `07:00:00` as `07:00`; nothing for what is not a time."""
    text = value if isinstance(value, str) else ""
    hour, colon, rest = text.partition(":")
    return hour.zfill(2) + colon + rest.removesuffix(":00") if colon else text


def _pieces(span: Interval | None, breaks: list[Interval | None]) -> _Day:
    """Take the breaks out, wherever about midnight they and the span may lie."""
    taken = [
        Interval(each.start + shift, each.end + shift)
        for each in breaks
        if each is not None
        for shift in (-MINUTES_A_DAY, 0, MINUTES_A_DAY)
    ]
    left = subtract([span] if span else [], taken)
    return _Day(
        tuple(each for each in left if each.start < MINUTES_A_DAY),
        tuple(each for each in left if each.start >= MINUTES_A_DAY),
    )


def _written(spans: Intervals | list[Interval]) -> list[dict[str, str]]:
    return [
        {
            "start": clock_label(each.start),
            "end": "24:00" if each.end == MINUTES_A_DAY else clock_label(each.end),
        }
        for each in spans
    ]


def _overrides(
    week: list[_Day], holidays: set[date]
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield what is left of holidays, and of days after them that had a night's tail.

    An override replaces all that begins on its date: the tail of the evening before,
    which a break has cut off, begins there too.
    """
    nights = {day + _ONE_DAY for day in holidays if week[day.weekday()].late}
    for day in sorted(holidays | nights):
        eve = day - _ONE_DAY
        early = () if day in holidays else week[day.weekday()].early
        late = () if eve in holidays else week[eve.weekday()].late
        yield day.isoformat(), _written([*early, *late])


def _holidays(hours: object, year: int) -> set[date]:
    listed = hours.get("holidays") if isinstance(hours, dict) else None
    years = range(year, year + _YEARS)
    return {
        day
        for each in _list(listed, "holidays")
        for day in _occurrences(_object(each, "holidays"), years)
        if day.year in years
    }


def _occurrences(holiday: Json, years: range) -> Iterator[date]:
    text, is_recurring = holiday.get("date"), holiday.get("isRecurring", False)
    if not isinstance(text, str) or not isinstance(is_recurring, bool | None):
        raise InvalidField("holidays", "use a date and whether it is recurring")
    first = parse_date(text.partition("T")[0], "holidays")
    if not is_recurring:
        yield first
        return
    for year in years:
        # 29 February recurs in leap years alone.
        with suppress(ValueError):
            yield first.replace(year=year)


def _first(source: Json, names: tuple[str, ...]) -> object:
    return next((source[n] for n in names if source.get(n) is not None), None)


def _list(value: object, name: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidField(name, "use a list")
    return value


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidField(name, "use a JSON object")
    return cast(Json, value)
