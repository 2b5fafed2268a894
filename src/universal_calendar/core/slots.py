"""Free slots: every start at which an appointment of a given length can be booked.

The question "may it start here?" is asked of starts alone. A claim `[a, b)` forbids
the starts strictly between `a - gap - length` and `b + gap`, so what is left between
two claims is a closed range of starts, and a day's slots are the points of a grid in
those ranges. No slot is ever tested one by one: a window of ninety days costs a pass
over its claims and a pass over its openings.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import Busy, Claims
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.localtime import (
    LocalDay,
    from_wall_clock,
    local_days,
    wall_clock,
)
from universal_calendar.core.rules import Alignment, BookingRules
from universal_calendar.core.schedule import Opening, openings

StartRange = tuple[Instant, Instant]
"""First and last of a range of starts that nothing forbids, both included."""

_BEFORE_ALL: Instant = -(1 << 62)
_AFTER_ALL: Instant = 1 << 62


DaySlots = tuple[LocalDay, list[Instant]]
"""A local day and its starts, in order, at least one."""


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
    starts = grid_starts(
        agenda, openings(agenda.schedule, agenda.zone, first, last), length
    )
    del starts[: bisect_left(starts, now + agenda.rules.notice)]
    return list(_by_day(agenda, starts, local_days(first, last, agenda.zone)))


def _by_day(
    agenda: Agenda, starts: list[Instant], days: Sequence[LocalDay]
) -> Iterator[DaySlots]:
    high = bisect_left(starts, days[0].start)
    for day in days:
        low, high = high, bisect_left(starts, day.end, high)
        if low == high or is_full(agenda, day):
            continue
        chosen = starts[low:high]
        if not day.fixed:
            chosen = [s for s in chosen if _is_first_of_its_label(s, agenda.zone)]
        if chosen:
            yield day, chosen


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


def grid_starts(
    agenda: Agenda, opened: tuple[Opening, ...], length: Duration
) -> list[Instant]:
    """Return the free starts on the agent's grid in these openings, sorted."""
    free = free_ranges(agenda, length)
    firsts, lasts = zip(*free, strict=True)
    step, grid = agenda.rules.step(length), _GRIDS[agenda.rules.alignment]
    starts: list[Instant] = []
    for earliest, latest in _start_ranges(opened, length):
        inside = free[bisect_left(lasts, earliest) : bisect_right(firsts, latest)]
        if inside:
            inside[0] = (max(inside[0][0], earliest), inside[0][1])
            inside[-1] = (inside[-1][0], min(inside[-1][1], latest))
            starts += grid(inside, step, earliest, agenda.zone)
    overlap = any(a.end > b.start for a, b in pairwise(opened))
    return sorted(set(starts)) if overlap else starts


@lru_cache(maxsize=512)
def _start_ranges(
    opened: tuple[Opening, ...], length: Duration
) -> tuple[StartRange, ...]:
    """Return where a slot may start, hours alone considered, for each opening."""
    ranges = ((o.start, min(o.end - MINUTE, o.run_end - length)) for o in opened)
    return tuple((first, last) for first, last in ranges if first <= last)


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


Grid = Callable[[list[StartRange], Duration, Instant, ZoneInfo], list[Instant]]
"""Lists the grid's points in some ranges of one opening, given its start."""


def _from_opening(
    ranges: list[StartRange], step: Duration, opening: Instant, _zone: ZoneInfo
) -> list[Instant]:
    return [
        start
        for first, last in ranges
        for start in range(first + (opening - first) % step, last + 1, step)
    ]


def _from_free_time(
    ranges: list[StartRange], step: Duration, _opening: Instant, _zone: ZoneInfo
) -> list[Instant]:
    return [start for first, last in ranges for start in range(first, last + 1, step)]


def _from_midnight(
    ranges: list[StartRange], step: Duration, _opening: Instant, zone: ZoneInfo
) -> list[Instant]:
    return [
        start
        for first, last in ranges
        for part, until in _same_offset_parts(first, last, zone)
        for start in _from_opening([(part, until)], step, _midnight(part, zone), zone)
    ]


def _same_offset_parts(
    first: Instant, last: Instant, zone: ZoneInfo
) -> Iterator[StartRange]:
    while first <= last:
        until = _same_offset_until(first, last, zone)
        yield first, until
        first = until + MINUTE


def _same_offset_until(first: Instant, last: Instant, zone: ZoneInfo) -> Instant:
    offset = wall_clock(first, zone).utcoffset()

    def differs(instant: Instant) -> bool:
        return wall_clock(instant, zone).utcoffset() != offset

    if not differs(last):
        return last
    minutes = range(first, last, MINUTE)
    return minutes[bisect_left(minutes, x=True, key=differs) - 1]


def _midnight(instant: Instant, zone: ZoneInfo) -> Instant:
    shown = wall_clock(instant, zone)
    return instant - (shown.hour * 60 + shown.minute) * MINUTE


_GRIDS: Final[dict[Alignment, Grid]] = {
    Alignment.WINDOW: _from_opening,
    Alignment.COMPACT: _from_free_time,
    Alignment.CLOCK: _from_midnight,
}
