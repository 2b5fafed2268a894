"""Workers that read calendars are killed, are several, and the provider goes away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from tests.harness.machines.ground import Ground
from tests.harness.outside.sandbox import Sandbox
from tests.harness.scenes.synced import Synced, connect, offering
from tests.harness.waiting import until
from universal_calendar.clock import utc_now
from universal_calendar.core.retry import SECOND
from universal_calendar.services.calendars.calendar_sync import LEASE
from universal_calendar.services.calendars.calendar_writes import event_key

EVENTS = 120
RECOVERED_SECONDS = 60.0
LEFT_SECONDS = 5.0
"""What is left of the lease of the dead once the next worker is there."""
POLLING = {"POLL_SECONDS": "5"}
LEASE_TIME = timedelta(seconds=LEASE / SECOND)


@pytest.fixture
async def synced(ground: Ground, sandbox: Sandbox) -> AsyncIterator[Synced]:
    async with offering(ground.parts) as offered:
        yield await connect(ground.parts, offered, sandbox, "ann@sandbox.test")


async def fill(synced: Synced) -> None:
    for number in range(EVENTS):
        interval = synced.hour(number % 8, day=1 + number // 8)
        await asyncio.to_thread(synced.add, interval)


async def lease_end(synced: Synced) -> datetime:
    return datetime.fromisoformat((await synced.calendar())["leased_until"])


async def is_whole(synced: Synced, events: int = EVENTS) -> bool:
    row = await synced.calendar()
    return len(await synced.mirror()) == events and row["leased_until"] is None


async def test_killed_between_pages(
    ground: Ground, synced: Synced, sandbox: Sandbox
) -> None:
    await fill(synced)
    sandbox.fault("latency", operations=["listEvents"], seconds=0.5)
    for _ in range(2):
        with ground.working(**POLLING) as worker:
            await until(synced.is_being_read, RECOVERED_SECONDS)
            await asyncio.sleep(0.8)  # into the second page
            worker.kill()
        assert await synced.mirror() == []
        # So long as its lease lasts, nobody else reads.
        assert await synced.is_being_read()
        ground.bury()
    sandbox.clear_faults()
    with ground.working(**POLLING) as worker:
        await until(lambda: is_whole(synced), RECOVERED_SECONDS)
        assert worker.stop() == 0


async def test_the_lease_of_the_dead_ends(
    ground: Ground, synced: Synced, sandbox: Sandbox
) -> None:
    """Nobody reads before; whoever comes then, does."""
    await fill(synced)
    sandbox.fault("hang", operations=["listEvents"])
    with ground.working(**POLLING) as worker:
        await until(synced.is_being_read, RECOVERED_SECONDS)
        worker.kill()
    left = await lease_end(synced) - utc_now()
    assert LEASE_TIME / 2 < left <= LEASE_TIME
    sandbox.clear_faults()
    ground.bury(LEFT_SECONDS)
    ends_at = await lease_end(synced)
    with ground.working(**POLLING):
        await until(lambda: is_whole(synced), RECOVERED_SECONDS)
    assert utc_now() > ends_at


async def test_two_workers_follow_owners_and_bookings(
    ground: Ground, synced: Synced, sandbox: Sandbox
) -> None:
    booked = [await synced.book(synced.hour(n)) for n in range(6)]
    with ground.working(**POLLING), ground.working("other", **POLLING):
        await until(lambda: len(synced.shown()) == 6, 60)
        await until(synced.ages_what_is_written, 60)
        synced.drag(event_key(booked[0], 0), synced.hour(7))
        synced.delete(event_key(booked[1], 0))
        synced.add(synced.hour(1))

        async def has_followed() -> bool:
            moved = await synced.state(booked[0])
            cancelled, _ = await synced.state(booked[1])
            is_mirrored = await synced.mirror() == [synced.hour(1)]
            return (
                moved[1] == synced.hour(7) and cancelled == "cancelled" and is_mirrored
            )

        await until(has_followed, 90)
    for number in range(2, 6):
        expected = ("confirmed", synced.hour(number))
        assert await synced.state(booked[number]) == expected


async def test_provider_away_for_a_while(
    ground: Ground, synced: Synced, sandbox: Sandbox
) -> None:
    with ground.working(**POLLING):
        await until(lambda: is_whole(synced, 0), 60)
        sandbox.kill()

        async def is_told() -> bool:
            return (await synced.connection())["failing_since"] is not None

        await until(is_told, 60)
        await asyncio.to_thread(sandbox.start)
        synced.add(synced.hour(0))
        await until(lambda: is_whole(synced, 1), 60)

        async def is_well() -> bool:
            row = await synced.connection()
            return row["status"] == "active" and row["failing_since"] is None

        await until(is_well, 60)
