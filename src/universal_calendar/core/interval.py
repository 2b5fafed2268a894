"""Half-open spans of time and their algebra.

`[start, end)` contains its start and not its end, so two spans that touch do not
overlap. The functions take any spans and return sorted, disjoint, non-touching ones.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from typing_extensions import override

from universal_calendar.core.instant import Duration, Instant, to_datetime


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A non-empty half-open span `[start, end)` of instants; raises ValueError else."""

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        """Refuse the empty and the reversed span."""
        if self.end <= self.start:
            raise ValueError(f"an interval must end after its start: {self!r}")

    @override
    def __repr__(self) -> str:
        """Show both ends in UTC, as ISO 8601."""
        start, end = to_datetime(self.start), to_datetime(self.end)
        return f"[{start.isoformat()}, {end.isoformat()})"

    @property
    def length(self) -> Duration:
        """Return the length in microseconds."""
        return self.end - self.start

    def overlaps(self, other: "Interval") -> bool:
        """Tell whether some instant lies in both; touching is not overlapping."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        """Tell whether every instant of the other lies in this one."""
        return self.start <= other.start and other.end <= self.end


Intervals = tuple[Interval, ...]


def merge(intervals: Iterable[Interval]) -> Intervals:
    """Return the union, with intervals that overlap or touch joined into one."""
    return tuple(_merged(sorted(intervals)))


def _merged(ordered: list[Interval]) -> Iterator[Interval]:
    if not ordered:
        return
    start, end = ordered[0].start, ordered[0].end
    for following in ordered[1:]:
        if following.start > end:
            yield Interval(start, end)
            start, end = following.start, following.end
        else:
            end = max(end, following.end)
    yield Interval(start, end)


def intersect(left: Iterable[Interval], right: Iterable[Interval]) -> Intervals:
    """Return the instants that lie in both."""
    ours, theirs = merge(left), merge(right)
    found, i, j = [], 0, 0
    while i < len(ours) and j < len(theirs):
        start = max(ours[i].start, theirs[j].start)
        end = min(ours[i].end, theirs[j].end)
        if start < end:
            found.append(Interval(start, end))
        if ours[i].end < theirs[j].end:
            i += 1
        else:
            j += 1
    return tuple(found)


def subtract(left: Iterable[Interval], right: Iterable[Interval]) -> Intervals:
    """Return the instants of the left that lie in none of the right."""
    kept, removed = merge(left), merge(right)
    if not kept:
        return ()
    return intersect(kept, _complement(removed, kept[0].start, kept[-1].end))


def _complement(intervals: Intervals, start: Instant, end: Instant) -> Intervals:
    edges = [start, *(e for i in intervals for e in (i.start, i.end)), end]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Interval(a, b) for a, b in pairs if a < b)


def clip(intervals: Iterable[Interval], window: Interval) -> Intervals:
    """Return what lies inside the window."""
    return intersect(intervals, (window,))
