"""Rate limits that are exact over any number of processes: GCRA in one upsert."""

from dataclasses import dataclass
from datetime import timedelta

from universal_calendar.core.errors import RateLimited
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.identity import Allowance
from universal_calendar.store.database import Session


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in so many seconds; the allowance refills evenly."""

    requests: int
    window: timedelta

    @property
    def cost(self) -> timedelta:
        """Return the time after which one request more is allowed."""
        return self.window // self.requests

    def allowance(self, used: float) -> Allowance:
        """Read the bucket: `used` is the seconds until it is empty again."""
        window = self.window.total_seconds()
        remaining = int((window - used) / self.cost.total_seconds() + 1e-6)
        return Allowance(self.requests, window, remaining, used)

    def exceeded(self) -> RateLimited:
        """Return the error; one request passes again after at most its cost."""
        return RateLimited(self.cost.total_seconds())


class RateLimits:
    """Buckets that are not an API key's."""

    def __init__(self, database: Session) -> None:
        """Count in this database."""
        self._database = database

    async def take(self, bucket: bytes, limit: RateLimit, now: Instant) -> Allowance:
        """Take one request and return what is left; raise RateLimited if none was."""
        (used,) = await self._database.call(
            "SELECT take_request(%s, %s, %s, %s)",
            [bucket, to_datetime(now), limit.cost, limit.window],
        )
        if used is None:
            raise limit.exceeded()
        return limit.allowance(used)
