"""kill -9 of whoever makes, changes, cancels or reads jobs, at both platforms at once.

Every client asks again until it is answered. In the end clients, database and platform
tell the same of every job: nothing is lost, nothing is there twice.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import httpx2
import pytest

from tests.harness.crowd import clients
from tests.harness.island import Island
from tests.harness.machines.dispatcher import JOBS_OF_ONE, Dispatcher, Job
from tests.harness.machines.ground import Ground, open_ground
from tests.harness.machines.ledger import Ledger
from tests.harness.machines.town import Serving, Working
from tests.harness.outside.housecallpro_company import housecallpro
from tests.harness.outside.jobber_company import jobber
from tests.harness.outside.platforms import Platform, VisitThere
from tests.harness.scenes.visited import Visited, open_visited
from tests.harness.waiting import until
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import DAY
from universal_calendar.core.interval import Interval, merge

ROUNDS = 2
DESKS = 3
RECOVERED_SECONDS = 120.0
_POLLING = {"POLL_SECONDS": "5", "PUSH_POLL_SECONDS": "5"}
_DAYS = 90

_log = logging.getLogger(__name__)


@pytest.fixture
def platforms() -> Iterator[Sequence[Platform]]:
    with ExitStack() as stack:
        yield [stack.enter_context(each()) for each in (jobber, housecallpro)]


@pytest.fixture
async def ground(place: Island, platforms: Sequence[Platform]) -> AsyncIterator[Ground]:
    settings = dict(_POLLING)
    for each in platforms:
        settings |= each.settings
    async with open_ground(place, **settings) as ground:
        yield ground


@pytest.fixture
async def businesses(
    ground: Ground, platforms: Sequence[Platform]
) -> AsyncIterator[Sequence[Visited]]:
    """Open a business at each platform, let in by tokens that expire, and a key."""
    async with open_outside(ground.parts.settings) as outside:
        for each in platforms:
            each.begin(0)
        yield [await open_visited(ground.parts, outside, each) for each in platforms]


@dataclass
class Mortals:
    """A service and a worker, which die together."""

    ground: Ground
    businesses: Sequence[Visited]
    service: Serving
    worker: Working
    chance: random.Random
    interrupted: Counter[str] = field(default_factory=Counter)
    """How many writings and readings the dead left."""

    async def strike_writers(self) -> None:
        """Kill one at any moment, then the other."""
        victims = [self.service.process.kill, self.worker.process.kill]
        self.chance.shuffle(victims)
        for kill in victims:
            await asyncio.sleep(self.chance.uniform(0.2, 1.2))
            await asyncio.to_thread(kill)
        await self.rise()

    async def strike_readers(self) -> None:
        """Kill the worker in the middle of reading a schedule, then the service."""
        await asyncio.sleep(self.chance.uniform(0.2, 1.2))
        await until(self.is_reading, RECOVERED_SECONDS)
        for victim in (self.worker, self.service):
            await asyncio.to_thread(victim.process.kill)
        await self.rise()

    async def is_reading(self) -> bool:
        """Tell whether anybody reads a schedule."""
        reading = [await each.is_being_read() for each in self.businesses]
        return any(reading)

    async def rise(self) -> None:
        """Start both again, once the platforms are done with the dead."""
        for each in self.businesses:
            await until(each.platform.is_resting)
            for table in ("links", "calendars"):
                leased = f"SELECT FROM {table} WHERE leased_until > now()"
                self.interrupted[table] += len(await each.rows(leased))
        self.ground.bury()
        rising = (self.service.crash, self.worker.crash)
        await asyncio.gather(*map(asyncio.to_thread, rising))


@contextmanager
def living(ground: Ground, businesses: Sequence[Visited]) -> Iterator[Mortals]:
    """Run a service and a worker for a block; in the end they stop as they should."""
    service = Serving(ground.place.home, **ground.environment)
    worker = Working(ground.folder, dict(ground.environment))
    chance = random.Random(5)  # noqa: S311 - when to strike
    mortals = Mortals(ground, businesses, service, worker, chance)
    try:
        yield mortals
        worker.stop()
        service.stop()
    finally:
        for each in (worker, service):
            each.process.kill()


async def repeated(
    act: Callable[[], Awaitable[object]], pause: float, closed: asyncio.Event
) -> None:
    """Act again and again until it closes; what was begun is finished."""
    while not closed.is_set():
        await act()
        await asyncio.sleep(pause)


class Story:
    """A business with a dispatcher, and a platform with its owner."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher, self.visited = dispatcher, dispatcher.visited
        self.platform, self.name, self._edits = self.visited.platform, "", 0
        self.followed: list[Job] = []
        """Those of the customer whom the owner calls something else."""

    async def begin(self) -> None:
        self.followed = [await self.dispatcher.create() for _ in range(JOBS_OF_ONE)]
        await until(self.is_written, RECOVERED_SECONDS)

    async def is_written(self) -> bool:
        """Tell whether no job is still to be written."""
        return not await self.visited.rows("SELECT FROM links WHERE status = 'pending'")

    async def edit(self) -> None:
        """Have the owner call the customer something else."""
        self._edits += 1
        self.name = f"Jane Number{self._edits}"
        ids = {each.appointment_id for each in self.followed}
        (customer_id,) = {
            each.customer_id
            for each in await self.visits()
            if each.appointment_id in ids
        }
        email = self.followed[0].customer["email"]
        edit = self.platform.edits_customer
        await asyncio.to_thread(edit, customer_id, self.name, email)

    async def visits(self) -> Sequence[VisitThere]:
        """Return what is on the schedule there."""
        return await asyncio.to_thread(self.platform.visits)

    async def refill(self) -> None:
        """Let more be asked of the account than may be."""
        await self.visited.rows("DELETE FROM rate_limits")

    async def live(self, dying: Callable[[], Awaitable[None]]) -> None:
        """Go on, here and there, while others die; then finish what was begun."""
        closed, dispatcher = asyncio.Event(), self.dispatcher
        beside = {
            self.edit: 0.7,
            dispatcher.owner_adds: 0.4,
            dispatcher.deliver: 0.1,
            self.refill: 0.1,
        }
        async with asyncio.TaskGroup() as group:
            group.create_task(dispatcher.serve_until(closed, DESKS))
            for act, pause in beside.items():
                group.create_task(repeated(act, pause, closed))
            await dying()
            closed.set()
        await dispatcher.deliver()

    # In the end

    async def settle(self) -> None:
        """Wait until all that is due was done, and what the owner did was followed."""
        try:
            await until(self.is_aged, RECOVERED_SECONDS)
        except TimeoutError:
            raise AssertionError(f"never at rest: {await self.unrest()}") from None
        asked_at = utc_now()
        await self.visited.want()
        await self.visited.rows(
            "UPDATE due_work SET due_at = now() WHERE kind = 'customer'"
        )
        await until(partial(self.is_settled, asked_at), RECOVERED_SECONDS)

    async def unrest(self) -> Sequence[object]:
        """Return what is still to be written, and how its connection is."""
        return await self.visited.rows(
            "SELECT to_jsonb(l), n.status, n.next_try_at, n.last_error, now()"
            " FROM links l JOIN calendars USING (tenant_id, calendar_id)"
            " JOIN connections n USING (tenant_id, connection_id)"
            " WHERE l.status = 'pending' OR l.leased_until > now()"
        )

    async def is_aged(self) -> bool:
        await self.refill()
        return await self.visited.ages_what_is_written()

    async def is_settled(self, asked_at: datetime) -> bool:
        """Tell whether nothing is due, and the schedule was read since."""
        await self.refill()
        due = await self.visited.rows(
            "SELECT FROM due_work WHERE kind NOT IN ('sync', 'reminder')"
        )
        row = await self.visited.calendar()
        is_read = datetime.fromisoformat(row["read_at"]) > asked_at
        return not due and is_read and row["leased_until"] is None

    async def check(self, ground: Ground) -> None:
        """Assert that everybody tells the same."""
        visits = await self.visits()
        for each in self.dispatcher.jobs:
            await self.check_job(each, visits)
        self.check_others(visits)
        for made in (self.platform.refs(), self.platform.customers().values()):
            assert all(times == 1 for times in Counter(made).values()), made
        await self.check_list(visits)
        await self.check_agendas(visits)
        Ledger.of(ground.place.server, self.visited.tenant_id).check()
        for job in self.followed:
            assert (
                await self.visited.appointment(job.appointment_id)
            ).person.name == self.name

    async def check_job(self, job: Job, visits: Sequence[VisitThere]) -> None:
        """Assert that it is an appointment and a visit as was promised last."""
        found = await self.visited.appointment(job.appointment_id)
        link = await self.visited.link(job.appointment_id)
        there = [each for each in visits if each.appointment_id == job.appointment_id]
        seen = job, found, link, there
        assert (found.status == "cancelled") is job.is_cancelled, seen
        assert link["status"] == "synced", seen
        if job.is_cancelled:
            assert not there, seen
            return
        assert found.interval == job.interval, seen
        assert found.agent_id == job.agent.agent_id, seen
        (visit,) = there
        assert visit.interval == job.interval, seen
        assert visit.technicians == tuple(
            each
            for each in self.visited.team
            if self.visited.works_as[each] == job.agent.agent_id
        ), seen

    def check_others(self, visits: Sequence[VisitThere]) -> None:
        """Assert that we made nothing that we do not know, and harmed nothing."""
        known = {each.appointment_id for each in self.dispatcher.jobs}
        assert {each.appointment_id for each in visits} <= {*known, None}
        foreign = {each.event_id for each in visits if each.ref is None}
        assert foreign == set(self.dispatcher.others)

    async def check_list(self, visits: Sequence[VisitThere]) -> None:
        """Assert that every visit is listed, once."""
        listed = await self.dispatcher.listed(0, _DAYS)
        standing = [
            (each["visitId"], each["appointmentId"])
            for each in listed
            if each["status"] != "cancelled"
        ]
        there = [
            (each.event_id, each.appointment_id and str(each.appointment_id))
            for each in visits
        ]
        assert Counter(standing) == Counter(there)

    async def check_agendas(self, visits: Sequence[VisitThere]) -> None:
        """Assert that visits of others take their technicians' agents' time alone."""
        window = Interval(self.visited.now, self.visited.now + _DAYS * DAY)
        for agent in self.visited.agents:
            expected = merge(
                each.interval
                for each in visits
                if each.ref is None
                and agent.agent_id
                in {self.visited.works_as[who] for who in each.technicians or ("",)}
            )
            assert await self.visited.taken(agent, window) == expected


async def test_everybody_is_killed(
    ground: Ground, businesses: Sequence[Visited]
) -> None:
    async with clients(20) as http:
        with living(ground, businesses) as mortals:
            stories = [story(http, mortals.service.url, each) for each in businesses]

            async def dying() -> None:
                for _ in range(ROUNDS):
                    await mortals.strike_writers()
                    await mortals.strike_readers()

            for each in stories:
                await each.begin()
            killed = asyncio.ensure_future(dying())
            await asyncio.gather(*(each.live(lambda: killed) for each in stories))
            for each in stories:
                _log.info("%s: %s", each.platform.slug, each.dispatcher.statuses)
            _log.info("interrupted: %s", mortals.interrupted)
            assert mortals.interrupted["links"]
            assert mortals.interrupted["calendars"]
            for each in stories:
                await each.settle()
                await each.check(ground)


def story(http: httpx2.AsyncClient, url: str, visited: Visited) -> Story:
    chance = random.Random(visited.platform.slug)  # noqa: S311 - what to do next
    return Story(Dispatcher(http, url, visited, chance))
