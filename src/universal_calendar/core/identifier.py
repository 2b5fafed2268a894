"""Ids that sort by the moment they were made (RFC 9562 §5.7, UUID version 7)."""

from uuid import UUID

from universal_calendar.core.instant import Instant

RANDOM_BITS = 74
_UNIX_SECONDS_AT_EPOCH = 946_684_800


def uuid7(now: Instant, random: int) -> UUID:
    """Return the UUID of this millisecond with 74 random bits."""
    milliseconds = now // 1000 + _UNIX_SECONDS_AT_EPOCH * 1000
    high, low = random >> 62, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low)
