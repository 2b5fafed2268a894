"""What we know of the calendars that count for an agent, and what to say if too little.

A calendar that was read not long ago is known. While its provider fails, what was last
read stands, and callers are told of it. What is older than the mirror's greatest age,
or was never read, is unknown, never free: the connection's owner chose whether booking
goes on unverified or stops.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import (
    HOUR,
    MINUTE,
    Duration,
    Instant,
    instant_text,
)

MIRROR_MAX_AGE: Final = 24 * HOUR
RECHECK: Final = MINUTE
"""How long an answer is kept that would change if a provider began to fail."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How well a connection's calendars are known.

    `read_at` is when the one that was not read for longest was; None: never.
    `failing_since` None: its provider does what is asked of it.
    """

    connection_id: UUID
    provider: str
    read_at: Instant | None
    failing_since: Instant | None = None
    is_closed_when_silent: bool = False
    checks_live: bool = False

    def is_known(self, now: Instant, max_age: Duration) -> bool:
        """Tell whether what was last read of it still stands."""
        return self.read_at is not None and now - self.read_at <= max_age


class SilenceCode(StrEnum):
    """How far a silent calendar can be relied on."""

    STALE = "calendar_stale"
    """What was last read of it stands."""
    UNCHECKED = "calendar_unchecked"
    """The same, though it was to be asked before this answer."""
    UNKNOWN = "calendar_unknown"
    """Nobody knows what is busy there."""
    CLOSED = "calendar_closed"
    """The same, and its owner wants nothing booked meanwhile."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What callers are told of a connection; they are told neither its id nor account.

    `since` is when it fell silent, `as_of` when it was last read, where that is known.
    """

    code: SilenceCode
    connection_id: UUID
    provider: str
    since: Instant | None
    as_of: Instant | None

    @property
    def is_verified(self) -> bool:
        """Tell whether an answer can be relied on all the same."""
        return self.code is SilenceCode.STALE

    @property
    def message(self) -> str:
        """Say it in English, for people and for voices."""
        return f"The {self.provider} calendar {self._trouble}; {self._consequence}."

    @property
    def _trouble(self) -> str:
        if self.since is not None:
            return f"has not answered since {instant_text(self.since)}"
        if self.code is SilenceCode.UNCHECKED:
            return "did not answer in time"
        if self.as_of is not None:
            return f"has not been read since {instant_text(self.as_of)}"
        return "has not been read yet"

    @property
    def _consequence(self) -> str:
        if self.code is SilenceCode.CLOSED:
            return "nothing can be booked until it is read"
        if self.code is SilenceCode.UNKNOWN or self.as_of is None:
            return "what is busy there is unknown"
        return f"busy times are as of {instant_text(self.as_of)}"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of all calendars that count for an agent.

    From `valid_until` on it may be otherwise, though nothing is written; None: never.
    """

    readings: tuple[Reading, ...] = ()
    silences: tuple[Silence, ...] = ()
    valid_until: Instant | None = None

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing can be booked."""
        return any(each.code is SilenceCode.CLOSED for each in self.silences)

    @property
    def checks_live(self) -> bool:
        """Tell whether bookings ask the providers first."""
        return any(each.checks_live for each in self.readings)

    def unchecked(self, connection_ids: Collection[UUID]) -> "Knowledge":
        """Return what is known once these were asked and did not answer."""
        kept = [
            each
            for each in self.silences
            if not each.is_verified or each.connection_id not in connection_ids
        ]
        unasked = {each.connection_id for each in kept}
        added = [
            _silence(SilenceCode.UNCHECKED, each)
            for each in self.readings
            if each.connection_id in connection_ids
            and each.connection_id not in unasked
        ]
        return replace(self, silences=(*kept, *added))


NOTHING_OUTSIDE: Final = Knowledge()
"""Of an agent for whom no calendar counts."""


def knowledge_of(
    readings: Iterable[Reading], now: Instant, max_age: Duration
) -> Knowledge:
    """Judge how well calendars are known.

    With anything to say, or where a provider may begin to fail, an answer does not keep
    for long.
    """
    known = tuple(readings)
    found = (_silence_of(each, now, max_age) for each in known)
    silences = tuple(each for each in found if each is not None)
    return Knowledge(known, silences, _valid_until(known, silences, now, max_age))


def _silence_of(reading: Reading, now: Instant, max_age: Duration) -> Silence | None:
    if not reading.is_known(now, max_age):
        is_closed = reading.is_closed_when_silent
        return _silence(
            SilenceCode.CLOSED if is_closed else SilenceCode.UNKNOWN, reading
        )
    if reading.failing_since is not None:
        return _silence(SilenceCode.STALE, reading)
    return None


def _silence(code: SilenceCode, reading: Reading) -> Silence:
    return Silence(
        code,
        reading.connection_id,
        reading.provider,
        reading.failing_since,
        reading.read_at,
    )


def _valid_until(
    readings: Collection[Reading],
    silences: Collection[Silence],
    now: Instant,
    max_age: Duration,
) -> Instant | None:
    if silences:
        return now
    expiries = [
        each.read_at + max_age + 1 for each in readings if each.read_at is not None
    ]
    return min([*expiries, now + RECHECK]) if readings else None
