"""A thousand events such as people have, the same ones each time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from dateutil.rrule import rrulestr

from tests.providers.caldav.objects import calendar_text, event_lines, shown

ZONES = ("America/Los_Angeles", "America/New_York", "Europe/London", "Australia/Sydney")
YEAR = 2026
RULES = (
    "FREQ=DAILY;COUNT=20",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261101T000000Z",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=YEARLY",
)


def made_up(count: int, seed: int = 20260601) -> Iterator[tuple[str, str]]:
    """Yield names and texts of calendar objects."""
    random = Random(seed)  # noqa: S311 - to be the same each time
    for number in range(count):
        uid = f"made-up-{number}"
        yield f"{uid}.ics", calendar_text(*_object(random, uid))


def _object(random: Random, uid: str) -> list[str]:
    if random.random() < 0.15:
        return event_lines(uid, *_all_day(random), *_trait(random))
    zone = random.choice(ZONES)
    start = shown(YEAR, 1, 1, random.randint(6, 20), random.choice((0, 15, 30)))
    start += timedelta(days=random.randint(-60, 300))
    length = timedelta(minutes=random.choice((15, 30, 45, 60, 90, 240)))
    trait = _trait(random)
    if random.random() < 0.45:
        return event_lines(uid, *_span(zone, start, length), *trait)
    rule = random.choice(RULES)
    # What a first start means that its rule would not make is open.
    start = next(iter(rrulestr(rule.partition(";UNTIL")[0], dtstart=start)))
    lines = [*_span(zone, start, length), *trait, f"RRULE:{rule}"]
    if not rule.startswith(("FREQ=DAILY;INT", "FREQ=WEEKLY")) or "BYDAY" in rule:
        return event_lines(uid, *lines)
    step = timedelta(days=3 if "DAILY" in rule else 7)
    return _with_exceptions(random, uid, lines, (zone, start, length, step))


def _with_exceptions(
    random: Random,
    uid: str,
    lines: list[str],
    series: tuple[str, datetime, timedelta, timedelta],
) -> list[str]:
    zone, start, length, step = series
    places = random.sample(range(1, 40), 4)
    left_out, moved, called_off, longer = (start + step * each for each in places)
    lines.append(f"EXDATE;TZID={zone}:{left_out:%Y%m%dT%H%M%S}")
    later = timedelta(hours=random.randint(1, 60))
    # An event has one kind of busy here, whatever its occurrences are.
    kind = [each for each in lines if each.startswith("STATUS")]
    return [
        *event_lines(uid, *lines),
        *event_lines(
            uid, _instead(zone, moved), *_span(zone, moved + later, length), *kind
        ),
        *event_lines(
            uid,
            *(_instead(zone, called_off), *_span(zone, called_off, length)),
            "STATUS:CANCELLED",
        ),
        *event_lines(
            uid, _instead(zone, longer), *_span(zone, longer, length * 2), *kind
        ),
    ]


def _instead(zone: str, start: datetime) -> str:
    return f"RECURRENCE-ID;TZID={zone}:{start:%Y%m%dT%H%M%S}"


def _span(zone: str, start: datetime, length: timedelta) -> list[str]:
    return [
        f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={zone}:{start + length:%Y%m%dT%H%M%S}",
    ]


def _all_day(random: Random) -> list[str]:
    first = shown(YEAR, 1, 1) + timedelta(days=random.randint(0, 360))
    last = first + timedelta(days=random.randint(1, 4))
    lines = [
        f"DTSTART;VALUE=DATE:{first:%Y%m%d}",
        f"DTEND;VALUE=DATE:{last:%Y%m%d}",
    ]
    if random.random() < 0.3:
        lines.append("RRULE:FREQ=WEEKLY;INTERVAL=4;COUNT=5")
    return lines


def _trait(random: Random) -> list[str]:
    chance = random.random()
    if chance < 0.1:
        return ["TRANSP:TRANSPARENT"]
    if chance < 0.2:
        return ["STATUS:TENTATIVE"]
    return []
