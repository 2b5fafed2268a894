"""Free periods: times in which any whole minute can be the start of an appointment.

A period is a range of bookable starts, drawn out to the end of the last appointment
that fits. Days are those of whoever asks, whose zone need not be the agent's; periods
are cut at their midnights. As with slots, a day's periods are kept by what they were
made from.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import Spans
from universal_calendar.core.instant import MINUTE, Duration, Instant
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.core.localtime import (
    LocalDay,
    local_date,
    local_day,
    local_days,
)
from universal_calendar.core.rules import BookingRules
from universal_calendar.core.schedule import Schedule, openings
from universal_calendar.core.slots import (
    DayPlan,
    Packed,
    StartRange,
    common_ranges,
    free_ranges,
    free_slots,
    is_full,
)

ZONE_DAYS: Final = 2
"""How many calendar days two zones' dates of one instant may lie apart."""


@dataclass(frozen=True, slots=True, eq=False)
class DayPeriods:
    """A local day and its periods, in order.

    The same object for as long as nothing of the day changes: what is derived from it
    may be kept by identity.
    """

    day: LocalDay
    periods: Intervals


@dataclass(frozen=True, slots=True)
class Days:
    """The days asked about, both included, in a zone of the asker's choice."""

    first: date
    last: date
    zone: ZoneInfo


def free_periods(
    agenda: Agenda, days: Days, length: Duration, now: Instant
) -> list[DayPeriods]:
    """Return the free periods of at least `length`, by local date.

    Every whole-minute start that leaves `length` before its period's end is bookable.
    Where the agent takes no start off its grid, each slot is a period. Days without
    any are left out. `length` is at most 24 hours; the agenda must have been read for
    ZONE_DAYS more on each side.
    """
    if agenda.rules.enforce_grid:
        return _slots_of_days(agenda, days, length, now, is_cut=True)
    earliest, latest = _bookable_starts(agenda, now)
    first = max(days.first, local_date(earliest, days.zone))
    last = min(days.last, local_date(latest, days.zone))
    if last < first:
        return []
    plans = _plans(
        agenda.schedule, agenda.rules, agenda.zone, Days(first, last, days.zone), length
    )
    found = (
        _within(_day_periods(agenda, plan), (earliest, latest), length)
        for plan in plans
    )
    return [each for each in found if each.periods]


def slot_periods(
    agenda: Agenda, days: Days, length: Duration, now: Instant
) -> list[DayPeriods]:
    """Return the free slots in the shape of periods, by the local date of their start.

    A slot may run past midnight. The agenda must have been read as for `free_periods`.
    """
    return _slots_of_days(agenda, days, length, now, is_cut=False)


def _bookable_starts(agenda: Agenda, now: Instant) -> StartRange:
    """Return the first and last whole minute that notice and window allow."""
    earliest = -(-(now + agenda.rules.notice) // MINUTE) * MINUTE
    return earliest, local_day(agenda.last_day(now), agenda.zone).end - MINUTE


def _within(found: DayPeriods, bounds: StartRange, length: Duration) -> DayPeriods:
    earliest, latest = bounds
    periods = found.periods
    if not periods:
        return found
    if periods[0].start >= earliest and periods[-1].end - length <= latest:
        return found
    ranges = [(each.start, each.end - length) for each in periods]
    return DayPeriods(
        found.day, _drawn_out(common_ranges(ranges, [(earliest, latest)]), length)
    )


def _drawn_out(ranges: Iterable[StartRange], length: Duration) -> Intervals:
    return tuple(Interval(first, last + length) for first, last in ranges)


@lru_cache(maxsize=512)
def _plans(
    schedule: Schedule,
    rules: BookingRules,
    zone: ZoneInfo,
    days: Days,
    length: Duration,
) -> tuple[DayPlan, ...]:
    """Return the plans of the days on which something may start, hours considered."""
    asked = local_days(days.first, days.last, days.zone)
    plans = (_day_plan(schedule, rules, zone, day, length) for day in asked)
    return tuple(plan for plan in plans if plan is not None)


@lru_cache(maxsize=16384)
def _day_plan(
    schedule: Schedule,
    rules: BookingRules,
    zone: ZoneInfo,
    day: LocalDay,
    length: Duration,
) -> DayPlan | None:
    first, last = (local_date(edge, zone) for edge in (day.start, day.end))
    open_starts = _joined(
        (opening.start, min(opening.end - MINUTE, opening.run_end - length))
        for opening in openings(schedule, zone, first, last)
    )
    ranges = common_ranges(list(open_starts), [(day.start, day.end - length)])
    if not ranges:
        return None
    claims_from = ranges[0][0] - rules.gap
    claims_to = ranges[-1][1] + length + rules.gap
    return DayPlan(
        day, tuple(ranges), claims_from, claims_to, day.fixed, rules, length, zone
    )


def _joined(ranges: Iterable[StartRange]) -> Iterator[StartRange]:
    """Join what overlaps or goes on in the next minute; `ranges` come by start."""
    first, last = None, 0
    for start, latest in ranges:
        if latest < start:
            continue
        if first is not None and start <= last + MINUTE:
            last = max(last, latest)
            continue
        if first is not None:
            yield first, last
        first, last = start, latest
    if first is not None:
        yield first, last


def _day_periods(agenda: Agenda, plan: DayPlan) -> DayPeriods:
    claims = agenda.claims.between(plan.claims_from, plan.claims_to)
    busy = plan.busy_in(agenda) if agenda.busy.starts else None
    return _kept_day_periods(plan, claims, busy, _full_days(agenda, plan))


def _full_days(agenda: Agenda, plan: DayPlan) -> tuple[StartRange, ...]:
    """Return the agent's days that reached its daily limit, as ranges of starts."""
    if agenda.rules.max_appointments_per_day is None:
        return ()
    edges = plan.openings[0][0], plan.openings[-1][1]
    first, last = (local_date(edge, agenda.zone) for edge in edges)
    days = local_days(first, last, agenda.zone)
    return tuple((day.start, day.end - MINUTE) for day in days if is_full(agenda, day))


@lru_cache(maxsize=16384)
def _kept_day_periods(
    plan: DayPlan, claims: Packed, busy: Packed | None, full: tuple[StartRange, ...]
) -> DayPeriods:
    taken = Spans.unpack(*busy) if busy else Spans()
    free = free_ranges(Spans.unpack(*claims), taken, plan.rules, plan.length)
    ranges = common_ranges(plan.openings, free)
    for first, last in full:
        around = (plan.openings[0][0], first - MINUTE), (last + MINUTE, plan.day.end)
        ranges = common_ranges(ranges, around)
    return DayPeriods(plan.day, _drawn_out(ranges, plan.length))


def _slots_of_days(
    agenda: Agenda, days: Days, length: Duration, now: Instant, *, is_cut: bool
) -> list[DayPeriods]:
    margin = timedelta(days=ZONE_DAYS)
    listed = free_slots(agenda, days.first - margin, days.last + margin, length, now)
    starts = [start for each in listed for start in each.starts]
    found = []
    for day in local_days(days.first, days.last, days.zone):
        low = bisect_left(starts, day.start)
        last = day.end - (length if is_cut else MINUTE)
        own = tuple(starts[low : bisect_right(starts, last)])
        if own:
            found.append(_kept_slots(day, own, length))
    return found


@lru_cache(maxsize=16384)
def _kept_slots(
    day: LocalDay, starts: tuple[Instant, ...], length: Duration
) -> DayPeriods:
    return DayPeriods(day, _drawn_out(((start, start) for start in starts), length))
