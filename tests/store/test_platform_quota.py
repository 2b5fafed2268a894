"""Platforms are asked no more than they allow, by however many processes."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.harness.running import clean_environment
from tests.harness.scenes.calendars import now
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports.quotas import Bucket
from universal_calendar.store.field_service.platform_quota import PlatformQuota

COST = Bucket("cost", 10_000, 20)
"""Jobber's: 500 come back each second."""


@dataclass
class Till:
    """A connection's allowances, by a clock that goes when it is told to."""

    parts: Parts
    connection_id: UUID = field(default_factory=lambda: new_id(now()))
    now: datetime = field(default_factory=utc_now)

    @property
    def quota(self) -> PlatformQuota:
        return PlatformQuota(self.parts.database, self.parts.keyring, lambda: self.now)

    async def spend(self, bucket: Bucket, amount: float = 1) -> None:
        await self.quota.spend(self.connection_id, bucket, amount)

    async def learn(self, bucket: Bucket, left: float) -> None:
        await self.quota.learn(self.connection_id, bucket, left)

    async def pause(self, bucket: Bucket, amount: float = 1) -> float:
        """Return how long whoever wants so much is to wait."""
        with pytest.raises(Throttled) as refusal:
            await self.spend(bucket, amount)
        assert refusal.value.retry_after is not None
        return refusal.value.retry_after

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def till(parts: Parts) -> Till:
    return Till(parts)


@contextmanager
def spenders(count: int) -> Iterator[Sequence[subprocess.Popen[str]]]:
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store.spending"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=clean_environment(PYTHONPATH=str(root)),
        )
        for _ in range(count)
    ]
    try:
        yield running
    finally:
        for each in running:
            each.kill()
            each.communicate()


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_spend_what_there_is_and_no_more(parts: Parts) -> None:
    bucket = Bucket("requests", 40, 40 * 3600)
    order = {
        "url": parts.server.url,
        "home": str(parts.settings.uc_home),
        "connection": str(new_id(now())),
        "bucket": asdict(bucket),
        "times": 60,
    }
    with spenders(2) as running:
        for each in running:
            say(each, json.dumps(order))
        assert [hear(each) for each in running] == ["ready", "ready"]
        for each in running:
            say(each, "go")
        spent = [int(hear(each)) for each in running]
    assert sum(spent) == 40


@pytest.mark.parametrize("most", [1, 7, 60, 100, 500, 999])
async def test_all_of_an_allowance_can_be_spent_at_once(till: Till, most: int) -> None:
    bucket = Bucket("requests", most, 60)
    for _ in range(most):
        await till.spend(bucket)
    assert await till.pause(bucket) == pytest.approx(60 / most, abs=0.001)


@pytest.mark.parametrize("amount", [1.0, 37.5, 4_000.0, 10_000.0])
async def test_the_seconds_are_right(till: Till, amount: float) -> None:
    await till.spend(COST, 9_000)
    await till.spend(COST, 1_000)
    pause = await till.pause(COST, amount)
    assert pause == pytest.approx(amount / 500)
    till.wait(pause - 0.001)
    assert await till.pause(COST, amount) == pytest.approx(0.001, abs=1e-5)
    till.wait(0.001)
    await till.spend(COST, amount)


async def test_a_refusal_takes_nothing(till: Till) -> None:
    await till.spend(COST, 9_990)
    assert await till.pause(COST, 500) == pytest.approx(490 / 500)
    await till.spend(COST, 10)


async def test_more_than_there_ever_is_counts_as_all_of_it(till: Till) -> None:
    await till.spend(COST, 25_000)
    assert await till.pause(COST, 25_000) == pytest.approx(20)
    till.wait(19)
    assert await till.pause(COST, 25_000) == pytest.approx(1)
    till.wait(1)
    await till.spend(COST, 25_000)


async def test_learning_lowers_and_never_raises(till: Till) -> None:
    await till.learn(COST, 100)
    assert await till.pause(COST, 200) == pytest.approx(100 / 500)
    await till.learn(COST, 10_000)
    assert await till.pause(COST, 200) == pytest.approx(100 / 500)
    await till.spend(COST, 50)
    await till.learn(COST, 60)
    await till.spend(COST, 50)
    assert await till.pause(COST, 50) == pytest.approx(50 / 500)


async def test_what_was_not_charged_comes_back(till: Till) -> None:
    await till.spend(COST, 2_000)
    await till.quota.learn(till.connection_id, COST, 9_000, unspent=1_000)
    await till.spend(COST, 9_000)
    assert await till.pause(COST, 1) == pytest.approx(1 / 500)


async def test_others_spending_is_not_given_back(till: Till) -> None:
    await till.spend(COST, 2_000)
    await till.spend(COST, 4_000)
    await till.quota.learn(till.connection_id, COST, 10_000, unspent=500)
    await till.spend(COST, 4_500)
    assert await till.pause(COST, 1) == pytest.approx(1 / 500)


async def test_a_smaller_bucket_of_the_name_leaves_the_rest(till: Till) -> None:
    part = Bucket("cost", 6_000, 12)
    await till.spend(part, 6_000)
    assert await till.pause(part, 500) == pytest.approx(1)
    await till.spend(COST, 4_000)
    assert await till.pause(COST, 500) == pytest.approx(1)
    till.wait(9)
    assert await till.pause(part, 1_000) == pytest.approx(1)
    till.wait(1)
    await till.spend(part, 1_000)


@pytest.mark.parametrize("left", [-5, 0])
async def test_nothing_is_left_at_worst(till: Till, left: float) -> None:
    await till.learn(COST, left)
    assert await till.pause(COST, 500) == pytest.approx(1)
    assert await till.pause(COST, 10_000) == pytest.approx(20)


async def test_more_than_the_most_is_not_believed(till: Till) -> None:
    await till.learn(COST, 50_000)
    await till.spend(COST, 10_000)
    assert await till.pause(COST, 1) == pytest.approx(1 / 500)


async def test_buckets_and_connections_are_apart(till: Till) -> None:
    await till.spend(COST, 10_000)
    await till.spend(Bucket("requests", 10_000, 20), 10_000)
    await Till(till.parts, now=till.now).spend(COST, 10_000)
