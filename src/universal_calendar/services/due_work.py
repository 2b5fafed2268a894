"""The sweep: finds what is due in the rows and wakes a task for it."""

from collections.abc import Collection
from typing import Final

from universal_calendar.core.instant import Instant
from universal_calendar.core.retry import SECOND
from universal_calendar.services.ports.due_work import DueWorkStore, TaskQueue

AGAIN_AFTER: Final = 30 * SECOND
"""When a task that was woken and left no trace is taken for lost."""
BATCH: Final = 100


class DueWork:
    """Wakes tasks. Any number of processes may sweep: each row is taken by one."""

    def __init__(
        self, rows: DueWorkStore, queue: TaskQueue, kinds: Collection[str]
    ) -> None:
        """Take the kinds that somebody here settles; the others stay."""
        self._rows, self._queue, self._kinds = rows, queue, kinds

    async def sweep(self, now: Instant) -> int:
        """Wake a task for everything that is due; return how many.

        Whoever settles an item moves its row or deletes it. A row whose task is lost
        comes up again after AGAIN_AFTER.
        """
        woken = 0
        while True:
            items = await self._rows.take(self._kinds, now, now + AGAIN_AFTER, BATCH)
            for item in items:
                await self._queue.wake(item)
            woken += len(items)
            if len(items) < BATCH:
                return woken
