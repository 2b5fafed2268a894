"""Recurrence rules (RFC 5545 §3.3.10): when a series starts anew, by its own clocks.

Only what can lie in the span asked about is looked at, however long ago the series
began and however many occurrences it has, and never more than MOST_STEPS days and
times: rules come from strangers, and other readers of them look through eight thousand
years for a 30 February, or list every second of a decade.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from itertools import product
from typing import Final

from universal_calendar.providers._icalendar.errors import TooMany, Unreadable

MOST_STEPS: Final = 20_000
_WEEKDAYS: Final = {
    name: number
    for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))
}
_WEEKDAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}")


class Frequency(IntEnum):
    """How often, from often to seldom."""

    SECONDLY = 0
    MINUTELY = 1
    HOURLY = 2
    DAILY = 3
    WEEKLY = 4
    MONTHLY = 5
    YEARLY = 6


Numbers = frozenset[int]
_NONE: Final[Numbers] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `until` is as it was written, for who knows the zone.

    `weekdays` are pairs of a place in the month or year, 0 for each, and a day from
    Monday = 0.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: str | None = None
    week_start: int = 0
    months: Numbers = _NONE
    weeks: Numbers = _NONE
    year_days: Numbers = _NONE
    month_days: Numbers = _NONE
    weekdays: frozenset[tuple[int, int]] = frozenset()
    hours: Numbers = _NONE
    minutes: Numbers = _NONE
    seconds: Numbers = _NONE
    places: Numbers = _NONE


def read_rule(text: str) -> Rule:
    """Read the value of a RRULE; raise Unreadable if it is none."""
    pairs = (each.partition("=") for each in text.upper().split(";") if each)
    parts = {name.strip(): value.strip() for name, _, value in pairs}
    try:
        return Rule(
            Frequency[parts["FREQ"]],
            interval=_positive(parts.get("INTERVAL", "1")),
            count=_positive(parts["COUNT"]) if "COUNT" in parts else None,
            until=parts.get("UNTIL"),
            week_start=_WEEKDAYS[parts.get("WKST", "MO")],
            months=_numbers(parts, "BYMONTH", 1, 12),
            weeks=_numbers(parts, "BYWEEKNO", -53, 53),
            year_days=_numbers(parts, "BYYEARDAY", -366, 366),
            month_days=_numbers(parts, "BYMONTHDAY", -31, 31),
            weekdays=frozenset(_weekdays(parts.get("BYDAY", ""))),
            hours=_numbers(parts, "BYHOUR", 0, 23),
            minutes=_numbers(parts, "BYMINUTE", 0, 59),
            seconds=_numbers(parts, "BYSECOND", 0, 59),
            places=_numbers(parts, "BYSETPOS", -366, 366),
        )
    except KeyError:
        raise Unreadable from None


def _positive(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) < 1:
        raise Unreadable
    return int(text)


def _numbers(parts: dict[str, str], name: str, least: int, most: int) -> Numbers:
    texts = [each for each in parts.get(name, "").split(",") if each]
    if not all(_NUMBER.fullmatch(each) for each in texts):
        raise Unreadable
    # A minute may have a sixtieth second; ours have not.
    found = frozenset(
        min(int(each), most) if most == 59 else int(each) for each in texts
    )
    if any(not least <= each <= most for each in found):
        raise Unreadable
    return found


def _weekdays(text: str) -> Iterator[tuple[int, int]]:
    for each in text.split(",") if text else ():
        found = _WEEKDAY.fullmatch(each)
        if found is None:
            raise Unreadable
        yield int(found[1] or 0), _WEEKDAYS[found[2]]


def starts(
    rule: Rule, anchor: datetime, first: datetime, last: datetime
) -> Iterator[datetime]:
    """Yield in order what the rule makes of its first start, between two moments.

    All are readings of one zone's clocks, without zone. Raises TooMany instead of going
    on for long.
    """
    whole = _completed(rule, anchor)
    steps, told = 0, 0
    for unit in _units(whole, anchor, first, last):
        steps += _cost(whole)
        for each in _chosen(whole, anchor, unit):
            steps += 1
            if each < anchor:
                continue
            told += 1
            if each > last or (rule.count is not None and told > rule.count):
                return
            if each >= first:
                yield each
        if steps > MOST_STEPS:
            raise TooMany


def _cost(rule: Rule) -> int:
    """Return how many days of a unit are looked at."""
    match rule.frequency:
        case Frequency.YEARLY:
            return 31 * (len(rule.months) or 12)
        case Frequency.MONTHLY:
            return 31
        case Frequency.WEEKLY:
            return 7
        case _:
            return 1


def _completed(rule: Rule, anchor: datetime) -> Rule:
    """Take from the first start what the rule leaves open."""
    if rule.frequency <= Frequency.DAILY:
        return rule
    if rule.weeks or rule.year_days or rule.month_days or rule.weekdays:
        return rule
    if rule.frequency is Frequency.WEEKLY:
        return replace(rule, weekdays=frozenset({(0, anchor.weekday())}))
    if rule.frequency is Frequency.YEARLY and not rule.months:
        rule = replace(rule, months=frozenset({anchor.month}))
    return replace(rule, month_days=frozenset({anchor.day}))


# Units: years, months, weeks, … counted from year 0, so that intervals are a range.


def _units(rule: Rule, anchor: datetime, first: datetime, last: datetime) -> range:
    begin, end = _unit(rule, anchor), _unit(rule, last)
    # A counted rule has to be counted from its beginning.
    passed = 0 if rule.count is not None else _unit(rule, first) - begin
    skipped = max(0, passed // rule.interval)
    return range(begin + skipped * rule.interval, end + 1, rule.interval)


def _unit(rule: Rule, moment: datetime) -> int:
    ordinal = moment.toordinal()
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    match rule.frequency:
        case Frequency.YEARLY:
            return moment.year
        case Frequency.MONTHLY:
            return moment.year * 12 + moment.month - 1
        case Frequency.WEEKLY:
            return (ordinal - 1 - rule.week_start) // 7
        case Frequency.DAILY:
            return ordinal
        case Frequency.HOURLY:
            return ordinal * 24 + moment.hour
        case Frequency.MINUTELY:
            return ordinal * 1440 + seconds // 60
        case Frequency.SECONDLY:
            return ordinal * 86400 + seconds


_UNITS_A_DAY: Final = {
    Frequency.HOURLY: 24,
    Frequency.MINUTELY: 1440,
    Frequency.SECONDLY: 86400,
}


def _chosen(rule: Rule, anchor: datetime, unit: int) -> list[datetime]:
    days = [each for each in _days(rule, unit) if _fits(rule, each)]
    times = list(_times(rule, anchor, unit)) if days else []
    if len(days) * len(times) > MOST_STEPS:
        raise TooMany
    found = [datetime.combine(day, each) for day, each in product(days, times)]
    if not rule.places:
        return found
    places = {each - 1 if each > 0 else len(found) + each for each in rule.places}
    return [found[each] for each in sorted(places) if 0 <= each < len(found)]


def _days(rule: Rule, unit: int) -> Iterator[date]:
    match rule.frequency:
        case Frequency.YEARLY:
            for month in sorted(rule.months) or range(1, 13):
                yield from _month(unit, month)
        case Frequency.MONTHLY:
            yield from _month(unit // 12, unit % 12 + 1)
        case Frequency.WEEKLY:
            monday = unit * 7 + 1 + rule.week_start
            yield from (
                date.fromordinal(monday + day) for day in range(7) if monday + day > 0
            )
        case _:
            yield date.fromordinal(unit // _UNITS_A_DAY.get(rule.frequency, 1))


def _month(year: int, month: int) -> Iterator[date]:
    for day in range(1, calendar.monthrange(year, month)[1] + 1):
        yield date(year, month, day)


def _times(rule: Rule, anchor: datetime, unit: int) -> Iterator[time]:
    given = (anchor.hour, anchor.minute, anchor.second)
    own = _own_time(rule, unit)
    choices = []
    for place, wanted in enumerate((rule.hours, rule.minutes, rule.seconds)):
        if place < len(own):
            fits = not wanted or own[place] in wanted
            choices.append([own[place]] if fits else [])
        else:
            choices.append(sorted(wanted) or [given[place]])
    for hour, minute, second in product(*choices):
        yield time(hour, minute, second)


def _own_time(rule: Rule, unit: int) -> tuple[int, ...]:
    """Return hour, minute, second as far as the unit itself says them."""
    match rule.frequency:
        case Frequency.HOURLY:
            return (unit % 24,)
        case Frequency.MINUTELY:
            return divmod(unit % 1440, 60)
        case Frequency.SECONDLY:
            minutes, second = divmod(unit % 86400, 60)
            return (*divmod(minutes, 60), second)
        case _:
            return ()


# Days: every part of the rule that speaks of days must agree.


def _fits(rule: Rule, day: date) -> bool:
    return (
        (not rule.months or day.month in rule.months)
        and (not rule.weekdays or _is_weekday(rule, day))
        and (
            not rule.month_days or _is_numbered(rule.month_days, day.day, _days_of(day))
        )
        and (
            not rule.year_days
            or _is_numbered(rule.year_days, _year_day(day), _length(day.year))
        )
        and (not rule.weeks or _is_in_week(rule, day))
    )


def _is_numbered(numbers: Numbers, number: int, length: int) -> bool:
    return number in numbers or number - length - 1 in numbers


def _days_of(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _length(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


def _year_day(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _is_weekday(rule: Rule, day: date) -> bool:
    weekday = day.weekday()
    places = {place for place, wanted in rule.weekdays if wanted == weekday}
    if not places or 0 in places or rule.frequency < Frequency.MONTHLY:
        return bool(places)
    if rule.frequency is Frequency.YEARLY and not rule.months:
        number, length = _year_day(day), _length(day.year)
    else:
        number, length = day.day, _days_of(day)
    return (number - 1) // 7 + 1 in places or -((length - number) // 7 + 1) in places


def _is_in_week(rule: Rule, day: date) -> bool:
    year, week = _week_of(day, rule.week_start)
    _, weeks = _week_of(date(year, 12, 28), rule.week_start)
    return _is_numbered(rule.weeks, week, weeks)


def _week_of(day: date, week_start: int) -> tuple[int, int]:
    """Return the week's year and number: a year's first week has four days in it."""
    begin = day - timedelta(days=(day.weekday() - week_start) % 7)
    middle = begin + timedelta(days=3)
    return middle.year, (_year_day(middle) - 1) // 7 + 1
