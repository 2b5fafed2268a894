"""The worker's life: sweeps, rescues and runs tasks until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from universal_calendar.core.instant import to_datetime
from universal_calendar.services.due_work import DueWork
from universal_calendar.store.due_work import DueWorkTable
from universal_calendar.worker.queue import STUCK_SECONDS, Now, Tasks

SWEEP_SECONDS: Final = 1.0
RESCUE_SECONDS: Final = 5.0
GRACE_SECONDS: Final = 15.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """Finds what is due and settles it, for as long as it runs.

    Any number may run: beside the requests, or as processes of their own. It outlives
    the database's absence.
    """

    tasks: Tasks
    due_work: DueWork
    rows: DueWorkTable
    now: Now

    async def run(self) -> None:
        """Work until cancelled, then finish what was begun, within GRACE_SECONDS."""
        async with self.tasks.open():
            finders = [
                asyncio.create_task(self._every(SWEEP_SECONDS, self._sweep)),
                asyncio.create_task(self._every(RESCUE_SECONDS, self._rescue)),
            ]
            try:
                await self._run_tasks()
            finally:
                await _end(finders)

    async def _run_tasks(self) -> None:
        while True:
            with _survived("worker_interrupted"):
                await self.tasks.run(GRACE_SECONDS)
            _leave_if_cancelled()
            await asyncio.sleep(SWEEP_SECONDS)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            with _survived("sweep_postponed"):
                await work()
            await asyncio.sleep(seconds)

    async def _sweep(self) -> None:
        await self.due_work.sweep(self.now())

    async def _rescue(self) -> None:
        rescued = await self.tasks.rescue_stalled()
        before = to_datetime(self.now()) - timedelta(seconds=STUCK_SECONDS)
        for task_id in await self.rows.stuck_tasks(before):
            await self.tasks.drop(task_id)
            rescued += 1
        if rescued:
            _log.warning("tasks_rescued")


@contextmanager
def _survived(event: str) -> Iterator[None]:
    # The edge: whatever fails is tried again, and nothing is lost meanwhile.
    try:
        yield
    except Exception as error:
        _log.warning(event, error_type=type(error).__name__)


def _leave_if_cancelled() -> None:
    # A database that is away while the worker shuts down hides the cancellation.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
