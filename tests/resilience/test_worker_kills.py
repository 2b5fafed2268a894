"""Workers are killed, the database goes, the provider misbehaves: nothing is lost.

The provider is a process of its own that remembers what it was told. In the end it has
exactly one event for each appointment that stands, as the appointment is.
"""

import asyncio
import random
from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.harness.foreign_server import Pooler, pooler
from tests.harness.machines.ground import Ground
from tests.harness.outside.sandbox import Sandbox, SandboxAccount
from tests.harness.scenes.business import open_business
from tests.harness.scenes.calendars import Diary, now, shown
from tests.harness.waiting import until
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.worker import connections
from universal_calendar.core.errors import DatabaseUnavailable
from universal_calendar.services.calendars.calendar_writes import event_key

KILLS = 10
# A lease of the dead, and their last task, must end before it goes on.
RECOVERED_SECONDS = 120.0


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.account("ann@sandbox.test")


@pytest.fixture
async def diary(ground: Ground, account: SandboxAccount) -> Diary:
    parts = ground.parts
    business = await open_business(parts)
    async with open_outside(parts.settings) as outside:
        offered = providers(parts, outside)
        await connections(parts, offered).add(
            business.tenant_id, "fake", account.credentials, now()
        )
    return Diary(parts, business)


class Life:
    """A business that goes on booking, moving and cancelling."""

    def __init__(self, diary: Diary, seed: int) -> None:
        self.diary = diary
        self.standing: list[UUID] = []
        self.cancelled: list[UUID] = []
        self._dice = random.Random(seed)  # noqa: S311 - to choose what happens next

    async def happen(self, times: int) -> None:
        for _ in range(times):
            chance = self._dice.random()
            if chance < 0.5 or not self.standing:
                self.standing.append(await self.diary.book())
            elif chance < 0.8:
                await self.diary.move(self._dice.choice(self.standing))
            else:
                chosen = self._dice.choice(self.standing)
                self.standing.remove(chosen)
                self.cancelled.append(chosen)
                await self.diary.cancel(chosen)

    async def is_settled(self) -> bool:
        return await self.diary.unsettled() == 0

    async def check(self, sandbox: Sandbox, account: SandboxAccount) -> None:
        """Assert that the calendar shows what stands, once, and nothing else."""
        events = await asyncio.to_thread(sandbox.events, account.calendar_id)
        shown_there = {each["id"]: each["start"]["at"] for each in events}
        assert len(events) == len(shown_there)
        assert shown_there == {
            event_key(each, 0): shown(await self.diary.start_of(each))
            for each in self.standing
        }
        for each in self.standing:
            link = await self.diary.link(each)
            assert link["status"] == "synced", link
            assert link["event_id"] == event_key(each, 0)
        for each in self.cancelled:
            link = await self.diary.link(each)
            assert (link["status"], link["event_id"]) == ("synced", None), link


def misbehave(sandbox: Sandbox) -> None:
    """Be slow, forget to answer, fail and throttle, each now and then."""
    writes = ["insertEvent", "replaceEvent", "deleteEvent"]
    sandbox.fault("lost_answer", operations=writes, probability=0.1)
    sandbox.fault("failure", operations=writes, probability=0.1, status=503)
    sandbox.fault("drop", operations=writes, probability=0.05)
    sandbox.fault("throttle", operations=writes, probability=0.02, seconds=1)
    sandbox.fault("latency", operations=writes, probability=0.5, seconds=0.05)


async def test_workers_killed_at_random(
    ground: Ground,
    diary: Diary,
    sandbox: Sandbox,
    account: SandboxAccount,
) -> None:
    life, dice = Life(diary, seed=7), random.Random(7)  # noqa: S311
    misbehave(sandbox)
    interrupted = 0
    for _ in range(KILLS):
        await life.happen(12)
        with ground.working() as worker:
            await until(worker.is_working, 30)
            await asyncio.sleep(dice.uniform(0.2, 2.0))
            worker.kill()
        interrupted += not await life.is_settled()
    assert interrupted, "every kill came too late to matter"
    await life.happen(12)
    ground.bury()
    sandbox.clear_faults()
    with ground.working() as worker:
        await until(life.is_settled, RECOVERED_SECONDS)
        await life.check(sandbox, account)
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("failure", {"status": 503}),
        ("hang", {}),
        ("throttle", {"seconds": 2}),
        ("lost_answer", {}),
        ("drop", {}),
    ],
)
async def test_provider_misbehaves_for_a_while(
    kind: str,
    settings: dict[str, object],
    ground: Ground,
    diary: Diary,
    sandbox: Sandbox,
    account: SandboxAccount,
) -> None:
    life = Life(diary, seed=11)
    writes = ["insertEvent", "replaceEvent", "deleteEvent"]
    with ground.working() as worker:
        await until(worker.is_working, 30)
        await life.happen(10)
        await until(life.is_settled, RECOVERED_SECONDS)
        sandbox.fault(kind, operations=writes, **settings)
        for _ in range(6):
            await life.happen(3)
            await asyncio.sleep(0.5)
        assert not await life.is_settled()
        sandbox.clear_faults()
        await until(life.is_settled, RECOVERED_SECONDS)
        await life.check(sandbox, account)
        assert worker.stop() == 0


async def test_sandbox_killed_and_started_again(
    ground: Ground,
    diary: Diary,
    sandbox: Sandbox,
    account: SandboxAccount,
) -> None:
    life = Life(diary, seed=13)
    with ground.working() as worker:
        await until(worker.is_working, 30)
        await life.happen(20)
        sandbox.kill()
        await life.happen(10)
        await asyncio.sleep(3)
        await asyncio.to_thread(sandbox.start)
        await until(life.is_settled, RECOVERED_SECONDS)
        await life.check(sandbox, account)
        assert worker.stop() == 0


async def test_database_goes_and_comes_back(
    ground: Ground,
    diary: Diary,
    sandbox: Sandbox,
    account: SandboxAccount,
) -> None:
    """For longer than anybody waits for a connection, and then for a moment."""
    life = Life(diary, seed=17)
    with ground.working() as worker:
        await until(worker.is_working, 30)
        for seconds in (8, 0.5):
            await life.happen(15)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(ground.place.server.stop)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(ground.place.server.start)
            await until(lambda: can_book(life), 30)
        await until(life.is_settled, RECOVERED_SECONDS)
        await life.check(sandbox, account)
        assert worker.stop() == 0


async def can_book(life: Life) -> bool:
    try:
        await life.is_settled()
    except DatabaseUnavailable:
        return False
    return True


async def test_worker_stops_in_time_while_the_database_is_away(
    ground: Ground,
) -> None:
    with ground.working() as worker:
        await until(worker.is_working, 30)
        await asyncio.sleep(1)
        await asyncio.to_thread(ground.place.server.stop)
        await asyncio.sleep(1)
        assert await asyncio.to_thread(worker.stop) == 0
    await asyncio.to_thread(ground.place.server.start)


@pytest.fixture
def bouncer(ground: Ground) -> Iterator[Pooler]:
    with pooler(ground.place, ground.folder / "pgbouncer", 4) as made:
        yield made


async def test_behind_a_pooler_alone(
    ground: Ground,
    diary: Diary,
    sandbox: Sandbox,
    account: SandboxAccount,
    bouncer: Pooler,
) -> None:
    """No notification arrives there: polling finds the tasks."""
    life = Life(diary, seed=19)
    with ground.working(DATABASE_URL=bouncer.url) as worker:
        await until(worker.is_working, 30)
        await life.happen(20)
        await until(life.is_settled, RECOVERED_SECONDS)
        await life.check(sandbox, account)
        assert worker.stop() == 0
