"""kill -9 of service and worker in the middle of bookings, moves and cancellations.

Every client asks again until it is answered. In the end clients, database, provider
and mailbox tell the same of every appointment: nothing is lost, nothing there twice.
"""

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from email.message import EmailMessage

import httpx2
import pytest
from icalendar import Calendar

from tests.harness.agreement import check_agreement
from tests.harness.clerk import Clerk, Json, Reply, ask, wire
from tests.harness.crowd import clients
from tests.harness.running import SERVICE_KEY
from tests.harness.town import Serving, Shop, Town, Working
from tests.notify.mailbox import Mailbox, mailbox

KILLS = 10
RETRIES = 100
# A lease of the dead, and their last task, must end before it goes on.
RECOVERED_SECONDS = 90.0

_log = logging.getLogger(__name__)


@pytest.fixture
async def shop(town: Town) -> Shop:
    (shop,) = await town.settle("ann")
    return shop


async def strike_at_random(
    victim: Serving | Working, clerk: Clerk, kills: int, chance: random.Random
) -> None:
    """Kill it in the middle of work, start it again, and so on."""
    for _ in range(kills):
        await progress(clerk, chance.randint(4, 30))
        await asyncio.sleep(chance.uniform(0, 0.3))
        await asyncio.to_thread(victim.crash)


async def progress(clerk: Clerk, replies: int) -> None:
    """Wait for so many more replies."""
    goal = len(clerk.replies) + replies
    async with asyncio.timeout(30):
        while len(clerk.replies) < goal:
            await asyncio.sleep(0.005)


async def serve_through_kills(
    clerk: Clerk, victims: list[Serving | Working], kills: int
) -> None:
    """Serve at eight desks until each victim was killed so often."""
    closed = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(clerk.serve_until(closed, desks=8))
        async with asyncio.TaskGroup() as killers:
            for number, victim in enumerate(victims):
                chance = random.Random(number)
                killers.create_task(strike_at_random(victim, clerk, kills, chance))
        assert not serving.done()
        closed.set()
    _log.info("%d visits, %s", len(clerk.visits), dict(clerk.statuses))
    _log.info("slowest: %s after %.2f s", clerk.slowest.what, clerk.slowest.seconds)


async def test_service_and_workers_killed(town: Town, shop: Shop) -> None:
    """Who is killed: a service with its worker inside, and a worker of its own."""
    town.sandbox.fault("latency", seconds=0.15, probability=0.5)
    with town.serving(RUN_WORKER="true") as service, town.working() as worker:
        async with clients() as http:
            clerk = Clerk(http, service.url, town.sandbox.url, shop, may_break=True)
            await serve_through_kills(clerk, [service, worker], KILLS)
            await town.settled(RECOVERED_SECONDS)
            await check_agreement(town, clerk)
