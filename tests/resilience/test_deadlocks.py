"""Everything at once on few agents: no deadlock, and the books agree."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest

from tests.harness.crowd import OPENING, day_after
from tests.harness.machines.ledger import Ledger
from tests.harness.scenes.business import EVERY_DAY, Business
from tests.harness.scenes.front_desk import FrontDesk, Place
from universal_calendar.bootstrap.parts import Parts, Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import (
    BookingRefused,
    IdempotencyMismatch,
    NotFound,
)
from universal_calendar.core.instant import MINUTE, from_datetime, to_datetime
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.settings import Settings
from universal_calendar.store.housekeeping import Housekeeping

WORKERS = 24
ACTS_EACH = 100
SECOND = MINUTE // 60
NOW = from_datetime(utc_now())
EXPECTED = (BookingRefused, IdempotencyMismatch, NotFound)


@pytest.fixture
async def parts(settings: Settings, server: Server) -> AsyncIterator[Parts]:
    """Open parts with a connection for each worker."""
    many = settings.model_copy(update={"database_pool_size": WORKERS})
    async with open_parts(many, server) as parts:
        yield parts


@pytest.fixture
def ledger(server: Server, business: Business) -> Iterator[Ledger]:
    """Check the books at the end, and that the server had nothing to complain of."""
    assert server.embedded is not None
    log = server.embedded.log_file
    before = len(log.read_text())
    ledger = Ledger.of(server.embedded, business.tenant_id)
    yield ledger
    assert log.read_text()[before:] == ""
    ledger.check()


@dataclass
class Mischief:
    """A worker that does one random thing after the other."""

    parts: Parts
    agents: list[Agent]
    random: Random
    now: int = NOW
    made: list[tuple[Agent, UUID]] = field(default_factory=list)
    held: list[tuple[Agent, UUID]] = field(default_factory=list)
    done: int = 0

    def __post_init__(self) -> None:
        self.desk = FrontDesk(self.parts)

    async def run(self) -> None:
        acts = [self.book] * 4 + [self.keyed] * 3 + [self.hold] * 3 + [self.cancel] * 2
        acts += [self.convert, self.release, self.hours, self.rest, self.clean]
        for _ in range(ACTS_EACH):
            self.now += self.random.randrange(3) * SECOND
            try:
                await self.random.choice(acts)()
                self.done += 1
            except EXPECTED:
                continue

    def place(self) -> Place:
        agent = self.random.choice(self.agents)
        minute = OPENING + 15 * self.random.randrange(24)
        return Place(agent, day_after(3), minute, self.random.choice((15, 30, 120)))

    async def book(self) -> None:
        place = self.place()
        booked = await self.desk.book(place, self.now)
        assert booked.appointment_id is not None
        self.made.append((place.agent, booked.appointment_id))

    async def keyed(self) -> None:
        await self.desk.book(self.place(), self.now, key=self.random.choice("abcdef"))

    async def hold(self) -> None:
        place = self.place()
        ttl = self.random.choice((1, 2, 300))
        hold = await self.desk.hold(place, self.now, ttl)
        self.held.append((place.agent, hold.hold_id))

    async def convert(self) -> None:
        if self.held:
            place = self.place()
            _, hold_id = self.held.pop()
            await self.desk.book(place, self.now, hold_id=hold_id)

    async def release(self) -> None:
        if self.held:
            await self.desk.release(*self.held.pop())

    async def cancel(self) -> None:
        if self.made:
            await self.desk.cancel(*self.made.pop(), self.now)

    async def hours(self) -> None:
        agent, notice = self.random.choice(self.agents), self.random.randrange(2)
        hours = EVERY_DAY | {"min_advance_booking_hours": notice}
        await self.parts.tenants.set_hours(agent, hours)

    async def rest(self) -> None:
        agent = self.random.choice(self.agents)
        await self.parts.tenants.update_agent(agent, is_active=False)
        await self.parts.tenants.update_agent(agent, is_active=True)

    async def clean(self) -> None:
        await Housekeeping(self.parts.database).clear(to_datetime(self.now))


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("seed", range(3))
async def test_mischief_never_deadlocks(
    parts: Parts, business: Business, seed: int
) -> None:
    agents = [business.agent]
    for name in ("Bob", "Cid"):
        agents.append(
            await parts.tenants.add_agent(business.tenant_id, name, "UTC", NOW)
        )
        await parts.tenants.set_hours(agents[-1], EVERY_DAY)
    workers = [
        Mischief(parts, agents, Random(f"{seed}/{number}"))  # noqa: S311 - no secret
        for number in range(WORKERS)
    ]
    async with asyncio.timeout(60):
        await asyncio.gather(*(worker.run() for worker in workers))
    assert sum(worker.done for worker in workers) > WORKERS * ACTS_EACH / 10


@pytest.mark.usefixtures("ledger")
async def test_housekeeping_and_a_booking_clear_the_same_holds(
    parts: Parts, business: Business
) -> None:
    """Both delete the expired holds of a day, each in an order of its own."""
    desk, later = FrontDesk(parts), NOW + 2 * SECOND
    housekeeping = Housekeeping(parts.database)
    for number in range(20):
        day = Place(business.agent, day_after(3 + number), OPENING, minutes=1)
        steps = list(range(0, 480, 8))
        Random(number).shuffle(steps)  # noqa: S311 - no secret
        for step in steps:
            await desk.hold(day.later(step), NOW, ttl=1)
        long = Place(business.agent, day.day, OPENING, minutes=480)
        cleared = [housekeeping.clear(to_datetime(later)) for _ in range(2)]
        await asyncio.gather(desk.book(long, later), *cleared)


@pytest.mark.usefixtures("ledger")
async def test_a_key_shared_by_many_agents_has_one_booking(
    parts: Parts, business: Business
) -> None:
    agents = [business.agent]
    for number in range(7):
        agents.append(
            await parts.tenants.add_agent(business.tenant_id, f"A{number}", "UTC", NOW)
        )
        await parts.tenants.set_hours(agents[-1], EVERY_DAY)
    desk = FrontDesk(parts)
    for number in range(20):
        day = day_after(3 + number)
        asked = [
            desk.book(Place(agent, day, OPENING), NOW, key=f"key {number}")
            for agent in agents * 3
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        booked = [each for each in answers if not isinstance(each, BaseException)]
        refused = [each for each in answers if isinstance(each, BaseException)]
        assert len(booked) == 3  # the winner and its two twins
        assert len({each.answer.body for each in booked}) == 1
        assert {type(each) for each in refused} == {IdempotencyMismatch}


async def test_abandoned_bookings_leave_nothing_behind(
    parts: Parts, server: Server, business: Business
) -> None:
    """Whoever is cancelled at any point of a booking holds neither lock nor time."""
    desk = FrontDesk(parts)
    place = Place(business.agent, day_after(3), OPENING, minutes=15)
    random = Random(7)  # noqa: S311 - no secret
    for number in range(8):
        tasks = [
            asyncio.create_task(desk.book(place.later(15 * (number * 3 + k)), NOW))
            for k in range(3)
            for _ in range(WORKERS // 3)
        ]
        await asyncio.wait(tasks, timeout=random.random() / 50)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10):
        await desk.book(place.later(15 * 30), NOW)
    assert server.embedded is not None
    Ledger.of(server.embedded, business.tenant_id).check()
