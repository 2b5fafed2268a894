"""An agent's agenda: all that decides whether its time can be booked."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

from universal_calendar.core.busy import Busy, BusyTimes, Claims
from universal_calendar.core.instant import Instant
from universal_calendar.core.localtime import local_date
from universal_calendar.core.rules import BookingRules
from universal_calendar.core.schedule import Schedule
from universal_calendar.core.silence import NOTHING_OUTSIDE, Knowledge

MARGIN_DAYS = 3
"""Days to read on each side of those asked about: zones, nights, run-ons, buffers."""


class Authority(Enum):
    """How much a booking may pass; nothing passes the past, busy or another claim."""

    ORDINARY = "ordinary"
    EMERGENCY = "emergency"
    """Passes soft blocks and the minimum notice."""
    FORCED = "forced"
    """Passes the booking window, daily limit, grid, hours and buffers as well."""


_ALWAYS = Schedule(weekly=(((0, 1440),),) * 7)
_NO_RULES = BookingRules(
    min_advance_booking_hours=0, max_advance_booking_days=1_000_000
)


@dataclass(frozen=True, slots=True)
class Agenda:
    """One snapshot of one agent, with what takes its time around the days asked for.

    `claims` are live: expired holds are left out. `revision` changes with anything
    that could change an answer; `next_expiry` is the first end of a hold among them.
    `knowledge` says how far the calendars among `busy` can be relied on.
    """

    tenant_id: UUID
    agent_id: UUID
    revision: int
    zone: ZoneInfo
    schedule: Schedule
    rules: BookingRules
    claims: Claims = field(default_factory=Claims)
    busy: BusyTimes = field(default_factory=BusyTimes)
    next_expiry: Instant | None = None
    knowledge: Knowledge = NOTHING_OUTSIDE

    def today(self, now: Instant) -> date:
        """Return the agent's own calendar day."""
        return local_date(now, self.zone)

    def last_day(self, now: Instant) -> date:
        """Return the last day of the booking window, bookable itself."""
        return self.today(now) + timedelta(days=self.rules.max_advance_booking_days)

    def with_found(self, found: Iterable[Busy]) -> "Agenda":
        """Return the agenda with what the calendars' providers have just told."""
        times = tuple(found)
        return replace(self, busy=self.busy.joined(times)) if times else self

    def seen_by(self, authority: Authority) -> "Agenda":
        """Return the agenda without what this authority passes."""
        if authority is Authority.ORDINARY:
            return self
        hard = self.busy.without_soft_blocks()
        if authority is Authority.EMERGENCY:
            rules = replace(self.rules, min_advance_booking_hours=0)
            return replace(self, busy=hard, rules=rules)
        return replace(self, busy=hard, rules=_NO_RULES, schedule=_ALWAYS)
