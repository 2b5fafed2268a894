"""A dispatcher has jobs made, changed and cancelled, and remembers what was promised.

It asks again until it is answered, whatever happens to the service; so in the end it
knows every job as it must be, here and on the platform.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from uuid import UUID

import httpx2

from tests.harness.machines.clerk import Reply, ask
from tests.harness.outside.platforms import VisitThere
from tests.harness.running import SERVICE_KEY
from tests.harness.scenes.visited import Visited
from universal_calendar.core.instant import DAY, HOUR, MINUTE, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.tenants import Agent

Json = dict[str, Any]

MOVE, REASSIGN, CANCEL = "move", "reassign", "cancel"
OWNER_MOVES, OWNER_DELETES = "owner moves", "owner deletes"
LIVES: Final = (
    (MOVE,),
    (CANCEL,),
    (OWNER_MOVES,),
    (REASSIGN, MOVE),
    (),
    (MOVE, CANCEL),
    (OWNER_DELETES,),
    (REASSIGN,),
)
"""What becomes of jobs once they were created, one after the other."""
JOBS_OF_ONE: Final = 3
"""So many jobs, one after the other, are for the same customer."""

_A_DAY: Final = 16
_OPENING: Final = 9 * HOUR
_LENGTH: Final = 30 * MINUTE
_PATIENCE_SECONDS: Final = 60.0
_SERVICE: Final = {"X-Service-Key": SERVICE_KEY}


@dataclass
class Job:
    """A job as it was promised."""

    appointment_id: UUID
    customer: Json
    agent: Agent
    interval: Interval
    job_id: str | None
    is_synced: bool
    is_cancelled: bool = False


@dataclass
class Dispatcher:
    """Serves one business at its platform; `url` finds the service."""

    http: httpx2.AsyncClient
    url: str
    visited: Visited
    chance: random.Random
    jobs: list[Job] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Visits that the platform's owner made."""
    replies: list[Reply] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _places: Iterator[int] = field(default_factory=count)

    async def serve_until(self, closed: asyncio.Event, desks: int) -> None:
        """Serve jobs at so many desks at once, until it closes."""

        async def desk(number: int) -> None:
            while not closed.is_set():
                await self.live(LIVES[number % len(LIVES)])
                number += 1

        async with asyncio.TaskGroup() as group:
            for number in range(desks):
                group.create_task(desk(number * 3))

    async def live(self, life: Sequence[str]) -> None:
        """Serve a new job through its life."""
        job = await self.create()
        steps: Mapping[str, Callable[[Job], Any]] = {
            MOVE: self.move,
            REASSIGN: self.reassign,
            CANCEL: self.cancel,
            OWNER_MOVES: self.owner_moves,
            OWNER_DELETES: self.owner_deletes,
        }
        for step in life:
            await asyncio.sleep(self.chance.uniform(0, 0.1))
            await steps[step](job)

    def free_time(self) -> Interval:
        """Return half an hour that nobody else wants."""
        day, place = divmod(next(self._places), _A_DAY)
        start = (self.visited.now // DAY + 3 + day) * DAY + _OPENING + place * _LENGTH
        return Interval(start, start + _LENGTH)

    # Here

    async def create(self) -> Job:
        """Have a job made."""
        number = next(self._numbers)
        key, customer, interval = f"job-{number}", _customer(number), self.free_time()
        agent = self.chance.choice(self.visited.agents)
        wish = {"title": "Leak", "customer": customer, **_times(interval)}
        data = await self._insist(
            "POST",
            self._path("jobs"),
            {"jobData": wish, **self._whose(agent)},
            {"Idempotency-Key": key},
        )
        is_synced = data["syncStatus"] == "synced"
        assert is_synced == data["created"], data
        appointment_id = UUID(data["appointmentId"])
        job = Job(appointment_id, customer, agent, interval, data["jobId"], is_synced)
        self.jobs.append(job)
        return job

    def _whose(self, agent: Agent) -> Json:
        """Name an agent, by the technician that they are as often as not."""
        as_technician = [
            each
            for each in self.visited.team
            if self.visited.works_as[each] == agent.agent_id
        ]
        if as_technician and self.chance.random() < 0.5:
            return {"technicianId": as_technician[0]}
        return {"agentId": str(agent.agent_id)}

    async def move(self, job: Job) -> None:
        """Move a job."""
        job.interval = self.free_time()
        await self._change(job, _times(job.interval), {})

    async def reassign(self, job: Job) -> None:
        """Give a job to somebody, be it whose it is."""
        job.agent = self.chance.choice(self.visited.agents)
        await self._change(job, {}, {"agentId": str(job.agent.agent_id)})

    async def _change(self, job: Job, data: Json, more: Json) -> None:
        if job.job_id is None:
            path, body = (
                f"/appointments/{job.appointment_id}",
                {"appointmentData": data},
            )
        else:
            path, body = self._path(f"jobs/{job.job_id}"), {"jobData": data}
        answered = await self._insist("PUT", path, {**body, **more})
        job.is_synced = answered.get("syncStatus") == "synced"

    async def cancel(self, job: Job) -> None:
        """Cancel a job."""
        reason = {"reason": "rescheduling"}
        answered = await self._insist("DELETE", self._path_of(job), reason)
        assert answered["cancelled"], answered
        job.is_cancelled = True

    async def listed(self, first: int, last: int) -> list[Json]:
        """Return what is listed of so many days from now, page by page."""
        found: list[Json] = []
        days = [
            instant_text(self.visited.now + day * DAY)[:10] for day in (first, last)
        ]
        query = {"startDate": days[0], "endDate": days[1], "limit": 100}
        for number in count(1):
            params = {**query, "page": number, "tenantId": str(self.visited.tenant_id)}
            url = self.url + self._path("jobs")
            reply = await self._until_answered("GET", url, _SERVICE, params=params)
            assert reply.status == 200, reply
            found += reply.data["jobs"]
            if len(found) >= reply.data["pagination"]["total"]:
                break
        return found

    # There: only where nothing of ours is under way, for that would win.

    async def owner_moves(self, job: Job) -> None:
        """Have the platform's owner move a job."""
        if job.is_synced:
            visit = await self._visit(job)
            job.interval = self.free_time()
            platform = self.visited.platform
            await asyncio.to_thread(platform.moves, visit.event_id, job.interval)

    async def owner_deletes(self, job: Job) -> None:
        """Have the platform's owner delete a job."""
        if job.is_synced:
            visit = await self._visit(job)
            job.is_cancelled = True
            await asyncio.to_thread(self.visited.platform.deletes, visit.event_id)

    async def _visit(self, job: Job) -> VisitThere:
        visits = await asyncio.to_thread(self.visited.platform.visits)
        (found,) = [
            each for each in visits if each.appointment_id == job.appointment_id
        ]
        return found

    async def owner_adds(self) -> None:
        """Have the platform's owner add a job for anybody there, or for nobody."""
        crew = self.chance.choice([[], *([each] for each in self.visited.team)])
        platform = self.visited.platform
        self.others.append(
            await asyncio.to_thread(platform.adds, self.free_time(), *crew)
        )

    async def deliver(self) -> None:
        """Have all that the platform's webhook tells taken in."""
        for each in await asyncio.to_thread(self.visited.platform.told):
            url = f"{self.url}/webhooks/{self.visited.platform.slug}"
            headers = dict(each.headers)
            reply = await self._until_answered(
                "POST", url, headers, content=each.content
            )
            assert reply.status in (200, 202, 204), reply

    # Both

    def _path_of(self, job: Job) -> str:
        """Return where a job is changed: before it has an id there, as appointment."""
        if job.job_id is None:
            return f"/appointments/{job.appointment_id}"
        return self._path(f"jobs/{job.job_id}")

    def _path(self, rest: str) -> str:
        return f"/integrations/{self.visited.platform.slug}/{rest}"

    async def _insist(
        self, method: str, path: str, body: Json, headers: Json | None = None
    ) -> Json:
        body = {"tenantId": str(self.visited.tenant_id), **body}
        headers = {**_SERVICE, **(headers or {})}
        reply = await self._until_answered(method, self.url + path, headers, json=body)
        assert reply.status == 200, (method, path, body, reply)
        return reply.data

    async def _until_answered(
        self, method: str, url: str, headers: Json, **parts: Any
    ) -> Reply:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            reply = await ask(self.http, method, url, headers, **parts)
            self.replies.append(reply)
            if reply.status not in (None, 503):
                return reply
            assert time.monotonic() < deadline, f"never answered: {reply}"
            await asyncio.sleep(0.1)

    @property
    def statuses(self) -> Counter[int | None]:
        """Count the replies by status."""
        return Counter(reply.status for reply in self.replies)


def _customer(number: int) -> Json:
    who = number // JOBS_OF_ONE
    return {
        "name": f"Jane Doe{who}",
        "phone": f"+1212555{who:04}",
        "email": f"jane{who}@example.com",
        "address": f"{who} Elm St, Austin, TX 78701",
    }


def _times(interval: Interval) -> Json:
    return {
        "startTime": instant_text(interval.start),
        "endTime": instant_text(interval.end),
    }
