"""Times that calendars tell, as far from now as ours may be.

Owners block time until the year 9999, and what their zone makes of its last day is past
what a datetime holds. A day nearer it means the same and can be shown in any zone.
"""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from universal_calendar.core.instant import DAY, Instant, from_datetime
from universal_calendar.core.localtime import from_wall_clock

_EARLIEST: Final = from_datetime(datetime.min.replace(tzinfo=UTC)) + 3 * DAY
_LATEST: Final = from_datetime(datetime.max.replace(tzinfo=UTC)) - 3 * DAY
# Reading what clocks show looks at the two days that follow.
_FIRST_DAY: Final = date(1, 1, 4)
_LAST_DAY: Final = date(9999, 12, 28)


def near(instant: Instant) -> Instant:
    """Return the instant, or the farthest that can be shown in any zone."""
    return min(max(instant, _EARLIEST), _LATEST)


def midnight(day: date, zone: ZoneInfo) -> Instant:
    """Return when a day begins in the zone."""
    return from_wall_clock(min(max(day, _FIRST_DAY), _LAST_DAY), 0, zone)
