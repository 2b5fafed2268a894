"""May this start be booked? Slowly, minute by minute, from the text of the decisions.

Nothing here uses the code under test. Time is counted in whole microseconds since
1970; wall clocks are read with `zoneinfo` alone. Every rule is one small method, so
that it can be compared with the sentence it stands for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

MINUTE = 60_000_000
HOUR = 60 * MINUTE
WEEKDAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)

Moment = int
Span = tuple[Moment, Moment]
Written = list[dict[str, str]]


def moment_of(local: datetime) -> Moment:
    """Return the moment of an aware datetime."""
    return (local.astimezone(UTC) - _UNIX) // timedelta(microseconds=1)


def shown(moment: Moment, zone: ZoneInfo) -> datetime:
    """Return what a clock on the wall shows."""
    return (_UNIX + timedelta(microseconds=moment)).astimezone(zone)


def on_the_wall(day: date, minute: int, zone: ZoneInfo) -> Moment:
    """Read a wall time: first occurrence, and in a gap the offset before it."""
    naive = datetime.combine(day, time.min) + timedelta(minutes=minute)
    return moment_of(naive.replace(tzinfo=zone, fold=0))


@dataclass(frozen=True)
class Asked:
    """The rules of an agent, as an hours document has them."""

    before: int = 0
    after: int = 0
    notice_hours: int = 0
    window_days: int = 90
    interval: int | None = None
    alignment: str = "window"
    enforce_grid: bool = False
    daily_limit: int | None = None


@dataclass(frozen=True)
class World:
    """All that decides, as plain values."""

    zone: ZoneInfo
    weekly: dict[str, Written]
    overrides: dict[date, Written]
    asked: Asked
    claims: tuple[Span, ...] = ()
    hard_blocks: tuple[Span, ...] = ()
    soft_blocks: tuple[Span, ...] = ()
    events: tuple[Span, ...] = ()

    def passed_by(self, authority: str) -> "World":
        """Read "Who passes what": drop what an emergency or a force passes."""
        if authority == "ordinary":
            return self
        asked = replace(self.asked, notice_hours=0)
        if authority == "forced":
            asked = Asked(window_days=1_000_000)
        changed = replace(self, soft_blocks=(), asked=asked)
        if authority == "forced":
            always = {day: [{"start": "00:00", "end": "24:00"}] for day in WEEKDAYS}
            changed = replace(changed, weekly=always, overrides={})
        return changed


class Oracle:
    """Answers for the days around one local day, for one length of appointment."""

    def __init__(self, world: World, middle: date, minutes: int, now: Moment) -> None:
        """Take the day asked about; answers hold from the day before to that after."""
        self.world, self.asked, self.zone = world, world.asked, world.zone
        self.length, self.now = minutes * MINUTE, now
        self.days = [middle + timedelta(days=n) for n in range(-3, 5)]

    @cached_property
    def openings(self) -> list[Span]:
        """Return each interval of each day as real time; those of a weekday merge."""
        found = []
        for day in self.days:
            for first, end in _merged(self._written_on(day)):
                span = (
                    on_the_wall(day, first, self.zone),
                    on_the_wall(day, end, self.zone),
                )
                if span[0] < span[1]:
                    found.append(span)
        return found

    def _written_on(self, day: date) -> Written:
        usual = self.world.weekly.get(WEEKDAYS[day.weekday()], [])
        return self.world.overrides.get(day, usual)

    @cached_property
    def room(self) -> dict[Moment, int]:
        """Return, for each open minute, how long the agent works on from there."""
        minutes = {m for a, b in self.openings for m in range(a, b, MINUTE)}
        room: dict[Moment, int] = {}
        for minute in sorted(minutes, reverse=True):
            room[minute] = room.get(minute + MINUTE, 0) + MINUTE
        return room

    @cached_property
    def grid(self) -> set[Moment]:
        """Return the starts on the agent's grid; a repeated label is the first."""
        walk = {
            "window": self._every_interval,
            "compact": self._every_interval_of_free_time,
            "clock": self._every_round_label,
        }[self.asked.alignment]
        found = {start for opening in self.openings for start in walk(opening)}
        return {start for start in found if not shown(start, self.zone).fold}

    @property
    def _interval(self) -> int:
        minutes = self.asked.interval
        return self.length if minutes is None else minutes * MINUTE

    def _every_interval(self, opening: Span) -> Iterator[Moment]:
        yield from range(opening[0], opening[1], self._interval)

    def _every_interval_of_free_time(self, opening: Span) -> Iterator[Moment]:
        due = opening[0]
        for start in range(opening[0], opening[1], MINUTE):
            if self.taken_by(start):
                due = start + MINUTE
            elif start == due:
                yield start
                due = start + self._interval

    def _every_round_label(self, opening: Span) -> Iterator[Moment]:
        for start in range(opening[0], opening[1], MINUTE):
            label = shown(start, self.zone)
            if (label.hour * 60 + label.minute) * MINUTE % self._interval == 0:
                yield start

    def taken_by(self, start: Moment) -> set[str]:
        """Return what of the agent's time stands against an appointment here."""
        end, asked = start + self.length, self.asked
        gap = max(asked.after, asked.before) * MINUTE
        own = (start - asked.before * MINUTE, end + asked.after * MINUTE)
        blocks = self.world.hard_blocks + self.world.soft_blocks
        reasons = set()
        if any(not (b + gap <= start or end + gap <= a) for a, b in self.world.claims):
            reasons.add("slot_taken")
        if any(_overlap(own, event) for event in self.world.events):
            reasons.add("slot_taken")
        if any(_overlap(own, block) for block in blocks):
            reasons.add("blocked")
        return reasons

    def day_is_full(self, day: date) -> bool:
        """Count the claims that start on this local day."""
        starts = [shown(start, self.zone).date() for start, _ in self.world.claims]
        limit = self.asked.daily_limit
        return limit is not None and starts.count(day) >= limit

    def reasons(self, start: Moment) -> set[str]:
        """Return all that stands against this start, timing aside."""
        reasons = self.taken_by(start)
        if self.room.get(start, 0) < self.length:
            reasons.add("outside_hours")
        if self.day_is_full(shown(start, self.zone).date()):
            reasons.add("daily_limit")
        if self.asked.enforce_grid and start not in self.grid:
            reasons.add("off_grid")
        return reasons

    def timing(self, start: Moment) -> set[str]:
        """Return what stands against the moment of this start."""
        today, day = shown(self.now, self.zone).date(), shown(start, self.zone).date()
        reasons = set()
        if start < self.now:
            reasons.add("past")
        if start < self.now + self.asked.notice_hours * HOUR:
            reasons.add("too_soon")
        if day > today + timedelta(days=self.asked.window_days):
            reasons.add("too_far")
        return reasons

    def slots(self, first: date, last: date) -> dict[date, list[Moment]]:
        """List what can be booked on the grid, by local date."""
        found: dict[date, list[Moment]] = {}
        for start in sorted(self.grid):
            day = shown(start, self.zone).date()
            if first <= day <= last and not self.reasons(start) | self.timing(start):
                found.setdefault(day, []).append(start)
        return found


def _overlap(left: Span, right: Span) -> bool:
    return left[0] < right[1] and right[0] < left[1]


def _merged(written: Written) -> list[Span]:
    minutes = set()
    for span in written:
        first, end = _minute(span["start"]), _minute(span["end"])
        end = 1440 if span["end"] in ("24:00", "23:59") else end
        end = end if first < end else end + 1440
        minutes |= set(range(first, end))
    firsts = sorted(m for m in minutes if m - 1 not in minutes)
    ends = sorted(m + 1 for m in minutes if m + 1 not in minutes)
    return list(zip(firsts, ends, strict=True))


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
