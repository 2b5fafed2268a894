"""Decide whether a call is worth another try; nothing here waits or asks a clock."""

from dataclasses import dataclass

from universal_calendar_client._answer import Answer
from universal_calendar_client._errors import TEMPORARY_STATUSES
from universal_calendar_client._requests import Failure

_HIGHEST_EXPONENT = 30  # keeps the power finite however many tries are allowed


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bound the tries of one call; every delay is in seconds.

    No try begins later than `total_seconds` after the call began, so a call lasts at
    most that long plus the timeout of its last try. `RetryPolicy(tries=1)` never tries
    again.
    """

    tries: int = 4
    first_delay: float = 0.5
    longest_delay: float = 8.0
    total_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what could not bound anything."""
        if self.tries < 1:
            raise ValueError("tries must be at least 1")
        if min(self.first_delay, self.longest_delay, self.total_seconds) < 0:
            raise ValueError("delays cannot be negative")


@dataclass(frozen=True, slots=True)
class Effort:
    """What a call has cost so far: tries made, seconds elapsed, and a chance in 0..1.

    The chance spreads clients that failed together (full jitter).
    """

    tries: int
    elapsed: float
    chance: float


def retry_delay(
    outcome: Answer | Failure, effort: Effort, policy: RetryPolicy
) -> float | None:
    """Return the seconds to wait before another try, None to stop here.

    What the service asks for in Retry-After is waited in full or, when it exceeds the
    policy, not at all.
    """
    if effort.tries >= policy.tries or not _is_temporary(outcome):
        return None
    doublings = min(effort.tries - 1, _HIGHEST_EXPONENT)
    backoff = min(policy.longest_delay, policy.first_delay * 2**doublings)
    delay = _asked_delay(outcome) + effort.chance * backoff
    return delay if effort.elapsed + delay <= policy.total_seconds else None


def _is_temporary(outcome: Answer | Failure) -> bool:
    if isinstance(outcome, Failure):
        return outcome.temporary
    return outcome.status_code in TEMPORARY_STATUSES


def _asked_delay(outcome: Answer | Failure) -> float:
    return (outcome.retry_after or 0.0) if isinstance(outcome, Answer) else 0.0
