"""Instants as integers, the one unit that all arithmetic of the product uses.

An `Instant` counts microseconds since 2000-01-01T00:00Z. That is PostgreSQL's own
`timestamptz` on the wire, so the busy times of a hundred days cross from the database
into the arithmetic without a conversion (ADR 4).
"""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Instant: TypeAlias = int
Duration: TypeAlias = int

MINUTE: Final[Duration] = 60_000_000
HOUR: Final[Duration] = 60 * MINUTE
DAY: Final[Duration] = 24 * HOUR

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL: Final = EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)


def from_datetime(moment: datetime) -> Instant:
    """Return the instant of an aware datetime of any zone, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def to_datetime(instant: Instant) -> datetime:
    """Return the instant as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def instant_text(instant: Instant) -> str:
    """Write an instant in UTC, to the second: `2026-12-05T14:30:00Z`."""
    return to_datetime(instant).isoformat(timespec="seconds").replace("+00:00", "Z")
