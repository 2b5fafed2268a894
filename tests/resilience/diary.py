"""The model of the stateful test: one agent's diary, kept in plain lists.

It uses nothing of the product. A moment is an aware datetime; every rule is judged
for one single start, the simplest way it can be said.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

DAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


@dataclass(frozen=True)
class Span:
    """Half-open time."""

    start: datetime
    end: datetime

    def is_near(self, other: "Span", gap: timedelta) -> bool:
        """Tell whether less than the gap lies between the two."""
        return self.start < other.end + gap and other.start < self.end + gap


@dataclass(frozen=True)
class Rules:
    """The hours of every day, in minutes from midnight, and the rules beside them."""

    opened: tuple[tuple[int, int], ...] = ((540, 1020),)
    buffer: int = 0
    notice_hours: int = 0
    window_days: int = 8
    daily_limit: int | None = None
    interval: int | None = None
    enforce_grid: bool = False

    @property
    def document(self) -> dict[str, object]:
        """Return them as the service reads them."""
        hours = [{"start": _clock(a), "end": _clock(b)} for a, b in self.opened]
        return {
            "working_hours": dict.fromkeys(DAYS, hours),
            "buffer_time_minutes": self.buffer,
            "min_advance_booking_hours": self.notice_hours,
            "max_advance_booking_days": self.window_days,
            "max_appointments_per_day": self.daily_limit,
            "slot_interval_minutes": self.interval,
            "enforce_grid": self.enforce_grid,
        }


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass
class Diary:
    """What an agent has promised to whom, and what else may be promised."""

    zone: ZoneInfo
    rules: Rules = field(default_factory=Rules)
    is_active: bool = True
    appointments: dict[UUID, Span] = field(default_factory=dict)
    holds: dict[UUID, tuple[Span, datetime]] = field(default_factory=dict)
    events: dict[str, Span] = field(default_factory=dict)
    """What calendars hold that count for the agent."""

    def live(self, now: datetime, without: UUID | None = None) -> list[Span]:
        """Return all claims but expired holds and the one left out."""
        held = [
            span
            for hold_id, (span, until) in self.holds.items()
            if until > now and hold_id != without
        ]
        return [*self.appointments.values(), *held]

    def span(self, day: date, minute: int, minutes: int) -> Span:
        """Return the time so many minutes after local midnight."""
        local = datetime.combine(day, time(minute // 60, minute % 60), self.zone)
        return Span(local, local + timedelta(minutes=minutes))

    def allows(self, wanted: Span, now: datetime, without: UUID | None = None) -> bool:
        """Tell whether this time can be booked now."""
        claims, rules = self.live(now, without), self.rules
        gap = timedelta(minutes=rules.buffer)
        return (
            self.is_active
            and wanted.start >= now + timedelta(hours=rules.notice_hours)
            and self._days_ahead(wanted, now) <= rules.window_days
            and self._opening(wanted) is not None
            and not any(wanted.is_near(claim, gap) for claim in claims)
            and not any(wanted.is_near(event, gap) for event in self.events.values())
            and not self._is_full(wanted, claims)
            and (not rules.enforce_grid or self.is_on_grid(wanted))
        )

    def is_on_grid(self, wanted: Span) -> bool:
        """Tell whether the start is a whole number of steps after its opening."""
        opening = self._opening(wanted)
        if opening is None:
            return False
        length = wanted.end - wanted.start
        every = self.rules.interval
        step = length if every is None else timedelta(minutes=every)
        since = timedelta(minutes=self._minute(wanted.start) - opening)
        return since % step == timedelta()

    def _opening(self, wanted: Span) -> int | None:
        start = self._minute(wanted.start)
        end = start + (wanted.end - wanted.start) // timedelta(minutes=1)
        for opens, closes in self.rules.opened:
            if opens <= start and end <= closes:
                return opens
        return None

    def _minute(self, moment: datetime) -> int:
        local = moment.astimezone(self.zone)
        return local.hour * 60 + local.minute

    def _days_ahead(self, wanted: Span, now: datetime) -> int:
        return (self._day(wanted.start) - self._day(now)).days

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def _is_full(self, wanted: Span, claims: list[Span]) -> bool:
        limit, day = self.rules.daily_limit, self._day(wanted.start)
        same_day = [c for c in claims if self._day(c.start) == day]
        return limit is not None and len(same_day) >= limit
