"""How often the queue is looked at: often while tasks run, seldom while none does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from procrastinate.job_context import JobContext
from procrastinate.worker import Worker

POLL_SECONDS: Final = 2.0
"""How soon a task is found where no notification arrives, as behind a pooler."""
BUSY_POLL_SECONDS: Final = 0.1
"""How soon the next task of a lane is: nothing tells when the one before it ended."""
_CALM_AFTER_SECONDS: Final = 1.0


class Pace:
    """A middleware of the worker's."""

    def __init__(self) -> None:
        """Begin without tasks."""
        self._running, self._last_end = 0, 0.0

    async def __call__(
        self,
        process: Callable[[], Awaitable[Any]],
        _context: JobContext,
        worker: Worker,
    ) -> Any:
        """Run a task, and look for others often meanwhile and right after it."""
        loop = asyncio.get_running_loop()
        worker.fetch_job_polling_interval = BUSY_POLL_SECONDS
        self._running += 1
        try:
            return await process()
        finally:
            self._running -= 1
            self._last_end = loop.time()
            loop.call_later(_CALM_AFTER_SECONDS, self._calm, worker)

    def _calm(self, worker: Worker) -> None:
        quiet = asyncio.get_running_loop().time() - self._last_end
        if not self._running and quiet >= _CALM_AFTER_SECONDS:
            worker.fetch_job_polling_interval = POLL_SECONDS
