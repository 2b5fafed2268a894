"""When the events of a calendar object happen, each occurrence for itself.

What RFC 5545 leaves open is decided like most calendars do: an event that ends by a
time of day ends at that time in every occurrence; a first start counts though its rule
would not make it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.providers._icalendar import rules
from universal_calendar.providers._icalendar.errors import TooMany, Unreadable
from universal_calendar.providers._icalendar.moments import (
    is_date,
    read_length,
    read_shown,
)
from universal_calendar.providers.caldav.component import (
    Component,
    Property,
)
from universal_calendar.providers.caldav.zones import (
    UNIVERSAL,
    Zone,
    Zones,
    shown_in_utc,
)

MOST_OCCURRENCES: Final = 3_000
_MICROSECOND: Final = timedelta(microseconds=1)
_MARGIN: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=1000 * 365)  # for some end in the year 9999


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that an event happens; None where it takes no time from its owner."""

    interval: Interval
    busy: BusyType | None


@dataclass(frozen=True, slots=True)
class _Moment:
    shown: datetime
    zone: Zone
    is_date: bool

    @property
    def instant(self) -> Instant:
        return self.zone.instant(self.shown)


@dataclass(frozen=True, slots=True)
class _Step:
    """The way from one moment to another: by the clocks first, then exactly."""

    shown: timedelta = timedelta()
    exact: timedelta = timedelta()

    def __add__(self, other: "_Step") -> "_Step":
        return _Step(self.shown + other.shown, self.exact + other.exact)

    def after(self, moment: _Moment) -> Instant:
        instant = moment.zone.instant(moment.shown + self.shown)
        return instant + self.exact // _MICROSECOND


@dataclass(slots=True)
class _Marked:
    """Starts that are named elsewhere: by their instant, or by their day alone."""

    instants: set[Instant] = field(default_factory=set)
    days: set[date] = field(default_factory=set)

    def add(self, moment: _Moment) -> None:
        if moment.is_date:
            self.days.add(moment.shown.date())
        else:
            self.instants.add(moment.instant)

    def __contains__(self, moment: _Moment) -> bool:
        return moment.shown.date() in self.days or moment.instant in self.instants


@dataclass(frozen=True, slots=True)
class _Event:
    """A VEVENT; `replaces` is the start that its series would have had."""

    component: Component
    start: _Moment
    length: _Step
    replaces: _Moment | None
    busy: BusyType | None

    @property
    def is_for_all_that_follow(self) -> bool:
        found = self.component.first("RECURRENCE-ID")
        return found is not None and found.parameters.get("RANGE") == "THISANDFUTURE"

    @property
    def sequence(self) -> int:
        text = self.component.word("SEQUENCE")
        return int(text) if text.isdecimal() and len(text) < 10 else 0


def occurrences(
    calendar: Component, zones: Zones, window: Interval, owners: Iterable[str]
) -> Iterator[Occurrence]:
    """Yield what happens in the window; more where that costs nothing.

    `owners` are the addresses, in lower case, by which attendees may mean its owner.
    Raises Unreadable, and TooMany where it would go on for long.
    """
    own = frozenset(owners)
    by_uid: dict[str, list[_Event]] = {}
    for each in calendar.children("VEVENT"):
        event = _event(each, zones, own)
        by_uid.setdefault(each.text("UID") or "", []).append(event)
    told = 0
    for events in by_uid.values():
        for occurrence in _of_series(events, zones, window):
            told += 1
            if told > MOST_OCCURRENCES:
                raise TooMany
            yield occurrence


def whole_span(calendar: Component, zones: Zones, window: Interval) -> Interval | None:
    """Return the part of the window in which a series may happen at any time."""
    starts, ends = list[Instant](), list[Instant]()
    for each in calendar.children("VEVENT"):
        moment = _moment(_needed(each, "DTSTART"), zones)
        starts.append(moment.instant)
        length = max(0, _length(each, moment, zones).after(moment) - moment.instant)
        ends.append(_latest(each, moment, window) + length)
    start = max(min(starts, default=window.end), window.start)
    end = min(max(ends, default=window.start), window.end)
    return Interval(start, end) if start < end else None


def plain_spans(calendar: Component, zones: Zones) -> Iterator[Interval]:
    """Yield from DTSTART to DTEND of what has both, whatever else is wrong with it."""
    for each in calendar.children("VEVENT"):
        start, end = (each.first(name) for name in ("DTSTART", "DTEND"))
        if start is None or end is None:
            continue
        edges = sorted(_moment(one, zones).instant for one in (start, end))
        if edges[0] < edges[1]:
            yield Interval(*edges)


def _latest(event: Component, start: _Moment, window: Interval) -> Instant:
    untils = [rules.read_rule(each.value).until for each in event.all("RRULE")]
    if not untils or None in untils or event.all("RDATE"):
        return window.end
    return max(_read_moment(each, start.zone).instant + DAY for each in untils if each)


# Reading an event


def _event(component: Component, zones: Zones, owners: frozenset[str]) -> _Event:
    start = _moment(_needed(component, "DTSTART"), zones)
    replaces = component.first("RECURRENCE-ID")
    return _Event(
        component,
        start,
        _length(component, start, zones),
        None if replaces is None else _moment(replaces, zones),
        busy_type(component, owners),
    )


def _needed(component: Component, name: str) -> Property:
    found = component.first(name)
    if found is None:
        raise Unreadable
    return found


def _moment(found: Property, zones: Zones) -> _Moment:
    return _read_moment(found.value, zones.of(found.parameters.get("TZID")))


def _read_moment(text: str, zone: Zone) -> _Moment:
    text = text.strip().upper()
    if is_date(text):
        return _Moment(read_shown(text), zone, is_date=True)
    if text.endswith("Z"):
        return _Moment(read_shown(text[:-1]), UNIVERSAL, is_date=False)
    return _Moment(read_shown(text), zone, is_date=False)


def _length(component: Component, start: _Moment, zones: Zones) -> _Step:
    end, length = component.first("DTEND"), component.first("DURATION")
    if end is not None:
        way = _between(start, _moment(end, zones))
    elif length is not None:
        read = read_length(length.value)
        way = _Step(timedelta(days=read.days), read.exact)
    else:
        way = _Step()
    if start.is_date and way == _Step():
        return _Step(timedelta(days=1))
    if min(way.shown, way.exact) < timedelta():
        raise Unreadable
    return way


def _between(first: _Moment, then: _Moment) -> _Step:
    if first.zone == then.zone:
        return _Step(then.shown - first.shown)
    return _Step(exact=(then.instant - first.instant) * _MICROSECOND)


def busy_type(event: Component, owners: frozenset[str]) -> BusyType | None:
    """Return what the event takes from its owner: None where nothing."""
    status, answer = event.word("STATUS"), _answer(event, owners)
    if status == "CANCELLED" or event.word("TRANSP") == "TRANSPARENT":
        return None
    if answer == "DECLINED":
        return None
    shown_as = event.word("X-MICROSOFT-CDO-BUSYSTATUS")
    if shown_as == "OOF":
        return BusyType.UNAVAILABLE
    if answer == "NEEDS-ACTION" or "TENTATIVE" in {status, answer, shown_as}:
        return BusyType.TENTATIVE
    return BusyType.BUSY


def _answer(event: Component, owners: frozenset[str]) -> str:
    for each in event.all("ATTENDEE"):
        if address(each.value) in owners:
            return each.parameters.get("PARTSTAT", "").upper()
    return ""


def address(text: str) -> str:
    """Return an address as it is compared: without mailto: and in lower case."""
    return text.strip().lower().removeprefix("mailto:")


# Series


def _of_series(
    events: list[_Event], zones: Zones, window: Interval
) -> Iterator[Occurrence]:
    replaced, following = _Marked(), list[_Event]()
    # What was sent last says how it is.
    newest: dict[Instant | None, _Event] = {}
    for event in sorted(events, key=lambda each: each.sequence):
        newest[None if event.replaces is None else event.replaces.instant] = event
    master = newest.pop(None, None)
    excluded = _Marked() if master is None else _marked(master, "EXDATE", zones)
    for event in newest.values():
        if event.replaces is None or event.replaces in excluded:
            continue
        replaced.add(event.replaces)
        if event.is_for_all_that_follow:
            following.append(event)
        yield from _once(event, event.start, _Step())
    if master is not None:
        following.sort(key=_replaced_instant)
        for start, length in _starts(master, zones, window, following):
            if start not in excluded and start not in replaced:
                yield from _one_of(master, start, length, following)


def _replaced_instant(event: _Event) -> Instant:
    return event.start.instant if event.replaces is None else event.replaces.instant


def _one_of(
    master: _Event, start: _Moment, length: _Step | None, following: list[_Event]
) -> Iterator[Occurrence]:
    """Yield an occurrence as the last change before it that was for all that follow."""
    event, moved = master, _Step()
    for each in following:
        if each.replaces is not None and each.replaces.instant < start.instant:
            event, moved = each, _between(each.replaces, each.start)
    yield from _once(event, start, moved, length if event is master else None)


def _once(
    event: _Event, start: _Moment, moved: _Step, length: _Step | None = None
) -> Iterator[Occurrence]:
    begin = moved.after(start)
    end = (moved + (length or event.length)).after(start)
    if begin < end:
        yield Occurrence(Interval(begin, end), event.busy)


def _marked(event: _Event, name: str, zones: Zones) -> _Marked:
    marked = _Marked()
    for moment, _ in _listed(event, name, zones):
        marked.add(moment)
    return marked


def _listed(
    event: _Event, name: str, zones: Zones
) -> Iterator[tuple[_Moment, _Step | None]]:
    """Yield the moments of a list, and their lengths where they are periods."""
    seen = 0
    for each in event.component.all(name):
        named = each.parameters.get("TZID")
        zone = event.start.zone if named is None else zones.of(named)
        for text in each.value.split(","):
            seen += 1
            if seen > rules.MOST_STEPS:
                raise TooMany
            first, _, then = text.partition("/")
            moment = _read_moment(first, zone)
            yield moment, _period(moment, then) if then else None


def _period(start: _Moment, end: str) -> _Step:
    if end.strip().upper().startswith("P"):
        read = read_length(end)
        return _Step(timedelta(days=read.days), read.exact)
    return _between(start, _read_moment(end, start.zone))


def _starts(
    master: _Event, zones: Zones, window: Interval, following: list[_Event]
) -> Iterator[tuple[_Moment, _Step | None]]:
    """Yield the series' starts, each once, that may reach into the window."""
    first, last = _reach(master, window, following)
    seen: set[Instant] = set()
    for start, length in _all_starts(master, zones, first, last):
        if start.instant not in seen:
            seen.add(start.instant)
            yield start, length


def _reach(
    master: _Event, window: Interval, following: list[_Event]
) -> tuple[datetime, datetime]:
    """Return between which showings of its clocks a start has to lie."""
    longest = [each.length.shown + each.length.exact for each in (master, *following)]
    moves = [
        abs(timedelta(microseconds=each.start.instant - _replaced_instant(each)))
        for each in following
    ]
    margin = _MARGIN + max(moves, default=timedelta())
    first, last = shown_in_utc(window.start), shown_in_utc(window.end)
    return first - min(max(longest), _LONGEST) - margin, last + margin


def _all_starts(
    master: _Event, zones: Zones, first: datetime, last: datetime
) -> Iterator[tuple[_Moment, _Step | None]]:
    start = master.start
    yield from _listed(master, "RDATE", zones)
    yield start, None
    for each in master.component.all("RRULE"):
        rule = rules.read_rule(each.value)
        until = None if rule.until is None else _read_moment(rule.until, start.zone)
        for shown in rules.starts(rule, start.shown, first, last):
            moment = _Moment(shown, start.zone, start.is_date)
            if until is not None and _is_past(moment, until):
                break
            yield moment, None


def _is_past(moment: _Moment, until: _Moment) -> bool:
    """Tell whether a start lies past its rule's UNTIL, which may be a day."""
    if until.is_date or moment.is_date:
        return moment.shown.date() > until.shown.date()
    return moment.instant > until.instant
