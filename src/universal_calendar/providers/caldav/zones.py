"""Zones of a calendar object: IANA's, Windows', and those that it defines itself.

A definition holds in its own object only: what it says of Berlin is nobody else's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import DAY, Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import zone_named
from universal_calendar.providers._far_times import near
from universal_calendar.providers._icalendar import moments, rules
from universal_calendar.providers._icalendar.errors import TooMany, Unreadable
from universal_calendar.providers.caldav.component import (
    Component,
    read_calendar,
)

_BEFORE_WINDOW: Final = timedelta(days=800)
_MOST_OBSERVANCES: Final = 200
_MOST_ONSETS: Final = 5_000


class Zone(Protocol):
    """What its clocks show, as an instant."""

    def instant(self, shown: datetime) -> Instant:
        """Return when the clocks show this.

        What they skip is read as before the gap; of what they show twice, the first.
        """


@dataclass(frozen=True, slots=True)
class NamedZone:
    """A zone of IANA's database."""

    zone: ZoneInfo

    def instant(self, shown: datetime) -> Instant:
        """Return when the clocks show this."""
        return near(from_datetime(shown.replace(tzinfo=self.zone, fold=0)))


@dataclass(frozen=True, slots=True)
class DefinedZone:
    """A zone as a VTIMEZONE defines it: changes of the clocks, in order."""

    changes: tuple["_Change", ...]

    def instant(self, shown: datetime) -> Instant:
        """Return when the clocks show this."""
        offset = self.changes[0].before
        for change in self.changes:
            if shown < change.settled:
                break
            offset = change.after
        return near(from_datetime(shown.replace(tzinfo=timezone(offset))))


@dataclass(frozen=True, slots=True)
class _Change:
    settled: datetime
    """From then on the clocks show what they show after it: past the gap, if any."""
    before: timedelta
    after: timedelta


UNIVERSAL: Final[Zone] = NamedZone(ZoneInfo("UTC"))


class Zones:
    """The zones that a calendar object speaks of, as they are near a window."""

    def __init__(self, calendar: Component, local: Zone, window: Interval) -> None:
        """Take the zone of times that have none: the calendar's."""
        self._calendar, self.local, self._window = calendar, local, window
        self._known: dict[str, Zone] = {}

    def of(self, name: str | None) -> Zone:
        """Return the zone of a TZID; an unknown one is taken to be the calendar's."""
        if name is None:
            return self.local
        if name not in self._known:
            self._known[name] = self._found(name) or self.local
        return self._known[name]

    def _found(self, name: str) -> Zone | None:
        named = named_zone(name)
        if named is not None:
            return named
        for each in self._calendar.children("VTIMEZONE"):
            if each.text("TZID") == name:
                return _defined(each, self._window)
        return None


def named_zone(name: str) -> Zone | None:
    """Return the zone of an IANA or Windows name, whatever path is put before it."""
    cleaned = name.strip().strip("/")
    parts = cleaned.split("/") if name.startswith("/") else []
    candidates = [cleaned, WINDOWS_TO_OLSON.get(cleaned, "")]
    candidates += ["/".join(parts[start:]) for start in range(1, min(len(parts), 8))]
    for each in candidates:
        try:
            return NamedZone(zone_named(each))
        except InvalidField:
            continue
    return None


def zone_of_calendar(text: str | None, window: Interval) -> Zone | None:
    """Read a calendar-timezone property: a name, or an object that defines a zone."""
    if not text or not text.strip():
        return None
    named = named_zone(text.strip())
    if named is not None:
        return named
    try:
        calendar = read_calendar(text)
        (defined,) = calendar.children("VTIMEZONE")
    except ValueError:
        return None
    name = defined.text("TZID") or ""
    return named_zone(name) or _defined(defined, window)


def _defined(definition: Component, window: Interval) -> Zone | None:
    observances = definition.children("STANDARD") + definition.children("DAYLIGHT")
    if len(observances) > _MOST_OBSERVANCES:
        return None
    try:
        changes = sorted(
            (each for one in observances for each in _changes(one, window)),
            key=lambda change: change.settled,
        )
    except (ValueError, OverflowError):
        return None
    return DefinedZone(tuple(changes)) if changes else None


def _changes(observance: Component, window: Interval) -> Iterator[_Change]:
    before, after = (
        moments.read_offset(observance.word(name))
        for name in ("TZOFFSETFROM", "TZOFFSETTO")
    )
    gap = max(after - before, timedelta())
    for number, onset in enumerate(_onsets(observance, before, window)):
        if number > _MOST_ONSETS:
            raise TooMany
        yield _Change(onset + gap, before, after)


def _onsets(
    observance: Component, before: timedelta, window: Interval
) -> Iterator[datetime]:
    begin = moments.read_shown(observance.word("DTSTART"))
    yield begin
    for each in observance.all("RDATE"):
        yield from (moments.read_shown(text) for text in each.value.split(","))
    first, last = (
        to_datetime(edge).replace(tzinfo=None)
        for edge in (window.start - DAY, window.end + DAY)
    )
    for each in observance.all("RRULE"):
        rule = rules.read_rule(each.value)
        if rule.frequency is not rules.Frequency.YEARLY:
            raise Unreadable
        until = last if rule.until is None else _until(rule.until, before)
        # The last change before the window still holds in it.
        since = min(first, until) - _BEFORE_WINDOW
        yield from rules.starts(rule, begin, since, min(last, until))


def _until(text: str, before: timedelta) -> datetime:
    if text.endswith("Z"):
        return moments.read_shown(text[:-1]) + before
    shown = moments.read_shown(text)
    return shown if "T" in text else shown + timedelta(days=1)


def shown_in_utc(instant: Instant) -> datetime:
    """Return what UTC's clocks show, without zone."""
    return to_datetime(instant).replace(tzinfo=None)
