"""May this booking be made? The rules, in the order in which they are answered."""

from bisect import bisect_right
from datetime import date, timedelta
from heapq import nsmallest

from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.busy import BusySource
from universal_calendar.core.errors import (
    PastStart,
    SlotUnavailable,
    TooFar,
    TooSoon,
    Unavailability,
)
from universal_calendar.core.instant import DAY, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import local_date, local_day
from universal_calendar.core.schedule import openings
from universal_calendar.core.slots import (
    day_plans,
    day_slots,
    free_ranges,
    free_slots,
    is_full,
)

ALTERNATIVES = 3
ALTERNATIVE_DAYS = 14


def check_timing(
    agenda: Agenda,
    start: Instant,
    now: Instant,
    authority: Authority = Authority.ORDINARY,
) -> None:
    """Refuse a start in the past, inside the notice or beyond the booking window.

    Raises PastStart, TooSoon or TooFar. The notice's boundary is bookable.
    """
    seen = agenda.seen_by(authority)
    day, notice = local_date(start, agenda.zone), seen.rules.notice
    if day < agenda.today(now) or (start < now and not notice):
        raise PastStart
    if start < now + notice:
        raise TooSoon(seen.rules.min_advance_booking_hours)
    if day > seen.last_day(now):
        raise TooFar(seen.rules.max_advance_booking_days)


def check_availability(
    agenda: Agenda, wanted: Interval, authority: Authority = Authority.ORDINARY
) -> None:
    """Refuse a time that hours, blocks, other claims, limit or grid forbid.

    Raises SlotUnavailable with the first reason that holds.
    """
    reason = unavailability(agenda.seen_by(authority), wanted)
    if reason is not None:
        raise SlotUnavailable(reason)


def unavailability(agenda: Agenda, wanted: Interval) -> Unavailability | None:
    """Return the first reason against the time, None if it can be booked."""
    first, last = (local_date(edge, agenda.zone) for edge in (wanted.start, wanted.end))
    opened = openings(agenda.schedule, agenda.zone, first, last)
    if not any(
        opening.start <= wanted.start < opening.end and wanted.end <= opening.run_end
        for opening in opened
    ):
        return Unavailability.OUTSIDE_HOURS
    if not _is_free(agenda, wanted):
        return _what_takes(agenda, wanted)
    if is_full(agenda, local_day(first, agenda.zone)):
        return Unavailability.DAILY_LIMIT
    if agenda.rules.enforce_grid and not _is_on_grid(agenda, first, wanted):
        return Unavailability.OFF_GRID
    return None


def _is_free(agenda: Agenda, wanted: Interval) -> bool:
    busy = agenda.busy.union
    ranges = free_ranges(agenda.claims, busy, agenda.rules, wanted.length)
    index = bisect_right(ranges, wanted.start, key=lambda allowed: allowed[0]) - 1
    return index >= 0 and wanted.start <= ranges[index][1]


def _what_takes(agenda: Agenda, wanted: Interval) -> Unavailability:
    rules = agenda.rules
    padded = Interval(wanted.start - rules.before, wanted.end + rules.after)
    for busy in agenda.busy.overlapping(padded):
        if busy.source is BusySource.BLOCK:
            return Unavailability.BLOCKED
    return Unavailability.SLOT_TAKEN


def _is_on_grid(agenda: Agenda, day: date, wanted: Interval) -> bool:
    plans = day_plans(
        agenda.schedule, agenda.rules, agenda.zone, day, day, wanted.length
    )
    return any(wanted.start in day_slots(agenda, plan).starts for plan in plans)


def alternatives(agenda: Agenda, wanted: Interval, now: Instant) -> list[Interval]:
    """Return the nearest bookable times of the same length, nearest first.

    At most three, all within 14 days of the start that was asked for.
    """
    day, reach = local_date(wanted.start, agenda.zone), timedelta(days=ALTERNATIVE_DAYS)
    listed = free_slots(agenda, day - reach, day + reach, wanted.length, now)
    starts = [
        start
        for each in listed
        for start in each.starts
        if abs(start - wanted.start) <= ALTERNATIVE_DAYS * DAY
    ]
    nearest = nsmallest(ALTERNATIVES, starts, key=lambda s: abs(s - wanted.start))
    return [Interval(start, start + wanted.length) for start in nearest]


def valid_until(agenda: Agenda, earliest: Instant | None, now: Instant) -> Instant:
    """Return when a list of starts goes out of date though nothing is written.

    `earliest` is the first start, None where there is none. It is the first of: the
    next local midnight, the end of a hold, the moment at which the earliest start
    falls inside the notice, and that at which calendars may be known less well.
    """
    bounds = [local_day(agenda.today(now), agenda.zone).end]
    if agenda.next_expiry is not None:
        bounds.append(agenda.next_expiry)
    if agenda.knowledge.valid_until is not None:
        bounds.append(agenda.knowledge.valid_until)
    if earliest is not None:
        bounds.append(earliest - agenda.rules.notice + 1)
    return min(bounds)
