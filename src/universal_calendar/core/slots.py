"""Free slots: every start at which an appointment of a given length can be booked.

The question "may it start here?" is asked of starts alone. A claim `[a, b)` forbids
the starts strictly between `a - gap - length` and `b + gap`, so what is left between
two claims is a closed range of starts, and a day's slots are the points of a grid in
those ranges. No slot is ever tested one by one.

A day's slots depend on that day's claims alone. An agent's days change one at a time,
so each day is kept by what it was made from: after a booking, one day of ninety is
computed and the others are at hand.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import Spans
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.localtime import (
    LocalDay,
    from_wall_clock,
    local_days,
    wall_clock,
)
from universal_calendar.core.rules import Alignment, BookingRules
from universal_calendar.core.schedule import Schedule, openings

StartRange = tuple[Instant, Instant]
"""First and last of a range of starts, both included."""

_BEFORE_ALL: Instant = -(1 << 62)
_AFTER_ALL: Instant = 1 << 62
Packed = tuple[bytes, bytes]
"""Starts and ends of spans, as `Spans.between` packs them."""


@dataclass(frozen=True, slots=True, eq=False)
class DaySlots:
    """A local day and its starts, in order.

    The same object for as long as nothing of the day changes: what is derived from it
    may be kept by identity.
    """

    day: LocalDay
    starts: tuple[Instant, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DayPlan:
    """Where slots of one length may start on one day, before anything takes time.

    `openings` are whole, from where their grid begins to their last start, though they
    may begin the day before or end the day after. Claims matter if they end after
    `claims_from` and start before `claims_to`.
    """

    day: LocalDay
    openings: tuple[StartRange, ...]
    claims_from: Instant
    claims_to: Instant
    is_plain: bool
    """Whether the openings lie apart and inside a day without a change of offset."""
    rules: BookingRules
    length: Duration
    zone: ZoneInfo

    def busy_in(self, agenda: Agenda) -> Packed:
        """Return the packed busy times that could matter on the day."""
        first = self.claims_from + self.rules.gap - self.rules.before
        last = self.claims_to - self.rules.gap + self.rules.after
        return agenda.busy.union.between(first, last)


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
    earliest = now + agenda.rules.notice
    plans = day_plans(agenda.schedule, agenda.rules, agenda.zone, first, last, length)
    days = (_from(earliest, day_slots(agenda, plan)) for plan in plans)
    return [each for each in days if each.starts]


def _from(earliest: Instant, slots: DaySlots) -> DaySlots:
    if not slots.starts or slots.starts[0] >= earliest:
        return slots
    kept = slots.starts[bisect_left(slots.starts, earliest) :]
    return DaySlots(slots.day, kept)


@lru_cache(maxsize=512)
def day_plans(
    schedule: Schedule,
    rules: BookingRules,
    zone: ZoneInfo,
    first: date,
    last: date,
    length: Duration,
) -> tuple[DayPlan, ...]:
    """Return the plans of the days on which something may start, hours considered."""
    days = local_days(first, last, zone)
    plans = (_day_plan(schedule, rules, zone, day, length) for day in days)
    return tuple(plan for plan in plans if plan is not None)


@lru_cache(maxsize=16384)
def _day_plan(
    schedule: Schedule,
    rules: BookingRules,
    zone: ZoneInfo,
    day: LocalDay,
    length: Duration,
) -> DayPlan | None:
    ranges = (
        (opening.start, min(opening.end - MINUTE, opening.run_end - length))
        for opening in openings(schedule, zone, day.date, day.date)
    )
    near = tuple(
        (start, latest)
        for start, latest in ranges
        if start <= latest and start < day.end and latest >= day.start
    )
    if rules.alignment is Alignment.CLOCK:  # its grid begins at midnight
        own = [(day.start, day.end - MINUTE)] if day.start < day.end else []
        near = tuple(common_ranges(near, own))
    if not near:
        return None
    claims_from = near[0][0] - rules.gap
    claims_to = max(latest for _, latest in near) + length + rules.gap
    is_plain = (
        day.fixed
        and near[0][0] >= day.start
        and near[-1][1] < day.end
        and all(left[1] < right[0] for left, right in pairwise(near))
    )
    return DayPlan(day, near, claims_from, claims_to, is_plain, rules, length, zone)


def day_slots(agenda: Agenda, plan: DayPlan) -> DaySlots:
    """Return the free starts of a day on the agent's grid, the notice not considered.

    A day that has reached the agent's daily limit has no starts.
    """
    if is_full(agenda, plan.day):
        return DaySlots(plan.day, ())
    starts, ends = agenda.claims.starts, agenda.claims.ends
    low = bisect_right(ends, plan.claims_from)
    high = bisect_left(starts, plan.claims_to, low)
    busy = plan.busy_in(agenda) if agenda.busy.starts else None
    return _kept_day_slots(
        plan, starts[low:high].tobytes(), ends[low:high].tobytes(), busy
    )


def is_full(agenda: Agenda, day: LocalDay) -> bool:
    """Tell whether the day has reached the agent's daily limit; holds count."""
    limit = agenda.rules.max_appointments_per_day
    if limit is None:
        return False
    starts = agenda.claims.starts
    return bisect_left(starts, day.end) - bisect_left(starts, day.start) >= limit


@lru_cache(maxsize=16384)
def _kept_day_slots(
    plan: DayPlan, starts: bytes, ends: bytes, packed_busy: Packed | None
) -> DaySlots:
    busy = Spans.unpack(*packed_busy) if packed_busy else Spans()
    free = free_ranges(Spans.unpack(starts, ends), busy, plan.rules, plan.length)
    found = _grid_starts(plan, free)
    return DaySlots(plan.day, tuple(found if plan.is_plain else _listed(plan, found)))


def _listed(plan: DayPlan, starts: list[Instant]) -> list[Instant]:
    """Return the day's own starts, each once, and each label's first occurrence."""
    day = plan.day
    own = sorted({start for start in starts if day.start <= start < day.end})
    if day.fixed:
        return own
    return [start for start in own if _is_first_of_its_label(start, plan.zone)]


def _is_first_of_its_label(start: Instant, zone: ZoneInfo) -> bool:
    shown = wall_clock(start, zone)
    minute = shown.hour * 60 + shown.minute
    return from_wall_clock(shown.date(), minute, zone) == start


def _grid_starts(plan: DayPlan, free: list[StartRange]) -> list[Instant]:
    step, grid = plan.rules.step(plan.length), _GRIDS[plan.rules.alignment]
    starts: list[Instant] = []
    for opening, latest in plan.openings:
        ranges = [
            (first if first > opening else opening, last if last < latest else latest)
            for first, last in free
            if last >= opening and first <= latest
        ]
        starts += grid(ranges, step, opening, plan.zone)
    return starts


def free_ranges(
    claims: Spans, busy: Spans, rules: BookingRules, length: Duration
) -> list[StartRange]:
    """Return the starts that neither claims nor busy times forbid, hours aside."""
    ranges = _between_claims(claims, rules.gap, length)
    return (
        common_ranges(ranges, _around_busy(busy, rules, length))
        if busy.ends
        else ranges
    )


def _between_claims(claims: Spans, gap: Duration, length: Duration) -> list[StartRange]:
    lows, highs = [_BEFORE_ALL, *claims.ends], [*claims.starts, _AFTER_ALL]
    reach, room = length + gap, length + 2 * gap
    return [
        (low + gap, high - reach)
        for low, high in zip(lows, highs, strict=True)
        if high - low >= room
    ]


def _around_busy(
    busy: Spans, rules: BookingRules, length: Duration
) -> list[StartRange]:
    # Calendars keep seconds; a start of ours is a whole minute.
    before, reach = rules.before, length + rules.after
    lows = [_BEFORE_ALL, *(-_minute_before(-end - before) for end in busy.ends)]
    highs = [*(_minute_before(start - reach) for start in busy.starts), _AFTER_ALL]
    pairs = zip(lows, highs, strict=True)
    return [(low, high) for low, high in pairs if low <= high]


def _minute_before(instant: Instant) -> Instant:
    return instant // MINUTE * MINUTE


def common_ranges(
    left: Sequence[StartRange], right: Sequence[StartRange]
) -> list[StartRange]:
    """Return the starts that lie in both; each side is in order and disjoint."""
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
