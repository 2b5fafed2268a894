"""kill -9 in the middle of bookings: what was promised stands, and work goes on.

Every client asks again under the same idempotency key until it knows. Two want each
slot. In the end each client has one answer, each slot one winner, and the database
holds exactly what was acknowledged: nothing lost, nothing twice, nothing unknown.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from itertools import groupby

import psutil
import pytest

from tests.harness.crowd import (
    LONGEST_ANSWER,
    Reply,
    Struggle,
    Wish,
    ask,
    ask_at_once,
    clients,
    rivals,
    statuses,
)
from tests.harness.island import Island
from tests.harness.machines.ledger import Ledger
from tests.harness.running import RunningService, running_service, start_service
from tests.harness.scenes.business import Business

KILLS = 10
RECOVERED_SECONDS = 8.0
OUTAGE_SECONDS = 8.0
SLOTS = 640

_log = logging.getLogger(__name__)


@pytest.fixture
def business(place: Island) -> Business:
    (business,) = place.settle()
    return business


def report(killed: str, recoveries: list[float]) -> None:
    """Log the times; `pytest --log-cli-level=info` shows them."""
    seconds = " ".join(f"{each:.2f}" for each in sorted(recoveries))
    _log.info("recovered from kill -9 of the %s after seconds: %s", killed, seconds)


def strike(process: psutil.Process) -> float:
    """Kill, and return when."""
    process.send_signal(signal.SIGKILL)
    return time.monotonic()


def postmaster_of(place: Island) -> psutil.Process:
    found = place.postmaster()
    assert found is not None
    return found


async def disasters(
    struggle: Struggle, disaster: Callable[[], Awaitable[float]]
) -> list[float]:
    """Let disaster strike in the middle of the bookings; return the recovery times."""
    running = asyncio.create_task(struggle.run())
    recoveries = []
    for _ in range(KILLS):
        await struggle.progress(20)
        assert not running.done(), "nothing was left to book"
        recoveries.append(await struggle.recovery(await disaster()))
    await asyncio.wait_for(running, 120)
    return recoveries


def winners(struggle: Struggle) -> dict[Wish, str]:
    """Assert that each slot has one winner; return the ids that were promised."""
    promised: dict[Wish, str] = {}
    for reply in struggle.booked:
        assert promised.setdefault(reply.wish, reply.booking_id) == reply.booking_id
    slots = sorted(struggle.wishes, key=lambda wish: (wish.day, wish.minute))
    for slot, wishes in groupby(slots, key=lambda wish: (wish.day, wish.minute)):
        assert sum(wish in promised for wish in wishes) == 1, slot
    return promised


def check_books(struggle: Struggle, place: Island) -> dict[Wish, str]:
    promised, ledger = winners(struggle), Ledger.of(place.server)
    ledger.check()
    held = {str(entry.entry_id) for entry in ledger.standing()}
    assert held == set(promised.values())
    return promised


def check_manners(replies: list[Reply], *, may_break: bool) -> None:
    """Assert that no client was left hanging or met an error that is ours."""
    seen = set(statuses(replies))
    assert seen <= {201, 409, 503} | ({None} if may_break else set())
    assert all(r.retry_after for r in replies if r.status == 503)
    slowest = max(replies, key=lambda reply: reply.seconds)
    assert slowest.seconds < LONGEST_ANSWER, slowest


async def check_retries(url: str, promised: dict[Wish, str]) -> None:
    """Assert that whoever asks again under the same key gets the same booking."""
    wishes = list(promised)[::10]
    async with clients() as client:
        for reply in await ask_at_once(client, [url], wishes):
            assert reply.status == 201
            assert reply.booking_id == promised[reply.wish]


async def test_service_killed(place: Island, business: Business) -> None:
    running = [start_service(place.home)]
    port = int(running[0].url.rpartition(":")[2])
    struggle = Struggle(running[0].url, rivals(business, SLOTS))

    async def disaster() -> float:
        killed = time.monotonic()
        running[0].kill()
        running[0] = await asyncio.to_thread(start_service, place.home, port)
        return killed

    try:
        recoveries = await disasters(struggle, disaster)
        check_manners(struggle.replies, may_break=True)
        promised = check_books(struggle, place)
        await check_retries(struggle.url, promised)
    finally:
        assert running[0].stop() == 0
    assert place.is_still()
    report("service", recoveries)


async def ill_treat_server(
    place: Island, business: Business, choose: Callable[[], psutil.Process]
) -> list[float]:
    with running_service(place.home) as service:
        struggle = Struggle(service.url, rivals(business, SLOTS))

        async def disaster() -> float:
            return strike(choose())

        recoveries = await disasters(struggle, disaster)
        check_manners(struggle.replies, may_break=False)
        promised = check_books(struggle, place)
        await check_retries(service.url, promised)
        assert service.stop() == 0
    assert place.is_still()
    assert max(recoveries) < RECOVERED_SECONDS, recoveries
    return recoveries


async def test_postmaster_killed(place: Island, business: Business) -> None:
    recoveries = await ill_treat_server(place, business, lambda: postmaster_of(place))
    report("postmaster", recoveries)


async def test_backend_killed(place: Island, business: Business) -> None:
    recoveries = await ill_treat_server(place, business, lambda: place.backends()[0])
    report("backend", recoveries)


async def test_power_cut(place: Island, business: Business) -> None:
    """Everything dies at once: the service, the postmaster, every backend."""
    services: list[RunningService] = [start_service(place.home)]
    port = int(services[0].url.rpartition(":")[2])
    struggle = Struggle(services[0].url, rivals(business, SLOTS))
    running = asyncio.create_task(struggle.run())
    for _ in range(3):
        await struggle.progress(20)
        postmaster = postmaster_of(place)
        everyone = [postmaster, *postmaster.children()]
        services[0].process.kill()
        for process in everyone:
            strike(process)
        services[0].kill()
        services[0] = await asyncio.to_thread(start_service, place.home, port)
    await asyncio.wait_for(running, 120)
    check_manners(struggle.replies, may_break=True)
    check_books(struggle, place)
    assert services[0].stop() == 0


async def test_two_services_share_a_dead_server(
    place: Island, business: Business
) -> None:
    """Both watchers see it die; one restarts it, both serve on."""
    with running_service(place.home) as one, running_service(place.home) as other:
        wishes = rivals(business, 96, each=1)
        for number in range(3):
            killed = strike(postmaster_of(place))
            for service in (one, other):
                part = Struggle(service.url, wishes[number * 32 : number * 32 + 32])
                await asyncio.wait_for(part.run(4), 60)
                check_manners(part.replies, may_break=False)
            assert time.monotonic() - killed < 2 * RECOVERED_SECONDS
        assert len(Ledger.of(place.server).standing()) == len(wishes)
        Ledger.of(place.server).check()
        assert one.stop() == 0
        async with clients(1) as client:
            wish = rivals(business, 640, each=1)[-1]
            assert (await ask(client, other.url, wish)).status == 201


async def test_long_outage_of_a_foreign_server(
    place: Island, business: Business
) -> None:
    """Longer than any connection is waited for: the pool must not have given up."""
    with place.server:
        given = {
            "DATABASE_URL": place.server.url,
            "MASTER_KEYS": place.home.joinpath("master.key").read_text(),
        }
        with running_service(place.home.parent / "other", **given) as service:
            struggle = Struggle(service.url, rivals(business, 400))
            running = asyncio.create_task(struggle.run(4))
            await struggle.progress(10)
            place.server.stop()
            stopped = time.monotonic()
            await struggle.reached(lambda: time.monotonic() - stopped > OUTAGE_SECONDS)
            place.server.start()
            back = time.monotonic()
            report("foreign server", [await struggle.recovery(back)])
            assert time.monotonic() - back < RECOVERED_SECONDS
            await asyncio.wait_for(running, 60)
            check_manners(struggle.replies, may_break=False)
            check_books(struggle, place)
