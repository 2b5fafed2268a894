"""A business at a service that works through what is due, beside both platforms."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from conftest import settings_for
from tests.harness.running import SERVICE_KEY, RunningService, running_service
from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.providers.housecallpro.server import (
    FakeHousecallPro,
    running_housecallpro,
)
from tests.providers.jobber.server import JobberServer, running_jobber
from tests.web.api import Api, wait_for
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.jobs.platforms import Hand, HousecallProHand, JobberHand
from tests.web.tenant_api.wishes import data
from universal_calendar.bootstrap.parts import Parts, Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

JOHN = {
    "name": "John Smith",
    "phone": "+12125551234",
    "email": "john@example.com",
    "address": "123 Main St, Los Angeles, CA 90210",
}
HOURS = {**EVERY_DAY, "max_advance_booking_days": 365}


@pytest.fixture(scope="module")
def days() -> Iterator[int]:
    """Return days ahead, one after the other."""
    return count(3)


@pytest.fixture(scope="module")
def housecallpro() -> Iterator[FakeHousecallPro]:
    """Run a Housecall Pro for the module."""
    with running_housecallpro() as house:
        yield house


@pytest.fixture(scope="module")
def jobber() -> Iterator[JobberServer]:
    """Run a Jobber for the module."""
    with running_jobber() as server:
        yield server


@pytest.fixture(scope="module")
def working(
    own_home: Path,
    own_server: Server,
    housecallpro: FakeHousecallPro,
    jobber: JobberServer,
) -> Iterator[RunningService]:
    """Run a service that knows both platforms, with a worker in it."""
    settings = {
        **housecallpro.environment,
        **jobber.settings,
        "RUN_WORKER": "true",
        "HOUSECALLPRO_RATE_LIMIT": "100000",
        "JOBBER_RATE_LIMIT": "100000",
        "CONNECTION_RATE_LIMIT": "100000",
        "PUBLIC_BASE_URL": "https://calendar.example.com",
    }
    with running_service(own_home, **settings) as service:
        yield service


@pytest.fixture
async def office_parts(own_home: Path, own_server: Server) -> AsyncIterator[Parts]:
    """Open the parts of that service."""
    async with open_parts(settings_for(own_home), own_server) as parts:
        yield parts


@pytest.fixture(params=["jobber", "housecallpro"])
def hand(
    request: pytest.FixtureRequest,
    housecallpro: FakeHousecallPro,
    jobber: JobberServer,
) -> Hand:
    """Return one platform after the other."""
    if request.param == "jobber":
        return JobberHand(jobber)
    return HousecallProHand(housecallpro)


@dataclass(frozen=True)
class Office:
    """A business of the test's own, on a day of its own, at one platform.

    Its first agent is Ann, who gets the visits of nobody.
    """

    parts: Parts
    business: Business
    desk: Desk
    hand: Hand
    day: int

    @property
    def integrations(self) -> str:
        """Return the platform's path."""
        return f"/integrations/{self.hand.slug}"

    @property
    def jobs(self) -> str:
        """Return the path of its jobs."""
        return f"{self.integrations}/jobs"

    @property
    def agents(self) -> Api:
        """Return the agent API."""
        desk = self.desk
        return Api(desk.http, desk.url, self.business.api_key, self.business.agent_id)

    def at(self, hour: int, minute: int = 0) -> str:
        """Return a time of the test's day."""
        return tomorrow_at(hour, minute, days=self.day)

    def span(self, start: int, end: int) -> dict[str, str]:
        """Return two hours of the test's day."""
        return {"startTime": self.at(start), "endTime": self.at(end)}

    async def hire(self, name: str) -> str:
        """Add an agent; return their id."""
        now, tenant_id = from_datetime(utc_now()), self.business.tenant_id
        agent = await self.parts.tenants.add_agent(tenant_id, name, "UTC", now)
        await self.parts.tenants.set_hours(agent, HOURS)
        return str(agent.agent_id)

    def connect(self) -> dict[str, Any]:
        """Connect the account."""
        answer = self.desk.post(f"{self.integrations}/connect", self.hand.keys)
        return data(answer)

    def disconnect(self) -> None:
        """Disconnect every account."""
        status = data(self.desk.get(f"/calendar/status/{self.desk.tenant_id}"))
        for each in status["connections"]:
            path = f"/calendar/connections/{each['connectionId']}"
            assert self.desk.delete(path).status_code == 200

    def job(self, start: int = 10, end: int = 11, **more: Any) -> dict[str, Any]:
        """Return a wish for a job; `more` are fields beside its data."""
        wanted = {
            "title": "Kitchen sink",
            "description": "It leaks",
            **self.span(start, end),
            "customer": JOHN,
            "jobType": "plumbing",
            "estimatedValue": 350.0,
            "notes": "Ring twice",
            **more.pop("data", {}),
        }
        return {"jobData": wanted, **more}

    def create(self, start: int = 10, end: int = 11, **more: Any) -> dict[str, Any]:
        """Create a job; return the answer."""
        headers = more.pop("headers", {})
        body = self.job(start, end, **more)
        return data(self.desk.post(self.jobs, body, headers=headers))

    def listed(self, **more: Any) -> list[dict[str, Any]]:
        """Return the jobs of the test's day."""
        day = self.at(0)[:10]
        query = {"startDate": day, "endDate": day, **more}
        return list(data(self.desk.get(self.jobs, **query))["jobs"])

    def technicians(self) -> dict[str, dict[str, Any]]:
        """Return the technicians by id."""
        found = data(self.desk.get(f"{self.integrations}/technicians"))
        return {each["id"]: each for each in found["technicians"]}

    def sync(self) -> None:
        """Have the schedule read, and wait until it was."""
        started = data(self.desk.post("/sync/trigger", {"syncType": "full"}))
        path = f"/sync/status/{started['syncId']}"
        wait_for("a sync", lambda: data(self.desk.get(path))["status"] == "completed")


Open = Callable[[], Awaitable[Office]]


@pytest.fixture
async def open_office(
    office_parts: Parts,
    working: RunningService,
    http: httpx2.Client,
    hand: Hand,
    days: Iterator[int],
) -> AsyncIterator[Open]:
    """Return what opens businesses, connected to nothing yet."""
    opened: list[Office] = []

    async def opening() -> Office:
        business = await open_business(office_parts, hours=HOURS)
        desk = Desk(
            http,
            working.url,
            str(business.tenant_id),
            business.agent_id,
            business.api_key,
            {"X-Service-Key": SERVICE_KEY},
        )
        opened.append(Office(office_parts, business, desk, hand, next(days)))
        return opened[-1]

    yield opening
    for each in opened:
        each.disconnect()


@pytest.fixture
async def office(open_office: Open) -> Office:
    """Return a business of the test's own."""
    return await open_office()


@pytest.fixture
async def stranger(open_office: Open) -> Office:
    """Return another business."""
    return await open_office()
