"""The rules of an agent's bookings besides its hours."""

from dataclasses import dataclass
from enum import StrEnum

from universal_calendar.core.instant import HOUR, MINUTE, Duration


class Alignment(StrEnum):
    """Where the grid of starts begins.

    WINDOW: at each opening. COMPACT: again after each busy time. CLOCK: at local
    midnight, so that starts fall on round wall-clock times.
    """

    WINDOW = "window"
    COMPACT = "compact"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class BookingRules:
    """What an agent asks of a booking; the defaults are the agent guide's.

    `slot_interval_minutes` None means: as long as the slot asked for.
    `max_appointments_per_day` None means: no limit.
    """

    default_appointment_duration: int = 45
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    min_advance_booking_hours: int = 2
    max_advance_booking_days: int = 90
    slot_interval_minutes: int | None = None
    alignment: Alignment = Alignment.WINDOW
    enforce_grid: bool = False
    max_appointments_per_day: int | None = None

    @property
    def notice(self) -> Duration:
        """Return how long before its start a slot must be booked."""
        return self.min_advance_booking_hours * HOUR

    @property
    def before(self) -> Duration:
        """Return the buffer before an appointment."""
        return self.buffer_before_minutes * MINUTE

    @property
    def after(self) -> Duration:
        """Return the buffer after an appointment."""
        return self.buffer_after_minutes * MINUTE

    @property
    def gap(self) -> Duration:
        """Return the least time between two claims: one's after or the next's before.

        Buffers belong to the agent, so both claims have the same pair.
        """
        return max(self.before, self.after)

    def step(self, duration: Duration) -> Duration:
        """Return the distance of two starts on the grid."""
        if self.slot_interval_minutes is None:
            return duration
        return self.slot_interval_minutes * MINUTE
