"""Rows that are due get settled, whatever becomes of the tasks that wake for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from uuid import UUID

import psycopg
import pytest

from tests.harness.paper.provider import GOOD, Paper
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import Diary, now
from tests.harness.waiting import until
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.bootstrap.worker import worker_of
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.due_work import AGAIN_AFTER, DueWork
from universal_calendar.services.ports.due_work import DueItem, Settler
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.due_work import CALENDAR, DueWorkTable
from universal_calendar.worker.queue import STUCK_SECONDS, Tasks


class Ledger:
    """Settles by crossing rows out, and remembers what it settled."""

    def __init__(self, parts: Parts, kind: str) -> None:
        self.parts, self.kind = parts, kind
        self.settled: list[UUID] = []
        self.before: Callable[[UUID], Awaitable[None]] | None = None

    async def settle(self, tenant_id: UUID, item_id: UUID, _now: Instant) -> None:
        if self.before is not None:
            await self.before(item_id)
        async with self.parts.database.connection() as connection:
            await connection.execute(
                "DELETE FROM due_work WHERE tenant_id = %s AND kind = %s"
                " AND item_id = %s",
                [tenant_id, self.kind, item_id],
            )
        self.settled.append(item_id)

    async def owe(self, tenant_id: UUID, *, due_in: float = 0) -> UUID:
        """Add a row that is due in so many seconds."""
        item_id = new_id(now())
        async with self.parts.database.connection() as connection:
            await connection.execute(
                "INSERT INTO due_work VALUES (%s, %s, %s, %s)",
                [tenant_id, self.kind, item_id, utc_now() + timedelta(seconds=due_in)],
            )
        return item_id


@pytest.fixture
def ledger(parts: Parts, business: Business) -> Ledger:
    """Settle a kind of this test's own."""
    return Ledger(parts, f"test_{business.tenant_id.hex}")


@asynccontextmanager
async def at_work(parts: Parts, **settlers: Settler) -> AsyncIterator[None]:
    task = asyncio.create_task(worker_of(parts, settlers).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def is_queue_empty(parts: Parts, ledger: Ledger) -> bool:
    return await tasks_left(parts, ledger) == 0


async def tasks_left(parts: Parts, ledger: Ledger) -> int:
    async with parts.database.connection() as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s",
            [f"settle_{ledger.kind}"],
        )
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


async def test_what_is_due_is_settled_once_and_leaves_nothing(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    owed = [await ledger.owe(business.tenant_id) for _ in range(250)]
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: len(ledger.settled) >= 250, 30)
        await until(partial(is_queue_empty, parts, ledger), 15)
    assert sorted(ledger.settled) == sorted(owed)


async def test_what_is_not_due_waits(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    later = await ledger.owe(business.tenant_id, due_in=3)
    sooner = await ledger.owe(business.tenant_id)
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: sooner in ledger.settled)
        assert later not in ledger.settled
        await until(lambda: later in ledger.settled)


async def test_two_workers_share_the_work(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    owed = [await ledger.owe(business.tenant_id) for _ in range(60)]
    settlers = {ledger.kind: ledger.settle}
    async with at_work(parts, **settlers), at_work(parts, **settlers):
        await until(lambda: len(ledger.settled) >= 60, 30)
    assert sorted(ledger.settled) == sorted(owed)


async def test_work_whose_task_was_lost_is_picked_up(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    """As if a process had taken the row and died before it added the task."""
    owed = await ledger.owe(business.tenant_id)
    rows = DueWorkTable(parts.database)
    at = now()
    (item,) = await rows.take([ledger.kind], at, at + 3_000_000, 10)
    assert item.item_id == owed
    assert await rows.take([ledger.kind], at, at, 10) == []
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: owed in ledger.settled)


class Abyss:
    """A queue that loses every task."""

    def __init__(self) -> None:
        self.lost: list[UUID] = []

    async def wake(self, item: DueItem) -> None:
        self.lost.append(item.item_id)


async def test_the_sweep_wakes_again_for_what_left_no_trace(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    owed = await ledger.owe(business.tenant_id)
    abyss = Abyss()
    work = DueWork(DueWorkTable(parts.database), abyss, [ledger.kind])
    at = now()
    assert [await work.sweep(at) for _ in range(3)] == [1, 0, 0]
    assert await work.sweep(at + AGAIN_AFTER) == 1
    assert abyss.lost == [owed, owed]


async def test_a_task_waits_only_once(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    item = DueItem(business.tenant_id, ledger.kind, new_id(now()))
    tasks = Tasks(
        parts.server.direct_url, {ledger.kind: ledger.settle}, now, concurrency=1
    )
    async with tasks.open():
        for _ in range(3):
            await tasks.wake(item)
        assert await tasks_left(parts, ledger) == 1
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: ledger.settled == [item.item_id])


async def doing(parts: Parts, ledger: Ledger, *, heartbeat: str, started: str) -> None:
    """Make the task look begun by a worker whose heart last beat then."""
    async with await psycopg.AsyncConnection.connect(
        parts.server.direct_url
    ) as connection:
        cursor = await connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - %s::interval) RETURNING id",
            [heartbeat],
        )
        (worker_id,) = await cursor.fetchone() or (0,)
        cursor = await connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s"
            " WHERE task_name = %s RETURNING id",
            [worker_id, f"settle_{ledger.kind}"],
        )
        (job_id,) = await cursor.fetchone() or (0,)
        await connection.execute(
            "UPDATE procrastinate_events SET at = now() - %s::interval"
            " WHERE job_id = %s",
            [started, job_id],
        )


async def woken(parts: Parts, business: Business, ledger: Ledger) -> Tasks:
    """Return a queue with one task, whose row is not due for an hour."""
    item_id = await ledger.owe(business.tenant_id, due_in=3600)
    tasks = Tasks(
        parts.server.direct_url, {ledger.kind: ledger.settle}, now, concurrency=1
    )
    async with tasks.open():
        await tasks.wake(DueItem(business.tenant_id, ledger.kind, item_id))
    return tasks


async def test_task_of_a_dead_worker_runs_again(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    await woken(parts, business, ledger)
    await doing(parts, ledger, heartbeat="1 minute", started="1 minute")
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: len(ledger.settled) == 1, 15)


async def test_task_of_a_dead_worker_gives_way_to_a_later_one(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    """Both cannot wait under one queueing lock; nor may the dead one hold its lane."""
    lane = new_id(now())
    item = DueItem(business.tenant_id, ledger.kind, new_id(now()), lane)
    tasks = Tasks(
        parts.server.direct_url, {ledger.kind: ledger.settle}, now, concurrency=1
    )
    async with tasks.open():
        await tasks.wake(item)
        await doing(parts, ledger, heartbeat="1 minute", started="1 minute")
        await tasks.wake(item)
        assert await tasks_left(parts, ledger) == 2
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: len(ledger.settled) == 1, 15)
        await until(partial(is_queue_empty, parts, ledger), 15)
    assert ledger.settled == [item.item_id]


async def test_task_that_a_living_worker_forgot_is_dropped(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    """It ended, but the database was away when that was to be written down."""
    await woken(parts, business, ledger)
    await doing(
        parts, ledger, heartbeat="-1 hour", started=f"{STUCK_SECONDS + 60} seconds"
    )
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(partial(is_queue_empty, parts, ledger), 15)
    assert ledger.settled == []


async def test_one_that_fails_keeps_nobody_else_waiting(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    bad = await ledger.owe(business.tenant_id)
    good = [await ledger.owe(business.tenant_id) for _ in range(3)]

    async def fail(item_id: UUID) -> None:
        if item_id == bad:
            raise RuntimeError("of the test")

    ledger.before = fail
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: sorted(ledger.settled) == sorted(good))
        await until(partial(is_queue_empty, parts, ledger), 15)
    ledger.before = None
    async with parts.database.connection() as connection:
        cursor = await connection.execute(
            "UPDATE due_work SET due_at = now() WHERE kind = %s", [ledger.kind]
        )
        assert cursor.rowcount == 1
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await until(lambda: bad in ledger.settled)


async def test_stopping_finishes_what_was_begun(
    parts: Parts, business: Business, ledger: Ledger
) -> None:
    await ledger.owe(business.tenant_id)
    begun = asyncio.Event()

    async def dawdle(_item_id: UUID) -> None:
        begun.set()
        await asyncio.sleep(1)

    ledger.before = dawdle
    async with at_work(parts, **{ledger.kind: ledger.settle}):
        await begun.wait()
        assert ledger.settled == []
    assert len(ledger.settled) == 1
    assert await tasks_left(parts, ledger) == 0


async def test_one_connection_is_written_to_by_one_task_at_a_time(
    parts: Parts, business: Business
) -> None:
    table = ConnectionTable(parts.database, parts.keyring)
    connections = Connections(table, parts.units, {"paper": Paper()}, new_id)
    await connections.add(business.tenant_id, "paper", GOOD, now())
    diary, ledger = Diary(parts, business), Ledger(parts, CALENDAR)
    booked = {await diary.book() for _ in range(8)}
    running: set[UUID] = set()
    most = 0

    async def linger(item_id: UUID) -> None:
        nonlocal most
        if item_id in booked:  # others' rows are about too
            running.add(item_id)
            most = max(most, len(running))
            await asyncio.sleep(0.05)
            running.discard(item_id)

    ledger.before = linger
    async with at_work(parts, calendar=ledger.settle):
        await until(lambda: booked <= set(ledger.settled), 20)
    assert most == 1
