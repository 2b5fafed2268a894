"""When a message that was not accepted is sent again: for a day, ever more rarely."""

from typing import Final

from universal_calendar.core.instant import DAY, HOUR, MINUTE, Duration, Instant

SECOND: Final[Duration] = MINUTE // 60
PATIENCE: Final[Duration] = DAY
LONGEST_WAITS: Final[tuple[Duration, ...]] = (
    10 * SECOND,
    MINUTE,
    5 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
)
"""The longest wait after the first attempt, the second, …; the last one stays."""
# Attempts that end with their process count too: a message that kills whoever sends it
# must not do so for ever.
MOST_ATTEMPTS: Final = 50


def next_try(
    attempts: int,
    now: Instant,
    give_up_at: Instant,
    chance: float,
    asked: Duration = 0,
) -> Instant | None:
    """Return when to try again after so many attempts, None if never.

    `chance`, in [0, 1), is drawn anew each time: waits are anything up to the longest,
    so that messages which failed together do not come back together. `asked` is how
    long the other side wants to be left alone. The last attempt is at `give_up_at`.
    """
    if now >= give_up_at or attempts >= MOST_ATTEMPTS:
        return None
    longest = LONGEST_WAITS[min(attempts, len(LONGEST_WAITS)) - 1]
    wait = max(SECOND, int(longest * chance), asked)
    return min(now + wait, give_up_at)
