"""The provider fails, hangs and throttles: bookings stand, and in the end all agrees.

Each shop has a calendar with a fault of its own, all at the same time; then the whole
provider is gone. Nobody waits for it, no answer says what is not so, and once it is
well again every appointment has one event as it is now.
"""

import asyncio
import logging
from collections import Counter
from typing import Any

from tests.harness.crowd import clients
from tests.harness.machines.agreement import check_agreement
from tests.harness.machines.clerk import BOOK_BY_AGENT, HASTY_LIVES, LIVES, Clerk
from tests.harness.machines.town import Shop, Town

LONGEST_ANSWER = 5.0
RECOVERED_SECONDS = 40.0
TROUBLED_SECONDS = 4.0

FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "latency": {"kind": "latency", "seconds": 0.7},
    "slow": {"kind": "latency", "seconds": 2, "probability": 0.5},
    "hang": {"kind": "hang"},
    "throttle": {"kind": "throttle", "seconds": 3},
    "throttle-until": {"kind": "throttle", "seconds": 2, "asDate": True},
    "failure": {"kind": "failure", "status": 500},
    "flaky": {"kind": "failure", "status": 503, "probability": 0.5},
    "drop": {"kind": "drop"},
    "lost-answer": {"kind": "lost_answer", "probability": 0.7},
    "lost-late": {"kind": "lost_answer", "seconds": 2, "probability": 0.5},
    "expired-token": {"kind": "expired_token", "probability": 0.5},
}

_log = logging.getLogger(__name__)


async def serve(clerks: dict[str, Clerk]) -> None:
    """Serve at every shop for a while, at four desks each."""
    async with asyncio.TaskGroup() as group:
        closed = asyncio.Event()
        for clerk in clerks.values():
            group.create_task(clerk.serve_until(closed, desks=4))
        await asyncio.sleep(TROUBLED_SECONDS)
        closed.set()
    check_manners(clerks)


def check_manners(clerks: dict[str, Clerk]) -> None:
    """Assert that nobody waited for a provider, or heard of its trouble."""
    for name, clerk in clerks.items():
        _log.info("%s: %s", name, figures(clerk))
        assert set(clerk.statuses) <= {200, 201}, (name, clerk.statuses)
        assert clerk.slowest.seconds < LONGEST_ANSWER, (name, clerk.slowest)


def figures(clerk: Clerk) -> str:
    states, slowest = dict(sync_states(clerk)), clerk.slowest
    return f"{states}, slowest {slowest.what} after {slowest.seconds:.2f} s"


def sync_states(clerk: Clerk) -> Counter[str]:
    """Count what was answered to bookings."""
    return Counter(answer["syncStatus"] for answer in clerk.created.values())


async def test_provider_fails_hangs_and_throttles(town: Town) -> None:
    shops = await town.settle(*FAULTS)
    with town.serving(RUN_WORKER="true") as service:
        async with clients() as http:
            clerks = {
                shop.account.account: Clerk(
                    http,
                    service.url,
                    town.sandbox.url,
                    shop,
                    pause=0.5,
                    lives=HASTY_LIVES,
                )
                for shop in shops
            }
            for name, fault in FAULTS.items():
                if fault:
                    town.sandbox.fault(calendarId=clerks[name].shop.calendar, **fault)
            await serve(clerks)
            spared = clerks["none"]
            # Those whose provider is well are not harmed by the others' trouble.
            assert 2 * sync_states(spared)["synced"] > len(spared.created)
            town.sandbox.kill()
            await serve(clerks)
            town.sandbox.start()
            await town.settled(RECOVERED_SECONDS)
            for clerk in clerks.values():
                await check_agreement(town, clerk)


async def test_nothing_is_enqueued_without_a_calendar(town: Town) -> None:
    business = await town.settle_unconnected()
    (neighbour,) = await town.settle("neighbour")
    town.stop_reading()
    shop = Shop(business, town.sandbox.account("nobody"))
    with town.serving() as service:
        async with clients() as http:
            clerk = Clerk(http, service.url, town.sandbox.url, shop, is_connected=False)
            for life in LIVES:
                await clerk.live(life)
            for table in ("due_work", "links", "notices"):
                assert town.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - names
            # A sweep that finds the neighbour's booking would have found the others.
            other = Clerk(http, service.url, town.sandbox.url, neighbour)
            await other.live((BOOK_BY_AGENT,))
            with town.working():
                await town.settled(RECOVERED_SECONDS)
            await check_agreement(town, other)
    assert town.tasks_so_far() == 1
