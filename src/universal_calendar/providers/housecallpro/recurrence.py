"""Times of Housecall Pro's events that repeat, by iCalendar's rules."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from universal_calendar.core.instant import DAY, Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.providers._icalendar.moments import is_date, read_shown
from universal_calendar.providers._icalendar.rules import read_rule, starts


def occurrences(
    first: Interval, rule: str, zone: ZoneInfo, window: Interval, *, is_all_day: bool
) -> Intervals:
    """Return the times of a series that may lie in the window, and the first.

    `zone` is whose clocks the series keeps to. Raises ValueError for a rule that cannot
    be read, or not in reasonable time.
    """
    begins = list(_begins(first, rule, zone, window))
    if is_all_day:
        # Not every day has as many hours as the first.
        days = _shown(first.end, zone) - _shown(first.start, zone)
        times = {
            Interval(_instant(each, zone), _instant(each + days, zone))
            for each in begins
        }
    else:
        starts_at = (_instant(each, zone) for each in begins)
        times = {Interval(each, each + first.length) for each in starts_at}
    return tuple(sorted({first} | times))


def _begins(
    first: Interval, rule: str, zone: ZoneInfo, window: Interval
) -> Iterator[datetime]:
    """Yield what the zone's clocks show whenever the series begins anew."""
    read = read_rule(rule.removeprefix("RRULE:"))
    # Clocks that are put back show the same twice: a day more leaves nothing out.
    after = _shown(window.start - first.length - DAY, zone)
    before = _shown(window.end + DAY, zone)
    if read.until is not None:
        before = min(before, _until(read.until, zone))
    yield from starts(read, _shown(first.start, zone), after, before)


def _instant(shown: datetime, zone: ZoneInfo) -> Instant:
    """Return when the clocks show this; what they leave out is where it would be."""
    return from_datetime(shown.replace(tzinfo=zone))


def _shown(instant: Instant, zone: ZoneInfo) -> datetime:
    """Return what the zone's clocks show."""
    return _on_clocks(to_datetime(instant), zone)


def _on_clocks(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _until(text: str, zone: ZoneInfo) -> datetime:
    """Return the last that the zone's clocks may show; raise ValueError."""
    if is_date(text):
        return datetime.combine(read_shown(text), time.max)
    if text.endswith("Z"):
        return _on_clocks(read_shown(text[:-1]).replace(tzinfo=UTC), zone)
    return read_shown(text)


def whole_days(start: datetime, end: datetime) -> Interval:
    """Return the days of an all-day event, the last one with it."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    last = end.replace(hour=0, minute=0, second=0, microsecond=0)
    if last <= first or last < end:
        last += timedelta(days=1)
    return Interval(from_datetime(first), from_datetime(last))
