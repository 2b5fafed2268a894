"""What already takes an agent's time."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

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
    def is_soft_block(self) -> bool:
        """Tell whether an emergency may pass it; a calendar's event never gives way."""
        return self.source is BusySource.BLOCK and self.type is BusyType.TENTATIVE


@dataclass(frozen=True, slots=True)
class Claims:
    """The agent's appointments and live holds: parallel, sorted, never overlapping.

    Two packed columns of 64-bit instants instead of intervals, because a window may
    hold thousands and the arithmetic on them is the hot path.
    """

    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))

    @classmethod
    def of(cls, starts: Iterable[Instant], ends: Iterable[Instant]) -> "Claims":
        """Pack the claims' starts and ends, both in order."""
        return cls(array("q", starts), array("q", ends))

    @classmethod
    def unpack(cls, starts: bytes, ends: bytes) -> "Claims":
        """Read columns that `tobytes` wrote."""
        return cls(array("q", starts), array("q", ends))
