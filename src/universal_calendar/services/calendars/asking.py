"""Asking a provider during a sync: within its lease, its quota and its time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from universal_calendar.core.instant import Duration
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.core.retry import SECOND
from universal_calendar.services.budget import Budget, ended_after
from universal_calendar.services.ports.calendars import (
    CalendarReader,
    ChangesPage,
    ChangesQuery,
)
from universal_calendar.services.ports.connections import OutgoingQuota
from universal_calendar.services.ports.mirror import LeasedCalendar, MirrorStore

Answer = TypeVar("Answer")

PAGE_SECONDS: Final = 20.0
LONGEST_PAUSE: Final = 5.0
"""So long a sync waits in the middle when it is told to slow down."""
LEASE: Final[Duration] = 60 * SECOND
"""Half of it is always left: a page takes less, and so does a pause before it."""
_SHORTEST_PAUSE: Final = 0.2
_REST_SECONDS: Final = 0.0008
"""For each event that was read, and only while there is time."""


class Asking:
    """What a sync asks with. `calendar` is as its lease was last extended."""

    def __init__(
        self,
        calendar: LeasedCalendar,
        budget: Budget,
        mirror: MirrorStore,
        quota: OutgoingQuota,
    ) -> None:
        """Take a leased calendar, and the time there is for it."""
        self.calendar, self.budget = calendar, budget
        self._mirror, self._quota = mirror, quota

    async def patiently(self, ask: Callable[[float], Awaitable[Answer]]) -> Answer:
        """Return an answer; where it is told to slow down for a moment, it does.

        `ask` takes the seconds it has. Raises what it raises, and LeaseLost.
        """
        while True:
            try:
                return await self._asked(ask)
            except Throttled as error:
                pause = error.retry_after
                if pause is None or pause > min(LONGEST_PAUSE, self.budget.left):
                    raise
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE))

    async def page(self, reader: CalendarReader, query: ChangesQuery) -> ChangesPage:
        """Return a page of the calendar, and rest from all but the last."""
        page = await self.patiently(
            lambda seconds: reader.changes(self.calendar.access, query, seconds=seconds)
        )
        if page.next_page is not None:
            await self._rest(len(page.events))
        return page

    async def extend(self) -> None:
        """Keep the lease; raise LeaseLost if it is somebody else's."""
        now = self.budget.now
        if self.calendar.leased_until - now < LEASE // 2:
            self.calendar = await self._mirror.extend(self.calendar, now + LEASE)

    async def _rest(self, events: int) -> None:
        """Let whoever asks this process for slots come first, while there is time."""
        is_late = self.budget.left < self.budget.seconds / 2
        await asyncio.sleep(0 if is_late else _REST_SECONDS * events)

    async def _asked(self, ask: Callable[[float], Awaitable[Answer]]) -> Answer:
        await self.extend()
        connection_id, budget = self.calendar.access.connection_id, self.budget
        await self._quota.take(connection_id, budget.now)
        seconds = min(budget.left, PAGE_SECONDS)
        async with ended_after(seconds):
            return await ask(seconds)
