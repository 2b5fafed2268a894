"""When customers are reminded."""

from universal_calendar.core.instant import MINUTE, Instant


def first_reminder(
    start: Instant, minutes: tuple[int, ...], now: Instant
) -> Instant | None:
    """Return the first reminder that is not past yet, None if there is none."""
    return min(
        (at for each in minutes if (at := start - each * MINUTE) > now), default=None
    )
