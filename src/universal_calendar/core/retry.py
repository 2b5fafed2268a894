"""What follows from a provider's error: try again and when, give up, or ask its owner.

error           the write                           the rest of its connection
Throttled       again when told, else backs off     waits as long
NotAuthorized   waits for the owner to reconnect    waits too
EventChanged    again, without the etag             goes on
EventGone       again at once, under a new key      goes on
Rejected        given up until the next change      goes on
any other       backs off, for ever                 waits for at most 30 s
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from universal_calendar.core.instant import HOUR, MINUTE, Duration
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    NotAuthorized,
    ProviderError,
    Rejected,
    Throttled,
)

SECOND: Final[Duration] = MINUTE // 60
FIRST_WAIT: Final = SECOND
LONGEST_QUICK_WAIT: Final = 30 * SECOND
LONGEST_WAIT: Final = HOUR
QUICK_ATTEMPTS: Final = 20
"""So many attempts follow quickly: an outage of minutes ends within a minute."""
LONGEST_ASKED: Final = 6 * HOUR
"""No provider makes us wait for longer, whatever it says."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after so long; the connection's other writes wait for `pause`."""

    after: Duration
    pause: Duration = 0


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The same write will be refused again."""


@dataclass(frozen=True, slots=True)
class Reauthorize:
    """Only the owner of the account can mend it; look again after so long."""

    after: Duration


Decision: TypeAlias = Retry | GiveUp | Reauthorize


def decide(error: ProviderError, attempts: int, jitter: float) -> Decision:
    """Return what follows from the error that came after so many failures before.

    `jitter`, in [0, 1), is drawn anew each time: a wait is anything up to its longest,
    so that writes which failed together do not come back together.
    """
    wait = int(longest_wait(attempts) * jitter)
    match error:
        case Rejected():
            return GiveUp()
        case NotAuthorized():
            return Reauthorize(LONGEST_WAIT)
        case Throttled(retry_after=float(asked)):
            after = int(min(asked * SECOND, LONGEST_ASKED)) + int(SECOND * jitter)
            return Retry(after, after)
        case Throttled():
            return Retry(wait, wait)
        case EventGone():
            return Retry(wait if attempts else 0)
        case EventChanged():
            return Retry(wait)
        case _:
            return Retry(wait, min(wait, LONGEST_QUICK_WAIT))


def longest_wait(attempts: int) -> Duration:
    """Return the longest wait after so many failures: 1 s to 30 s, then to an hour."""
    if attempts < QUICK_ATTEMPTS:
        return min(FIRST_WAIT << min(attempts, 5), LONGEST_QUICK_WAIT)
    doublings = min(attempts - QUICK_ATTEMPTS + 1, 7)
    return min(LONGEST_QUICK_WAIT << doublings, LONGEST_WAIT)
