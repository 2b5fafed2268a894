"""Time that is given for work, on the clock that its waiting is measured by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from universal_calendar.core.instant import Instant
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.core.retry import SECOND

PATIENCE_SECONDS: Final = 10.0
"""What a provider is given where somebody waits for its answer."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the given seconds is left, and what time it is by now."""

    began: Instant
    began_on_clock: float
    seconds: float

    @classmethod
    def beginning(cls, now: Instant, seconds: float) -> "Budget":
        """Begin now; needs a running event loop."""
        return cls(now, asyncio.get_running_loop().time(), seconds)

    @property
    def left(self) -> float:
        """Return the seconds that are left; below zero: so many too many were spent."""
        return self.seconds - self._spent

    @property
    def now(self) -> Instant:
        """Return the instant it is."""
        return self.began + int(self._spent * SECOND)

    @property
    def end(self) -> Instant:
        """Return the instant at which it is spent."""
        return self.began + int(self.seconds * SECOND)

    @property
    def _spent(self) -> float:
        return asyncio.get_running_loop().time() - self.began_on_clock


@asynccontextmanager
async def ended_after(seconds: float) -> AsyncIterator[None]:
    """Bound a call to a provider; raise ProviderDown when the time is up.

    Adapters keep to their seconds; a lease must not hang on that.
    """
    try:
        async with asyncio.timeout(max(seconds, 0)):
            yield
    except TimeoutError:
        raise ProviderDown from None
