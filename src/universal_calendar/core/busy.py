"""What already takes an agent's time."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import compress
from typing import Final, Self

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval


class BusyType(StrEnum):
    """RFC 5545 §3.2.9, without FREE."""

    BUSY = "BUSY"
    TENTATIVE = "BUSY-TENTATIVE"
    UNAVAILABLE = "BUSY-UNAVAILABLE"


class BusySource(StrEnum):
    """Where a busy interval comes from."""

    BLOCK = "block"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Busy:
    """An interval in which the agent is not free, other than our own claims."""

    interval: Interval
    type: BusyType
    source: BusySource

    @property
    def kind(self) -> tuple[BusyType, BusySource]:
        """Return its place in KINDS by value."""
        return self.type, self.source


KINDS: Final = tuple(
    (busy_type, source)
    for source in (BusySource.BLOCK, BusySource.CALENDAR)
    for busy_type in (BusyType.UNAVAILABLE, BusyType.TENTATIVE, BusyType.BUSY)
)
"""What busy time there is; its place here stands for it where it is packed."""
_SOFT_BLOCK: Final = KINDS.index((BusyType.TENTATIVE, BusySource.BLOCK))
TENTATIVE_EVENT: Final = KINDS.index((BusyType.TENTATIVE, BusySource.CALENDAR))
"""Whether such an event counts is its connection's switch."""


def _column(instants: Iterable[Instant] = ()) -> "array[int]":
    return array("q", instants)


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans of time in order that never overlap.

    Two packed columns of 64-bit instants instead of intervals, because a window may
    hold thousands and the arithmetic on them is the hot path.
    """

    starts: "array[int]" = field(default_factory=_column)
    ends: "array[int]" = field(default_factory=_column)

    @classmethod
    def of(cls, starts: Iterable[Instant], ends: Iterable[Instant]) -> Self:
        """Pack the spans' starts and ends, both in order."""
        return cls(_column(starts), _column(ends))

    @classmethod
    def unpack(cls, starts: bytes, ends: bytes) -> Self:
        """Read columns that `tobytes` wrote."""
        return cls(array("q", starts), array("q", ends))

    def between(self, first: Instant, last: Instant) -> tuple[bytes, bytes]:
        """Return the columns of what ends after `first` and starts before `last`."""
        low = bisect_right(self.ends, first)
        high = bisect_left(self.starts, last, low)
        return self.starts[low:high].tobytes(), self.ends[low:high].tobytes()


class Claims(Spans):
    """The agent's appointments and live holds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """Busy times by start, packed like claims; unlike those they may overlap.

    `kinds` are places in KINDS; `union` is all time that any of them takes.
    """

    starts: "array[int]" = field(default_factory=_column)
    ends: "array[int]" = field(default_factory=_column)
    kinds: "array[int]" = field(default_factory=_column)
    union: Spans = field(default_factory=Spans)

    @classmethod
    def of(cls, times: Iterable[Busy]) -> "BusyTimes":
        """Pack busy times in any order."""
        rows = sorted(
            (each.interval.start, each.interval.end, KINDS.index(each.kind))
            for each in times
        )
        starts, ends, kinds = zip(*rows, strict=True) if rows else ((), (), ())
        return cls.packed(_column(starts), _column(ends), _column(kinds))

    @classmethod
    def packed(
        cls, starts: "array[int]", ends: "array[int]", kinds: "array[int]"
    ) -> "BusyTimes":
        """Take columns that are sorted by start."""
        return cls(starts, ends, kinds, _union(starts, ends))

    def overlapping(self, interval: Interval) -> Iterator[Busy]:
        """Yield what overlaps the interval, by start."""
        until = bisect_left(self.starts, interval.end)
        rows = zip(self.starts[:until], self.ends, self.kinds, strict=False)
        for start, end, kind in rows:
            if end > interval.start:
                yield Busy(Interval(start, end), *KINDS[kind])

    def joined(self, more: Iterable[Busy]) -> "BusyTimes":
        """Return these and others."""
        rows = zip(self.starts, self.ends, self.kinds, strict=True)
        own = (Busy(Interval(start, end), *KINDS[kind]) for start, end, kind in rows)
        return self.of([*own, *more])

    def without_soft_blocks(self) -> "BusyTimes":
        """Return what does not give way to an emergency."""
        if _SOFT_BLOCK not in self.kinds:
            return self
        columns = (self.starts, self.ends, self.kinds)
        keeps = [kind != _SOFT_BLOCK for kind in self.kinds]
        return self.packed(*(_column(compress(each, keeps)) for each in columns))


def _union(starts: "array[int]", ends: "array[int]") -> Spans:
    if not starts:
        return Spans()
    # Lists, because whoever reads an array makes each integer anew.
    firsts, lasts, reached = [starts[0]], [], ends[0]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if start > reached:
            firsts.append(start)
            lasts.append(reached)
            reached = end
        elif end > reached:
            reached = end
    return Spans.of(firsts, [*lasts, reached])


_EVER: Final = 1 << 61
ALL_TIME: Final = BusyTimes.of(
    [Busy(Interval(-_EVER, _EVER), BusyType.UNAVAILABLE, BusySource.CALENDAR)]
)
"""Of an agent whose calendars' silence closes them."""
