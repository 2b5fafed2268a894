"""The queue of tasks: procrastinate, on connections of its own.

A task carries ids and wakes a settler. Losing one costs a sweep's delay, having two
costs a look at a row: so finished tasks leave nothing behind, and failed ones neither.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import DeleteJobCondition, Job, Status
from psycopg_pool import AsyncConnectionPool

from universal_calendar.core.errors import DatabaseUnavailable
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.due_work import DueItem, Settler
from universal_calendar.worker.pace import POLL_SECONDS, Pace

QUEUE: Final = "settle"
TASK_SECONDS: Final = 120
"""The longest that a task may run."""
STUCK_SECONDS: Final = 2 * TASK_SECONDS
HEARTBEAT_SECONDS: Final = 3.0
STALLED_SECONDS: Final = 15.0
_POOL_SIZE: Final = 3

Now = Callable[[], Instant]
_log = structlog.get_logger()


class Tasks:
    """Adds tasks and runs them. The port `TaskQueue` on procrastinate."""

    def __init__(
        self, url: str, settlers: Mapping[str, Settler], now: Now, *, concurrency: int
    ) -> None:
        """Take a database URL without a pooler, and who settles items of each kind."""
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=_POOL_SIZE,
            timeout=5.0,
            reconnect_timeout=5.0,
            open=False,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "prepare_threshold": None,
                "connect_timeout": 5,
                "tcp_user_timeout": 10_000,
            },
        )
        self._now, self._concurrency = now, concurrency
        self._app = App(connector=PsycopgConnector())
        for kind, settle in settlers.items():
            self._add_task(kind, settle)

    def _add_task(self, kind: str, settle: Settler) -> None:
        @self._app.task(name=_task_name(kind), queue=QUEUE)
        async def run(tenant_id: str, item_id: str) -> None:
            try:
                async with asyncio.timeout(TASK_SECONDS):
                    await settle(UUID(tenant_id), UUID(item_id), self._now())
            except (DatabaseUnavailable, TimeoutError) as error:
                # The row stays, and with it the next task.
                _log.warning(
                    "task_postponed",
                    tenant_id=tenant_id,
                    error_type=type(error).__name__,
                )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold connections for a block. The server need not answer yet."""
        await self._pool.open(wait=False)
        try:
            async with self._app.open_async(self._pool):
                yield
        finally:
            await self._pool.close()

    async def wake(self, item: DueItem) -> None:
        """Add a task for the item, unless one waits already."""
        deferrer = self._app.configure_task(
            _task_name(item.kind),
            lock=None if item.lane is None else str(item.lane),
            queueing_lock=f"{item.kind}/{item.tenant_id}/{item.item_id}",
        )
        try:
            await deferrer.defer_async(
                tenant_id=str(item.tenant_id), item_id=str(item.item_id)
            )
        except AlreadyEnqueued:
            return

    async def run(self, grace: float) -> None:
        """Run tasks until cancelled, or until the database does not answer.

        What is being run when this is cancelled has `grace` seconds to end.
        """
        await self._app.run_worker_async(
            queues=[QUEUE],
            concurrency=self._concurrency,
            fetch_job_polling_interval=POLL_SECONDS,
            abort_job_polling_interval=60.0,
            shutdown_graceful_timeout=grace,
            delete_jobs=DeleteJobCondition.ALWAYS.value,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            worker_middleware=[Pace()],
        )

    async def rescue_stalled(self) -> int:
        """Have tasks run again whose worker died; return how many."""
        stalled = await self._app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS
        )
        jobs = list(stalled)
        for job in jobs:
            await self._rescue(job)
        return len(jobs)

    async def _rescue(self, job: Job) -> None:
        manager = self._app.job_manager
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # A later task waits for the same item, and for this one's lock.
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)

    async def drop(self, task_id: int) -> None:
        """Forget a task that nobody runs: its row brings another."""
        await self._app.job_manager.finish_job_by_id_async(
            task_id, status=Status.FAILED, delete_job=True
        )


def _task_name(kind: str) -> str:
    return f"settle_{kind}"
