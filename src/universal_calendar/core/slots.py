"""Free slots: every start at which an appointment of a given length can be booked.

The question "may it start here?" is asked of starts alone. A claim `[a, b)` forbids
the starts strictly between `a - gap - length` and `b + gap`, so what is left between
two claims is a closed range of starts, and a day's slots are the points of a grid in
those ranges. No slot is ever tested one by one: a window of ninety days costs a pass
over its claims and a pass over its openings.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import Busy, Claims
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import (
    LocalDay,
    from_wall_clock,
    local_day,
    wall_clock,
)
from universal_calendar.core.rules import Alignment, BookingRules
from universal_calendar.core.schedule import Openings, openings

StartRange = tuple[Instant, Instant]
"""First and last of a range of starts that nothing forbids, both included."""

_BEFORE_ALL: Instant = -(1 << 62)
_AFTER_ALL: Instant = 1 << 62


class DaySlots(NamedTuple):
    """The starts of one local day, in order, at least one."""

    day: LocalDay
    starts: list[Instant]


def free_slots(
    agenda: Agenda, first: date, last: date, length: Duration, now: Instant
) -> list[DaySlots]:
    """Return the bookable starts of the days `first` to `last`, by local date.

    Past days, days beyond the booking window and days without a slot are left out.
    `length` is at most 24 hours.
    """
    first, last = max(first, agenda.today(now)), min(last, agenda.last_day(now))
    if last < first:
        return []
    opened = openings(agenda.schedule, agenda.zone, first, last)
    starts = grid_starts(agenda, opened, length)
    earliest = now + agenda.rules.notice
    return list(_by_day(agenda, starts, earliest, first, last))


def _by_day(
    agenda: Agenda, starts: list[Instant], earliest: Instant, first: date, last: date
) -> Iterator[DaySlots]:
    low = bisect_left(starts, earliest)
    for offset in range((last - first).days + 1):
        day = local_day(first + timedelta(days=offset), agenda.zone)
        low = bisect_left(starts, day.start, low)
        high = bisect_left(starts, day.end, low)
        if low == high or is_full(agenda, day):
            continue
        chosen = starts[low:high]
        if not day.fixed:
            chosen = [s for s in chosen if _is_first_of_its_label(s, agenda.zone)]
        if chosen:
            yield DaySlots(day, chosen)


def _is_first_of_its_label(start: Instant, zone: ZoneInfo) -> bool:
    shown = wall_clock(start, zone)
    minute = shown.hour * 60 + shown.minute
    return from_wall_clock(shown.date(), minute, zone) == start


def is_full(agenda: Agenda, day: LocalDay) -> bool:
    """Tell whether the day has reached the agent's daily limit; holds count."""
    limit = agenda.rules.max_appointments_per_day
    if limit is None:
        return False
    starts = agenda.claims.starts
    return bisect_left(starts, day.end) - bisect_left(starts, day.start) >= limit


def grid_starts(agenda: Agenda, opened: Openings, length: Duration) -> list[Instant]:
    """Return the free starts on the agent's grid in these openings, sorted."""
    free = free_ranges(agenda, length)
    step, grid = agenda.rules.step(length), _GRIDS[agenda.rules.alignment]
    starts: list[Instant] = []
    index = 0
    for opening, run in _with_runs(opened):
        earliest, latest = opening.start, min(opening.end - MINUTE, run.end - length)
        while free[index][1] < earliest:
            index += 1
        for first, last in free[index : bisect_right(free, (latest, _AFTER_ALL))]:
            low = first if first > earliest else earliest
            high = last if last < latest else latest
            starts.extend(grid(low, high, step, opening, agenda.zone))
    return sorted(set(starts)) if _overlap(opened) else starts


def _with_runs(opened: Openings) -> Iterator[tuple[Interval, Interval]]:
    runs = iter(opened.runs)
    run = next(runs)
    for opening in opened.opened:
        while run.end <= opening.start:
            run = next(runs)
        yield opening, run


def _overlap(opened: Openings) -> bool:
    return any(a.end > b.start for a, b in pairwise(opened.opened))


def free_ranges(agenda: Agenda, length: Duration) -> list[StartRange]:
    """Return the starts that neither claims nor busy times forbid, hours aside."""
    ranges = _between_claims(agenda.claims, agenda.rules.gap, length)
    if agenda.busy:
        return _common(ranges, _around_busy(agenda.busy, agenda.rules, length))
    return ranges


def _between_claims(
    claims: Claims, gap: Duration, length: Duration
) -> list[StartRange]:
    lows, highs = [_BEFORE_ALL, *claims.ends], [*claims.starts, _AFTER_ALL]
    reach, room = length + gap, length + 2 * gap
    return [
        (low + gap, high - reach)
        for low, high in zip(lows, highs, strict=True)
        if high - low >= room
    ]


def _around_busy(
    busy: Iterable[Busy], rules: BookingRules, length: Duration
) -> list[StartRange]:
    padded = sorted(
        (b.interval.start - length - rules.after, b.interval.end + rules.before)
        for b in busy
    )
    lows = [_BEFORE_ALL, *accumulate((end for _, end in padded), max)]
    highs = [*(start for start, _ in padded), _AFTER_ALL]
    pairs = zip(lows, highs, strict=True)
    return [(low, high) for low, high in pairs if low <= high]


def _common(left: list[StartRange], right: list[StartRange]) -> list[StartRange]:
    found, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            found.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return found


Grid = Callable[[Instant, Instant, Duration, Interval, ZoneInfo], Iterable[Instant]]
"""Lists the grid's points from a first to a last start, both included."""


def _from_opening(
    first: Instant, last: Instant, step: Duration, opening: Interval, _zone: ZoneInfo
) -> Iterable[Instant]:
    return range(first + (opening.start - first) % step, last + 1, step)


def _from_free_time(
    first: Instant, last: Instant, step: Duration, _opening: Interval, _zone: ZoneInfo
) -> Iterable[Instant]:
    return range(first, last + 1, step)


def _from_midnight(
    first: Instant, last: Instant, step: Duration, _opening: Interval, zone: ZoneInfo
) -> Iterator[Instant]:
    while first <= last:
        until = _same_offset_until(first, last, zone)
        midnight = _midnight_of(first, zone)
        yield from range(first + (midnight - first) % step, until + 1, step)
        first = until + MINUTE


def _same_offset_until(first: Instant, last: Instant, zone: ZoneInfo) -> Instant:
    offset = wall_clock(first, zone).utcoffset()

    def differs(instant: Instant) -> bool:
        return wall_clock(instant, zone).utcoffset() != offset

    if not differs(last):
        return last
    minutes = range(first, last, MINUTE)
    return minutes[bisect_left(minutes, x=True, key=differs) - 1]


def _midnight_of(instant: Instant, zone: ZoneInfo) -> Instant:
    shown = wall_clock(instant, zone)
    return instant - (shown.hour * 60 + shown.minute) * MINUTE


_GRIDS: Final[dict[Alignment, Grid]] = {
    Alignment.WINDOW: _from_opening,
    Alignment.COMPACT: _from_free_time,
    Alignment.CLOCK: _from_midnight,
}
